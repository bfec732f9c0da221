package io.lampyris.client;

import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import java.lang.foreign.MemorySegment;

/**
 * One read or write of a file range: a pooled object that its owner fills, gives to {@link
 * DataPath#submit} and gets back in {@link #onComplete}. Owner: reactor.
 *
 * <p>How the answers of a read's chunks become bytes (the range is clamped to the file's length
 * first, so what a chunk does not have is a hole):
 *
 * <pre>
 *   chunk answers          FORBID_HOLES off      FORBID_HOLES on
 *   all bytes              the bytes             the bytes
 *   fewer bytes            bytes, then zeros     HOLE
 *   CHUNK_NOT_FOUND        zeros                 HOLE
 *   another failure        the failure           the failure
 * </pre>
 */
public abstract class FileIo extends Operation {
  /** Fail with {@link io.lampyris.protocol.Status#HOLE} instead of reading zeros. */
  public static final int FORBID_HOLES = 1;

  private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[64 << 10]);

  public boolean write;
  public OpenInode inode = OpenInode.NONE;
  public long fileOffset;
  public int lengthBytes;

  /** Memory to fill or to take from; need not be aligned, but is moved without a copy if it is. */
  public MemorySegment memory = MemorySegment.NULL;

  public long memoryOffset;

  /**
   * Others can shrink the memory, or change what is in it, while the operation runs ({@link
   * ShrinkableMemory}).
   */
  public boolean shrinkable;

  public int flags;

  // Progress, the data path's own.
  private int effectiveBytes;
  private int preparedBytes;
  private int pieceMaxBytes;
  private long failure;
  private ClientCounters counters = ClientCounters.NONE;

  /** The write buffer has been flushed for this operation; once is enough. */
  boolean flushed;

  /**
   * The operation is done.
   *
   * @param result bytes read (short only at the end of the file; 0 past it) or written (all), or a
   *     {@link io.lampyris.protocol.Status} code
   */
  protected abstract void onComplete(long result);

  /** Whether it moves the write buffer's own data, which may not wait for that buffer. */
  boolean isInternal() {
    return false;
  }

  /** Checks and clamps; what is refused here has no pieces and finishes at once. */
  final void begin(ClientCounters counters, int pieceMaxBytes) {
    this.counters = counters;
    this.pieceMaxBytes =
        write && shrinkable
            ? Math.min(pieceMaxBytes, DataPathOptions.CHECKED_MAX_BYTES)
            : pieceMaxBytes;
    flushed = false;
    preparedBytes = 0;
    effectiveBytes = 0;
    failure = check();
    if (failure == 0) {
      effectiveBytes = write ? lengthBytes : clampToLength();
    }
  }

  private long check() {
    FileLayout layout = inode.layout();
    if (fileOffset < 0 || lengthBytes < 0 || layout.chunkSizeBytes() == 0) {
      return Status.INVALID_ARGUMENT.code();
    }
    if (write && fileOffset > layout.lengthMaxBytes() - lengthBytes) {
      return Status.FILE_TOO_LARGE.code();
    }
    return 0;
  }

  private int clampToLength() {
    return Math.clamp(inode.lengthBytes() - fileOffset, 0, lengthBytes);
  }

  @Override
  final boolean hasMore() {
    return preparedBytes < effectiveBytes && failure == 0;
  }

  @Override
  final FileLayout layout() {
    return inode.layout();
  }

  @Override
  final long nextChunkIndex() {
    return inode.layout().chunkIndexAt(fileOffset + preparedBytes);
  }

  @Override
  final boolean isRead() {
    return !write;
  }

  @Override
  final void prepare(ChunkCall call) {
    FileLayout layout = inode.layout();
    long at = fileOffset + preparedBytes;
    int inChunk = layout.offsetInChunk(at);
    int inPiece = Math.min(layout.chunkSizeBytes() - inChunk, pieceMaxBytes);
    int length = Math.min(effectiveBytes - preparedBytes, inPiece);
    call.describe(
        write ? ChunkCall.Kind.WRITE : ChunkCall.Kind.READ,
        inode.inode(),
        layout,
        layout.chunkIndexAt(at));
    call.chunkOffset = inChunk;
    call.lengthBytes = length;
    call.payload(memory, memoryOffset + preparedBytes, length);
    call.payloadIsRoom = !write;
    call.shrinkable = shrinkable;
    preparedBytes += length;
    assert length > 0 : "a piece has bytes";
  }

  @Override
  final void fold(ChunkCall call, long result) {
    if (write) {
      failure = failure != 0 ? failure : Math.min(result, 0);
    } else {
      foldRead(call, result);
    }
  }

  private void foldRead(ChunkCall call, long result) {
    long present = result == Status.CHUNK_NOT_FOUND.code() ? 0 : result;
    if (present < 0) {
      // A real failure says more than a hole does.
      failure = failure == 0 || failure == Status.HOLE.code() ? present : failure;
      return;
    }
    assert present <= call.payloadLength : "a chunk answers no more than was asked";
    if (present == call.payloadLength) {
      return;
    }
    if ((flags & FORBID_HOLES) != 0) {
      failure = failure == 0 ? Status.HOLE.code() : failure;
    } else if (!zero(call.payloadOffset + present, call.payloadLength - present)) {
      failure = failure == 0 ? Status.MEMORY_FAULT.code() : failure;
    }
  }

  private boolean zero(long from, long count) {
    boolean there = true;
    for (long done = 0; done < count && there; done += ZEROS.byteSize()) {
      long part = Math.min(ZEROS.byteSize(), count - done);
      there = ShrinkableMemory.copy(ZEROS, 0, memory, from + done, part);
    }
    return there;
  }

  @Override
  final void finish() {
    long result = failure != 0 ? failure : write ? finishWrite() : finishRead();
    count(result);
    onComplete(result);
  }

  private long finishWrite() {
    if (effectiveBytes > 0) {
      inode.written(fileOffset + effectiveBytes, isInternal());
    }
    return effectiveBytes;
  }

  /** A file that was cut meanwhile ends earlier; its chunks may be gone already. */
  private long finishRead() {
    return Math.min(effectiveBytes, clampToLength());
  }

  private void count(long result) {
    if (result < 0) {
      counters.failedOperations.increment();
    } else if (write) {
      counters.writeOperations.increment();
      counters.writeBytes.add(result);
    } else {
      counters.readOperations.increment();
      counters.readBytes.add(result);
    }
  }
}
