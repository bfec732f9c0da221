package io.lampyris.chunkengine.space;

import io.lampyris.chunkengine.format.Geometry;

/** Which blocks of a device are taken. Owner: the loading thread, then the reactor. */
public interface BlockAllocator {
  /** Nothing that fits is free. */
  long NO_SPACE = -1;

  /**
   * Takes a block of at least a size class for bytes that the target does not hold yet; leaves the
   * reserve alone.
   *
   * @return {@code offset | class}: blocks start at multiples of 64 KiB, so the low 16 bits carry
   *     the class that was given; or {@link #NO_SPACE}
   */
  long allocate(int sizeClass);

  /**
   * As {@link #allocate}, out of the reserve too: for a block that takes the place of one of the
   * same class or a larger one, which becomes free soon. So a target that is full can still be
   * overwritten.
   */
  long allocateReserved(int sizeClass);

  /** The device offset in a result of {@link #allocate}. */
  static long offsetOf(long allocated) {
    return allocated & -Geometry.BLOCK_UNIT_BYTES;
  }

  /** The class in a result of {@link #allocate}. */
  static int classOf(long allocated) {
    return (int) allocated & Geometry.BLOCK_UNIT_BYTES - 1;
  }

  /** Gives a block back: it may be handed out again at once. */
  void free(long offset, int sizeClass);

  /**
   * Takes a block that a chunk has already; for replay.
   *
   * @return false when the block is outside the device, misplaced, or overlaps another
   */
  boolean take(long offset, int sizeClass);

  /** What blocks could hold in all. */
  long capacityBytes();

  /** What blocks that are still free hold, the reserve included. */
  long freeBytes();
}
