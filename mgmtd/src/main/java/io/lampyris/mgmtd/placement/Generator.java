package io.lampyris.mgmtd.placement;

import io.lampyris.reactor.sim.Prng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;

/** Makes placements from nothing. */
public final class Generator {
  private static final int ROUNDS = 8;
  private static final long SWAPS_MIN = 20_000;
  private static final long SWAPS_MAX = 2_000_000;

  private Generator() {}

  /**
   * As many chains as fit.
   *
   * @param nodes of which there are at least as many domains as replicas
   * @param replicas per chain
   * @param targetsPerDisk how many chains a disk takes part in, at most
   * @param seed the same seed, the same placement (I3)
   */
  public static Placement generate(
      List<PlacementNode> nodes, int replicas, int targetsPerDisk, long seed) {
    check(nodes, replicas, targetsPerDisk);
    Prng random = new Prng(seed);
    int[] domains = Design.domainsOf(nodes);
    int[] room = nodes.stream().mapToInt(node -> node.disks() * targetsPerDisk).toArray();
    int chains = chainCount(room, domains, replicas);
    Design best = null;
    for (int round = 0; round < ROUNDS; round++) {
      Design made = new Design(deal(room, domains, replicas, chains, random), domains);
      made.flatten(random, swaps(chains, replicas));
      best = best == null || made.sumOfSquares() < best.sumOfSquares() ? made : best;
      if (best.sumOfSquares() <= best.floor()) {
        break;
      }
    }
    assert best != null;
    return Disks.place(nodes, best.chains);
  }

  private static long swaps(int chains, int replicas) {
    return Math.clamp(chains * (long) replicas * 500, SWAPS_MIN, SWAPS_MAX);
  }

  private static void check(List<PlacementNode> nodes, int replicas, int targetsPerDisk) {
    long domains = nodes.stream().map(PlacementNode::domain).distinct().count();
    Set<Integer> ids = new HashSet<>();
    boolean unique = nodes.stream().allMatch(node -> ids.add(node.nodeId()));
    if (!unique || replicas < 1 || replicas > domains || targetsPerDisk < 1) {
      throw new IllegalArgumentException(
          "no placement is possible; observed=%d nodes in %d domains, %d replicas, %d targets a "
                  .formatted(nodes.size(), domains, replicas, targetsPerDisk)
              + "disk; limit=distinct nodes, a domain for each replica, >= 1 of each; "
              + "remedy: add nodes in other domains, or lower the replicas");
    }
  }

  /**
   * The most chains there can be: no domain can be in a chain twice, so a large domain's room
   * counts only up to the number of chains.
   */
  private static int chainCount(int[] room, int[] domains, int replicas) {
    int[] byDomain = new int[Arrays.stream(domains).max().orElseThrow() + 1];
    for (int i = 0; i < room.length; i++) {
      byDomain[domains[i]] += room[i];
    }
    int chains = Arrays.stream(room).sum() / replicas;
    while (usable(byDomain, chains) < (long) chains * replicas) {
      chains--;
    }
    return chains;
  }

  private static long usable(int[] byDomain, int chains) {
    return Arrays.stream(byDomain).mapToLong(total -> Math.min(total, chains)).sum();
  }

  /** Each chain takes from the domains with the most room left, so that the last ones find some. */
  private static int[][] deal(int[] room, int[] domains, int replicas, int chains, Prng random) {
    int[] left = room.clone();
    int[] byDomain = new int[Arrays.stream(domains).max().orElseThrow() + 1];
    for (int i = 0; i < left.length; i++) {
      byDomain[domains[i]] += left[i];
    }
    int[][] dealt = new int[chains][replicas];
    for (int[] chain : dealt) {
      List<Integer> order = shuffled(byDomain.length, random);
      order.sort(Comparator.comparingInt((Integer d) -> -byDomain[d]));
      for (int i = 0; i < replicas; i++) {
        int domain = order.get(i);
        chain[i] = roomiest(left, domains, domain, random);
        left[chain[i]]--;
        byDomain[domain]--;
        assert left[chain[i]] >= 0 : "more chains than room";
      }
    }
    return dealt;
  }

  private static int roomiest(int[] left, int[] domains, int domain, Prng random) {
    int best = -1;
    for (int node : shuffled(left.length, random)) {
      if (domains[node] == domain && (best < 0 || left[node] > left[best])) {
        best = node;
      }
    }
    return best;
  }

  static List<Integer> shuffled(int count, Prng random) {
    List<Integer> order = new ArrayList<>(IntStream.range(0, count).boxed().toList());
    for (int i = count - 1; i > 0; i--) {
      int j = random.below(i + 1);
      order.set(i, order.set(j, order.get(i)));
    }
    return order;
  }
}
