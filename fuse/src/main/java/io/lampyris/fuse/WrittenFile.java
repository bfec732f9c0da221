package io.lampyris.fuse;

import java.util.concurrent.atomic.AtomicLong;

/**
 * A file that is open for writing through this mount, by however many handles and names. Any
 * thread.
 */
final class WrittenFile {
  /** Shared by files that are open for reading only. */
  static final WrittenFile NONE = new WrittenFile(0, new Tail());

  /** What all handles share. */
  private static final class Tail {
    final AtomicLong endBytes = new AtomicLong();
    final AtomicLong appendsQueued = new AtomicLong();

    /** Guarded by this. */
    long appendsDone;
  }

  private final int opens;
  private final Tail tail;

  private WrittenFile(int opens, Tail tail) {
    this.opens = opens;
    this.tail = tail;
  }

  static WrittenFile openedOnce() {
    return new WrittenFile(1, new Tail());
  }

  /** The same file with one more handle, or with one less. */
  WrittenFile withOpens(int change) {
    return new WrittenFile(opens + change, tail);
  }

  int opens() {
    return opens;
  }

  /** Behind the last byte that came through this mount, flushed or not. */
  long endBytes() {
    return tail.endBytes.get();
  }

  void wroteTo(long end) {
    if (end > tail.endBytes.get()) {
      tail.endBytes.accumulateAndGet(end, Math::max);
    }
  }

  void truncated(long lengthBytes) {
    tail.endBytes.set(lengthBytes);
  }

  /**
   * The place of an append among those of its file, asked for in the order in which the kernel has
   * sent them: it sends the parts of one at once, and each goes where the one before it ends.
   */
  long queueAppend() {
    return tail.appendsQueued.getAndIncrement();
  }

  /** Waits until the appends before a place are {@link #appended}. */
  void awaitAppend(long place) {
    boolean interrupted = false;
    synchronized (tail) {
      while (tail.appendsDone != place) {
        try {
          tail.wait();
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  /** An append is done, or has failed. */
  void appended() {
    synchronized (tail) {
      tail.appendsDone++;
      tail.notifyAll();
    }
  }
}
