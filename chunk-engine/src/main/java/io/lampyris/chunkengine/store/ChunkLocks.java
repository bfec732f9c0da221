package io.lampyris.chunkengine.store;

import org.jspecify.annotations.Nullable;

/**
 * Which update owns a chunk, and who waits for it in order: one update per chunk at a time. Owner:
 * reactor.
 */
final class ChunkLocks {
  private static final int BUCKETS = 1 << 12;

  private static final class Lock {
    long inode;
    int chunkIndex;
    final OpQueue waiting = new OpQueue();
    @Nullable Lock next;
  }

  private final @Nullable Lock[] buckets = new Lock[BUCKETS];
  private @Nullable Lock free;
  private int held;

  /** True when the chunk is the operation's now; else {@link #release} hands it over later. */
  boolean acquire(long inode, int chunkIndex, StoreOp op) {
    int bucket = bucket(inode, chunkIndex);
    for (Lock lock = buckets[bucket]; lock != null; lock = lock.next) {
      if (lock.inode == inode && lock.chunkIndex == chunkIndex) {
        lock.waiting.add(op);
        return false;
      }
    }
    Lock lock = take();
    lock.inode = inode;
    lock.chunkIndex = chunkIndex;
    lock.next = buckets[bucket];
    buckets[bucket] = lock;
    held++;
    return true;
  }

  /** Hands the chunk to the next in line; returns that operation, or null when nobody waits. */
  @Nullable StoreOp release(long inode, int chunkIndex) {
    int bucket = bucket(inode, chunkIndex);
    Lock before = null;
    Lock lock = buckets[bucket];
    while (lock != null && (lock.inode != inode || lock.chunkIndex != chunkIndex)) {
      before = lock;
      lock = lock.next;
    }
    assert lock != null : "only a held chunk is released";
    StoreOp heir = lock.waiting.poll();
    if (heir == null) {
      if (before == null) {
        buckets[bucket] = lock.next;
      } else {
        before.next = lock.next;
      }
      lock.next = free;
      free = lock;
      held--;
    }
    return heir;
  }

  int held() {
    return held;
  }

  private Lock take() {
    Lock lock = free;
    if (lock == null) {
      return new Lock();
    }
    free = lock.next;
    lock.next = null;
    return lock;
  }

  private static int bucket(long inode, int chunkIndex) {
    long h = (inode * 0x9E3779B97F4A7C15L + chunkIndex) * 0xD6E8FEB86659FD93L;
    return (int) (h >>> 52);
  }
}
