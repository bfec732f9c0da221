package io.lampyris.chunkengine.options;

import io.lampyris.chunkengine.format.Geometry;

/**
 * How a target deals with its space.
 *
 * @param lowPercent it reports {@code SpaceReport.Level.LOW} when less than this is free
 * @param rejectPercent what it keeps free: new blocks are refused with NO_SPACE, so that what is
 *     there can still be overwritten, truncated, removed and compacted
 * @param compactionBytesPerSecond how fast sparse extents are emptied; 0: never
 * @param discard whether the device is told of extents that hold nothing any more
 */
public record SpaceOptions(
    int lowPercent, int rejectPercent, long compactionBytesPerSecond, Discard discard) {
  /** Whether the device is told of extents that hold nothing any more. */
  public enum Discard {
    /** Only a block device is: a file would lose its reserved space to others on its host. */
    AUTO,
    ON,
    OFF
  }

  private static final SpaceOptions DEFAULTS = new SpaceOptions(5, 2, 64 << 20, Discard.AUTO);

  public SpaceOptions {
    assert rejectPercent >= 0 && rejectPercent <= lowPercent && lowPercent < 100
        : "0 <= reject <= low < 100: " + rejectPercent + ", " + lowPercent;
    assert compactionBytesPerSecond >= 0 : "a rate: " + compactionBytesPerSecond;
  }

  /** What a target of a cluster runs with. */
  public static SpaceOptions defaults() {
    return DEFAULTS;
  }

  public SpaceOptions withReserve(int low, int reject) {
    return new SpaceOptions(low, reject, compactionBytesPerSecond, discard);
  }

  public SpaceOptions withCompaction(long bytesPerSecond) {
    return new SpaceOptions(lowPercent, rejectPercent, bytesPerSecond, discard);
  }

  public SpaceOptions withDiscard(Discard wanted) {
    return new SpaceOptions(lowPercent, rejectPercent, compactionBytesPerSecond, wanted);
  }

  public long reserveBytes(long capacityBytes) {
    return capacityBytes / 100 * rejectPercent & -Geometry.BLOCK_UNIT_BYTES;
  }

  public long lowBytes(long capacityBytes) {
    return capacityBytes / 100 * lowPercent;
  }
}
