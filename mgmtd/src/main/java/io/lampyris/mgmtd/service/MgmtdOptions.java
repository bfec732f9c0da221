package io.lampyris.mgmtd.service;

import java.util.Map;

/**
 * How a manager runs.
 *
 * @param nodeId of this manager, among all nodes
 * @param exclusiveStore no other process can have the store open
 * @param primaryLeaseNs for how long a primary acts without having renewed; of no matter with an
 *     exclusive store
 * @param settings of this process, over those of the cluster
 */
public record MgmtdOptions(
    int nodeId, boolean exclusiveStore, long primaryLeaseNs, Map<String, String> settings) {
  private static final long PRIMARY_LEASE_NS = 1_000_000_000L;

  public MgmtdOptions {
    settings = Map.copyOf(settings);
  }

  /** The only manager, over a store of its own. */
  public static MgmtdOptions alone(int nodeId) {
    return new MgmtdOptions(nodeId, true, PRIMARY_LEASE_NS, Map.of());
  }

  /** One of several over a common store. */
  public static MgmtdOptions oneOfMany(int nodeId) {
    return new MgmtdOptions(nodeId, false, PRIMARY_LEASE_NS, Map.of());
  }

  public MgmtdOptions settings(Map<String, String> other) {
    return new MgmtdOptions(nodeId, exclusiveStore, primaryLeaseNs, other);
  }
}
