package io.lampyris.chunkengine.index;

import io.lampyris.chunkengine.format.ChunkState;

/**
 * The committed chunks of a target by (inode, index), in memory. Owner: the loading thread, then
 * the reactor.
 */
public interface ChunkIndex extends AutoCloseable {
  /** Copies a chunk out; false when there is none. */
  boolean get(long inode, int chunkIndex, ChunkState into);

  /**
   * Copies out the head of a chunk: its versions, length, checksum and where its bytes are. The
   * units' checksums, the last client's request and its answer keep what they were. What a read
   * needs that verifies no unit, at a smaller cost than {@link #get}.
   */
  boolean getHead(long inode, int chunkIndex, ChunkState into);

  /** Inserts or replaces the chunk that {@code state} names. */
  void put(ChunkState state);

  /** Takes a chunk out; false when there was none. */
  boolean remove(long inode, int chunkIndex);

  /**
   * Copies out an inode's first chunk whose index is not below {@code fromIndex} (unsigned); false
   * when there is none.
   */
  boolean ceiling(long inode, int fromIndex, ChunkState into);

  /** Copies out an inode's last chunk; false when it has none. */
  boolean last(long inode, ChunkState into);

  long count();

  /** All memory that it holds. */
  long memoryBytes();

  /** Copies chunks out one by one in no order; see {@link #cursor}. */
  interface Cursor {
    /** Of {@link #step}: there is a chunk. */
    int FOUND = 1;

    /** Of {@link #step}: there are no more. */
    int END = 0;

    /** Of {@link #step}: none among the entries that were looked at. */
    int MORE = -1;

    /**
     * Looks for the next chunk among a bounded number of entries.
     *
     * @return {@link #FOUND}, {@link #END} or {@link #MORE}
     */
    int step(ChunkState into, int entriesMax);

    /** How many entries the last step looked at. */
    int stepped();

    /** The next chunk, however far it is; false at the end. */
    default boolean next(ChunkState into) {
      return step(into, Integer.MAX_VALUE) == FOUND;
    }
  }

  /**
   * All chunks that are there from now until it has passed them, each as it is at that moment; of
   * those that come or go meanwhile any. Changes in between are allowed: entries do not move.
   */
  Cursor cursor();

  /**
   * Chunks lie in slots from 0 to below this, with holes. A chunk stays in its slot, so whoever
   * passes over all slots while there are changes meets each chunk that is there all the time once.
   */
  int slots();

  /** The device offset of the block of the chunk in a slot; -1 without a block, or for a hole. */
  long blockAt(int slot);

  /** Copies out the chunk in a slot; false for a hole. */
  boolean at(int slot, ChunkState into);

  @Override
  void close();
}
