package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.LongConsumer;
import org.jspecify.annotations.Nullable;

/**
 * What this client knows of an inode that it holds open; one per inode, shared by all its handles
 * and rings. Any thread.
 */
public final class OpenInode {
  /** A place holder in pooled objects. */
  public static final OpenInode NONE = new OpenInode(0, FileLayout.NONE, 0, 0);

  /** Buffered writes of an inode, which others' I/O has to wait for. Any thread. */
  interface WriteBack {
    /** Whether there are bytes that storage has not acknowledged. */
    boolean isDirty();

    /** Sends them, and then has {@code io} submitted again on its reactor; never blocks. */
    void flushBefore(FileIo io);
  }

  private final long inode;
  private final FileLayout layout;
  private final AtomicLong lengthBytes;
  private final AtomicInteger generation = new AtomicInteger();
  private final LongConsumer listener;
  private volatile long truncateVersion;
  private volatile boolean modified;
  private volatile @Nullable WriteBack writeBack;

  OpenInode(long inode, FileLayout layout, long lengthBytes, long truncateVersion) {
    this(inode, layout, lengthBytes, truncateVersion, changed -> {});
  }

  /**
   * @param listener hears the number of the inode after every change, before whoever changed it
   */
  OpenInode(
      long inode,
      FileLayout layout,
      long lengthBytes,
      long truncateVersion,
      LongConsumer listener) {
    this.inode = inode;
    this.listener = listener;
    this.layout = layout;
    this.lengthBytes = new AtomicLong(lengthBytes);
    this.truncateVersion = truncateVersion;
  }

  public long inode() {
    return inode;
  }

  public FileLayout layout() {
    return layout;
  }

  /** The length as this client sees it: metadata's, and what storage has acknowledged since. */
  public long lengthBytes() {
    return lengthBytes.get();
  }

  public long truncateVersion() {
    return truncateVersion;
  }

  /** Rises whenever bytes or length change, so that what was read ahead is known to be old. */
  int generation() {
    return generation.get();
  }

  /** Bytes or length are others now; of itself, when without a write of this client. */
  void changed() {
    generation.incrementAndGet();
    listener.accept(inode);
  }

  /** Bytes up to {@code end} have been written by another client, as metadata says. */
  void extendTo(long end) {
    if (lengthBytes.getAndAccumulate(end, Math::max) < end) {
      changed();
    }
  }

  /**
   * Storage has acknowledged bytes up to {@code end}.
   *
   * @param internal whether whoever wrote them accounts for the modification time itself
   */
  void written(long end, boolean internal) {
    if (lengthBytes.get() < end) {
      lengthBytes.accumulateAndGet(end, Math::max);
    }
    if (!internal) {
      modified = true;
    }
    changed();
  }

  /** The file was truncated, to a smaller or larger length. */
  void truncated(long newLengthBytes, long newTruncateVersion) {
    lengthBytes.set(newLengthBytes);
    truncateVersion = newTruncateVersion;
    changed();
  }

  /** Whether rings wrote since {@link #clearModified}. */
  boolean isModified() {
    return modified;
  }

  void clearModified() {
    modified = false;
  }

  void writeBack(WriteBack buffer) {
    writeBack = buffer;
  }

  /** The write buffer if it has something; null nearly always. */
  @Nullable WriteBack dirtyWriteBack() {
    WriteBack buffer = writeBack;
    return buffer != null && buffer.isDirty() ? buffer : null;
  }
}
