package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import io.lampyris.protocol.sbe.ListChunksDecoder;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A member that was away, one that is new, and bytes that went bad. */
final class ResyncTest {
  private static final long INODE = 9;
  private static final int LARGE = 4 << 20;

  @TempDir Path tmp;

  private static void write(ChainRig.Client client, int index, byte[] bytes) {
    client.write(INODE, index, 0, bytes);
    assertEquals(bytes.length, client.await());
  }

  @Test
  void aMemberThatWasAwayGetsOnlyWhatIsDifferent() {
    try (ChainRig rig = new ChainRig(tmp, 3, 3)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client client = rig.new Client(5, 1);
      for (int i = 0; i < 40; i++) {
        write(client, i, bytes(1000 + i, i));
      }
      rig.runUntil(rig::isQuiet);
      rig.node(2).kill();
      write(client, 3, bytes(2000, 77));
      client.write(INODE, 4, 100, bytes(10, 78));
      assertEquals(10, client.await());
      write(client, 50, bytes(600, 79));
      client.remove(INODE, 38);
      assertEquals(3, client.await());
      write(client, 39, bytes(700, 80));
      rig.heal();
      assertAlike(rig);
      assertEquals(39, rig.content(rig.node(1)).size());
      long copied = rig.node(3).target().counters().chunksCopied;
      assertEquals(3, copied, "3, 4 and 39: 50 was removed again");
      assertEquals(1, rig.node(3).target().counters().chunksRemoved);
    }
  }

  @Test
  void aNewMemberGetsEverythingAtTheRateThatIsSet() {
    try (ChainRig rig = new ChainRig(tmp, 4, 3)) {
      rig.copyBytesPerSecond = 2L << 20;
      rig.begin();
      rig.manager.states.put(3, TargetState.OFFLINE);
      rig.node(3).kill();
      rig.manager.publish();
      rig.settle();
      ChainRig.Client client = rig.new Client(5, 1);
      client.chunkSizeBytes = LARGE;
      // All of one size class: a small device has one extent.
      byte[] large = bytes(3_500_000, 1);
      client.write(INODE, 0, 0, large);
      assertEquals(3_500_000, client.await());
      client.write(INODE, 1, 0, bytes(2_200_000, 2));
      assertEquals(2_200_000, client.await());
      client.write(INODE, 2, 0, bytes(2_100_000, 3));
      assertEquals(2_100_000, client.await());
      client.truncate(INODE, 2, 0);
      assertEquals(0, client.await());
      long beganNs = rig.simulation.nowNs();
      rig.node(3).start(SimPower.steady());
      rig.manager.run();
      rig.heal();
      long tookNs = rig.simulation.nowNs() - beganNs;
      assertAlike(rig);
      assertArrayEquals(large, rig.bytes(rig.node(3), INODE, 0, large.length));
      ChainCounters counters = rig.node(2).target().counters();
      assertTrue(tookNs > 1_000_000_000L, "took " + tookNs + " ns");
      assertEquals(3, counters.chunksCopied);
      assertEquals(5_700_000, counters.bytesCopied);
    }
  }

  /** What is to happen where all have a chunk of 50,000 bytes and those of one member went bad. */
  private interface Bad {
    void run(ChainRig rig, ChainRig.Client client, byte[] good, int bad);
  }

  private void atEachMember(Bad then) {
    for (int bad = 1; bad <= 3; bad++) {
      try (ChainRig rig = new ChainRig(tmp, 5, 3)) {
        rig.begin();
        ChainRig.Client client = rig.new Client(5, 1);
        byte[] good = bytes(50_000, 8);
        write(client, 0, good);
        rig.runUntil(rig::isQuiet);
        rig.node(bad).flipByteOf(good);
        then.run(rig, client, good, bad);
      }
    }
  }

  @Test
  void aChunkWhoseBytesWentBadIsTakenFromAnotherMember() {
    atEachMember((rig, client, good, bad) -> {
      client.readAt(bad, INODE, 0, 0, 50_000);
      assertEquals(50_000, client.await());
      assertArrayEquals(good, client.read);
      assertEquals(1, rig.node(bad).target().counters().repairs);
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
      client.write(INODE, 0, 5, bytes(3, 1));
      assertEquals(3, client.await());
      assertEquals(2, client.version);
    });
  }

  @Test
  void anUpdateOfAChunkWhoseBytesWentBadWaitsUntilTheyAreTakenFromAnotherMember() {
    atEachMember((rig, client, good, bad) -> {
      client.truncate(INODE, 0, 30_001);
      assertEquals(30_001, client.await());
      assertEquals(2, client.version);
      assertEquals(1, rig.node(bad).target().counters().repairs);
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
      for (int node = 1; node <= 3; node++) {
        assertEquals(0, rig.node(node).target().counters().left);
        byte[] kept = rig.bytes(rig.node(node), INODE, 0, 30_001);
        assertArrayEquals(Arrays.copyOf(good, 30_001), kept);
      }
    });
  }

  /** Nobody else serves, but one that is going to be copied to has it still. */
  @Test
  void aChunkThatWentBadAtTheLastThatServesIsTakenFromOneThatWaits() {
    try (ChainRig rig = new ChainRig(tmp, 6, 3)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      byte[] good = bytes(50_000, 8);
      write(client, 0, good);
      rig.runUntil(rig::isQuiet);
      rig.manager.states.put(2, TargetState.OFFLINE);
      rig.manager.states.put(3, TargetState.WAITING);
      rig.manager.publish();
      rig.settle();
      rig.node(1).flipByteOf(good);
      client.readAt(1, INODE, 0, 0, 50_000);
      assertEquals(50_000, client.await());
      assertArrayEquals(good, client.read);
      assertEquals(1, rig.node(1).target().counters().repairs);
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
    }
  }

  /** The head begins an update of the chunk and ends; the other one goes on without either. */
  private static void cutShort(ChainRig rig, ChainRig.Client client, StepNetwork.Fate fate) {
    rig.network.script =
        (number, from, to, template) ->
            template == ForwardUpdateDecoder.TEMPLATE_ID ? fate : StepNetwork.Fate.ARRIVES;
    client.giveUpNs = 0;
    client.write(INODE, 0, 100, bytes(10, 2));
    rig.runUntil(() -> rig.node(1).target().counters().forwardRetries > 0);
    assertEquals(1, rig.node(1).store().pendingCount());
    rig.node(1).kill();
    rig.runUntil(() -> rig.manager.serving().equals(List.of(2)));
    rig.settle();
  }

  /** It has begun another version of it, which nobody else knows. */
  @Test
  void aMemberThatReturnsHasWhatTheLastThatServesHasLost() {
    try (ChainRig rig = new ChainRig(tmp, 10, 2)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client client = rig.new Client(5, 1);
      byte[] good = bytes(50_000, 8);
      write(client, 0, good);
      rig.runUntil(rig::isQuiet);
      cutShort(rig, client, StepNetwork.Fate.REQUEST_LOST);
      rig.node(2).flipByteOf(good);
      rig.heal();
      ChainCounters returned = rig.node(1).target().counters();
      assertEquals(1, returned.rolledBack);
      assertEquals(0, returned.settled);
      assertEquals(0, rig.node(2).target().counters().chunksCopied);
      client.giveUpNs = Long.MAX_VALUE;
      client.readAt(2, INODE, 0, 0, 50_000);
      assertEquals(50_000, client.await());
      assertArrayEquals(good, client.read);
      assertEquals(1, rig.node(2).target().counters().repairs);
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
    }
  }

  @Test
  void whatTheLastThatServesHasTooIsCommittedByAMemberThatReturnsAndNotCopied() {
    try (ChainRig rig = new ChainRig(tmp, 11, 2)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client client = rig.new Client(5, 1);
      byte[] good = bytes(50_000, 8);
      write(client, 0, good);
      rig.runUntil(rig::isQuiet);
      cutShort(rig, client, StepNetwork.Fate.ANSWER_LOST);
      System.arraycopy(bytes(10, 2), 0, good, 100, 10);
      rig.node(2).flipByteOf(good);
      rig.heal();
      assertEquals(1, rig.node(1).target().counters().settled);
      assertEquals(0, rig.node(2).target().counters().chunksCopied);
      client.giveUpNs = Long.MAX_VALUE;
      client.readAt(2, INODE, 0, 0, 50_000);
      assertEquals(50_000, client.await());
      assertArrayEquals(good, client.read);
      assertEquals(2, client.version);
      rig.runUntil(rig::isQuiet);
      assertAlike(rig);
    }
  }

  /** Whatever it has begun otherwise: the update says what it lies over. */
  @Test
  void anUpdateEndsWhatAMemberThatReturnsHasPendingOfItsChunk() {
    for (StepNetwork.Fate fate :
        List.of(StepNetwork.Fate.REQUEST_LOST, StepNetwork.Fate.ANSWER_LOST)) {
      try (ChainRig rig = new ChainRig(tmp, 12, 2)) {
        rig.begin();
        rig.manager.run();
        ChainRig.Client client = rig.new Client(5, 1);
        write(client, 0, bytes(50_000, 8));
        rig.runUntil(rig::isQuiet);
        cutShort(rig, client, fate);
        // Comparing waits, updates come through.
        rig.network.script = StepNetwork.losing(ListChunksDecoder.TEMPLATE_ID);
        rig.node(1).start(SimPower.steady());
        rig.runUntil(() -> rig.manager.states.get(1) == TargetState.SYNCING);
        rig.settle();
        assertEquals(1, rig.node(1).store().pendingCount());
        client.giveUpNs = Long.MAX_VALUE;
        client.write(INODE, 0, 7, bytes(3, 3));
        assertEquals(3, client.await());
        assertEquals(0, rig.node(1).store().pendingCount());
        assertEquals(0, rig.node(2).target().counters().wholeForwards);
        boolean had = fate == StepNetwork.Fate.ANSWER_LOST;
        assertEquals(had ? 1 : 0, rig.node(1).target().counters().settled);
        assertEquals(had ? 0 : 1, rig.node(1).target().counters().rolledBack);
        rig.heal();
        assertAlike(rig);
      }
    }
  }

  @Test
  void aCopyThatIsCutShortTakesNothingAway() {
    try (ChainRig rig = new ChainRig(tmp, 13, 2)) {
      rig.copyPartBytes = 10_000;
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, 0, bytes(50_000, 1));
      rig.runUntil(rig::isQuiet);
      rig.manager.states.put(2, TargetState.OFFLINE);
      rig.manager.publish();
      rig.settle();
      write(client, 0, bytes(60_000, 2));
      rig.manager.states.put(2, TargetState.SYNCING);
      rig.manager.publish();
      ChainRig.Node copied = rig.node(2);
      rig.runUntil(() -> copied.target().counters().partsPending == 3);
      rig.network.script = StepNetwork.losing(ForwardUpdateDecoder.TEMPLATE_ID);
      rig.runUntil(() -> rig.node(1).target().counters().copyRetries > 0);
      assertEquals(1, copied.store().pendingCount());
      assertArrayEquals(bytes(50_000, 1), rig.bytes(copied, INODE, 0, 50_000));

      rig.node(1).kill();
      rig.manager.states.put(1, TargetState.OFFLINE);
      rig.manager.states.put(2, TargetState.SERVING);
      rig.manager.publish();
      rig.settle();
      client.readAt(2, INODE, 0, 0, 60_000);
      assertEquals(50_000, client.await());
      assertArrayEquals(bytes(50_000, 1), client.read);
      assertEquals(0, copied.store().pendingCount());
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
    }
  }

  /** It was being written when its member came to serve: nobody sends the others. */
  @Test
  void aPartOfACopyThatComesToBePendingLateIsRolledBack() {
    try (ChainRig rig = new ChainRig(tmp, 16, 2)) {
      rig.copyPartBytes = 10_000;
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, 0, bytes(50_000, 1));
      rig.runUntil(rig::isQuiet);
      rig.node(2).flipByteOf(bytes(50_000, 1));
      rig.manager.states.put(2, TargetState.SYNCING);
      rig.manager.publish();
      rig.settle();
      ChainRig.Node copied = rig.node(2);
      SimFaults disk = copied.faults;
      long usualNs = disk.latencyMaxNs;
      disk.latencyMinNs = 9_000_000;
      disk.latencyMaxNs = disk.latencyMinNs;
      // It finds the bad bytes when it is to write beside them.
      client.truncate(INODE, 0, 40_001);
      rig.runUntil(() -> rig.node(1).target().counters().wholeForwards > 0);
      rig.runFor(2_000_000);
      rig.manager.states.put(2, TargetState.SERVING);
      rig.manager.publish();
      rig.settle();
      assertEquals(0, copied.store().pendingCount(), "it is still on its way to the disk");
      rig.runUntil(() -> copied.target().counters().partsPending > 0);
      disk.latencyMinNs = 10_000;
      disk.latencyMaxNs = usualNs;
      rig.runUntil(() -> copied.target().counters().rolledBack > 0);
      ChainRig.Client reader = rig.new Client(6, 1);
      reader.readAt(2, INODE, 0, 0, 50_000);
      assertEquals(50_000, reader.await());
      assertEquals(40_001, client.await());
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
    }
  }

  /** It can neither send them whole nor commit the update. */
  @Test
  void whoseBytesWentBadUnderAnUpdateThatANewMemberLacksThemForLeaves() {
    try (ChainRig rig = new ChainRig(tmp, 14, 3)) {
      rig.begin();
      rig.manager.states.put(3, TargetState.OFFLINE);
      rig.manager.publish();
      rig.settle();
      ChainRig.Client client = rig.new Client(5, 1);
      byte[] expected = bytes(50_000, 8);
      write(client, 0, expected);
      rig.runUntil(rig::isQuiet);
      rig.node(2).flipByteOf(expected);
      rig.network.script =
          (number, from, to, template) ->
              to == 3 ? StepNetwork.Fate.REQUEST_LOST : StepNetwork.Fate.ARRIVES;
      rig.manager.states.put(3, TargetState.SYNCING);
      rig.manager.publish();
      rig.settle();
      System.arraycopy(bytes(100, 9), 0, expected, 45_000, 100);
      client.write(INODE, 0, 45_000, bytes(100, 9));
      rig.runUntil(() -> rig.node(2).target().counters().forwardRetries > 0);
      rig.network.script = StepNetwork.ALL_ARRIVES;
      rig.manager.run();
      assertEquals(100, client.await());
      assertEquals(1, rig.node(2).target().counters().left);
      rig.heal();
      assertAlike(rig);
      assertArrayEquals(expected, rig.bytes(rig.node(2), INODE, 0, expected.length));
    }
  }

  /** Its own update of it was cut short, and nobody will send it again. */
  @Test
  void whatReadersHaveSeenIsCommittedByATailThatReturnsAndCopiesToAnother() {
    try (ChainRig rig = new ChainRig(tmp, 8, 3)) {
      rig.begin();
      rig.manager.run();
      ChainRig.Client writer = rig.new Client(5, 1);
      ChainRig.Client reader = rig.new Client(6, 1);
      write(writer, 0, bytes(1000, 1));
      rig.runUntil(rig::isQuiet);
      rig.network.script =
          (number, from, to, template) ->
              from == 1 && to == 2 ? StepNetwork.Fate.ANSWER_LOST : StepNetwork.Fate.ARRIVES;
      writer.giveUpNs = 0;
      writer.write(INODE, 0, 0, bytes(1000, 2));
      rig.runUntil(() -> rig.node(3).target().committedVersion(INODE, 0) == 2);
      reader.readAt(3, INODE, 0, 0, 1000);
      assertEquals(1000, reader.await());
      assertEquals(2, reader.version);
      rig.node(2).kill();
      rig.node(3).kill();
      rig.runUntil(() -> rig.manager.serving().equals(List.of(1)));
      rig.node(2).start(SimPower.steady());
      rig.runUntil(() -> rig.manager.states.get(2) == TargetState.SYNCING);
      assertEquals(1, rig.node(1).store().pendingCount());
      rig.node(1).kill();
      rig.runUntil(() -> rig.manager.states.get(1) == TargetState.LAST_SERVING);
      rig.node(1).start(SimPower.steady());
      rig.runUntil(() -> rig.manager.states.get(1) == TargetState.SERVING);
      reader.readAt(1, INODE, 0, 0, 1000);
      assertEquals(1000, reader.await());
      assertEquals(TargetState.SYNCING, rig.manager.states.get(2), "it copies to another");
      assertEquals(2, reader.version);
      assertArrayEquals(bytes(1000, 2), reader.read);
      rig.heal();
      assertAlike(rig);
    }
  }

  @Test
  void anUpdateOfAChunkThatWentBadInANewMemberTakesTheChunkAlong() {
    try (ChainRig rig = new ChainRig(tmp, 9, 3)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      byte[] good = bytes(50_000, 8);
      write(client, 0, good);
      rig.runUntil(rig::isQuiet);
      rig.node(3).flipByteOf(good);
      rig.manager.states.put(3, TargetState.SYNCING);
      rig.manager.publish();
      rig.settle();
      client.truncate(INODE, 0, 40_001);
      client.giveUpNs = rig.simulation.nowNs() + 5_000_000_000L;
      assertEquals(40_001, client.await());
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
    }
  }

  /** Its member has been dropped and taken back while it was being written there. */
  @Test
  void aVersionThatComesToBePendingLateDoesNotStandInTheWayOfACopy() {
    try (ChainRig rig = new ChainRig(tmp, 8, 3)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, 0, bytes(1000, 1));
      rig.runUntil(rig::isQuiet);
      rig.node(2).faults.latencyMinNs = 500_000_000;
      rig.node(2).faults.latencyMaxNs = 500_000_001;
      client.write(INODE, 0, 0, bytes(2000, 2));
      rig.runFor(10_000_000);
      rig.manager.states.put(2, TargetState.OFFLINE);
      rig.manager.publish();
      rig.settle();
      assertEquals(2000, client.await());
      client.remove(INODE, 0);
      assertEquals(1, client.await());
      write(client, 0, bytes(3000, 3));
      rig.manager.states.put(2, TargetState.SYNCING);
      rig.manager.publish();
      rig.settle();
      assertEquals(0, rig.node(2).store().pendingCount(), "it is still on its way to the disk");
      rig.node(2).faults.latencyMinNs = 10_000;
      rig.node(2).faults.latencyMaxNs = 200_000;
      rig.manager.run();
      rig.heal();
      assertAlike(rig);
    }
  }

  /** The old bytes are taken out of the checksum unseen. */
  @Test
  void whoseBytesWentBadBeforeTheyAreOverwrittenLeavesAndNobodyElse() {
    for (int bad = 1; bad <= 3; bad++) {
      try (ChainRig rig = new ChainRig(tmp, 15, 3)) {
        rig.begin();
        rig.manager.run();
        ChainRig.Client client = rig.new Client(5, 1);
        byte[] expected = bytes(50_000, 8);
        write(client, 0, expected);
        rig.runUntil(rig::isQuiet);
        rig.node(bad).flipByteOf(expected);
        byte[] over = bytes(100, 9);
        System.arraycopy(over, 0, expected, 2, over.length);
        client.write(INODE, 0, 2, over);
        assertEquals(over.length, client.await());
        rig.heal();
        assertAlike(rig);
        for (int node = 1; node <= 3; node++) {
          assertEquals(node == bad ? 1 : 0, rig.node(node).target().counters().left, "of " + bad);
          assertArrayEquals(expected, rig.bytes(rig.node(node), INODE, 0, expected.length));
        }
      }
    }
  }

  @Test
  void whoHasNoLeaseAnswersNothing() {
    try (ChainRig rig = new ChainRig(tmp, 6, 3)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, 0, bytes(1000, 8));
      rig.node(2).mayServe = false;
      client.giveUpNs = 0;
      client.readAt(2, INODE, 0, 0, 1000);
      assertEquals(Status.TARGET_OFFLINE.code(), client.await());
      client.readAt(1, INODE, 0, 0, 1000);
      assertEquals(1000, client.await());
      rig.node(1).mayServe = false;
      client.write(INODE, 0, 0, bytes(1000, 9));
      assertEquals(Status.TARGET_OFFLINE.code(), client.await());
    }
  }

  /** The lease that it has by then says nothing of what went on without it. */
  @Test
  void aReadFromBeforeTheChainWentOnWithoutItsMemberIsNotAnswered() {
    try (ChainRig rig = new ChainRig(tmp, 8, 2)) {
      rig.begin();
      ChainRig.Client writer = rig.new Client(5, 1);
      ChainRig.Client reader = rig.new Client(6, 1);
      write(writer, 0, bytes(1000, 8));
      rig.runUntil(rig::isQuiet);
      SimFaults disk = rig.node(2).faults;
      long usualNs = disk.latencyMaxNs;
      disk.latencyMinNs = 50_000_000;
      disk.latencyMaxNs = disk.latencyMinNs;
      reader.giveUpNs = 0;
      reader.readAt(2, INODE, 0, 0, 1000);
      rig.runUntil(() -> rig.node(2).service().inFlight() == 1);
      disk.latencyMinNs = 10_000;
      disk.latencyMaxNs = usualNs;

      rig.manager.states.put(2, TargetState.OFFLINE);
      rig.manager.publish();
      rig.runUntil(() -> rig.node(1).target().chainVersion() == rig.manager.chainVersion);
      write(writer, 0, bytes(1000, 9));
      rig.manager.run();
      rig.runUntil(rig.manager::isWhole);
      assertEquals(1, rig.node(2).service().inFlight(), "the read is still under way");

      assertEquals(Status.CHAIN_VERSION_MISMATCH.code(), reader.await());
      reader.readAt(2, INODE, 0, 0, 1000);
      assertEquals(1000, reader.await());
      assertArrayEquals(bytes(1000, 9), reader.read);
    }
  }

  @Test
  void aMessageUnderAnotherVersionOfTheChainTouchesNothing() {
    try (ChainRig rig = new ChainRig(tmp, 7, 2)) {
      rig.begin();
      ChainRig.Client client = rig.new Client(5, 1);
      write(client, 0, bytes(1000, 8));
      client.giveUpNs = 0;
      for (int off : new int[] {-1, 1}) {
        rig.manager.chainVersion += off;
        client.readAt(1, INODE, 0, 0, 1000);
        assertEquals(Status.CHAIN_VERSION_MISMATCH.code(), client.await());
        client.write(INODE, 0, 0, bytes(1000, 9));
        assertEquals(Status.CHAIN_VERSION_MISMATCH.code(), client.await());
        rig.manager.chainVersion -= off;
      }
      client.readAt(2, INODE, 0, 0, 1000);
      assertEquals(1000, client.await());
      assertArrayEquals(bytes(1000, 8), client.read);
    }
  }
}
