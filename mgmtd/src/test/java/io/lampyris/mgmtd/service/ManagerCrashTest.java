package io.lampyris.mgmtd.service;

import static io.lampyris.mgmtd.service.ClusterRig.MS;
import static io.lampyris.mgmtd.service.ClusterRig.S;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.mgmtd.service.ClusterRig.Told;
import io.lampyris.protocol.RoutingDelta;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.reactor.sim.Prng;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Managers that die, are cut off, or are two. */
@Timeout(300)
class ManagerCrashTest {
  private static final long SEED = Long.getLong("seed", 20_261_121L);
  private static final int SEEDS = Integer.getInteger("seeds", 60);

  /** Carries a command out, although the manager may die of it and know little at first. */
  private static void must(ClusterRig rig, AdminCommand command, Map<String, String> arguments) {
    String[] text = {""};
    for (int attempt = 0; attempt < 20; attempt++) {
      Told told = rig.admin(command, arguments);
      text[0] = told.answer().text();
      if (told.result() == 0 || (rig.deaths > 0 && text[0].contains("already"))) {
        return;
      }
      rig.run(500 * MS);
    }
    throw new AssertionError(text[0]);
  }

  /** Everything that makes decisions, one after the other. */
  private static void life(ClusterRig rig) {
    rig.startManagers();
    rig.addNodes(1, 4, 1, 2);
    rig.await("nodes are known", 20 * S, () -> rig.routing().targets().size() == 8);
    must(
        rig,
        AdminCommand.CHAIN_CREATE,
        Map.of("replicas", "3", "targets-per-disk", "1", "table", "1"));
    rig.await("chains serve", 20 * S, () -> rig.allServe(1, 3));
    rig.write();
    int head = (int) (rig.chain(1).targetIds().getFirst() / 100);
    rig.node(head).crash();
    rig.run(6 * S);
    rig.write();
    rig.node(head).start();
    rig.await("it returns", 30 * S, () -> rig.allServe(1, 3));
    must(rig, AdminCommand.NODE_DRAIN, Map.of("node", String.valueOf(head)));
    rig.await("it is drained", 60 * S, () -> rig.statesOf(head).isEmpty() && rig.allServe(1, 3));
    must(rig, AdminCommand.NODE_UNDRAIN, Map.of("node", String.valueOf(head)));
    rig.write();
    int tail = (int) (rig.chain(1).targetIds().getLast() / 100);
    rig.node(tail).crash();
    rig.await("a spare serves", 60 * S, () -> rig.allServe(1, 3));
    rig.write();
    rig.nodes.values().stream().filter(StorageNode::isUp).toList().forEach(StorageNode::crash);
    rig.run(5 * S);
    rig.nodes.values().forEach(StorageNode::start);
    rig.await("all return", 60 * S, () -> rig.allServe(1, 3));
    must(rig, AdminCommand.CONFIG_SET, Map.of("set.mgmtd.client.timeout", "2min"));
    rig.write();
    rig.run(5 * S);
    rig.check();
    Told status = rig.admin(AdminCommand.STATUS, Map.of());
    String expected = "HEALTH_OK routing=" + rig.routing().version();
    assertTrue(status.answer().text().startsWith(expected), status.answer().text());
  }

  @Test
  void aManagerThatDiesAtAnyTransactionIsFollowedByOneThatGoesOn() {
    System.out.println("seed=" + SEED);
    int deaths = 0;
    for (int n = 1, died = 1; died > 0; n++) {
      died = 0;
      for (boolean after : new boolean[] {false, true}) {
        try (ClusterRig rig = new ClusterRig(SEED + n, 1)) {
          rig.kv.dieAt = n;
          rig.kv.dieAfter = after;
          life(rig);
          died += rig.deaths;
        } catch (AssertionError e) {
          throw new AssertionError(
              "died %s commit %d, seed=%d".formatted(after ? "after" : "before", n, SEED), e);
        }
      }
      deaths += died;
    }
    System.out.println("deaths: " + deaths);
    assertTrue(deaths > 40, "transactions that were died at: " + deaths);
  }

  @Test
  void ofTwoManagersOneDecidesAndTheOtherFollowsWithinALease() {
    System.out.println("seed=" + SEED);
    try (ClusterRig rig = new ClusterRig(SEED, 2)) {
      life(rig);
      assertEquals(1, rig.primaries());
      for (int i = 0; i < 6; i++) {
        int version = rig.chain(1).version();
        int dies = i % 2;
        rig.killManager(dies);
        rig.await("one is primary", 3 * S, () -> rig.primaries() == 1);
        rig.run(4 * S);
        assertEquals(version, rig.chain(1).version(), "nobody lost its lease");
        assertTrue(rig.allServe(1, 3), rig::describe);
        rig.startManager(dies);
        rig.run(S);
      }
    }
  }

  @Test
  void theSameSeedGivesTheSameDecisions() {
    long[] ends = new long[2];
    for (int i = 0; i < 2; i++) {
      try (ClusterRig rig = new ClusterRig(SEED, 2)) {
        life(rig);
        ends[i] = rig.simulation.nowNs() * 31 + RoutingDelta.digestOf(rig.routing());
      }
    }
    assertEquals(ends[0], ends[1], "seed=" + SEED);
  }

  /** Everything fails at random; then nothing does, and all must be well again. */
  private static void storm(long seed, boolean ignoreLeases) {
    Prng random = new Prng(seed);
    int managers = 1 + random.below(2);
    try (ClusterRig rig = new ClusterRig(seed, managers)) {
      rig.ignoreLeases = ignoreLeases;
      rig.settings = Map.of("mgmtd.spare.after", random.coin() ? "6s" : "10min");
      rig.startManagers();
      rig.addNodes(1, 5, 1, 2);
      rig.await("nodes are known", 20 * S, () -> rig.routing().targets().size() == 10);
      must(rig, AdminCommand.CHAIN_CREATE, Map.of("replicas", "3", "targets-per-disk", "1"));
      rig.await("chains serve", 20 * S, () -> rig.allServe(1, 3));
      rig.network.lossOneIn = random.coin() ? 0 : 5 + random.below(30);
      int steps = 30 + random.below(30);
      for (int i = 0; i < steps; i++) {
        trouble(rig, random);
        rig.run(random.below(3_000) * MS);
        rig.write();
      }
      rig.network.heal();
      for (int i = 0; i < managers; i++) {
        if (!rig.isManagerUp(i)) {
          rig.startManager(i);
        }
      }
      rig.nodes.values().stream().filter(node -> !node.isUp()).forEach(StorageNode::start);
      rig.await("all is well", 120 * S, () -> rig.allServe(1, 3));
      rig.write();
      rig.check();
    } catch (AssertionError | RuntimeException e) {
      throw new AssertionError("seed=" + seed, e);
    }
  }

  private static void trouble(ClusterRig rig, Prng random) {
    StorageNode node = rig.node(1 + random.below(5));
    switch (random.below(8)) {
      case 0, 1 -> {
        if (node.isUp()) {
          node.crash();
        }
      }
      case 2, 3, 4 -> {
        if (!node.isUp()) {
          node.start();
        }
      }
      case 5 -> rig.network.cut(node.id, random.coin());
      case 6 -> {
        int manager = random.below(rig.managerIds().size());
        if (rig.isManagerUp(manager)) {
          rig.killManager(manager);
        } else {
          rig.startManager(manager);
        }
      }
      default -> rig.network.cut(1 + random.below(5), false);
    }
  }

  @Test
  void afterAnyStormNothingAcknowledgedIsLostAndEverythingServesAgain() {
    System.out.println("seed=" + SEED);
    for (int i = 0; i < SEEDS; i++) {
      storm(SEED + i, false);
    }
  }

  /** The rig can fail: without leases, a node that is cut off answers with what it had. */
  @Test
  void nodesThatIgnoreTheirLeasesAreFound() {
    System.out.println("seed=" + SEED);
    int seeds = 0;
    AssertionError found = null;
    while (found == null && seeds < 100) {
      try {
        storm(SEED + seeds++, true);
      } catch (AssertionError e) {
        found = e;
      }
    }
    assertNotNull(found, "no storm of 100 found it");
    assertTrue(String.valueOf(found.getCause()).contains("without acknowledged writes"));
    System.out.println("found after " + seeds + " storms");
  }
}
