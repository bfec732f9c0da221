package io.lampyris.protocol.cluster;

import java.util.List;

/**
 * What a node gets for its heartbeat; a grant when the call did not fail.
 *
 * @param grantVersion the newest routing that was decided when it was granted
 * @param routingVersion the newest that can be had
 * @param configVersion of the cluster's configuration
 * @param deltaBytes of the routing delta behind this message; 0: none
 * @param reason why nothing was granted
 */
public record HeartbeatAnswer(
    long incarnation,
    long sequence,
    long grantVersion,
    long routingVersion,
    long configVersion,
    int deltaBytes,
    List<TargetOrder> orders,
    String reason) {
  public HeartbeatAnswer {
    orders = List.copyOf(orders);
  }

  /** Nothing was granted. */
  public static HeartbeatAnswer refused(String reason) {
    return new HeartbeatAnswer(0, 0, 0, 0, 0, 0, List.of(), reason);
  }
}
