package io.lampyris.mgmtd.placement;

import io.lampyris.mgmtd.placement.Placement.Place;
import io.lampyris.reactor.sim.Prng;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Changes a placement when nodes join or drain. */
public final class Rebalance {
  /** One replica's new place. */
  public record Move(int chain, Place from, Place to) {}

  /**
   * @param needed the fewest moves that any plan could do with: one for each replica on a drained
   *     node, and one for each that a node has beyond its share
   */
  public record Plan(Placement placement, List<Move> moves, int needed) {
    public Plan {
      moves = List.copyOf(moves);
    }
  }

  private final List<PlacementNode> nodes;
  private final int staying;
  private final Placement old;
  private final Design design;
  private final int[] have;
  private final int[] share;
  private final Prng random;

  private Rebalance(Placement old, List<PlacementNode> wanted, long seed) {
    this.old = old;
    random = new Prng(seed);
    Map<Integer, PlacementNode> byId = new LinkedHashMap<>();
    wanted.forEach(node -> byId.put(node.nodeId(), node));
    staying = byId.size();
    old.nodes().forEach(node -> byId.putIfAbsent(node.nodeId(), node));
    nodes = List.copyOf(byId.values());
    Map<Integer, Integer> indexOf = new HashMap<>();
    for (int i = 0; i < nodes.size(); i++) {
      indexOf.put(nodes.get(i).nodeId(), i);
    }
    have = new int[nodes.size()];
    int[][] chains = new int[old.chains().size()][];
    for (int c = 0; c < chains.length; c++) {
      chains[c] =
          old.chains().get(c).stream()
              .mapToInt(p -> indexOf.getOrDefault(p.nodeId(), -1))
              .toArray();
      for (int node : chains[c]) {
        have[node]++;
      }
    }
    design = new Design(chains, Design.domainsOf(nodes));
    share = shares();
  }

  /**
   * Plans for these nodes; what is on others is drained.
   *
   * @throws IllegalArgumentException when a chain would find no node in a domain of its own
   */
  public static Plan plan(Placement old, List<PlacementNode> wanted, long seed) {
    return new Rebalance(old, wanted, seed).plan();
  }

  /** Even by disks; what does not divide goes to those that have more already. */
  private int[] shares() {
    int total = Arrays.stream(have).sum();
    long disks = 0;
    for (int i = 0; i < staying; i++) {
      disks += nodes.get(i).disks();
    }
    int[] shares = new int[nodes.size()];
    int left = total;
    for (int i = 0; i < staying; i++) {
      shares[i] = (int) (total * (long) nodes.get(i).disks() / disks);
      left -= shares[i];
    }
    for (; left > 0; left--) {
      int best = 0;
      for (int i = 1; i < staying; i++) {
        best = have[i] - shares[i] > have[best] - shares[best] ? i : best;
      }
      shares[best]++;
    }
    return shares;
  }

  private Plan plan() {
    int needed = 0;
    for (int i = 0; i < have.length; i++) {
      needed += Math.max(0, have[i] - share[i]);
    }
    for (int node = staying; node < have.length; node++) {
      while (have[node] > 0) {
        if (!moveOne(node, true)) {
          throw new IllegalArgumentException(
              "node %d cannot be drained; observed=no node in another domain, limit=one for each "
                      .formatted(nodes.get(node).nodeId())
                  + "replica; remedy: add nodes in other domains first");
        }
      }
    }
    for (int node = 0; node < staying; node++) {
      boolean moved = true;
      while (have[node] > share[node] && moved) {
        moved = passOn(node) || moveOne(node, false);
      }
    }
    return finish(needed);
  }

  /** Moves one replica away from a node: the one, and to where, that leaves pairs the flattest. */
  private boolean moveOne(int node, boolean must) {
    int bestChain = -1;
    int bestTo = -1;
    long least = Long.MAX_VALUE;
    for (int c : Generator.shuffled(design.chains.length, random)) {
      int position = position(design.chains[c], node);
      for (int to = 0; position >= 0 && to < staying; to++) {
        int over = Math.max(0, have[to] + 1 - share[to]);
        boolean may = (over == 0 || must) && design.mayReplace(design.chains[c], position, to);
        if (may) {
          long cost = ((long) over << 32) + design.costOf(design.chains[c], position, to);
          if (cost < least) {
            least = cost;
            bestChain = c;
            bestTo = to;
          }
        }
      }
    }
    if (bestChain < 0) {
      return false;
    }
    int[] chain = design.chains[bestChain];
    design.replace(chain, position(chain, node), bestTo);
    have[node]--;
    have[bestTo]++;
    return true;
  }

  /**
   * Frees a node by sending replicas that this plan moved anyway somewhere else: along the shortest
   * way from node to node that ends where there is room. Costs no move.
   */
  private boolean passOn(int from) {
    int[] parent = new int[staying];
    int[] chainTo = new int[staying];
    Arrays.fill(parent, -1);
    parent[from] = from;
    List<Integer> reached = new ArrayList<>(List.of(from));
    for (int i = 0; i < reached.size(); i++) {
      int at = reached.get(i);
      for (int c = 0; c < design.chains.length; c++) {
        int position = position(design.chains[c], at);
        if (position < 0 || !wasMoved(c, position)) {
          continue;
        }
        for (int to = 0; to < staying; to++) {
          if (parent[to] < 0 && design.mayReplace(design.chains[c], position, to)) {
            parent[to] = at;
            chainTo[to] = c;
            reached.add(to);
            if (have[to] < share[to]) {
              return follow(from, to, parent, chainTo);
            }
          }
        }
      }
    }
    return false;
  }

  /** The last step first, so that nobody is ever given more than one too many. */
  private boolean follow(int from, int end, int[] parent, int[] chainTo) {
    for (int to = end; to != from; to = parent[to]) {
      int[] chain = design.chains[chainTo[to]];
      int position = position(chain, parent[to]);
      if (position < 0 || !design.mayReplace(chain, position, to)) {
        return false;
      }
      design.replace(chain, position, to);
      have[parent[to]]--;
      have[to]++;
    }
    return true;
  }

  private boolean wasMoved(int chain, int position) {
    int node = nodes.get(design.chains[chain][position]).nodeId();
    return old.chains().get(chain).get(position).nodeId() != node;
  }

  private static int position(int[] chain, int node) {
    for (int i = 0; i < chain.length; i++) {
      if (chain[i] == node) {
        return i;
      }
    }
    return -1;
  }

  private Plan finish(int needed) {
    Map<Place, Integer> used = new HashMap<>();
    List<List<Place>> chains = new ArrayList<>();
    for (int c = 0; c < design.chains.length; c++) {
      for (int i = 0; i < design.chains[c].length; i++) {
        Place place = old.chains().get(c).get(i);
        if (place.nodeId() == nodes.get(design.chains[c][i]).nodeId()) {
          used.merge(place, 1, Integer::sum);
        }
      }
    }
    List<Move> moves = new ArrayList<>();
    for (int c = 0; c < design.chains.length; c++) {
      List<Place> places = new ArrayList<>(old.chains().get(c));
      for (int i = 0; i < places.size(); i++) {
        PlacementNode node = nodes.get(design.chains[c][i]);
        if (places.get(i).nodeId() != node.nodeId()) {
          Place to = emptiest(node, used);
          used.merge(to, 1, Integer::sum);
          moves.add(new Move(c, places.get(i), to));
          places.set(i, to);
        }
      }
      chains.add(places);
    }
    return new Plan(new Placement(nodes.subList(0, staying), chains), moves, needed);
  }

  private static Place emptiest(PlacementNode node, Map<Place, Integer> used) {
    Place best = new Place(node.nodeId(), 0);
    for (int disk = 1; disk < node.disks(); disk++) {
      Place other = new Place(node.nodeId(), disk);
      best = used.getOrDefault(other, 0) < used.getOrDefault(best, 0) ? other : best;
    }
    return best;
  }
}
