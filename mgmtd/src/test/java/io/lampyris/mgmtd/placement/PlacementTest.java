package io.lampyris.mgmtd.placement;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.mgmtd.placement.Placement.Place;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class PlacementTest {
  private static final long SEED = Long.getLong("seed", 1);

  private static List<PlacementNode> nodes(int from, int to, int disks) {
    List<PlacementNode> nodes = new ArrayList<>();
    for (int id = from; id <= to; id++) {
      nodes.add(PlacementNode.alone(id, disks));
    }
    return nodes;
  }

  private static void isSound(Placement placement) {
    Map<Integer, String> domains = new HashMap<>();
    placement.nodes().forEach(node -> domains.put(node.nodeId(), node.domain()));
    for (List<Place> chain : placement.chains()) {
      Set<String> used = new HashSet<>();
      for (Place place : chain) {
        assertTrue(used.add(Objects.requireNonNull(domains.get(place.nodeId()))), "I1: " + chain);
      }
    }
  }

  private static Quality quality(String name, Placement placement) {
    isSound(placement);
    Quality quality = Quality.of(placement);
    System.out.println(name + ": " + quality);
    return quality;
  }

  /** Known designs (v, b, r, k, λ): every pair of nodes shares exactly λ chains. */
  @Test
  void knownDesignsAreFoundExactly() {
    int[][] designs = {
      {7, 3, 3, 1},
      {9, 4, 3, 1},
      {6, 5, 3, 2},
      {13, 6, 3, 1},
      {5, 6, 3, 3},
      {4, 3, 3, 2},
      {7, 6, 2, 1},
      {13, 4, 4, 1},
      {15, 7, 3, 1}
    };
    for (int[] d : designs) {
      int v = d[0];
      Placement placement = Generator.generate(nodes(1, v, 1), d[2], d[1], SEED);
      Quality quality = quality(v + " nodes, " + d[1] + " a disk, x" + d[2], placement);
      assertEquals(v * d[1] / d[2], quality.chains());
      assertEquals(d[3], quality.pairMin(), "pairs of " + v);
      assertEquals(d[3], quality.pairMax(), "pairs of " + v);
      assertEquals(Quality.floorOfOne(v), quality.worstOfOne(), 1e-9);
      assertEquals(Quality.floorOfOne(v), quality.meanOfOne(), 1e-9);
      assertEquals(d[1], quality.perDiskMin(), "I2");
      assertEquals(d[1], quality.perDiskMax(), "I2");
    }
  }

  /** Three nodes and three replicas: both survivors take half each, and the numbers say so. */
  @Test
  void theFiguresOfTheSmallestClusterAreThoseOfPencilAndPaper() {
    Quality quality = quality("3 x 3", Generator.generate(nodes(1, 3, 1), 3, 3, SEED));
    assertEquals(3, quality.chains());
    assertEquals(1, quality.headsMin());
    assertEquals(1, quality.headsMax());
    assertEquals(0.5, quality.worstOfOne(), 1e-9);
    assertEquals(2.0, quality.worstOfTwo(), 1e-9);
    assertEquals(0, quality.lostByTwo());
    Quality two = quality("3 x 2", Generator.generate(nodes(1, 3, 1), 2, 2, SEED));
    assertEquals(1, two.lostByTwo());
  }

  @Test
  void largeClustersStayWithinTwiceTheFloorAndBalance() {
    Placement placement = Generator.generate(nodes(1, 40, 4), 3, 6, SEED);
    Quality quality = quality("40 nodes x 4 disks", placement);
    assertEquals(320, quality.chains());
    assertEquals(6, quality.perDiskMin());
    assertEquals(6, quality.perDiskMax());
    assertTrue(quality.pairMax() <= 2, "pairs");
    assertTrue(quality.worstOfOne() <= 2 * Quality.floorOfOne(40), "worst of one");
    assertTrue(quality.headsMax() - quality.headsMin() <= 2, "heads");
  }

  @Test
  void replicasStayInDifferentRacksAlsoWhenRacksAreUneven() {
    List<PlacementNode> racks = new ArrayList<>();
    for (int id = 1; id <= 14; id++) {
      racks.add(new PlacementNode(id, "rack=" + (id <= 6 ? 1 : id <= 10 ? 2 : 3 + id % 2), 2));
    }
    Quality quality = quality("uneven racks", Generator.generate(racks, 3, 3, SEED));
    assertTrue(quality.perDiskMax() <= 3, "I2");
    assertEquals(24, quality.chains(), "rack 1 has room for 36 but can be in each chain once");
  }

  @Test
  void theSameSeedGivesTheSamePlacement() {
    List<PlacementNode> nodes = nodes(1, 10, 2);
    assertEquals(Generator.generate(nodes, 3, 3, 9), Generator.generate(nodes, 3, 3, 9), "I3");
  }

  private static int[] counts(Placement placement) {
    Map<Integer, Integer> counts = new HashMap<>();
    placement.nodes().forEach(node -> counts.put(node.nodeId(), 0));
    placement.chains().forEach(c -> c.forEach(p -> counts.merge(p.nodeId(), 1, Integer::sum)));
    return counts.values().stream().mapToInt(v -> v).sorted().toArray();
  }

  private static Rebalance.Plan rebalance(String name, Placement old, List<PlacementNode> wanted) {
    Rebalance.Plan plan = Rebalance.plan(old, wanted, SEED);
    quality(name + " with " + plan.moves().size() + " moves", plan.placement());
    assertEquals(plan.needed(), plan.moves().size(), "I4: " + name);
    int changed = 0;
    for (int c = 0; c < old.chains().size(); c++) {
      for (int i = 0; i < old.chains().get(c).size(); i++) {
        boolean same = old.chains().get(c).get(i).equals(plan.placement().chains().get(c).get(i));
        changed += same ? 0 : 1;
      }
    }
    assertEquals(plan.moves().size(), changed, "only what is listed moves");
    return plan;
  }

  @Test
  void growingMovesOnlyWhatTheNewNodesLack() {
    Placement three = Generator.generate(nodes(1, 3, 2), 3, 10, SEED);
    Rebalance.Plan five = rebalance("3 to 5 nodes", three, nodes(1, 5, 2));
    assertEquals(24, five.moves().size());
    int[] counts = counts(five.placement());
    assertEquals(12, counts[0]);
    assertEquals(12, counts[4]);
    Placement large = Generator.generate(nodes(1, 20, 2), 3, 6, SEED);
    Rebalance.Plan grown = rebalance("20 to 24 nodes", large, nodes(1, 24, 2));
    assertEquals(40, grown.moves().size());
    Quality quality = Quality.of(grown.placement());
    assertTrue(quality.worstOfOne() <= 3.5 * Quality.floorOfOne(24), quality::toString);
  }

  @Test
  void drainingMovesEachReplicaOfTheNodeOnceAndNoOther() {
    Placement five = Generator.generate(nodes(1, 5, 2), 3, 6, SEED);
    Rebalance.Plan four = rebalance("5 to 4 nodes", five, nodes(1, 4, 2));
    assertEquals(12, four.moves().size());
    assertTrue(four.moves().stream().allMatch(move -> move.from().nodeId() == 5));
    List<PlacementNode> replaced = new ArrayList<>(nodes(2, 5, 2));
    replaced.add(PlacementNode.alone(9, 2));
    assertEquals(12, rebalance("1 replaced by 9", five, replaced).moves().size());
  }

  @Test
  void whatAllowsNoPlacementIsRefusedWithARemedy() {
    Placement three = Generator.generate(nodes(1, 3, 1), 3, 1, SEED);
    List<Runnable> wrong =
        List.of(
            () -> Generator.generate(nodes(1, 2, 1), 3, 1, SEED),
            () -> Generator.generate(List.of(), 1, 1, SEED),
            () -> Rebalance.plan(three, nodes(1, 2, 1), SEED),
            () -> PlacementNode.alone(1, 0));
    for (Runnable make : wrong) {
      IllegalArgumentException refused = assertThrows(IllegalArgumentException.class, make::run);
      assertTrue(String.valueOf(refused.getMessage()).contains("remedy: "), refused::getMessage);
    }
  }
}
