package io.lampyris.chunkengine.store;

/**
 * The committed chunks of a target by (inode, index), in memory. Owner: the loading thread, then
 * the reactor.
 */
interface ChunkIndex extends AutoCloseable {
  /** Copies a chunk out; false when there is none. */
  boolean get(long inode, int chunkIndex, ChunkState into);

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
    boolean next(ChunkState into);
  }

  /** All chunks; invalid after the next change. */
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
