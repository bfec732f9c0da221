package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.ChunkModel.Change;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import java.util.Map;
import java.util.function.Predicate;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The power fails at the n-th step on the way to the disk, for every n until the scenario gets
 * through. After each cut the target opens, its parts agree, what was acknowledged is there bit by
 * bit, and what was not is there whole or not at all.
 */
final class PowerCutTest {
  private static final int N_MAX = 20_000;

  /** How often each point is cut, each time leaving something else. */
  private static final int ROUNDS = Integer.getInteger("cut.rounds", 1);

  private static final ChunkKey A = new ChunkKey(1, 5);
  private static final ChunkKey B = new ChunkKey(1, 1);
  private static final ChunkKey C = new ChunkKey(1, 2);
  private static final ChunkKey D = new ChunkKey(2, 7);
  private static final ChunkKey E = new ChunkKey(2, 1);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private long cuts;

  /** What all targets of a loop are and run with. */
  private TargetSpec spec = new TargetSpec(1, 7, (1 << 20) + 5 * (64L << 20));

  private UnaryOperator<TargetOptions> options = o -> o;

  /** Each process is killed, and this is where the power fails on the way up again. */
  private @Nullable Predicate<String> failsAfterKill;

  /** What is done while the power may fail. */
  private interface Scenario {
    void run(SimWorkload work);
  }

  private void loop(Scenario before, Scenario scenario) throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    Prng prng = new Prng(seed);
    try (SimTarget prepared = new SimTarget(base.resolve("prepared"), prng.split())) {
      SimWorkload known = new SimWorkload(prepared, prng.split());
      prepared.spec = spec;
      prepared.options = options;
      prepared.format(SimPower.steady());
      prepared.boot(SimPower.steady());
      before.run(known);
      known.await();
      prepared.shutdown();
      boolean through = false;
      for (int n = 1; !through; n++) {
        assertTrue(n < N_MAX, "scenarios end");
        for (int round = 0; round < ROUNDS; round++) {
          through = cutAt(n, round, prepared, known, scenario, base);
        }
      }
    } finally {
      Host.posix().deleteTree(base);
    }
    System.out.println(cuts + " cuts");
  }

  /** Whether the scenario got through. */
  private boolean cutAt(
      int n, int round, SimTarget prepared, SimWorkload known, Scenario scenario, Path base)
      throws Exception {
    Prng prng = new Prng(seed + n * 31L + round);
    try (SimTarget target = new SimTarget(base.resolve("cut"), prng.split())) {
      SimWorkload work = new SimWorkload(target, prng.split());
      Host.posix().createDirectories(base.resolve("cut"));
      target.copyOf(prepared);
      target.options = options;
      work.copyOf(known);
      try {
        // What a killed process leaves in caches, only a later cut takes away.
        Predicate<String> fails = failsAfterKill;
        boolean killed = fails != null || prng.oneIn(3);
        boolean through = run(target, SimPower.cutAt(n), work, scenario, killed);
        if (!through && (killed || prng.coin())) {
          // The way up again is as dangerous.
          SimPower up =
              fails == null ? SimPower.cutAt(1 + prng.below(60)) : SimPower.cutWhere(fails);
          run(target, up, work, w -> {}, false);
        }
        check(target, work);
        return through;
      } catch (Throwable failure) {
        throw new AssertionError(
            "seed=%d n=%d round=%d\n%s".formatted(seed, n, round, work.history()), failure);
      }
    }
  }

  private boolean run(
      SimTarget target, SimPower power, SimWorkload work, Scenario scenario, boolean kills)
      throws StoreException {
    try {
      target.boot(power);
      work.reload();
      scenario.run(work);
      work.await();
      target.shutdown();
      return true;
    } catch (PowerCut cut) {
      cuts++;
      work.note(String.valueOf(cut.getMessage()));
      if (kills) {
        target.kill();
      } else {
        target.crash();
      }
      return false;
    }
  }

  static void check(SimTarget target, SimWorkload work) throws StoreException {
    target.boot(SimPower.steady());
    StoreAudit.blocks(target.store());
    assertEquals(0, StoreAudit.badChunks(target.store()), "every chunk has its checksum");
    work.reload();
    // It goes on as if nothing had happened.
    for (ChunkKey key : work.keys()) {
      if (work.model(key).staged != null) {
        work.readPending(key);
        work.commit(key);
        work.await();
      }
      work.write(key, work.model(key).length() / 2, 3000);
      work.read(key, 0, SimWorkload.chunkSize(key));
    }
    work.await();
    Map<String, String> states = StoreAudit.states(target.store());
    target.shutdown();
    target.boot(SimPower.steady());
    assertEquals(states, StoreAudit.states(target.store()), "the log says what the index said");
    StoreAudit.blocks(target.store());
    assertEquals(0, StoreAudit.badChunks(target.store()), "every chunk has its checksum");
    work.reload();
    target.shutdown();
  }

  private static void fill(SimWorkload work) {
    work.write(A, 0, 64 << 10);
    work.write(B, 0, 100_000);
    work.write(C, 0, 5_000);
    work.write(D, 0, 256 << 10);
    work.write(E, 0, 1 << 20);
  }

  private static void nothing(SimWorkload work) {}

  /**
   * Over versions that are pending: an overwrite that is committed, a truncation that is removed.
   */
  @Test
  void generationSwitch() throws Exception {
    options = o -> o.withLog(o.log().withRewriteBytes(3_000));
    loop(
        work -> {
          fill(work);
          work.await();
          work.stage(C, work.change(Change.Kind.WRITE, 100, 1_000));
          work.stage(D, work.change(Change.Kind.TRUNCATE, 100_000, 0));
        },
        work -> {
          for (int i = 0; i < 20; i++) {
            work.write(A, i * 100, 1_000);
            work.write(E, i % 12 * 70_000, 70_000);
            work.await();
          }
          work.truncate(B, 1_000);
          work.remove(2, 7, 1);
          work.tell(2);
          work.runUntil(store -> store.logRewrites() > 0);
          work.write(A, 0, 100);
          work.commit(C);
        });
  }

  @Test
  void startingAndStoppingAnEmptyTarget() throws Exception {
    loop(PowerCutTest::nothing, PowerCutTest::nothing);
  }

  @Test
  void startingAndStopping() throws Exception {
    loop(PowerCutTest::fill, PowerCutTest::nothing);
  }

  @Test
  void newChunks() throws Exception {
    loop(PowerCutTest::nothing, PowerCutTest::fill);
  }

  @Test
  void overwritesOfWholeChunks() throws Exception {
    loop(PowerCutTest::fill, PowerCutTest::fill);
  }

  @Test
  void overwritesOfPartsOfChunks() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.write(A, 1000, 4096);
          work.write(B, 4096, 4096);
          work.write(B, 50_000, 80_000);
          work.await();
          work.write(B, 4096, 5);
          work.write(E, 300_000, 500_000);
        });
  }

  @Test
  void appends() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.write(C, 5_000, 1_000);
          work.write(C, 6_000, 1_000);
          work.await();
          work.write(C, 7_000, 50_000);
          work.write(B, 100_000, 31_072);
        });
  }

  @Test
  void truncationsAndExtensions() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.truncate(B, 70_001);
          work.extend(C, 60_000);
          work.truncate(E, 0);
          work.await();
          work.write(B, 70_001, 5_000);
          work.truncate(C, 100);
          work.extend(C, 200);
          work.write(E, 100, 100);
        });
  }

  @Test
  void removals() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.remove(1, 0, 10);
          work.write(E, 4096, 4096);
          work.await();
          work.write(A, 0, 1_000);
          work.remove(2, 1, 1);
          work.await();
        });
  }

  /** Four chunks in one extent and one in the other: room for it beside three of the four. */
  private static void spread(SimWorkload work) {
    for (int i = 0; i < 5; i++) {
      ChunkKey key = new ChunkKey(SimWorkload.LARGE, i);
      work.write(key, (8 << 20) - 10_000, 20_000);
      work.await();
    }
    work.remove(SimWorkload.LARGE, 1, 1);
  }

  @Test
  void compaction() throws Exception {
    spec = new TargetSpec(1, 7, Geometry.FIRST_EXTENT_OFFSET + 2 * (64L << 20));
    options = o -> o.withSpace(SpaceOptions.defaults().withCompaction(1L << 40));
    ChunkKey moved = new ChunkKey(SimWorkload.LARGE, 4);
    loop(
        PowerCutTest::spread,
        work -> {
          work.read(moved, 0, 16 << 20);
          work.runUntil(store -> store.maintenance().compactionPasses() > 0);
          assertEquals(1, work.store().maintenance().compactedChunks());
          work.write(moved, 9 << 20, 1_000);
        });
  }

  /** What was durable before it is moved is never at risk, whatever updates risk. */
  @Test
  void compactionUnderNone() throws Exception {
    spec = new TargetSpec(1, 7, Geometry.FIRST_EXTENT_OFFSET + 2 * (64L << 20));
    options =
        o ->
            o.withDurability(Durability.NONE)
                .withSpace(SpaceOptions.defaults().withCompaction(1L << 40));
    loop(
        PowerCutTest::spread,
        work -> {
          work.runUntil(store -> store.maintenance().compactionPasses() > 0);
          assertEquals(1, work.store().maintenance().compactedChunks());
        });
  }

  @Test
  void smallOverwritesAndWhatFollowsThem() throws Exception {
    loop(
        work -> {
          fill(work);
          work.await();
          work.write(D, 200_000, 100);
        },
        work -> {
          work.write(A, 1_000, 4_096);
          work.write(A, 3_000, 4_096);
          work.truncate(A, 4_000);
          work.write(A, 4_000, 5_000);
          work.write(B, 90_000, 5_000);
          work.truncate(B, 80_000);
          work.write(B, 80_000, 20_000);
          work.await();
          work.write(E, 500_001, 1);
          work.runUntil(store -> store.redos().isEmpty());
          work.runFor(2_000_000_000L);
          work.write(E, 500_000, 4_096);
          work.write(D, 0, 256 << 10);
          work.write(C, 1, 1_000);
          work.remove(1, 2, 1);
          work.write(C, 0, 3_000);
        });
  }

  /** The killed one waited for a flush, of which its log, in the page cache, speaks already. */
  @Test
  void whatAKilledProcessHasWrittenSurvivesACutOnceItsLogIsReplayed() throws Exception {
    failsAfterKill = what -> what.startsWith("after sync of ") && !what.endsWith("/device");
    loop(
        PowerCutTest::fill,
        work -> {
          for (int i = 0; i < 4; i++) {
            work.write(A, 500 * i, 300);
            work.runUntil(store -> store.redos().isEmpty());
            work.write(B, 700 * i, 200);
            work.await();
          }
        });
  }

  @Test
  void pendingVersionsAndTheirCommit() throws Exception {
    loop(
        work -> {
          fill(work);
          work.await();
          work.stage(E, work.change(Change.Kind.WRITE, 4_096, 4_096));
        },
        work -> {
          work.commit(E);
          work.stage(A, work.change(Change.Kind.WRITE, 1_000, 4_096));
          work.stage(B, work.change(Change.Kind.WRITE, 0, 128 << 10));
          work.stage(C, work.change(Change.Kind.WRITE, 5_000, 10_000));
          work.stage(D, work.change(Change.Kind.TRUNCATE, 100_000, 0));
          work.await();
          work.commit(A);
          work.commit(B);
          work.stage(C, work.change(Change.Kind.WRITE, 5_000, 20_000));
          work.remove(2, 7, 1);
          work.await();
          work.commit(C);
          work.write(A, 0, 100);
        });
  }

  @Test
  void pendingVersionsThatAreRolledBack() throws Exception {
    loop(
        work -> {
          fill(work);
          work.await();
          work.stage(E, work.change(Change.Kind.WRITE, 4_096, 4_096));
        },
        work -> {
          work.rollBack(E);
          work.stage(A, work.change(Change.Kind.WRITE, 1_000, 4_096));
          work.stage(B, work.change(Change.Kind.WRITE, 0, 128 << 10));
          work.stage(C, work.change(Change.Kind.WRITE, 5_000, 10_000));
          work.stage(D, work.change(Change.Kind.TRUNCATE, 100_000, 0));
          work.await();
          work.rollBack(A);
          work.rollBack(B);
          work.rollBack(C);
          work.rollBack(D);
          work.await();
          // Over the bytes that are there still.
          work.write(C, 5_000, 1_000);
          work.write(D, 0, 256 << 10);
          work.write(A, 0, 100);
        });
  }

  @Test
  void copiesInParts() throws Exception {
    loop(
        work -> {
          fill(work);
          work.await();
          work.stage(C, work.change(Change.Kind.WRITE, 5_000, 10_000));
        },
        work -> {
          work.rollBack(C);
          work.copy(A, 60_000, 20_000);
          work.copy(D, 200_001, 65_536);
          work.await();
          work.copy(C, 64 << 10, 30_000);
          work.copy(B, 1_000, 1_000);
          work.write(A, 100, 100);
          work.write(D, 200_001, 1_000);
        });
  }

  /** Each was somebody else's, who may not have been answered. */
  @Test
  void whoMadeWhatIsOverwrittenOrRemoved() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.write(A, 1_000, 4_096);
          work.tell(3);
          work.await();
          work.write(A, 0, 64 << 10);
          work.stage(B, work.change(Change.Kind.WRITE, 0, 4_096));
          work.truncate(D, 0);
          work.await();
          work.tell(2);
          work.commit(B);
          work.remove(1, 0, 10);
          work.await();
          work.write(A, 0, 100);
          work.remove(2, 1, 1);
          work.truncate(A, 50);
        });
  }

  @Test
  void retriesOfWhatWasAnswered() throws Exception {
    loop(
        PowerCutTest::fill,
        work -> {
          work.retry(A);
          work.write(A, 0, 10);
          work.await();
          work.retry(A);
          work.await();
        });
  }
}
