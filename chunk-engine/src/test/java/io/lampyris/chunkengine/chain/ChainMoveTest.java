package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Routing makes chains of targets, takes targets out of them and puts them into others (I12). */
final class ChainMoveTest {
  private static final long INODE = 42;
  private static final int OTHER = 4711;

  @TempDir Path tmp;

  @Test
  void theChainOfATargetIsTheOneThatRoutingSays() {
    try (ChainRig rig = new ChainRig(tmp, 1, 3)) {
      rig.manager.chainId = OTHER;
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      client.write(INODE, 0, 0, bytes(5000, 1));
      assertEquals(5000, client.await());
      for (int node = 1; node <= 3; node++) {
        assertEquals(OTHER, rig.node(node).target().chainId());
        client.readAt(node, INODE, 0, 0, 9000);
        assertEquals(5000, client.await());
      }
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
    }
  }

  @Test
  void aSpareServesNothingAndClaimsNothing() {
    try (ChainRig rig = new ChainRig(tmp, 1, 2)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      client.giveUpNs = 0;
      ChainRig.Node spare = rig.node(2);
      Routing without =
          new Routing(
              rig.manager.routingVersion + 1,
              Map.of(),
              Map.of(ChainRig.CHAIN, new Routing.Chain(ChainRig.CHAIN, 9, List.of(1L))),
              Map.of(
                  1L, new Routing.Target(1, 1, TargetState.SERVING),
                  2L, new Routing.Target(2, 2, TargetState.OFFLINE)));
      spare.service().onRouting(without);
      assertEquals(0, spare.target().chainVersion());
      client.readAt(2, INODE, 0, 0, 100);
      assertEquals(Status.NO_ROUTE.code(), client.await());
    }
  }

  /** The other chain has the very version that the first one had. */
  @Test
  void whatIsUnderWayInOneChainIsOverBeforeTheTargetComesIntoTheNext() {
    try (ChainRig rig = new ChainRig(tmp, 3, 2)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      client.write(INODE, 0, 0, bytes(5000, 1));
      assertEquals(5000, client.await());
      rig.runUntil(rig::isQuiet);
      // The second one gets no update any more, so the head tries on and on.
      rig.network.script = StepNetwork.losing(ForwardUpdateDecoder.TEMPLATE_ID);
      client.giveUpNs = 0;
      client.write(INODE, 0, 0, bytes(300, 2));
      ChainRig.Node head = rig.node(1);
      rig.runUntil(() -> head.target().counters().forwards > 1);
      assertEquals(1, head.store().pendingCount());

      int version = head.target().chainVersion();
      Routing moved =
          new Routing(
              rig.manager.routingVersion + 1,
              Map.of(),
              Map.of(
                  OTHER,
                  new Routing.Chain(OTHER, version, List.of(1L)),
                  ChainRig.CHAIN,
                  new Routing.Chain(ChainRig.CHAIN, version + 1, List.of(2L))),
              Map.of(
                  1L, new Routing.Target(1, 1, TargetState.SERVING),
                  2L, new Routing.Target(2, 2, TargetState.SERVING)));
      head.service().onRouting(moved);
      assertEquals(0, head.target().chainVersion(), "it waits for its update to end");
      rig.node(2).service().onRouting(moved);

      assertTrue(client.await() < 0, "nobody who stays has the update");
      assertEquals(0, head.target().counters().settled);
      rig.runUntil(() -> head.target().chainVersion() == version);
      assertEquals(OTHER, head.target().chainId());
      rig.runUntil(rig::isQuiet);
      // The old chain's version 2 was pending; in the new one it is settled, not forwarded.
      assertEquals(0, head.store().pendingCount());

      rig.network.script = StepNetwork.ALL_ARRIVES;
      client.readAt(1, INODE, 0, 0, 9000);
      assertEquals(Status.NO_ROUTE.code(), client.await(), "it has left that chain");
      rig.manager.chainVersion = version + 1;
      client.readAt(2, INODE, 0, 0, 9000);
      assertEquals(5000, client.await());
      assertArrayEquals(bytes(5000, 1), client.read);
    }
  }
}
