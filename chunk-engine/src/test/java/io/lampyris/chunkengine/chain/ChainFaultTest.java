package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * One fault at a time, at every place where there can be one: a message that is lost, late or
 * twice, a process that ends. Each update is carried out exactly once, each member that serves has
 * what was acknowledged, and at rest all members hold the same. {@code -Dfault.stride=1} visits
 * every step of the devices, {@code -Dseed=S} repeats a run.
 */
final class ChainFaultTest {
  private static final int STRIDE = Integer.getInteger("fault.stride", 17);
  private static final long SEED = Long.getLong("seed", 11);
  private static final long INODE = 42;
  private static final int ROOM = ChainRig.CHUNK;

  @TempDir Path tmp;

  /** Updates of every kind, each looked at from every member that serves. */
  private static final class Script {
    private final ChainRig rig;
    private final ChainRig.Client client;
    private byte[] expected = new byte[0];
    private int version;

    Script(ChainRig rig) {
      this.rig = rig;
      client = rig.new Client(5, 1);
    }

    private void write(int offset, byte[] bytes) {
      client.write(INODE, 0, offset, bytes);
      assertEquals(bytes.length, client.await(), "write " + version);
      int end = Math.max(expected.length, offset + bytes.length);
      expected = Arrays.copyOf(expected, end);
      System.arraycopy(bytes, 0, expected, offset, bytes.length);
      look();
    }

    private void look() {
      version++;
      assertEquals(version, client.version, "exactly once");
      for (int node : rig.manager.serving()) {
        client.readAt(node, INODE, 0, 0, ROOM);
        client.giveUpNs = rig.simulation.nowNs() + 30_000_000;
        long result = client.await();
        client.giveUpNs = Long.MAX_VALUE;
        if (result >= 0) {
          assertArrayEquals(expected, client.read, "at node " + node);
          assertEquals(version, client.version);
        }
      }
    }

    void run() {
      write(0, bytes(9000, 1));
      write(512, bytes(700, 2));
      write(9000, bytes(5000, 3));
      client.truncate(INODE, 0, 10_001);
      assertEquals(10_001, client.await());
      expected = Arrays.copyOf(expected, 10_001);
      look();
      write(0, bytes(20_000, 4));
      client.write(INODE, 1, 0, bytes(3000, 5));
      assertEquals(3000, client.await());
      client.remove(INODE, 1);
      assertTrue(client.await() >= 0);
      client.read(INODE, 1, 0, 100);
      assertEquals(io.lampyris.protocol.Status.CHUNK_NOT_FOUND.code(), client.await());
    }

    void finish() {
      rig.heal();
      assertAlike(rig);
      byte[] there = rig.bytes(rig.node(1), INODE, 0, expected.length);
      assertArrayEquals(expected, there);
      assertEquals(1, rig.content(rig.node(1)).size());
      int last = version;
      version--;
      client.version = last;
      look();
    }
  }

  @ParameterizedTest
  @CsvSource({
    "1, REQUEST_LOST", "2, REQUEST_LOST", "3, REQUEST_LOST",
    "1, ANSWER_LOST", "2, ANSWER_LOST", "3, ANSWER_LOST",
    "1, ARRIVES_TWICE", "2, ARRIVES_TWICE", "3, ARRIVES_TWICE"
  })
  void aMessageThatIsLostOrLateChangesNothing(int members, StepNetwork.Fate fate) {
    long reached;
    for (long at = 1; ; at += (STRIDE + 7) / 8) {
      long target = at;
      try (ChainRig rig = new ChainRig(tmp, SEED + at, members)) {
        rig.begin();
        rig.manager.run();
        rig.network.script =
            (number, from, to, template) -> number == target ? fate : StepNetwork.Fate.ARRIVES;
        Script script = new Script(rig);
        script.run();
        reached = rig.network.requests;
        script.finish();
      } catch (Throwable e) {
        throw new AssertionError("seed=" + (SEED + at) + " message " + at + " " + fate, e);
      }
      if (at > reached) {
        break;
      }
    }
    System.out.println(members + " members, " + fate + ": " + reached + " messages");
  }

  @ParameterizedTest
  @CsvSource({"1, 1", "2, 1", "2, 2", "3, 1", "3, 2", "3, 3"})
  void aProcessMayEndAtAnyStep(int members, int victim) {
    long at = 1;
    for (boolean reached = true; reached; at += STRIDE) {
      try (ChainRig rig = new ChainRig(tmp, SEED + at, members)) {
        rig.begin(victim, SimPower.cutAt(at));
        rig.manager.run();
        ChainRig.Node node = rig.node(victim);
        restart(rig, node);
        Script script = new Script(rig);
        script.run();
        reached = node.starts > 1 || !node.isUp();
        if (!reached) {
          break;
        }
        script.finish();
      } catch (Throwable e) {
        throw new AssertionError("seed=" + (SEED + at) + " step " + at, e);
      }
    }
    System.out.println(members + " members, process " + victim + ": " + at + " steps");
  }

  /** Starts a process again some time after it has ended. */
  private static void restart(ChainRig rig, ChainRig.Node node) {
    rig.simulation.after(
        25_000_000,
        () -> {
          if (!node.isUp()) {
            node.start(SimPower.steady());
          }
          restart(rig, node);
        });
  }

  @ParameterizedTest
  @ValueSource(ints = {2, 3})
  void allProcessesMayEndAtOnce(int members) {
    for (long at = 1; at <= 30; at += (STRIDE + 3) / 4) {
      long ns = at * 400_000;
      try (ChainRig rig = new ChainRig(tmp, SEED + at, members)) {
        rig.begin();
        rig.manager.run();
        rig.nodes.values().forEach(node -> restart(rig, node));
        rig.simulation.after(
            ns,
            () ->
                rig.nodes.values().stream()
                    .filter(ChainRig.Node::isUp)
                    .forEach(ChainRig.Node::kill));
        Script script = new Script(rig);
        script.run();
        script.finish();
      } catch (Throwable e) {
        throw new AssertionError("seed=" + (SEED + at) + " at " + ns + " ns", e);
      }
    }
  }

  @Test
  void twoOfThreeMayEnd() {
    for (long at = 1; at <= 20; at += (STRIDE + 3) / 4) {
      long ns = at * 500_000;
      long when = at;
      try (ChainRig rig = new ChainRig(tmp, SEED + at, 3)) {
        rig.begin();
        rig.manager.run();
        rig.simulation.after(ns, () -> rig.node((int) (when % 3) + 1).kill());
        rig.simulation.after(ns + 300_000, () -> rig.node((int) ((when + 1) % 3) + 1).kill());
        Script script = new Script(rig);
        script.run();
        script.finish();
      } catch (Throwable e) {
        throw new AssertionError("seed=" + (SEED + at) + " at " + ns + " ns", e);
      }
    }
  }
}
