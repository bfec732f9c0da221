package io.lampyris.mgmtd;

import io.lampyris.protocol.Routing;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/** The routing of a cluster that is one node: a chain of one replica per target. */
public final class SingleNode {
  /** The one chain table, and its version. */
  public static final int CHAIN_TABLE_ID = 1;

  public static final int CHAIN_TABLE_VERSION = 1;

  /** Every chain's version: nothing ever changes here. */
  public static final int CHAIN_VERSION = 1;

  private static final long ROUTING_VERSION = 1;

  private SingleNode() {}

  /**
   * Chain {@code i + 1} holds the target at position {@code i}; all serve (I1, I2).
   *
   * @param nodeId at least 1
   * @param targetIds at least one; each at least 1 and named once
   */
  public static Routing routing(int nodeId, List<Long> targetIds) {
    if (nodeId < 1) {
      throw refused("node id is not positive", String.valueOf(nodeId), ">= 1", "correct node id");
    }
    if (targetIds.isEmpty()) {
      throw refused("a node needs targets", "0", ">= 1", "configure at least one target");
    }
    List<Integer> chainIds = new ArrayList<>();
    Map<Integer, Routing.Chain> chains = new HashMap<>();
    Map<Long, Routing.Target> targets = new HashMap<>();
    for (Long targetId : targetIds) {
      if (targetId < 1) {
        throw refused("target id is not positive", targetId.toString(), ">= 1", "correct it");
      }
      Routing.Target target = new Routing.Target(targetId, nodeId, Routing.TargetState.SERVING);
      if (targets.put(targetId, target) != null) {
        throw refused("target id is not unique", targetId.toString(), "once", "name it once");
      }
      int chainId = chainIds.size() + 1;
      chainIds.add(chainId);
      chains.put(chainId, new Routing.Chain(chainId, CHAIN_VERSION, List.of(targetId)));
    }
    Routing.ChainTable table =
        new Routing.ChainTable(CHAIN_TABLE_ID, CHAIN_TABLE_VERSION, chainIds);
    return new Routing(ROUTING_VERSION, Map.of(CHAIN_TABLE_ID, table), chains, targets);
  }

  private static IllegalArgumentException refused(
      String what, String observed, String limit, String remedy) {
    return new IllegalArgumentException(
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }
}
