package io.lampyris.chunkengine.store;

import org.agrona.collections.Long2LongHashMap;

/**
 * How many reads are in flight on each block, and which blocks wait for their last reader to be
 * freed. Owner: reactor.
 */
class BlockReferences {
  private static final int INITIAL = 1 << 10;

  /** Added to a count: the block is dead, free it with the last reader. */
  private static final long DEAD = 1L << 32;

  private final BlockAllocator allocator;
  private final Long2LongHashMap counts = new Long2LongHashMap(INITIAL, 0.6f, 0);

  private final Quarantine quarantine;

  BlockReferences(BlockAllocator allocator, Quarantine quarantine) {
    this.allocator = allocator;
    this.quarantine = quarantine;
  }

  private void free(long offset, int sizeClass) {
    quarantine.forget(offset);
    allocator.free(offset, sizeClass);
  }

  void acquire(long offset) {
    counts.put(offset, counts.get(offset) + 1);
  }

  void release(long offset, int sizeClass) {
    long count = counts.get(offset) - 1;
    assert (int) count >= 0 : "a reader leaves once";
    if (count == 0) {
      counts.remove(offset);
    } else if (count == DEAD) {
      counts.remove(offset);
      free(offset, sizeClass);
    } else {
      counts.put(offset, count);
    }
  }

  /** The block's death is durable: frees it now, or with its last reader. */
  void kill(long offset, int sizeClass) {
    long count = counts.get(offset);
    assert count < DEAD : "a block dies once";
    if (count == 0) {
      free(offset, sizeClass);
    } else {
      counts.put(offset, count + DEAD);
    }
  }

  boolean isReferenced(long offset) {
    return counts.get(offset) != 0;
  }
}
