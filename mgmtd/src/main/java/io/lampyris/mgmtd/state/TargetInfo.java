package io.lampyris.mgmtd.state;

/**
 * A target that a node has reported.
 *
 * @param storeId of the store that is there now
 * @param wholeStoreId of the store that its chain began with, or that was promoted: it counts as
 *     whole, whether or not its node has heard so; 0: none
 * @param retiring its disk will be replaced: another target takes over
 */
public record TargetInfo(
    long id, int nodeId, int disk, long storeId, long wholeStoreId, boolean retiring) {
  /** As it is reported now; a new store is not retiring. */
  public TargetInfo with(int newDisk, long newStoreId) {
    boolean same = storeId == newStoreId;
    return new TargetInfo(id, nodeId, newDisk, newStoreId, wholeStoreId, retiring && same);
  }

  /** Its store holds everything: as the beginning of a chain, or by its first complete copy. */
  public TargetInfo asWhole() {
    return new TargetInfo(id, nodeId, disk, storeId, storeId, retiring);
  }

  /** Out of a chain: what it holds says nothing any more. */
  public TargetInfo released() {
    return new TargetInfo(id, nodeId, disk, storeId, 0, retiring);
  }

  public TargetInfo retiring(boolean is) {
    return new TargetInfo(id, nodeId, disk, storeId, wholeStoreId, is);
  }
}
