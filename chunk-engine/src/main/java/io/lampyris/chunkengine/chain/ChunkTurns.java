package io.lampyris.chunkengine.chain;

import org.jspecify.annotations.Nullable;

/**
 * Whose turn it is on each chunk: first come, first served. A turn lasts from before an update is
 * pending until it is committed, so it spans the operations of the store and the calls to other
 * members. Owner: reactor.
 */
final class ChunkTurns {
  private static final int BUCKETS = 1 << 10;

  private static final class Turn {
    long inode;
    int chunkIndex;
    final TaskQueue waiting = new TaskQueue();
    @Nullable Turn next;
  }

  /** Tasks in order. */
  static final class TaskQueue {
    private @Nullable ChunkTask head;
    private @Nullable ChunkTask tail;

    void add(ChunkTask task) {
      assert task.next == null : "a task is in one queue";
      if (tail == null) {
        head = task;
      } else {
        tail.next = task;
      }
      tail = task;
    }

    @Nullable ChunkTask poll() {
      ChunkTask first = head;
      if (first != null) {
        head = first.next;
        first.next = null;
        if (head == null) {
          tail = null;
        }
      }
      return first;
    }

    boolean isEmpty() {
      return head == null;
    }
  }

  private final @Nullable Turn[] buckets = new Turn[BUCKETS];
  private final TaskQueue granted = new TaskQueue();
  private @Nullable Turn free;
  private int held;

  /** Grants the chunk now, or later by {@link #poll}. */
  void take(ChunkTask task) {
    Turn turn = find(task.inode, task.chunkIndex);
    if (turn != null) {
      turn.waiting.add(task);
      return;
    }
    turn = free;
    if (turn == null) {
      turn = new Turn();
    } else {
      free = turn.next;
    }
    turn.inode = task.inode;
    turn.chunkIndex = task.chunkIndex;
    int bucket = bucket(task.inode, task.chunkIndex);
    turn.next = buckets[bucket];
    buckets[bucket] = turn;
    held++;
    task.onGranted();
  }

  /** The turn goes to the next in line, who is granted it by {@link #poll}: stacks stay flat. */
  void giveBack(long inode, int chunkIndex) {
    Turn turn = find(inode, chunkIndex);
    assert turn != null : "only who has a turn gives it back";
    ChunkTask heir = turn.waiting.poll();
    if (heir != null) {
      granted.add(heir);
      return;
    }
    int bucket = bucket(inode, chunkIndex);
    Turn at = buckets[bucket];
    if (at == turn) {
      buckets[bucket] = turn.next;
    } else {
      while (at != null && at.next != turn) {
        at = at.next;
      }
      assert at != null : "a turn is in its bucket";
      at.next = turn.next;
    }
    turn.next = free;
    free = turn;
    held--;
  }

  int poll() {
    int work = 0;
    for (ChunkTask task = granted.poll(); task != null; task = granted.poll()) {
      task.onGranted();
      work++;
    }
    return work;
  }

  boolean hasGranted() {
    return !granted.isEmpty();
  }

  boolean isTaken(long inode, int chunkIndex) {
    return find(inode, chunkIndex) != null;
  }

  int held() {
    return held;
  }

  private @Nullable Turn find(long inode, int chunkIndex) {
    Turn turn = buckets[bucket(inode, chunkIndex)];
    while (turn != null && (turn.inode != inode || turn.chunkIndex != chunkIndex)) {
      turn = turn.next;
    }
    return turn;
  }

  private static int bucket(long inode, int chunkIndex) {
    long h = (inode * 0x9E3779B97F4A7C15L + chunkIndex) * 0xD6E8FEB86659FD93L;
    return (int) (h >>> 54);
  }
}
