package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import java.util.concurrent.atomic.AtomicLong;

/**
 * What this client knows of an inode that it holds open; one per inode, shared by all its handles
 * and rings. Any thread.
 */
public final class OpenInode {
  /** A place holder in pooled objects. */
  public static final OpenInode NONE = new OpenInode(0, FileLayout.NONE, 0, 0);

  private final long inode;
  private final FileLayout layout;
  private final AtomicLong lengthBytes;
  private volatile long truncateVersion;

  OpenInode(long inode, FileLayout layout, long lengthBytes, long truncateVersion) {
    this.inode = inode;
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

  /** The length as this client sees it: metadata's, and what it has written since. */
  public long lengthBytes() {
    return lengthBytes.get();
  }

  public long truncateVersion() {
    return truncateVersion;
  }

  /** Bytes up to {@code end} have been written. */
  void extendTo(long end) {
    lengthBytes.accumulateAndGet(end, Math::max);
  }

  /** The file was truncated, to a smaller or larger length. */
  void truncated(long newLengthBytes, long newTruncateVersion) {
    lengthBytes.set(newLengthBytes);
    truncateVersion = newTruncateVersion;
  }
}
