package io.lampyris.mgmtd.placement;

/**
 * A node that can hold targets.
 *
 * @param domain what fails together with it, from its tags ("rack=7"); its own name when nothing
 *     does
 * @param disks how many it has
 */
public record PlacementNode(int nodeId, String domain, int disks) {
  public PlacementNode {
    if (nodeId < 1 || disks < 1) {
      throw new IllegalArgumentException(
          "node cannot hold targets; observed=id %d with %d disks, limit=>= 1; remedy: correct it"
              .formatted(nodeId, disks));
    }
  }

  /** A node that fails alone. */
  public static PlacementNode alone(int nodeId, int disks) {
    return new PlacementNode(nodeId, "node=" + nodeId, disks);
  }
}
