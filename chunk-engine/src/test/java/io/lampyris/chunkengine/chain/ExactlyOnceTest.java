package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
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
      rig.network.script =
          (number, from, to, template) ->
              template == ForwardUpdateDecoder.TEMPLATE_ID
                  ? StepNetwork.Fate.REQUEST_LOST
                  : StepNetwork.Fate.ARRIVES;
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
}
