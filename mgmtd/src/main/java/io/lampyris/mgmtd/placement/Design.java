package io.lampyris.mgmtd.placement;

import io.lampyris.reactor.sim.Prng;
import java.util.Arrays;
import java.util.List;

/**
 * Nodes and chains as numbers, while a placement is made: which nodes a chain is on, and how many
 * chains each pair of nodes shares. The sum of the squares of the pairs is least when they are
 * flat.
 */
final class Design {
  final int[][] chains;
  final int[][] pairs;
  private final int[] domains;

  Design(int[][] chains, int[] domains) {
    this.chains = chains;
    this.domains = domains;
    this.pairs = new int[domains.length][domains.length];
    for (int[] chain : chains) {
      count(chain, 1);
    }
  }

  private void count(int[] chain, int by) {
    for (int a = 0; a < chain.length; a++) {
      for (int b = 0; b < a; b++) {
        pairs[chain[a]][chain[b]] += by;
        pairs[chain[b]][chain[a]] += by;
      }
    }
  }

  static int[] domainsOf(List<PlacementNode> nodes) {
    List<String> names = nodes.stream().map(PlacementNode::domain).distinct().toList();
    return nodes.stream().mapToInt(node -> names.indexOf(node.domain())).toArray();
  }

  /** Whether a node may be in a chain in place of one of its members (I1). */
  boolean mayReplace(int[] chain, int position, int node) {
    for (int i = 0; i < chain.length; i++) {
      if (i != position && domains[chain[i]] == domains[node]) {
        return false;
      }
    }
    return chain[position] != node;
  }

  /** How the sum of squares changes, halved, when a node takes a position of a chain. */
  int costOf(int[] chain, int position, int node) {
    int old = chain[position];
    int cost = 0;
    for (int i = 0; i < chain.length; i++) {
      if (i != position) {
        cost += pairs[node][chain[i]] - pairs[old][chain[i]] + 1;
      }
    }
    return cost;
  }

  void replace(int[] chain, int position, int node) {
    int old = chain[position];
    for (int i = 0; i < chain.length; i++) {
      if (i != position) {
        move(old, chain[i], -1);
        move(node, chain[i], 1);
      }
    }
    chain[position] = node;
  }

  private void move(int a, int b, int by) {
    pairs[a][b] += by;
    pairs[b][a] += by;
  }

  long sumOfSquares() {
    long sum = 0;
    for (int[] row : pairs) {
      for (int shared : row) {
        sum += (long) shared * shared;
      }
    }
    return sum;
  }

  /** The least that any design with these numbers could have; it may be out of reach. */
  long floor() {
    int n = domains.length;
    long total = 0;
    for (int[] chain : chains) {
      total += (long) chain.length * (chain.length - 1);
    }
    long all = (long) n * (n - 1);
    long each = all == 0 ? 0 : total / all;
    long above = total - each * all;
    return (all - above) * each * each + above * (each + 1) * (each + 1);
  }

  /**
   * Swaps members between chains, which keeps how many chains each node is in. Takes every swap
   * that makes pairs flatter, and while it is warm some that do not. Keeps the best it has seen.
   */
  void flatten(Prng random, long swaps) {
    long floor = floor();
    long at = sumOfSquares();
    long best = at;
    int[][] bestChains = copy();
    for (long i = 0; i < swaps && best > floor && chains.length > 1; i++) {
      int[] a = chains[random.below(chains.length)];
      int[] b = chains[random.below(chains.length)];
      int pa = random.below(a.length);
      int pb = random.below(b.length);
      int x = a[pa];
      int y = b[pb];
      if (a == b || !mayReplace(a, pa, y) || !mayReplace(b, pb, x)) {
        continue;
      }
      int cost = costOf(a, pa, y);
      replace(a, pa, y);
      cost += costOf(b, pb, x);
      if (cost <= 0 || warmEnough(random, cost, i, swaps)) {
        replace(b, pb, x);
        at += 2L * cost;
      } else {
        replace(a, pa, x);
      }
      if (at < best) {
        best = at;
        bestChains = copy();
      }
    }
    restore(bestChains);
  }

  /** Whole numbers only: the same everywhere (I3). The odds fall with cost, and with time. */
  private static boolean warmEnough(Prng random, int cost, long now, long end) {
    int odds = 4 + (int) (60 * now / end);
    return cost <= 4 && random.below(odds * cost * cost) == 0;
  }

  private int[][] copy() {
    return Arrays.stream(chains).map(int[]::clone).toArray(int[][]::new);
  }

  private void restore(int[][] from) {
    for (int[] row : pairs) {
      Arrays.fill(row, 0);
    }
    for (int i = 0; i < chains.length; i++) {
      chains[i] = from[i];
      count(chains[i], 1);
    }
  }
}
