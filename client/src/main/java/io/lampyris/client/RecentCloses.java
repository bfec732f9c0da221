package io.lampyris.client;

import java.util.concurrent.locks.ReentrantLock;

/**
 * Which inodes were closed lately, so that who opened one by name, before knowing its number, can
 * tell whether a close came between. Any thread but a reactor's.
 */
final class RecentCloses {
  private static final int KEPT = 256;

  private final ReentrantLock lock = new ReentrantLock();
  private final long[] inodes = new long[KEPT];
  private long count;

  long mark() {
    lock.lock();
    try {
      return count;
    } finally {
      lock.unlock();
    }
  }

  /** To be called when a close was answered, still under the inode's lock. */
  void note(long inode) {
    lock.lock();
    try {
      inodes[(int) (count++ % KEPT)] = inode;
    } finally {
      lock.unlock();
    }
  }

  /** Whether an inode was closed since a mark, or too much was to say. */
  boolean mayHaveClosed(long inode, long mark) {
    lock.lock();
    try {
      if (count - mark > KEPT) {
        return true;
      }
      for (long i = mark; i < count; i++) {
        if (inodes[(int) (i % KEPT)] == inode) {
          return true;
        }
      }
      return false;
    } finally {
      lock.unlock();
    }
  }
}
