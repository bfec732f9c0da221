package io.lampyris.chunkengine.store;

import static io.lampyris.chunkengine.store.Geometry.BLOCK_UNITS_PER_EXTENT;
import static io.lampyris.chunkengine.store.Geometry.BLOCK_UNIT_SHIFT;
import static io.lampyris.chunkengine.store.Geometry.CLASS_MAX;
import static io.lampyris.chunkengine.store.Geometry.CLASS_MIN;
import static io.lampyris.chunkengine.store.Geometry.EXTENT_BYTES;
import static io.lampyris.chunkengine.store.Geometry.FIRST_EXTENT_OFFSET;

import java.util.Arrays;

/**
 * Extents of 64 MiB that belong to one size class while they hold blocks, with one bit per block.
 * The last extent may be shorter. Extents with room are linked per class, free extents in a list of
 * their own; a class without room takes a free extent, else a block of a larger class.
 */
final class ExtentAllocator implements BlockAllocator {
  private static final int WORDS = BLOCK_UNITS_PER_EXTENT / Long.SIZE;
  private static final int NONE = -1;
  private static final byte FREE = 0;

  private final int extents;
  private final long deviceSizeBytes;
  private final long[] bits;
  private final short[] used;
  private final byte[] classes;
  private final int[] next;
  private final int[] previous;

  /** First extent with room by class; at {@link #FREE} the free extents. */
  private final int[] heads = new int[CLASS_MAX + 1];

  private long freeBytes;

  ExtentAllocator(long deviceSizeBytes) {
    this.deviceSizeBytes = deviceSizeBytes;
    long bytes = deviceSizeBytes - FIRST_EXTENT_OFFSET;
    extents = (int) ((bytes + EXTENT_BYTES - 1) / EXTENT_BYTES);
    assert extents > 0 : "a device has extents";
    bits = new long[extents * WORDS];
    used = new short[extents];
    classes = new byte[extents];
    next = new int[extents];
    previous = new int[extents];
    Arrays.fill(heads, NONE);
    for (int extent = extents - 1; extent >= 0; extent--) {
      link(extent, FREE);
      freeBytes += extentBytes(extent);
    }
  }

  private long extentBytes(int extent) {
    return Math.min(EXTENT_BYTES, deviceSizeBytes - extentOffset(extent));
  }

  private static long extentOffset(int extent) {
    return FIRST_EXTENT_OFFSET + extent * EXTENT_BYTES;
  }

  private int capacity(int extent, int sizeClass) {
    return (int) (extentBytes(extent) >> sizeClass);
  }

  private void link(int extent, int list) {
    int head = heads[list];
    next[extent] = head;
    previous[extent] = NONE;
    if (head != NONE) {
      previous[head] = extent;
    }
    heads[list] = extent;
  }

  private void unlink(int extent, int list) {
    int before = previous[extent];
    int after = next[extent];
    if (before == NONE) {
      heads[list] = after;
    } else {
      next[before] = after;
    }
    if (after != NONE) {
      previous[after] = before;
    }
  }

  @Override
  public long allocate(int sizeClass) {
    int extent = heads[sizeClass];
    if (extent == NONE) {
      extent = claimFree(sizeClass);
    }
    int given = sizeClass;
    while (extent == NONE && given < CLASS_MAX) {
      extent = heads[++given];
    }
    return extent == NONE ? NO_SPACE : takeFirst(extent, given);
  }

  private int claimFree(int sizeClass) {
    int extent = heads[FREE];
    while (extent != NONE && capacity(extent, sizeClass) == 0) {
      extent = next[extent];
    }
    if (extent != NONE) {
      claim(extent, sizeClass);
    }
    return extent;
  }

  private void claim(int extent, int sizeClass) {
    assert used[extent] == 0 && classes[extent] == FREE : "only a free extent is claimed";
    unlink(extent, FREE);
    classes[extent] = (byte) sizeClass;
    link(extent, sizeClass);
    // What is left over at the end of a short extent cannot be used while it has this class.
    freeBytes -= extentBytes(extent) - ((long) capacity(extent, sizeClass) << sizeClass);
  }

  private long takeFirst(int extent, int sizeClass) {
    int capacity = capacity(extent, sizeClass);
    for (int word = 0; word < WORDS; word++) {
      long taken = bits[extent * WORDS + word];
      if (taken != -1L) {
        int block = word * Long.SIZE + Long.numberOfTrailingZeros(~taken);
        assert block < capacity : "an extent in a class's list has room";
        mark(extent, block, sizeClass, capacity);
        return extentOffset(extent) + ((long) block << sizeClass) | sizeClass;
      }
    }
    throw new AssertionError("an extent in a class's list has room");
  }

  private void mark(int extent, int block, int sizeClass, int capacity) {
    bits[extent * WORDS + (block >>> 6)] |= 1L << block;
    used[extent]++;
    freeBytes -= 1L << sizeClass;
    if (used[extent] == capacity) {
      unlink(extent, sizeClass);
    }
  }

  private static int extentOf(long offset) {
    return (int) ((offset - FIRST_EXTENT_OFFSET) / EXTENT_BYTES);
  }

  @Override
  public void free(long offset, int sizeClass) {
    int extent = extentOf(offset);
    int block = (int) ((offset - extentOffset(extent)) >> sizeClass);
    int word = extent * WORDS + (block >>> 6);
    assert classes[extent] == sizeClass : "a block is freed in its own class";
    assert (bits[word] & (1L << block)) != 0 : "a block is freed once";
    bits[word] &= ~(1L << block);
    freeBytes += 1L << sizeClass;
    if (used[extent]-- == capacity(extent, sizeClass)) {
      link(extent, sizeClass);
    }
    if (used[extent] == 0) {
      release(extent, sizeClass);
    }
  }

  private void release(int extent, int sizeClass) {
    unlink(extent, sizeClass);
    classes[extent] = FREE;
    link(extent, FREE);
    freeBytes += extentBytes(extent) - ((long) capacity(extent, sizeClass) << sizeClass);
  }

  @Override
  public boolean take(long offset, int sizeClass) {
    if (sizeClass < CLASS_MIN
        || sizeClass > CLASS_MAX
        || offset < FIRST_EXTENT_OFFSET
        || offset >= deviceSizeBytes) {
      return false;
    }
    int extent = extentOf(offset);
    long inExtent = offset - extentOffset(extent);
    int block = (int) (inExtent >> sizeClass);
    if ((long) block << sizeClass != inExtent || block >= capacity(extent, sizeClass)) {
      return false;
    }
    if (classes[extent] == FREE) {
      claim(extent, sizeClass);
    }
    boolean free =
        classes[extent] == sizeClass && (bits[extent * WORDS + (block >>> 6)] & (1L << block)) == 0;
    if (free) {
      mark(extent, block, sizeClass, capacity(extent, sizeClass));
    }
    return free;
  }

  @Override
  public long capacityBytes() {
    return (deviceSizeBytes - FIRST_EXTENT_OFFSET) >> BLOCK_UNIT_SHIFT << BLOCK_UNIT_SHIFT;
  }

  @Override
  public long freeBytes() {
    return freeBytes;
  }
}
