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

  @Override
  void close();
}
