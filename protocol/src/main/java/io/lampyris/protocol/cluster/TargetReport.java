package io.lampyris.protocol.cluster;

import io.lampyris.protocol.LocalState;

/**
 * What a storage node says of one of its targets.
 *
 * @param storeId another one for every store that was ever made for this target
 * @param disk which disk of the node it is on
 * @param chainVersion under which it claims its state; 0: under none
 * @param whole the store has held everything once
 */
public record TargetReport(
    long targetId,
    long storeId,
    int disk,
    LocalState state,
    boolean whole,
    int chainVersion,
    long capacityBytes,
    long usedBytes) {

  /** The same target, which has stopped. */
  public TargetReport asOffline() {
    return with(LocalState.OFFLINE, 0);
  }

  /** The same target, which claims nothing. */
  public TargetReport asOnline() {
    return with(LocalState.ONLINE, 0);
  }

  private TargetReport with(LocalState other, int version) {
    return new TargetReport(
        targetId, storeId, disk, other, whole, version, capacityBytes, usedBytes);
  }
}
