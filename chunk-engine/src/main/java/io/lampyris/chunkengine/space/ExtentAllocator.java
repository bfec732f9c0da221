package io.lampyris.chunkengine.space;

import static io.lampyris.chunkengine.format.Geometry.BLOCK_UNITS_PER_EXTENT;
import static io.lampyris.chunkengine.format.Geometry.BLOCK_UNIT_SHIFT;
import static io.lampyris.chunkengine.format.Geometry.CLASSES;
import static io.lampyris.chunkengine.format.Geometry.CLASS_MAX;
import static io.lampyris.chunkengine.format.Geometry.CLASS_MIN;
import static io.lampyris.chunkengine.format.Geometry.EXTENT_BYTES;
import static io.lampyris.chunkengine.format.Geometry.FIRST_EXTENT_OFFSET;

import java.util.Arrays;

/**
 * Extents of 64 MiB that belong to one size class while they hold blocks, with one bit per block.
 * The last extent may be shorter.
 *
 * <p>A block comes from the fullest extent of its class that has room, so that sparse extents empty
 * themselves: extents with room are linked by class and by how full they are, in 64 steps; a step
 * with extents in it is a bit of a word, so the fullest is found in constant time. A class without
 * room takes a free extent, else a block of a larger class.
 *
 * <p>Extents that compaction empties ({@link #addVictim victims}) give no blocks, unless there is
 * nothing else. Free extents that were not discarded since they were written are kept apart from
 * those that were ({@link #takeUndiscarded}), and are used again first.
 */
public final class ExtentAllocator implements BlockAllocator {
  /** Extents that are emptied at a time: what one pass over the index makes free. */
  static final int VICTIMS_MAX = 16;

  /** Result of those who look for an extent. */
  public static final int NONE = -1;

  private static final int WORDS = BLOCK_UNITS_PER_EXTENT / Long.SIZE;
  private static final int STEPS = Long.SIZE;
  private static final int UNDISCARDED = CLASSES * STEPS;
  private static final int DISCARDED = UNDISCARDED + 1;
  private static final byte FREE = 0;

  private final int extents;
  private final long deviceSizeBytes;
  private final long reserveBytes;
  private final long[] bits;
  private final short[] used;
  private final byte[] classes;

  // Lists of extents: one for each class and step, and two of free ones.
  private final short[] list;
  private final int[] next;
  private final int[] previous;
  private final int[] heads = new int[DISCARDED + 1];

  /** Of each class, the steps that have extents. */
  private final long[] steps = new long[CLASSES];

  /** Of each class, the free blocks of extents in its lists. */
  private final long[] room = new long[CLASSES];

  private final int[] victims = new int[VICTIMS_MAX];
  private int victimCount;

  private int freeExtents;
  private long freeBytes;

  public ExtentAllocator(long deviceSizeBytes) {
    this(deviceSizeBytes, 0);
  }

  /**
   * An empty device.
   *
   * @param reserveBytes what {@link #allocate} leaves free
   */
  public ExtentAllocator(long deviceSizeBytes, long reserveBytes) {
    this.deviceSizeBytes = deviceSizeBytes;
    this.reserveBytes = reserveBytes;
    long bytes = deviceSizeBytes - FIRST_EXTENT_OFFSET;
    extents = (int) ((bytes + EXTENT_BYTES - 1) / EXTENT_BYTES);
    assert extents > 0 : "a device has extents";
    bits = new long[extents * WORDS];
    used = new short[extents];
    classes = new byte[extents];
    list = new short[extents];
    next = new int[extents];
    previous = new int[extents];
    Arrays.fill(heads, NONE);
    Arrays.fill(list, (short) NONE);
    for (int extent = extents - 1; extent >= 0; extent--) {
      link(extent, UNDISCARDED);
      freeExtents++;
      freeBytes += extentBytes(extent);
    }
  }

  // ---- geometry ----

  public long extentBytes(int extent) {
    return Math.min(EXTENT_BYTES, deviceSizeBytes - extentOffset(extent));
  }

  public static long extentOffset(int extent) {
    return FIRST_EXTENT_OFFSET + extent * EXTENT_BYTES;
  }

  public static int extentOf(long offset) {
    return (int) ((offset - FIRST_EXTENT_OFFSET) / EXTENT_BYTES);
  }

  private int capacity(int extent, int sizeClass) {
    return (int) (extentBytes(extent) >> sizeClass);
  }

  // ---- lists ----

  private void link(int extent, int to) {
    int head = heads[to];
    list[extent] = (short) to;
    next[extent] = head;
    previous[extent] = NONE;
    if (head != NONE) {
      previous[head] = extent;
    }
    heads[to] = extent;
  }

  private void unlink(int extent) {
    int from = list[extent];
    int before = previous[extent];
    int after = next[extent];
    if (before == NONE) {
      heads[from] = after;
    } else {
      next[before] = after;
    }
    if (after != NONE) {
      previous[after] = before;
    }
    list[extent] = NONE;
    if (after == NONE && before == NONE && from < UNDISCARDED) {
      steps[from / STEPS] &= ~(1L << from);
    }
  }

  /** Puts an extent of a class where it belongs now. */
  private void place(int extent) {
    int sizeClass = classes[extent];
    int capacity = capacity(extent, sizeClass);
    int wanted = NONE;
    if (used[extent] < capacity && !isVictim(extent)) {
      wanted = (sizeClass - CLASS_MIN) * STEPS + used[extent] * STEPS / capacity;
    }
    if (list[extent] != wanted) {
      if (list[extent] != NONE) {
        unlink(extent);
      }
      if (wanted != NONE) {
        link(extent, wanted);
        steps[wanted / STEPS] |= 1L << wanted;
      }
    }
  }

  private int fullest(int sizeClass) {
    long some = steps[sizeClass - CLASS_MIN];
    return some == 0
        ? NONE
        : heads[(sizeClass - CLASS_MIN) * STEPS + 63 - Long.numberOfLeadingZeros(some)];
  }

  private int sparsest(int sizeClass) {
    long some = steps[sizeClass - CLASS_MIN];
    return some == 0
        ? NONE
        : heads[(sizeClass - CLASS_MIN) * STEPS + Long.numberOfTrailingZeros(some)];
  }

  // ---- allocation ----

  @Override
  public long allocate(int sizeClass) {
    return freeBytes - (1L << sizeClass) < reserveBytes ? NO_SPACE : allocateReserved(sizeClass);
  }

  @Override
  public long allocateReserved(int sizeClass) {
    int extent = fullest(sizeClass);
    if (extent == NONE) {
      extent = claimFree(sizeClass);
    }
    for (int larger = sizeClass + 1; extent == NONE && larger <= CLASS_MAX; larger++) {
      extent = fullest(larger);
    }
    if (extent == NONE) {
      extent = spareVictim(sizeClass);
    }
    return extent == NONE ? NO_SPACE : takeFirst(extent);
  }

  /**
   * Takes a block for a chunk that compaction moves, in an extent that has others already: of the
   * wanted class, else of the next larger one, up to the class of its block now.
   */
  public long allocateBeside(int wantedClass, int classNow) {
    for (int sizeClass = wantedClass; sizeClass <= classNow; sizeClass++) {
      int extent = fullest(sizeClass);
      if (extent != NONE) {
        return takeFirst(extent);
      }
    }
    return NO_SPACE;
  }

  private int claimFree(int sizeClass) {
    int extent = fitting(UNDISCARDED, sizeClass);
    if (extent == NONE) {
      extent = fitting(DISCARDED, sizeClass);
    }
    if (extent != NONE) {
      claim(extent, sizeClass);
    }
    return extent;
  }

  /** Only the last extent may be too short for a class, so this looks at two at most. */
  private int fitting(int from, int sizeClass) {
    int extent = heads[from];
    while (extent != NONE && capacity(extent, sizeClass) == 0) {
      extent = next[extent];
    }
    return extent;
  }

  private void claim(int extent, int sizeClass) {
    assert used[extent] == 0 && classes[extent] == FREE : "only a free extent is claimed";
    unlink(extent);
    freeExtents--;
    classes[extent] = (byte) sizeClass;
    int capacity = capacity(extent, sizeClass);
    room[sizeClass - CLASS_MIN] += capacity;
    // What is left over at the end of a short extent cannot be used while it has this class.
    freeBytes -= extentBytes(extent) - ((long) capacity << sizeClass);
  }

  private long takeFirst(int extent) {
    int sizeClass = classes[extent];
    for (int word = 0; word < WORDS; word++) {
      long taken = bits[extent * WORDS + word];
      if (taken != -1L) {
        int block = word * Long.SIZE + Long.numberOfTrailingZeros(~taken);
        assert block < capacity(extent, sizeClass) : "an extent in a class's list has room";
        mark(extent, block, sizeClass);
        return extentOffset(extent) + ((long) block << sizeClass) | sizeClass;
      }
    }
    throw new AssertionError("an extent in a class's list has room");
  }

  private void mark(int extent, int block, int sizeClass) {
    assert !isVictim(extent) : "a victim gives no blocks";
    bits[extent * WORDS + (block >>> 6)] |= 1L << block;
    used[extent]++;
    room[sizeClass - CLASS_MIN]--;
    freeBytes -= 1L << sizeClass;
    place(extent);
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
    used[extent]--;
    boolean victim = isVictim(extent);
    if (!victim) {
      room[sizeClass - CLASS_MIN]++;
    }
    if (used[extent] > 0) {
      place(extent);
      return;
    }
    if (victim) {
      spare(extent);
    }
    release(extent, sizeClass);
  }

  private void release(int extent, int sizeClass) {
    if (list[extent] != NONE) {
      unlink(extent);
    }
    int capacity = capacity(extent, sizeClass);
    room[sizeClass - CLASS_MIN] -= capacity;
    classes[extent] = FREE;
    link(extent, UNDISCARDED);
    freeExtents++;
    freeBytes += extentBytes(extent) - ((long) capacity << sizeClass);
  }

  /** Whether the device has such a block, taken or not. */
  public boolean isPossible(long offset, int sizeClass) {
    if (sizeClass < CLASS_MIN
        || sizeClass > CLASS_MAX
        || offset < FIRST_EXTENT_OFFSET
        || offset >= deviceSizeBytes) {
      return false;
    }
    int extent = extentOf(offset);
    long inExtent = offset - extentOffset(extent);
    long block = inExtent >> sizeClass;
    return block << sizeClass == inExtent && block < capacity(extent, sizeClass);
  }

  @Override
  public boolean take(long offset, int sizeClass) {
    if (!isPossible(offset, sizeClass)) {
      return false;
    }
    int extent = extentOf(offset);
    int block = (int) ((offset - extentOffset(extent)) >> sizeClass);
    if (classes[extent] == FREE) {
      claim(extent, sizeClass);
    }
    boolean free =
        classes[extent] == sizeClass && (bits[extent * WORDS + (block >>> 6)] & (1L << block)) == 0;
    if (free) {
      mark(extent, block, sizeClass);
    }
    return free;
  }

  // ---- compaction ----

  /**
   * Chooses the extent with the fewest bytes in use whose blocks all have room in other extents of
   * their class, and gives no more blocks of it.
   *
   * @param fullnessMax in eighths: fuller extents are not worth it
   * @return the extent, or {@link #NONE}
   */
  public int addVictim(int fullnessMax) {
    int best = NONE;
    for (int sizeClass = CLASS_MIN; sizeClass <= CLASS_MAX && victimCount < VICTIMS_MAX; ) {
      int extent = sparsest(sizeClass);
      if (extent != NONE
          && used[extent] * 8 <= capacity(extent, sizeClass) * fullnessMax
          && hasRoomBeside(extent, sizeClass)
          && (best == NONE || usedBytes(extent) < usedBytes(best))) {
        best = extent;
      }
      sizeClass++;
    }
    if (best != NONE) {
      int sizeClass = classes[best];
      room[sizeClass - CLASS_MIN] -= capacity(best, sizeClass) - used[best];
      victims[victimCount++] = best;
      place(best);
    }
    return best;
  }

  private boolean hasRoomBeside(int extent, int sizeClass) {
    long beside = room[sizeClass - CLASS_MIN] - (capacity(extent, sizeClass) - used[extent]);
    for (int i = 0; i < victimCount; i++) {
      if (classes[victims[i]] == sizeClass) {
        beside -= used[victims[i]];
      }
    }
    return beside >= used[extent];
  }

  private long usedBytes(int extent) {
    return (long) used[extent] << classes[extent];
  }

  public boolean isVictim(int extent) {
    for (int i = 0; i < victimCount; i++) {
      if (victims[i] == extent) {
        return true;
      }
    }
    return false;
  }

  public int victimCount() {
    return victimCount;
  }

  /** Bytes in use in the victims. */
  public long victimBytes() {
    long bytes = 0;
    for (int i = 0; i < victimCount; i++) {
      bytes += usedBytes(victims[i]);
    }
    return bytes;
  }

  /** Lets the victims that are not empty give blocks again. */
  public void spareVictims() {
    while (victimCount > 0) {
      int extent = victims[victimCount - 1];
      spare(extent);
      place(extent);
    }
  }

  private void spare(int extent) {
    for (int i = 0; i < victimCount; i++) {
      if (victims[i] == extent) {
        victims[i] = victims[--victimCount];
        int sizeClass = classes[extent];
        room[sizeClass - CLASS_MIN] += capacity(extent, sizeClass) - used[extent];
        return;
      }
    }
    throw new AssertionError("only a victim is spared");
  }

  private int spareVictim(int sizeClass) {
    for (int i = 0; i < victimCount; i++) {
      int extent = victims[i];
      if (classes[extent] >= sizeClass && used[extent] < capacity(extent, classes[extent])) {
        spare(extent);
        place(extent);
        return extent;
      }
    }
    return NONE;
  }

  // ---- discard ----

  /** Takes a free extent that was not discarded since it was written, or {@link #NONE}. */
  public int takeUndiscarded() {
    int extent = heads[UNDISCARDED];
    if (extent != NONE) {
      unlink(extent);
      freeExtents--;
      freeBytes -= extentBytes(extent);
    }
    return extent;
  }

  public boolean hasUndiscarded() {
    return heads[UNDISCARDED] != NONE;
  }

  /** Gives an extent of {@link #takeUndiscarded} back. */
  public void discarded(int extent) {
    assert classes[extent] == FREE && list[extent] == NONE : "only a taken extent comes back";
    link(extent, DISCARDED);
    freeExtents++;
    freeBytes += extentBytes(extent);
  }

  // ---- statistics ----

  @Override
  public long capacityBytes() {
    return (deviceSizeBytes - FIRST_EXTENT_OFFSET) >> BLOCK_UNIT_SHIFT << BLOCK_UNIT_SHIFT;
  }

  @Override
  public long freeBytes() {
    return freeBytes;
  }

  /** What {@link #allocate} leaves free. */
  public long reserveBytes() {
    return reserveBytes;
  }

  public int extents() {
    return extents;
  }

  /** Extents that belong to no class. */
  public int freeExtents() {
    return freeExtents;
  }

  /** Free blocks in extents that have others in use: room for their own class only. */
  public long fragmentedBytes() {
    long bytes = 0;
    for (int sizeClass = CLASS_MIN; sizeClass <= CLASS_MAX; sizeClass++) {
      bytes += room[sizeClass - CLASS_MIN] << sizeClass;
    }
    for (int i = 0; i < victimCount; i++) {
      int extent = victims[i];
      long free = capacity(extent, classes[extent]) - (long) used[extent];
      bytes += free << classes[extent];
    }
    return bytes;
  }

  /** For tests: how many blocks of an extent are in use. */
  int used(int extent) {
    return used[extent];
  }

  /** For tests: an extent's class, 0 when it is free. */
  int classOf(int extent) {
    return classes[extent];
  }
}
