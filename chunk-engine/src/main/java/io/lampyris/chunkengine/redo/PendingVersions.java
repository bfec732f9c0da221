package io.lampyris.chunkengine.redo;

import io.lampyris.chunkengine.format.ChunkState;
import org.jspecify.annotations.Nullable;

/**
 * The versions that are durable and not committed yet: at most one of a chunk, one above the
 * committed version. Few exist at a time, so they are objects. Owner: the loading thread, then the
 * reactor.
 */
public final class PendingVersions {
  private static final int BUCKETS = 1 << 10;

  /** Overwrites of more bytes than this do not wait in memory: they copy their chunk. */
  private static final long REDO_MAX_BYTES = 8 << 20;

  /** One version. */
  public static final class Entry {
    public final ChunkState state = new ChunkState();

    /**
     * The bytes that it overwrites the committed version with; null when its block has them all.
     */
    public @Nullable Redo redo;

    /** Its record's in the log, or that of a later record; 0 when an earlier process wrote it. */
    public long sequence;

    private @Nullable Entry inBucket;
    private @Nullable Entry next;
    private @Nullable Entry previous;
  }

  private final @Nullable Entry[] buckets = new Entry[BUCKETS];
  private @Nullable Entry first;
  private @Nullable Entry pool;
  private int count;
  private long redoBytes;

  public int count() {
    return count;
  }

  public boolean takesRedo(int bytes) {
    return redoBytes + bytes <= REDO_MAX_BYTES;
  }

  private static int bucket(long inode, int chunkIndex) {
    long h = (inode * 0x9E3779B97F4A7C15L + chunkIndex) * 0xD6E8FEB86659FD93L;
    return (int) (h >>> 54);
  }

  public @Nullable Entry find(long inode, int chunkIndex) {
    if (count == 0) {
      return null;
    }
    Entry entry = buckets[bucket(inode, chunkIndex)];
    while (entry != null && (entry.state.inode != inode || entry.state.chunkIndex != chunkIndex)) {
      entry = entry.inBucket;
    }
    return entry;
  }

  /** The first index of an inode that is not below {@code from} (unsigned); -1 without one. */
  public long ceiling(long inode, int from) {
    long best = -1;
    for (Entry entry = first; entry != null; entry = entry.next) {
      long index = Integer.toUnsignedLong(entry.state.chunkIndex);
      if (entry.state.inode == inode
          && index >= Integer.toUnsignedLong(from)
          && (best < 0 || index < best)) {
        best = index;
      }
    }
    return best;
  }

  /** Any of them, and from there all by {@link #after}. */
  public @Nullable Entry first() {
    return first;
  }

  public static @Nullable Entry after(Entry entry) {
    return entry.next;
  }

  /** One whose record is not behind a sequence number; null without one. */
  public @Nullable Entry loggedUpTo(long sequence) {
    Entry entry = first;
    while (entry != null && entry.sequence > sequence) {
      entry = entry.next;
    }
    return entry;
  }

  /** Adds the only pending version of its chunk; the caller's hold on the redo becomes its. */
  public void add(ChunkState state, @Nullable Redo redo, long sequence) {
    assert find(state.inode, state.chunkIndex) == null : "a chunk has one pending version";
    Entry entry = pool;
    if (entry == null) {
      entry = new Entry();
    } else {
      pool = entry.next;
    }
    entry.state.copyFrom(state);
    entry.redo = redo;
    entry.sequence = sequence;
    redoBytes += redo == null ? 0 : redo.memoryBytes();
    int bucket = bucket(state.inode, state.chunkIndex);
    entry.inBucket = buckets[bucket];
    buckets[bucket] = entry;
    entry.previous = null;
    entry.next = first;
    if (first != null) {
      first.previous = entry;
    }
    first = entry;
    count++;
  }

  /**
   * Takes a version out.
   *
   * @return its redo, which is the caller's to release
   */
  public @Nullable Redo remove(Entry entry) {
    Redo redo = entry.redo;
    redoBytes -= redo == null ? 0 : redo.memoryBytes();
    entry.redo = null;
    removeFromBucket(entry);
    Entry before = entry.previous;
    Entry behind = entry.next;
    if (before == null) {
      first = behind;
    } else {
      before.next = behind;
    }
    if (behind != null) {
      behind.previous = before;
    }
    entry.previous = null;
    entry.next = pool;
    pool = entry;
    count--;
    return redo;
  }

  private void removeFromBucket(Entry entry) {
    int bucket = bucket(entry.state.inode, entry.state.chunkIndex);
    Entry at = buckets[bucket];
    if (at == entry) {
      buckets[bucket] = entry.inBucket;
    } else {
      while (at != null && at.inBucket != entry) {
        at = at.inBucket;
      }
      assert at != null : "an entry is in its bucket";
      at.inBucket = entry.inBucket;
    }
    entry.inBucket = null;
  }
}
