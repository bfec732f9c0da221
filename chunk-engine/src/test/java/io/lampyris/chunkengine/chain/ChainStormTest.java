package io.lampyris.chunkengine.chain;

import static io.lampyris.chunkengine.chain.ChainServiceTest.assertAlike;
import static io.lampyris.chunkengine.chain.ChainServiceTest.bytes;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Many clients, and many faults at once, under seeds that are printed; {@code -Dstorm.seeds=N} says
 * how many, {@code -Dseed=S} where to begin. A chunk's writers take turns, its readers do not, so
 * what a read may return is known: what is there after the last update that was acknowledged when
 * it began, or that another read returned, or after a later one.
 */
final class ChainStormTest {
  private static final int SEEDS = Integer.getInteger("storm.seeds", 6);
  private static final int WRITES = 25;
  private static final int CHUNKS = 4;
  private static final int LENGTH = 6000;
  private static final byte[] NOTHING = new byte[0];
  private static final List<StepNetwork.Fate> FATES =
      List.of(
          StepNetwork.Fate.REQUEST_LOST,
          StepNetwork.Fate.ANSWER_LOST,
          StepNetwork.Fate.ARRIVES_TWICE);

  @TempDir Path tmp;

  /** One chunk with writers, of which one at a time is at work, and readers. */
  private static final class Register {
    final ChainRig rig;
    final int index;
    final Prng prng;
    final List<ChainRig.Client> writers = new ArrayList<>();
    final List<ChainRig.Client> readers = new ArrayList<>();

    /** What the chunk holds after each update; a chunk that is not there has no bytes. */
    final List<byte[]> states = new ArrayList<>(List.of(NOTHING));

    int acknowledged;
    int begun;
    boolean done;

    Register(ChainRig rig, int index, Prng prng) {
      this.rig = rig;
      this.index = index;
      this.prng = prng;
      for (int i = 0; i < 3; i++) {
        writers.add(rig.new Client(100 + index, i + 1));
        readers.add(rig.new Client(200 + index, i + 1));
      }
    }

    void start() {
      write();
      for (int i = 0; i < readers.size(); i++) {
        read(i);
      }
    }

    /** One update of some kind; the next follows when it is acknowledged. */
    private void write() {
      if (begun == WRITES) {
        done = true;
        return;
      }
      begun++;
      ChainRig.Client writer = writers.get(prng.below(writers.size()));
      byte[] before = states.getLast();
      switch (before.length == 0 ? 0 : prng.below(8)) {
        case 0, 1 -> writeAt(writer, before, 0, 1 + prng.below(LENGTH));
        case 2, 3 -> writeAt(writer, before, prng.below(before.length), 1 + prng.below(700));
        case 4, 5 -> writeAt(writer, before, before.length, 1 + prng.below(3000));
        case 6 -> {
          int length = prng.below(before.length + 500);
          states.add(Arrays.copyOf(before, length));
          writer.truncate(inode(), 0, length);
        }
        default -> {
          states.add(NOTHING);
          writer.remove(inode(), 0);
        }
      }
      int number = begun;
      poll(
          writer,
          () -> {
            assertTrue(writer.result >= 0, "update " + number + ": " + writer.result);
            acknowledged = number;
            rig.simulation.after(prng.below(2_000_000), this::write);
          });
    }

    private void writeAt(ChainRig.Client writer, byte[] before, int offset, int length) {
      int bytes = Math.min(length, ChainRig.CHUNK - offset);
      byte[] after = Arrays.copyOf(before, Math.max(before.length, offset + bytes));
      byte[] payload = bytes(bytes, begun);
      System.arraycopy(payload, 0, after, offset, bytes);
      states.add(after);
      writer.write(inode(), 0, offset, payload);
    }

    private long inode() {
      return 7 + (long) index * 1000;
    }

    private void read(int who) {
      if (done) {
        return;
      }
      ChainRig.Client reader = readers.get(who);
      int least = Math.max(acknowledged, highest);
      reader.read(inode(), 0, 0, ChainRig.CHUNK);
      poll(
          reader,
          () -> {
            check(reader, least);
            rig.simulation.after(prng.below(1_000_000), () -> read(who));
          });
    }

    /** What any read that has ended has returned. */
    int highest;

    private void check(ChainRig.Client reader, int least) {
      boolean absent = reader.result == Status.CHUNK_NOT_FOUND.code();
      assertTrue(absent || reader.result >= 0, "read: " + reader.result);
      for (int number = least; number <= begun; number++) {
        byte[] state = states.get(number);
        boolean same = absent ? state.length == 0 : Arrays.equals(state, reader.read);
        if (same) {
          highest = Math.max(highest, number);
          return;
        }
      }
      int older = least - 1;
      while (older >= 0 && !Arrays.equals(states.get(older), reader.read)) {
        older--;
      }
      throw new AssertionError(
          "chunk %d: read of version %d, %d bytes, is none of %d … %d but %d"
              .formatted(index, reader.version, reader.read.length, least, begun, older));
    }

    /** At rest there is what the last update left. */
    void assertLast() {
      ChainRig.Client client = readers.getFirst();
      client.read(inode(), 0, 0, ChainRig.CHUNK);
      client.await();
      check(client, begun);
    }

    private void poll(ChainRig.Client client, Runnable then) {
      if (client.busy) {
        rig.simulation.after(50_000, () -> poll(client, then));
      } else {
        then.run();
      }
    }
  }

  private void storm(long seed) {
    Prng prng = new Prng(seed * 77);
    int members = 2 + prng.below(2);
    try (ChainRig rig = new ChainRig(tmp, seed, members)) {
      rig.begin();
      rig.manager.run();
      int lossOneIn = prng.coin() ? 0 : 20 + prng.below(100);
      Prng fates = prng.split();
      rig.network.lateNs = 1_000_000L + prng.below(40_000_000);
      rig.network.delayMaxNs = prng.coin() ? 40_000 : 2_000_000;
      rig.network.script =
          (number, from, to, template) ->
              lossOneIn == 0 || !fates.oneIn(lossOneIn)
                  ? StepNetwork.Fate.ARRIVES
                  : FATES.get(fates.below(FATES.size()));
      List<Register> registers = new ArrayList<>();
      for (int i = 0; i < CHUNKS; i++) {
        Register register = new Register(rig, i, prng.split());
        registers.add(register);
        register.start();
      }
      if (prng.oneIn(4)) {
        rig.nodes.values().forEach(node -> node.faults.stragglerOneIn = 3);
      }
      chaos(rig, prng.split(), registers);
      rig.runUntil(() -> registers.stream().allMatch(r -> r.done));
      rig.heal();
      assertAlike(rig);
      registers.forEach(Register::assertLast);
    } catch (Throwable e) {
      throw new AssertionError("seed=" + seed, e);
    }
  }

  private void chaos(ChainRig rig, Prng prng, List<Register> registers) {
    rig.simulation.after(
        2_000_000 + prng.below(40_000_000),
        () -> {
          if (registers.stream().allMatch(r -> r.done)) {
            return;
          }
          for (ChainRig.Node node : rig.nodes.values()) {
            if (node.isUp() ? prng.oneIn(4) : prng.coin()) {
              if (node.isUp()) {
                node.kill();
              } else {
                node.start(SimPower.steady());
              }
            }
          }
          chaos(rig, prng, registers);
        });
  }

  @Test
  void everyReadIsLinearizableAndEveryWriteHappensOnce() {
    long first = Long.getLong("seed", System.nanoTime() & 0xFFFFFF);
    System.out.println("seed=" + first + " and the " + SEEDS + " from it");
    for (long seed = first; seed < first + SEEDS; seed++) {
      storm(seed);
    }
  }
}
