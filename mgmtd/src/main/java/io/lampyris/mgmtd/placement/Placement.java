package io.lampyris.mgmtd.placement;

import java.util.List;

/**
 * Chains and where their replicas are.
 *
 * @param nodes that may hold replicas
 * @param chains each a list of places, the head first
 */
public record Placement(List<PlacementNode> nodes, List<List<Place>> chains) {
  /** A disk of a node. */
  public record Place(int nodeId, int disk) {}

  public Placement {
    nodes = List.copyOf(nodes);
    chains = chains.stream().map(List::copyOf).toList();
  }
}
