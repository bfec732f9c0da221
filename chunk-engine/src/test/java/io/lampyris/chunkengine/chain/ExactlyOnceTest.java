package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Updates that are sent again when somebody else has come between; the simulator found each. */
final class ExactlyOnceTest {
  private static final long INODE = 42;

  @TempDir Path tmp;

  private static void write(ChainRig.Client client, byte[] bytes) {
    client.write(INODE, 0, 0, bytes);
    assertEquals(bytes.length, client.await());
  }

  /** Sent again, it says what it said before and changes nothing. */
  private static void assertRepeated(ChainRig.Client client, byte[] bytes, int version) {
    client.writeAgain(INODE, 0, 0, bytes);
    assertEquals(bytes.length, client.await());
    assertEquals(version, client.version);
  }

  private static void assertRead(ChainRig.Client client, byte[] expected, int version) {
    client.read(INODE, 0, 0, 9000);
    assertEquals(expected.length, client.await());
    assertArrayEquals(expected, client.read);
    assertEquals(version, client.version);
  }

  private static long remove(ChainRig.Client client) {
    client.remove(INODE, 0);
    return client.await();
  }

  private static void goAway(ChainRig rig, int node) {
    rig.node(node).kill();
    rig.runUntil(() -> !rig.manager.serving().contains(node));
    rig.settle();
  }

  @Test
  void whoHasAnsweredARetryAnswersTheNextOneTheSameWay() {
    try (ChainRig rig = new ChainRig(tmp, 1, 2)) {
      rig.begin();
      ChainRig.Client first = rig.new Client(5, 1);
      write(first, bytes(5000, 1));
      write(rig.new Client(6, 1), bytes(6000, 2));
      assertRepeated(first, bytes(5000, 1), 1);
      assertRepeated(first, bytes(5000, 1), 1);
      assertRead(first, bytes(6000, 2), 2);
    }
  }

  @Test
  void aMemberThatCameLaterKnowsWhatWasDoneBefore() {
    try (ChainRig rig = new ChainRig(tmp, 2, 2)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client first = rig.new Client(5, 1);
      write(first, bytes(5000, 1));
      write(rig.new Client(6, 1), bytes(6000, 2));
      goAway(rig, 2);
      rig.heal();
      goAway(rig, 1);
      assertRepeated(first, bytes(5000, 1), 1);
      assertRead(first, bytes(6000, 2), 2);
    }
  }

  @Test
  void whatOnlyTheChunkItselfKnewIsKeptWhenItIsOverwritten() {
    try (ChainRig rig = new ChainRig(tmp, 3, 1)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client first = rig.new Client(5, 1);
      write(first, bytes(5000, 1));
      rig.runUntil(rig::isQuiet);
      rig.node(1).kill();
      rig.heal();
      write(rig.new Client(6, 1), bytes(6000, 2));
      assertRepeated(first, bytes(5000, 1), 1);
      assertRead(first, bytes(6000, 2), 2);
    }
  }

  @Test
  void aRemovalThatIsSentAgainToAnotherHeadSparesWhatWasMadeSince() {
    try (ChainRig rig = new ChainRig(tmp, 4, 2)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client first = rig.new Client(5, 1);
      write(first, bytes(5000, 1));
      assertEquals(1, remove(first));
      write(rig.new Client(6, 1), bytes(6000, 2));
      goAway(rig, 1);
      first.sequence--;
      remove(first);
      assertRead(first, bytes(6000, 2), 1);
    }
  }

  @Test
  void aRemovalThatIsSentAgainIsAnsweredWhenItIsDoneNotWhileItIs() {
    try (ChainRig rig = new ChainRig(tmp, 8, 2)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, bytes(5000, 1));
      rig.runUntil(rig::isQuiet);
      SimFaults disk = rig.node(2).faults;
      disk.latencyMinNs = 200_000_000;
      disk.latencyMaxNs = disk.latencyMinNs;
      client.remove(INODE, 0);
      rig.runUntil(() -> rig.node(2).service().inFlight() > 0);
      rig.node(1).kill();
      rig.manager.states.put(1, TargetState.OFFLINE);
      rig.manager.publish();
      assertEquals(1, client.await());
      assertEquals(0, rig.node(2).store().chunkCount());
    }
  }

  @Test
  void ofTwoRemovalsAtOnceOneHasRemovedTheChunk() {
    try (ChainRig rig = new ChainRig(tmp, 5, 2)) {
      rig.begin();
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      write(first, bytes(5000, 1));
      first.remove(INODE, 0);
      second.remove(INODE, 0);
      assertEquals(1, first.await() + second.await());
    }
  }

  @Test
  void aRemovalThatAllWereInterruptedInIsARemovalAfterwards() {
    try (ChainRig rig = new ChainRig(tmp, 6, 2)) {
      rig.begin();
      ChainRig.Client first = rig.new Client(5, 1);
      write(first, bytes(5000, 1));
      rig.runUntil(rig::isQuiet);
      rig.network.script = StepNetwork.losing(ForwardUpdateDecoder.TEMPLATE_ID);
      first.giveUpNs = 0;
      assertEquals(Status.TIMEOUT.code(), remove(first));
      assertEquals(1, rig.node(1).store().pendingCount());
      rig.node(1).kill();
      rig.node(2).kill();
      rig.manager.states.put(1, TargetState.LAST_SERVING);
      rig.manager.states.put(2, TargetState.OFFLINE);
      rig.manager.publish();
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
      assertEquals(0, rig.content(rig.node(1)).size());
    }
  }

  // ---- and the end of all who were there ----

  /** All at once, so that nobody hands anything on; the first one to come back leads. */
  private static void endAll(ChainRig rig, int first) {
    rig.runUntil(rig::isQuiet);
    for (ChainRig.Node node : rig.nodes.values()) {
      if (node.isUp()) {
        node.kill();
      }
      rig.manager.states.put(
          node.id, node.id == first ? TargetState.LAST_SERVING : TargetState.OFFLINE);
    }
    rig.manager.publish();
    rig.heal();
  }

  private static ChainRig begun(Path tmp, int seed, int members) {
    ChainRig rig = new ChainRig(tmp, seed, members);
    rig.begin();
    rig.manager.run();
    return rig;
  }

  @Test
  void anOverwrittenUpdateIsKnownWhoeverLeadsAfterTheEndOfAll() {
    for (int leader = 1; leader <= 3; leader++) {
      try (ChainRig rig = begun(tmp, 10 + leader, 3)) {
        ChainRig.Client first = rig.new Client(5, 1);
        write(first, bytes(5000, 1));
        write(rig.new Client(6, 1), bytes(6000, 2));
        endAll(rig, leader);
        assertRepeated(first, bytes(5000, 1), 1);
        endAll(rig, leader % 3 + 1);
        assertRepeated(first, bytes(5000, 1), 1);
        assertRead(first, bytes(6000, 2), 2);
        assertAlike(rig);
      }
    }
  }

  @Test
  void aTruncatedUpdateAndTheTruncationAreKnownAfterTheEndOfAll() {
    try (ChainRig rig = begun(tmp, 20, 2)) {
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      write(first, bytes(5000, 1));
      second.truncate(INODE, 0, 9000);
      second.await();
      write(rig.new Client(7, 1), bytes(5000, 3));
      endAll(rig, 1);
      assertRepeated(first, bytes(5000, 1), 1);
      second.sequence--;
      second.truncate(INODE, 0, 9000);
      assertEquals(9000, second.await());
      assertEquals(2, second.version);
    }
  }

  @Test
  void aRemovalIsKnownAfterTheEndOfAll() {
    for (int members = 1; members <= 3; members++) {
      try (ChainRig rig = begun(tmp, 30 + members, members)) {
        ChainRig.Client first = rig.new Client(5, 1);
        write(first, bytes(5000, 1));
        assertEquals(1, remove(first));
        endAll(rig, members);
        write(rig.new Client(6, 1), bytes(6000, 2));
        endAll(rig, 1);
        first.sequence--;
        assertEquals(1, remove(first));
        assertRead(first, bytes(6000, 2), 1);
      }
    }
  }

  @Test
  void whatWasRemovedIsNotMadeAgain() {
    for (int members = 1; members <= 3; members++) {
      try (ChainRig rig = begun(tmp, 40 + members, members)) {
        ChainRig.Client first = rig.new Client(5, 1);
        write(first, bytes(5000, 1));
        assertEquals(1, remove(rig.new Client(6, 1)));
        endAll(rig, members);
        assertRepeated(first, bytes(5000, 1), 1);
        rig.runUntil(rig::isQuiet);
        assertEquals(0, rig.content(rig.node(1)).size());
      }
    }
  }

  @Test
  void aRemovalOfManyIsDoneForWhoeverLeadsNext() {
    try (ChainRig rig = begun(tmp, 50, 3)) {
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      for (int index = 0; index < 40; index++) {
        first.write(INODE, index * 3, 0, bytes(100, 1));
        first.await();
      }
      assertEquals(40, remove(first));
      // Where one was, between two, and behind all.
      for (int index : new int[] {3, 4, 200}) {
        second.write(INODE, index, 0, bytes(200, 2));
        second.await();
      }
      goAway(rig, 1);
      first.sequence--;
      assertEquals(40, remove(first));
      endAll(rig, 3);
      first.sequence--;
      assertEquals(40, remove(first));
      assertEquals(3, rig.content(rig.node(2)).size());
    }
  }

  @Test
  void anotherLogKnowsWhatTheOldOneKnew() {
    try (ChainRig rig = new ChainRig(tmp, 60, 2)) {
      rig.logRewriteBytes = 20_000;
      rig.begin();
      rig.manager.run();
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      ChainRig.Client third = rig.new Client(7, 1);
      write(first, bytes(5000, 1));
      second.remove(INODE, 0);
      assertEquals(1, second.await());
      write(third, bytes(6000, 2));
      for (int round = 0; rewrites(rig) < 2; round++) {
        third.write(INODE + 1, round % 5, 0, bytes(300, 3));
        third.await();
      }
      endAll(rig, 2);
      assertRepeated(first, bytes(5000, 1), 1);
      second.sequence--;
      second.remove(INODE, 0);
      assertEquals(1, second.await());
      assertRead(third, bytes(6000, 2), 1);
    }
  }

  private static long rewrites(ChainRig rig) {
    return Math.min(rig.node(1).store().logRewrites(), rig.node(2).store().logRewrites());
  }

  @Test
  void whatAMemberWasToldOutlivesWhoToldItAndItsOwnEnd() {
    try (ChainRig rig = begun(tmp, 70, 2)) {
      goAway(rig, 2);
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      write(first, bytes(5000, 1));
      write(second, bytes(6000, 2));
      assertEquals(1, remove(second));
      write(rig.new Client(7, 1), bytes(7000, 3));
      rig.heal();
      goAway(rig, 1);
      rig.runUntil(rig::isQuiet);
      rig.node(2).kill();
      rig.runUntil(() -> rig.manager.serving().isEmpty());
      rig.node(2).start(SimPower.steady());
      assertRepeated(first, bytes(5000, 1), 1);
      second.sequence--;
      assertEquals(1, remove(second));
      assertRead(first, bytes(7000, 3), 1);
    }
  }

  /** The member was sent the chunk with the update on it: it never had what is under that. */
  @Test
  void whatWasOverwrittenWhileAMemberWasCopiedToIsKnownToIt() {
    try (ChainRig rig = begun(tmp, 80, 2)) {
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      goAway(rig, 2);
      write(first, bytes(5000, 1));
      rig.node(2).start(SimPower.steady());
      rig.runUntil(() -> rig.manager.states.get(2) == TargetState.SYNCING);
      write(second, bytes(6000, 2));
      rig.heal();
      goAway(rig, 1);
      endAll(rig, 2);
      assertRepeated(first, bytes(5000, 1), 1);
      assertRead(first, bytes(6000, 2), 2);
    }
  }

  /** What a member has pending alone it commits when it is copied to, and nobody else did. */
  @Test
  void anUpdateThatOnlyOneMemberMadeIsNotTakenForAnotherOfTheSameBytes() {
    try (ChainRig rig = begun(tmp, 90, 2)) {
      ChainRig.Client first = rig.new Client(5, 1);
      ChainRig.Client second = rig.new Client(6, 1);
      ChainRig.Client third = rig.new Client(7, 1);
      write(first, bytes(5000, 1));
      rig.runUntil(rig::isQuiet);
      rig.network.script = StepNetwork.losing(ForwardUpdateDecoder.TEMPLATE_ID);
      third.giveUpNs = 0;
      third.truncate(INODE, 0, 3000);
      assertEquals(Status.TIMEOUT.code(), third.await());
      assertEquals(1, rig.node(1).store().pendingCount());
      goAway(rig, 1);
      rig.network.script = StepNetwork.ALL_ARRIVES;
      second.truncate(INODE, 0, 3000);
      assertEquals(3000, second.await());
      endAll(rig, 2);
      write(rig.new Client(8, 1), bytes(7000, 2));
      goAway(rig, 2);
      second.sequence--;
      second.truncate(INODE, 0, 3000);
      assertEquals(3000, second.await());
      assertEquals(2, second.version);
      assertRead(second, bytes(7000, 2), 3);
    }
  }
}
