package io.lampyris.protocol.cluster;

import java.util.List;

/**
 * A storage node asks for a lease and says how its targets are.
 *
 * @param incarnation higher for every start of the node's process
 * @param sequence of the request, from its lease
 * @param leaseDurationNs how long a grant lasts by the node's own terms
 * @param knownVersion routing that it knows; 0: none
 * @param replyRoom the most bytes of an answer's message
 * @param targets all that it has; at most {@link #TARGETS_MAX}
 * @param address host:port; empty: it is reached without one
 * @param domain what fails together with it; empty: nothing else
 */
public record Heartbeat(
    int nodeId,
    long incarnation,
    long sequence,
    long leaseDurationNs,
    long knownVersion,
    int replyRoom,
    List<TargetReport> targets,
    String address,
    String domain) {
  /** So many fit into a message of 48 KiB, beside the rest. */
  public static final int TARGETS_MAX = 1024;

  public Heartbeat {
    targets = List.copyOf(targets);
    if (targets.size() > TARGETS_MAX) {
      throw new IllegalArgumentException(
          "node has too many targets; observed=%d, limit=%d; remedy: make fewer, larger ones"
              .formatted(targets.size(), TARGETS_MAX));
    }
  }
}
