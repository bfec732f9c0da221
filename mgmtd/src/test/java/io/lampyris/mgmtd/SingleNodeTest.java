package io.lampyris.mgmtd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import java.util.HashSet;
import java.util.List;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;

class SingleNodeTest {
  private static final FileLayout SECOND =
      new FileLayout(1 << 20, 1, 1, 1, 1, FileLayout.ROUND_ROBIN);

  private static Routing.ChainTable table(Routing routing) {
    return Objects.requireNonNull(routing.chainTables().get(SingleNode.CHAIN_TABLE_ID));
  }

  @Test
  void everyTargetHasAChainOfItsOwnAndServes() {
    Routing routing = SingleNode.routing(7, List.of(30L, 10L, 20L));
    assertEquals(List.of(1, 2, 3), table(routing).chainIds());
    assertEquals(1, table(routing).version());
    assertEquals(List.of(10L), routing.chainOf(SECOND, 0).targetIds());
    assertEquals(3, routing.targets().size());
    for (Routing.Target target : routing.targets().values()) {
      assertEquals(7, target.nodeId());
      assertEquals(Routing.TargetState.SERVING, target.state());
    }
  }

  @Test
  void aStripeOverAllChainsReachesEveryTarget() {
    Routing routing = SingleNode.routing(1, List.of(1L, 2L, 3L, 4L));
    FileLayout layout = new FileLayout(1 << 20, 4, 1, 1, 2, FileLayout.ROUND_ROBIN);
    Set<Long> reached = new HashSet<>();
    for (long chunk = 0; chunk < 4; chunk++) {
      reached.addAll(routing.chainOf(layout, chunk).targetIds());
    }
    assertEquals(Set.of(1L, 2L, 3L, 4L), reached);
  }

  @Test
  void theSameTargetsGiveTheSameRouting() {
    List<Long> targets = List.of(5L, 3L);
    assertEquals(SingleNode.routing(1, targets), SingleNode.routing(1, targets));
  }

  @Test
  void whatMakesNoSenseIsRefusedWithARemedy() {
    for (List<Long> targets : List.of(List.<Long>of(), List.of(1L, 1L), List.of(0L))) {
      IllegalArgumentException refused =
          assertThrows(IllegalArgumentException.class, () -> SingleNode.routing(1, targets));
      assertTrue(String.valueOf(refused.getMessage()).contains("remedy: "), refused::getMessage);
    }
    assertThrows(IllegalArgumentException.class, () -> SingleNode.routing(0, List.of(1L)));
  }
}
