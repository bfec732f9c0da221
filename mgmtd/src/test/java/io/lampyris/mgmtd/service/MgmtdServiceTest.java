package io.lampyris.mgmtd.service;

import static io.lampyris.mgmtd.service.ClusterRig.MS;
import static io.lampyris.mgmtd.service.ClusterRig.S;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.mgmtd.service.ClusterRig.Told;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.reactor.cluster.RoutingClient;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

class MgmtdServiceTest {
  private static final long SEED = Long.getLong("seed", 20_261_121L);

  private static ClusterRig rig() {
    System.out.println("seed=" + SEED);
    return new ClusterRig(SEED, 1);
  }

  /** Nodes with targets, and chains of 3 made of one target of each disk. */
  private static void cluster(ClusterRig rig, int nodes, int targetsPerDisk, int used) {
    rig.startManagers();
    rig.addNodes(1, nodes, 1, targetsPerDisk);
    rig.run(S);
    Told told =
        rig.admin(
            AdminCommand.CHAIN_CREATE,
            Map.of("replicas", "3", "targets-per-disk", String.valueOf(used)));
    assertEquals(0, told.result(), told.answer().text());
    int chains = nodes * used / 3;
    rig.await("all serve", 5 * S, () -> rig.allServe(chains, 3));
    rig.write();
  }

  @Test
  void nodesRegisterThemselvesAndChainsMadeOfThemServe() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 4, 4);
      Told status = rig.admin(AdminCommand.STATUS, Map.of());
      assertTrue(status.answer().text().startsWith("HEALTH_OK"), status.answer().text());
      assertEquals(3, rig.admin(AdminCommand.NODE_LIST, Map.of()).answer().rows().size());
      assertEquals(12, rig.admin(AdminCommand.TARGET_LIST, Map.of()).answer().rows().size());
      assertEquals(1, rig.admin(AdminCommand.CLIENT_LIST, Map.of()).answer().rows().size());
    }
  }

  @Test
  void aDeadNodeIsOutOfItsChainsInLessThanFiveSecondsAndReturnsStepByStep() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 2, 2);
      rig.node(2).crash();
      long goneNs =
          rig.await(
              "new chains",
              5 * S,
              () -> rig.statesOf(2).stream().allMatch(TargetState.OFFLINE::equals));
      System.out.println("death to new chains at the client: " + goneNs / MS + " ms");
      rig.write();
      rig.node(2).seen.clear();
      rig.node(2).start();
      rig.await("all serve", 20 * S, () -> rig.allServe(2, 3));
      assertEquals(List.of(), rig.node(2).seen.stream().filter(s -> s.contains("LAST")).toList());
      String first = rig.node(2).seen.getFirst();
      assertFalse(first.contains(":SERVING"), rig.node(2).seen::toString);
      assertTrue(rig.node(2).seen.stream().anyMatch(s -> s.contains("SYNCING")));
      rig.write();
      rig.check();
    }
  }

  @Test
  void aNodeThatRestartsWithinItsLeaseServesOn() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      int version = rig.chain(1).version();
      rig.node(1).crash();
      rig.node(1).start();
      rig.await("all serve", 5 * S, () -> rig.allServe(1, 3));
      rig.run(5 * S);
      assertEquals(version, rig.chain(1).version());
    }
  }

  @Test
  void whenAllReplicasAreLostTheLastThatServedLeads() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.node(1).crash();
      rig.run(5 * S);
      rig.write();
      rig.node(2).crash();
      rig.run(5 * S);
      rig.write();
      rig.node(3).crash();
      rig.run(5 * S);
      rig.node(1).start();
      rig.node(2).start();
      rig.run(10 * S);
      assertFalse(rig.node(1).serves(100) || rig.node(2).serves(200), rig::describe);
      Told status = rig.admin(AdminCommand.STATUS, Map.of());
      assertTrue(status.answer().text().startsWith("HEALTH_ERR"), status.answer().text());
      rig.node(3).start();
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
    }
  }

  @Test
  void anOperatorIsToldWhatIsLostBeforeAChainIsForced() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.node(1).crash();
      rig.run(5 * S);
      rig.write();
      rig.node(2).crash();
      rig.node(3).crash();
      rig.run(5 * S);
      rig.node(1).start();
      rig.run(3 * S);
      Told told = rig.admin(AdminCommand.CHAIN_FORCE, Map.of("chain", "1", "target", "100"));
      assertTrue(told.isRefused());
      assertTrue(told.answer().text().contains("may be lost"), told.answer().text());
      String consent = told.answer().text().replaceAll("(?s).*accept-loss=(\\d+).*", "$1");
      rig.lossAccepted = true;
      told =
          rig.admin(
              AdminCommand.CHAIN_FORCE,
              Map.of("chain", "1", "target", "100", "accept-loss", consent));
      assertEquals(0, told.result(), told.answer().text());
      rig.await("it leads", 5 * S, () -> rig.node(1).serves(100));
      rig.node(2).start();
      rig.node(3).start();
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
    }
  }

  @Test
  void aSpareTakesTheLongLostTargetsPlace() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.addNodes(4, 1, 1, 1);
      rig.node(2).crash();
      rig.await("a spare serves", 60 * S, () -> rig.allServe(1, 3));
      assertFalse(rig.chain(1).targetIds().contains(200L));
      rig.node(2).start();
      rig.run(5 * S);
      assertEquals(
          "spare",
          rig.admin(AdminCommand.TARGET_SHOW, Map.of("target", "200"))
              .answer()
              .rows()
              .getFirst()
              .getLast());
    }
  }

  @Test
  void aTargetThatReturnsToANodeWhoseSpareTookItsPlaceLeavesTheChain() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      StorageNode one = rig.node(1);
      StorageNode.Store lost = one.store(100);
      one.crash();
      rig.node(3).crash();
      rig.run(30 * S);
      one.stores.remove(100L);
      one.stores.put(101L, new StorageNode.Store(101, 1, rig.newStoreId()));
      one.start();
      rig.await("the spare serves", 60 * S, () -> one.serves(101));
      one.crash();
      one.stores.put(100L, lost);
      one.start();
      rig.run(10 * S);
      rig.node(3).start();
      rig.await("one of them stays", 60 * S, () -> rig.allServe(1, 3));
      assertFalse(rig.chain(1).targetIds().containsAll(List.of(100L, 101L)));
      rig.write();
      rig.check();
    }
  }

  @Test
  void aDrainedNodeIsEmptyWhileEveryChainKeepsItsReplicasAndIsThenForgotten() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 2, 2);
      rig.addNodes(4, 2, 1, 2);
      rig.run(S);
      assertEquals(0, rig.admin(AdminCommand.NODE_DRAIN, Map.of("node", "1")).result());
      long[] least = {Long.MAX_VALUE};
      rig.await(
          "drained",
          60 * S,
          () -> {
            for (var chain : rig.routing().chains().values()) {
              long serving =
                  chain.targetIds().stream()
                      .filter(id -> StorageNode.stateOf(rig.routing(), id) == TargetState.SERVING)
                      .count();
              least[0] = Math.min(least[0], serving);
            }
            return rig.statesOf(1).isEmpty() && rig.allServe(2, 3);
          });
      assertEquals(3, least[0], "replicas while it was drained");
      assertTrue(
          rig.admin(AdminCommand.NODE_DECOMMISSION, Map.of("node", "1")).isRefused(),
          "it runs still");
      rig.node(1).crash();
      rig.run(5 * S);
      assertEquals(0, rig.admin(AdminCommand.NODE_DECOMMISSION, Map.of("node", "1")).result());
      rig.run(S);
      assertFalse(rig.routing().nodes().containsKey(1));
      rig.write();
      rig.check();
    }
  }

  @Test
  void aDrainedNodeThatRunsIsToldToEndAndForgottenOnceItsLeaseHasLapsed() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.addNodes(4, 1, 1, 1);
      rig.run(S);
      Map<String, String> stop = Map.of("node", "1", "stop", "true");
      assertTrue(rig.admin(AdminCommand.NODE_DECOMMISSION, stop).isRefused(), "it has members");
      rig.admin(AdminCommand.NODE_DRAIN, Map.of("node", "1"));
      rig.await("drained", 60 * S, () -> rig.statesOf(1).isEmpty() && rig.allServe(1, 3));
      assertFalse(rig.node(1).toldToLeave);
      assertEquals(0, rig.admin(AdminCommand.NODE_DECOMMISSION, stop).result());
      rig.await("told", 10 * S, () -> rig.node(1).toldToLeave);
      rig.run(5 * S);
      assertTrue(rig.routing().nodes().containsKey(1), "it may serve still");
      rig.node(1).crash();
      rig.await("forgotten", 20 * S, () -> !rig.routing().nodes().containsKey(1));
      rig.write();
      rig.check();
    }
  }

  @Test
  void aRebalanceSaysWhichNodesLackAFreeTargetAndMovesWhatItCan() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 4, 4);
      rig.addNodes(4, 1, 1, 1);
      rig.run(S);
      Told told = rig.admin(AdminCommand.CHAIN_REBALANCE, Map.of());
      assertEquals(0, told.result(), told.answer().text());
      assertEquals("3 moves, 1 of them are under way", told.answer().text());
      assertEquals(
          List.of("now", "no free target", "no free target"),
          told.answer().rows().stream().map(List::getLast).toList());
      rig.await("moved", 60 * S, () -> rig.statesOf(4).size() == 1 && rig.allServe(4, 3));
    }
  }

  @Test
  void aReplacedDiskIsFilledAgain() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.node(3).crash();
      rig.node(3).replace(300, rig.newStoreId());
      rig.node(3).start();
      rig.run(100 * MS);
      rig.write();
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
      assertTrue(rig.node(3).store(300).whole);
    }
  }

  @Test
  void whoWasPromotedAndEndedBeforeItHeardSoStillLeads() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.node(3).crash();
      rig.node(3).replace(300, rig.newStoreId());
      rig.node(3).start();
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
      rig.node(1).crash();
      rig.node(2).crash();
      rig.run(5 * S);
      rig.write();
      rig.node(3).crash();
      rig.node(3).store(300).whole = false;
      rig.run(5 * S);
      for (int id = 1; id <= 3; id++) {
        rig.node(id).start();
      }
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
      rig.check();
      assertTrue(rig.node(3).store(300).whole);
    }
  }

  @Test
  void aRetiringDiskIsReplacedByASpareWithoutLosingAReplica() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.addNodes(4, 1, 1, 1);
      rig.run(S);
      Told told = rig.admin(AdminCommand.TARGET_RETIRE, Map.of("node", "2", "disk", "0"));
      assertEquals(0, told.result(), told.answer().text());
      rig.await("moved", 30 * S, () -> rig.statesOf(2).isEmpty() && rig.allServe(1, 3));
    }
  }

  /** The other nodes have members that stay. */
  @Test
  void aRetiringTargetIsReplacedByASpareOnItsNodeAndLeavesWhenThatServes() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 2, 1);
      Told told = rig.admin(AdminCommand.TARGET_RETIRE, Map.of("target", "200"));
      assertEquals(0, told.result(), told.answer().text());
      long[] least = {Long.MAX_VALUE};
      rig.await(
          "moved",
          30 * S,
          () -> {
            Routing routing = rig.routing();
            List<Long> members = rig.chain(1).targetIds();
            long serving =
                members.stream()
                    .filter(id -> StorageNode.stateOf(routing, id) == TargetState.SERVING)
                    .count();
            least[0] = Math.min(least[0], serving);
            return !members.contains(200L) && rig.allServe(1, 3);
          });
      assertEquals(3, least[0]);
      assertTrue(rig.chain(1).targetIds().contains(201L));
      rig.write();
      rig.check();
    }
  }

  /** What it has may be the only good bytes of what went bad at the others. */
  @Test
  void aMemberThatDoesNotServeLeavesWhenItsReplacementServesNotBefore() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      rig.addNodes(4, 1, 1, 1);
      rig.run(S);
      rig.node(2).crash();
      rig.await("dropped", 20 * S, () -> !rig.node(2).serves(200));
      assertEquals(0, rig.admin(AdminCommand.NODE_DRAIN, Map.of("node", "2")).result());
      rig.await(
          "moved",
          60 * S,
          () -> {
            Routing routing = rig.routing();
            List<Long> members = rig.chain(1).targetIds();
            boolean left = !members.contains(200L);
            boolean served = StorageNode.stateOf(routing, 400) == TargetState.SERVING;
            assertTrue(served || !left, "it left before another one served");
            return left && rig.allServe(1, 3);
          });
    }
  }

  @Test
  void newNodesGetTheirShareOfTheChains() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 4, 4);
      rig.addNodes(4, 1, 1, 4);
      rig.run(S);
      Told told = rig.admin(AdminCommand.CHAIN_REBALANCE, Map.of());
      assertEquals(0, told.result(), told.answer().text());
      rig.await("moved", 60 * S, () -> rig.statesOf(4).size() == 3 && rig.allServe(4, 3));
      rig.write();
      rig.check();
    }
  }

  @Test
  void aConfigurationThatIsNotValidIsRefusedWholeWithEveryReason() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      Told told =
          rig.admin(
              AdminCommand.CONFIG_SET,
              Map.of(
                  "set.mgmtd.spare.after", "30s",
                  "set.mgmtd.lease.duration", "soon",
                  "set.mgmtd.leese.renew-every", "1s"));
      assertTrue(told.isRefused());
      assertTrue(told.answer().text().contains("soon"), told.answer().text());
      assertTrue(told.answer().text().contains("mgmtd.lease.renew-every"), told.answer().text());
      Told after = rig.admin(AdminCommand.CONFIG_GET, Map.of("key", "mgmtd.spare.after"));
      assertEquals("10min", after.answer().rows().getFirst().get(1));
      told = rig.admin(AdminCommand.CONFIG_SET, Map.of("set.mgmtd.client.timeout", "30s"));
      assertEquals(0, told.result(), told.answer().text());
      assertEquals(
          List.of("mgmtd.client.timeout", "1min", "30s", "AT_ONCE"),
          told.answer().rows().getFirst());
    }
  }

  @Test
  void aNodeWhoseLeaseWouldOutlastTheManagersWaitIsRefused() {
    try (ClusterRig rig = rig()) {
      rig.settings = Map.of("mgmtd.lease.duration", "1s", "mgmtd.lease.renew-every", "200ms");
      rig.startManagers();
      rig.addNodes(1, 1, 1, 1);
      rig.run(5 * S);
      assertTrue(rig.node(1).agent().refusal().contains("mgmtd.lease.duration"));
      assertEquals(0, rig.node(1).agent().grants());
    }
  }

  @Test
  void aManagerThatIsAwayForLessThanALeaseStopsNobody() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      int version = rig.chain(1).version();
      rig.killManager(0);
      rig.run(1_500 * MS);
      assertTrue(rig.allServe(1, 3));
      rig.startManager(0);
      rig.run(10 * S);
      assertTrue(rig.allServe(1, 3));
      assertEquals(version, rig.chain(1).version());
    }
  }

  @Test
  void aMachineThatWasSuspendedWithTheWholeClusterLosesNoMember() {
    try (ClusterRig rig = rig()) {
      cluster(rig, 3, 1, 1);
      int version = rig.chain(1).version();
      rig.suspend(30 * S);
      rig.run(S);
      assertEquals(version, rig.chain(1).version());
      rig.node(2).crash();
      rig.await(
          "node 2 is out", 5 * S, () -> rig.chain(1).version() > version && !rig.allServe(1, 3));
      rig.node(2).start();
      rig.await("all serve", 20 * S, () -> rig.allServe(1, 3));
      rig.check();
    }
  }

  @Test
  void routingThatFitsIntoNoMessageComesAsAPayloadAndItsChangesAsDeltas() {
    try (ClusterRig rig = rig()) {
      rig.startManagers();
      String address = "a".repeat(500) + ":1";
      for (int node = 1; node <= 200; node++) {
        Map<String, String> arguments = Map.of("node", String.valueOf(node), "address", address);
        assertEquals(0, rig.admin(AdminCommand.NODE_REGISTER, arguments).result());
      }
      RoutingClient late = rig.newClient(99);
      rig.await("all is known", 5 * S, () -> late.routing().nodes().size() == 200);
      assertEquals(0, rig.admin(AdminCommand.NODE_REGISTER, Map.of("node", "201")).result());
      rig.await("the change is known", 5 * S, () -> late.routing().nodes().size() == 201);
      rig.run(S);
      assertEquals(late.routing(), rig.routing());
      Told nodes = rig.admin(AdminCommand.NODE_LIST, Map.of());
      assertTrue(nodes.answer().more(), "rows come in parts");
      late.onClose();
    }
  }
}
