package io.lampyris.chunkengine.space;

import org.agrona.collections.Long2LongHashMap;

/**
 * How many reads are in flight on each block, how often it was overwritten since they began, and
 * which blocks wait for their last reader to be freed. Owner: reactor.
 */
public class BlockReferences {
  private static final int INITIAL = 1 << 10;

  private static final int OVERWRITES_SHIFT = 33;

  /** Added to a count: the block is dead, free it with the last reader. */
  private static final long DEAD = 1L << 32;

  private static final long OVERWRITE = 1L << OVERWRITES_SHIFT;

  private final BlockAllocator allocator;
  private final Long2LongHashMap counts = new Long2LongHashMap(INITIAL, 0.6f, 0);

  private final Quarantine quarantine;

  public BlockReferences(BlockAllocator allocator, Quarantine quarantine) {
    this.allocator = allocator;
    this.quarantine = quarantine;
  }

  private void free(long offset, int sizeClass) {
    quarantine.forget(offset);
    allocator.free(offset, sizeClass);
  }

  /**
   * A reader comes.
   *
   * @return what {@link #overwrites} says now
   */
  public long acquire(long offset) {
    long count = counts.get(offset) + 1;
    counts.put(offset, count);
    return count >>> OVERWRITES_SHIFT;
  }

  public void release(long offset, int sizeClass) {
    long count = counts.get(offset) - 1;
    assert (int) count >= 0 : "a reader leaves once";
    if ((int) count != 0) {
      counts.put(offset, count);
      return;
    }
    counts.remove(offset);
    if ((count & DEAD) != 0) {
      free(offset, sizeClass);
    }
  }

  /** The block's death is durable: frees it now, or with its last reader. */
  public void kill(long offset, int sizeClass) {
    long count = counts.get(offset);
    assert (count & DEAD) == 0 : "a block dies once";
    if (count == 0) {
      free(offset, sizeClass);
    } else {
      counts.put(offset, count + DEAD);
    }
  }

  /**
   * From now on bytes may change that readers of the block want: those that are in flight find it
   * in {@link #overwrites} and read again.
   */
  public void overwritten(long offset) {
    long count = counts.get(offset);
    if (count != 0) {
      counts.put(offset, count + OVERWRITE);
    }
  }

  /** How often a block with readers was overwritten. */
  public long overwrites(long offset) {
    return counts.get(offset) >>> OVERWRITES_SHIFT;
  }

  public boolean isReferenced(long offset) {
    return counts.get(offset) != 0;
  }
}
