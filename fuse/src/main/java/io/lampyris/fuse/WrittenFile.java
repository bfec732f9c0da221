package io.lampyris.fuse;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A file that is open for writing through this mount, by however many handles and names. Any
 * thread.
 */
final class WrittenFile {
  /** Shared by files that are open for reading only. */
  static final WrittenFile NONE = new WrittenFile(0);

  private final int opens;

  /** Behind the last byte that came through this mount, flushed or not. */
  private final AtomicLong endBytes;

  private WrittenFile(int opens) {
    this.opens = opens;
    this.endBytes = new AtomicLong();
  }

  private WrittenFile(int opens, AtomicLong endBytes) {
    this.opens = opens;
    this.endBytes = endBytes;
  }

  static WrittenFile openedOnce() {
    return new WrittenFile(1);
  }

  /** The same file with one more handle, or with one less. */
  WrittenFile withOpens(int change) {
    return new WrittenFile(opens + change, endBytes);
  }

  int opens() {
    return opens;
  }

  long endBytes() {
    return endBytes.get();
  }

  void wroteTo(long end) {
    if (end > endBytes.get()) {
      endBytes.accumulateAndGet(end, Math::max);
    }
  }

  void truncated(long lengthBytes) {
    endBytes.set(lengthBytes);
  }

  /** What appenders of this file hold. */
  Object appendLock() {
    return endBytes;
  }
}
