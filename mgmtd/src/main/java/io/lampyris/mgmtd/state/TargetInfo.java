package io.lampyris.mgmtd.state;

/**
 * A target that a node has reported.
 *
 * @param storeId of the store that is there now
 * @param foundingStoreId of the store that its chain began with, which counts as whole; 0: none
 * @param retiring its disk will be replaced: another target takes over
 */
public record TargetInfo(
    long id, int nodeId, int disk, long storeId, long foundingStoreId, boolean retiring) {
  /** As it is reported now; a new store is not retiring. */
  public TargetInfo with(int newDisk, long newStoreId) {
    boolean same = storeId == newStoreId;
    return new TargetInfo(id, nodeId, newDisk, newStoreId, foundingStoreId, retiring && same);
  }

  /** As the beginning of a chain. */
  public TargetInfo asFounder() {
    return new TargetInfo(id, nodeId, disk, storeId, storeId, retiring);
  }

  /** Out of a chain: what it holds says nothing any more. */
  public TargetInfo released() {
    return new TargetInfo(id, nodeId, disk, storeId, 0, retiring);
  }

  public TargetInfo retiring(boolean is) {
    return new TargetInfo(id, nodeId, disk, storeId, foundingStoreId, is);
  }
}
