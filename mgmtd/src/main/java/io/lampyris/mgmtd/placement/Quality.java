package io.lampyris.mgmtd.placement;

import io.lampyris.mgmtd.placement.Placement.Place;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * How good a placement is. Loads are relative to what a node of average load reads while all is
 * well, when each replica of a chain serves an even share of its reads.
 *
 * @param chains how many there are
 * @param perDiskMin the fewest targets on a disk
 * @param perDiskMax the most
 * @param headsMin the fewest chains that a node is the head of
 * @param headsMax the most
 * @param pairMin the fewest chains that two nodes of different domains share
 * @param pairMax the most
 * @param worstOfOne the most that any survivor reads in addition after any one node has failed
 * @param meanOfOne the mean over survivors and failures
 * @param worstOfTwo the same for any two nodes
 * @param meanOfTwo the mean over survivors and pairs
 * @param lostByTwo the most chains that lose all replicas with two nodes
 */
public record Quality(
    int chains,
    int perDiskMin,
    int perDiskMax,
    int headsMin,
    int headsMax,
    int pairMin,
    int pairMax,
    double worstOfOne,
    double meanOfOne,
    double worstOfTwo,
    double meanOfTwo,
    int lostByTwo) {

  /** The least that {@link #worstOfOne} could be: a failed node's reads, evenly over all others. */
  public static double floorOfOne(int nodes) {
    return 1.0 / (nodes - 1);
  }

  /** Measures a placement. Takes time like the square of the nodes times the chains of a node. */
  public static Quality of(Placement placement) {
    return new Measure(placement).measure();
  }

  private static final class Measure {
    private final List<PlacementNode> nodes;
    private final int n;
    private final int[][] chains;
    private final int[][] chainsOf;
    private final Map<Integer, Integer> indexOf = new HashMap<>();
    private final Placement placement;
    private double worst;
    private double sum;
    private long samples;
    private int lost;

    Measure(Placement placement) {
      this.placement = placement;
      nodes = placement.nodes();
      n = nodes.size();
      for (int i = 0; i < n; i++) {
        indexOf.put(nodes.get(i).nodeId(), i);
      }
      chains = new int[placement.chains().size()][];
      int[] counts = new int[n];
      for (int c = 0; c < chains.length; c++) {
        chains[c] = placement.chains().get(c).stream().mapToInt(this::index).toArray();
        for (int node : chains[c]) {
          counts[node]++;
        }
      }
      chainsOf = new int[n][];
      for (int i = 0; i < n; i++) {
        chainsOf[i] = new int[counts[i]];
      }
      for (int c = chains.length - 1; c >= 0; c--) {
        for (int node : chains[c]) {
          chainsOf[node][--counts[node]] = c;
        }
      }
    }

    private int index(Place place) {
      Integer index = indexOf.get(place.nodeId());
      if (index == null) {
        throw new IllegalArgumentException("chain on a node that is not listed: " + place);
      }
      return index;
    }

    Quality measure() {
      Map<Place, Integer> perDisk = new HashMap<>();
      for (PlacementNode node : nodes) {
        for (int disk = 0; disk < node.disks(); disk++) {
          perDisk.put(new Place(node.nodeId(), disk), 0);
        }
      }
      int[] heads = new int[n];
      for (List<Place> chain : placement.chains()) {
        heads[index(chain.get(0))]++;
        chain.forEach(place -> perDisk.merge(place, 1, Integer::sum));
      }
      int[] pairRange = pairs();
      for (int i = 0; i < n; i++) {
        fail(i, i);
      }
      double worstOne = worst;
      double meanOne = mean();
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
          fail(i, j);
        }
      }
      return new Quality(
          chains.length,
          perDisk.values().stream().mapToInt(v -> v).min().orElse(0),
          perDisk.values().stream().mapToInt(v -> v).max().orElse(0),
          java.util.Arrays.stream(heads).min().orElse(0),
          java.util.Arrays.stream(heads).max().orElse(0),
          pairRange[0],
          pairRange[1],
          worstOne,
          meanOne,
          worst,
          mean(),
          lost);
    }

    private double mean() {
      double mean = samples == 0 ? 0 : sum / samples;
      worst = 0;
      sum = 0;
      samples = 0;
      return mean;
    }

    private int[] pairs() {
      int[] domains = Design.domainsOf(nodes);
      int[][] pairs = new Design(chains, domains).pairs;
      int min = Integer.MAX_VALUE;
      int max = 0;
      for (int i = 0; i < n; i++) {
        for (int j = 0; j < i; j++) {
          if (domains[i] != domains[j]) {
            min = Math.min(min, pairs[i][j]);
            max = Math.max(max, pairs[i][j]);
          }
        }
      }
      return new int[] {min == Integer.MAX_VALUE ? 0 : min, max};
    }

    /** Both nodes are gone; the same one twice is one. */
    private void fail(int a, int b) {
      double[] extra = new double[n];
      int gone = 0;
      for (int c : chainsOf[a]) {
        gone += share(extra, chains[c], a, b) ? 0 : 1;
      }
      if (a != b) {
        for (int c : chainsOf[b]) {
          if (!contains(chains[c], a)) {
            share(extra, chains[c], a, b);
          }
        }
        lost = Math.max(lost, gone);
      }
      double perNode = (double) chains.length / n;
      for (int i = 0; i < n; i++) {
        if (i != a && i != b) {
          worst = Math.max(worst, extra[i] / perNode);
          sum += extra[i] / perNode;
          samples++;
        }
      }
    }

    /** What a chain's survivors read more; false when there are none. */
    private static boolean share(double[] extra, int[] chain, int a, int b) {
      int alive = 0;
      for (int node : chain) {
        alive += node != a && node != b ? 1 : 0;
      }
      for (int node : chain) {
        if (node != a && node != b) {
          extra[node] += 1.0 / alive - 1.0 / chain.length;
        }
      }
      return alive > 0;
    }

    private static boolean contains(int[] chain, int node) {
      for (int member : chain) {
        if (member == node) {
          return true;
        }
      }
      return false;
    }
  }
}
