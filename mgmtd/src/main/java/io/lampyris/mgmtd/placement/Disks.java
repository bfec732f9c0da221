package io.lampyris.mgmtd.placement;

import io.lampyris.mgmtd.placement.Placement.Place;
import java.util.ArrayList;
import java.util.List;

/** Gives replicas their disks within nodes, and chains their heads. */
final class Disks {
  private Disks() {}

  /**
   * Each replica goes to the disk of its node that has the fewest, and of these to the one that
   * shares the fewest chains with the chain's other nodes: so what a failed node leaves to this one
   * is spread over its disks.
   */
  static Placement place(List<PlacementNode> nodes, int[][] chains) {
    int n = nodes.size();
    int[][] used = new int[n][];
    int[][][] shared = new int[n][][];
    for (int i = 0; i < n; i++) {
      used[i] = new int[nodes.get(i).disks()];
      shared[i] = new int[nodes.get(i).disks()][n];
    }
    int[][] at = new int[n][chains.length == 0 ? 0 : chains[0].length];
    List<List<Place>> placed = new ArrayList<>();
    for (int[] chain : chains) {
      List<Place> places = new ArrayList<>();
      for (int node : ordered(chain, at)) {
        int disk = pick(used[node], shared[node], chain);
        used[node][disk]++;
        for (int peer : chain) {
          shared[node][disk][peer]++;
        }
        places.add(new Place(nodes.get(node).nodeId(), disk));
      }
      placed.add(places);
    }
    return new Placement(nodes, placed);
  }

  private static int pick(int[] used, int[][] shared, int[] chain) {
    int best = 0;
    long least = Long.MAX_VALUE;
    for (int disk = 0; disk < used.length; disk++) {
      long cost = (long) used[disk] << 32;
      for (int peer : chain) {
        cost += shared[disk][peer];
      }
      best = cost < least ? disk : best;
      least = Math.min(least, cost);
    }
    return best;
  }

  /** Each position goes to the node that has held it least: heads and tails are even. */
  private static int[] ordered(int[] chain, int[][] at) {
    int[] order = chain.clone();
    for (int position = 0; position < order.length; position++) {
      int best = position;
      for (int i = position + 1; i < order.length; i++) {
        best = at[order[i]][position] < at[order[best]][position] ? i : best;
      }
      int node = order[best];
      order[best] = order[position];
      order[position] = node;
      at[node][position]++;
    }
    return order;
  }
}
