package io.lampyris.client;

import java.lang.foreign.MemorySegment;

/**
 * One read or write of a file range: a pooled object that its owner fills, gives to {@link
 * DataPath#submit} and gets back in {@link #onComplete}. Owner: reactor.
 */
public abstract class FileIo {
  /** Fail with {@link io.lampyris.protocol.Status#HOLE} instead of reading zeros. */
  public static final int FORBID_HOLES = 1;

  public boolean write;
  public OpenInode inode = OpenInode.NONE;
  public long fileOffset;
  public int lengthBytes;

  /** Memory to fill or to take from; need not be aligned, but is moved without a copy if it is. */
  public MemorySegment memory = MemorySegment.NULL;

  public long memoryOffset;
  public int flags;

  /**
   * The operation is done.
   *
   * @param result bytes read (short only at the end of the file; 0 past it) or written (all), or a
   *     {@link io.lampyris.protocol.Status} code
   */
  protected abstract void onComplete(long result);
}
