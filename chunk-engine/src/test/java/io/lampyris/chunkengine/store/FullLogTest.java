package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.sim.SimHost;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The log has used what it had reserved, and the host has no more: updates are refused with
 * NO_SPACE, what makes space goes on with what is kept for it, and what is there stays.
 */
final class FullLogTest {
  private static final int UPDATED = 8;
  private static final ChunkKey GROWING = new ChunkKey(1, 0);
  private static final ChunkKey LAST = new ChunkKey(SimWorkload.LARGE, 4);
  private static final ChunkKey CUT = new ChunkKey(SimWorkload.LARGE, 2);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Prng prng = new Prng(seed);
  private Path base;
  private SimTarget target;
  private SimWorkload work;

  @BeforeEach
  void start() throws Exception {
    System.out.println("seed=" + seed);
    base = SimTarget.workDirectory(tmp);
    target = new SimTarget(base.resolve("target"), prng.split());
    work = new SimWorkload(target, prng.split());
    target.spec = new TargetSpec(1, 7, Geometry.FIRST_EXTENT_OFFSET + 3 * (64L << 20));
    target.format(SimPower.steady());
    target.options = FullLogTest::options;
  }

  @AfterEach
  void stop() throws Exception {
    target.close();
    Host.posix().deleteTree(base);
  }

  private static TargetOptions options(TargetOptions o) {
    LogOptions log = o.log().withSizes(3 << 19, 64 << 10).withRewriteBytes(100 << 10);
    return o.withLog(log).withSpace(SpaceOptions.defaults().withCompaction(1L << 40));
  }

  /** Four chunks in one extent and one in the other, which compaction would move; and others. */
  private void spread() {
    long refused = work.spaceRefusals;
    for (int i = 0; i < 5; i++) {
      work.write(new ChunkKey(SimWorkload.LARGE, i), (8 << 20) - 10_000, 20_000);
      work.await();
    }
    for (int i = 0; i < UPDATED; i++) {
      work.write(new ChunkKey(1, i), 0, 60_000);
    }
    work.await();
    assertEquals(refused, work.spaceRefusals, "the device has room");
  }

  /** Somebody else takes what the host has, and updates what the log has. */
  private void fill() {
    target.host().available = 0;
    long before = work.spaceRefusals;
    int rounds = 0;
    for (; work.spaceRefusals == before; rounds++) {
      assertTrue(rounds < 500, "the log is full some time");
      updateAll();
    }
    assertTrue(rounds > 2, "rounds " + rounds);
    // To the last record without a payload, which is what compaction wants.
    before = work.spaceRefusals;
    for (int i = 1; work.spaceRefusals == before; i++) {
      assertTrue(i < 500, "the log is full some time");
      work.extend(GROWING, work.model(GROWING).length() + 1);
      work.await();
    }
  }

  private void updateAll() {
    for (int i = 0; i < UPDATED; i++) {
      work.write(new ChunkKey(1, i), 0, 8_000);
    }
    work.await();
  }

  /** What makes space, with a log that is full. */
  private void makeSpace() {
    long refused = work.spaceRefusals;
    work.remove(SimWorkload.LARGE, 1, 1);
    work.truncate(CUT, 1 << 20);
    work.await();
    assertEquals(refused, work.spaceRefusals, "what makes space is not refused");
    work.runFor(3_000_000_000L);
    work.read(LAST, 0, 16 << 20);
    work.read(CUT, 0, 16 << 20);
    work.remove(1, UPDATED - 1, 1);
    work.await();
    assertEquals(refused, work.spaceRefusals, "what makes space is not refused");
    updateAll();
    assertTrue(work.spaceRefusals > refused, "but what takes some is");
    assertFalse(target.store().isOffline());
  }

  @Test
  void compactionAndRewritingWaitForSpaceAndRemovalsDoNot() throws Exception {
    target.boot(SimPower.steady());
    spread();
    fill();
    long rewrites = target.store().logRewrites();
    makeSpace();
    assertEquals(0, target.store().maintenance().compactedChunks(), "compaction waits");
    assertEquals(rewrites, target.store().logRewrites(), "no room for another generation");
    target.host().available = 1L << 30;
    work.runFor(25_000_000_000L);
    assertTrue(target.store().logRewrites() > rewrites, "the log is rewritten");
    assertTrue(target.store().maintenance().compactedChunks() > 0, "chunks are moved");
    assertTrue(target.store().isLogSteady());
    long refused = work.spaceRefusals;
    updateAll();
    assertEquals(refused, work.spaceRefusals, "it goes on");
    target.shutdown();
    PowerCutTest.check(target, work);
  }

  @Test
  void aTargetThatStopsWithAFullLogStartsOnceThereIsSpace() throws Exception {
    for (boolean cut : new boolean[] {false, true}) {
      target.boot(SimPower.steady());
      work.reload();
      spread();
      fill();
      makeSpace();
      if (cut) {
        target.crash();
      } else {
        target.shutdown();
      }
      target.options =
          o -> {
            ((SimHost) o.host()).available = 0;
            return options(o);
          };
      StoreException full =
          assertThrows(StoreException.class, () -> target.boot(SimPower.steady()));
      assertEquals(Reason.NO_SPACE, full.reason());
      target.crash();
      target.options = FullLogTest::options;
      PowerCutTest.check(target, work);
    }
  }

  @Test
  void aPowerCutWhileTheLogIsFullLosesNothing() throws Exception {
    target.boot(SimPower.steady());
    spread();
    target.shutdown();
    int cuts = 0;
    for (int n = 40; cuts < 12; n += 1 + prng.below(60)) {
      try {
        target.boot(SimPower.cutAt(n));
        work.reload();
        fill();
        makeSpace();
        target.host().available = 1L << 30;
        work.runFor(11_000_000_000L);
        target.shutdown();
        // It got through; begin again with what was removed.
        n = 40;
      } catch (PowerCut cut) {
        cuts++;
        target.crash();
      }
      PowerCutTest.check(target, work);
      target.boot(SimPower.steady());
      work.reload();
      spread();
      target.shutdown();
    }
  }
}
