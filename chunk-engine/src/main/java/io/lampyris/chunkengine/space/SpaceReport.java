package io.lampyris.chunkengine.space;

/**
 * How much room a target has and how it lies.
 *
 * @param capacityBytes what blocks could hold in all
 * @param freeBytes what blocks that are free hold, the reserve included
 * @param reserveBytes what new blocks leave free
 * @param extents how many extents there are
 * @param freeExtents extents that hold nothing: room for any size of chunk
 * @param fragmentedBytes room in extents that hold something: for chunks of their size only
 */
public record SpaceReport(
    Level level,
    long capacityBytes,
    long freeBytes,
    long reserveBytes,
    int extents,
    int freeExtents,
    long fragmentedBytes) {
  /** How short of room a target is. */
  public enum Level {
    OK,
    /** Less is free than it should be. */
    LOW,
    /** Only the reserve is left: new blocks are refused. */
    REJECT
  }
}
