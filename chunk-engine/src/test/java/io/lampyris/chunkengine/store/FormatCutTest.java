package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Formatting is cut, or fails, at the n-th call for every n: there is a whole target, or none and
 * the next attempt makes one.
 */
final class FormatCutTest {
  private static final int N_MAX = 500;
  private static final int ROUNDS = 8;
  private static final ChunkKey A = new ChunkKey(1, 5);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  @Test
  void afterAPowerCutThereIsAWholeTargetOrRoomForOne() throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    int whole = 0;
    int unfinished = 0;
    int n = 0;
    for (boolean through = false; !through; ) {
      assertTrue(++n < N_MAX, "formatting ends");
      for (int round = 0; round < ROUNDS; round++) {
        Prng prng = new Prng(seed + n * 31L + round);
        try (SimTarget target = new SimTarget(base.resolve("cut"), prng.split())) {
          Host.posix().createDirectories(base.resolve("cut"));
          through = format(target, SimPower.cutAt(n));
          if (isWhole(target, n)) {
            whole++;
          } else {
            assertFalse(through, "what was formatted is there");
            unfinished += Files.exists(unfinished(target)) ? 1 : 0;
            // And again: what an attempt leaves is in nobody's way.
            while (!format(target, prng.coin() ? SimPower.steady() : SimPower.cutAt(n))
                && !isWhole(target, n)) {
              unfinished++;
            }
          }
          serves(target, prng);
        } catch (Throwable failure) {
          throw new AssertionError("seed=%d n=%d round=%d".formatted(seed, n, round), failure);
        }
      }
    }
    Host.posix().deleteTree(base);
    System.out.printf("%d cuts: %d whole, %d unfinished%n", n * ROUNDS, whole, unfinished);
    assertTrue(whole > ROUNDS && unfinished > ROUNDS, "both happen");
  }

  private static Path unfinished(SimTarget target) {
    return target.directory().resolve(TargetFiles.UNFINISHED);
  }

  /** Whether it got through; else the power failed. */
  private static boolean format(SimTarget target, SimPower power) throws StoreException {
    try {
      target.format(power);
      return true;
    } catch (PowerCut cut) {
      target.crash();
      return false;
    }
  }

  /** Whether a target opens; else it says that there is none. */
  private static boolean isWhole(SimTarget target, int n) throws StoreException {
    Path dir = target.directory();
    if (Files.exists(dir.resolve(TargetFiles.DEVICE)) && !Files.exists(unfinished(target))) {
      TargetStore.check(dir, TargetOptions.defaults());
      assertTrue(TargetChecker.check(dir, true, (done, total) -> {}).isClean(), "n=" + n);
      target.boot(SimPower.steady());
      target.shutdown();
      return true;
    }
    assertFalse(Files.exists(dir.resolve(TargetFiles.LOG)) && !Files.exists(unfinished(target)));
    StoreException e =
        assertThrows(
            StoreException.class, () -> TargetStore.open(dir, TargetOptions.defaults()).close());
    boolean marked = Files.exists(unfinished(target));
    assertEquals(marked ? Reason.UNFINISHED : Reason.IO, e.reason(), e.getMessage());
    return false;
  }

  private static void serves(SimTarget target, Prng prng) throws StoreException {
    SimWorkload work = new SimWorkload(target, prng.split());
    target.boot(SimPower.steady());
    work.write(A, 0, 5_000);
    work.await();
    target.crash();
    PowerCutTest.check(target, work);
  }

  @ParameterizedTest
  @EnumSource(HostFaults.Kind.class)
  void afterAFailedCallTheNextAttemptMakesATarget(HostFaults.Kind kind) throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    int n = 0;
    for (boolean through = false; !through; ) {
      assertTrue(++n < N_MAX, "formatting ends");
      HostFaults faults = new HostFaults(kind, n);
      Prng prng = new Prng(seed + n);
      try (SimTarget target = new SimTarget(base.resolve("faulty"), prng.split())) {
        Host.posix().createDirectories(base.resolve("faulty"));
        target.options = o -> o.withHost(faults.over(o.host()));
        through = formatFails(target);
        assertEquals(faults.failed.isEmpty(), through, faults.failed);
        assertEquals(0, faults.descriptors, faults.failed);
        faults.repair();
        // A failure at the very end may have happened, and the power is gone before it is undone.
        if (!through && !isWhole(target, n)) {
          target.format(SimPower.steady());
        }
        serves(target, prng);
      } catch (Throwable failure) {
        throw new AssertionError(
            "seed=%d n=%d failed: %s".formatted(seed, n, faults.failed), failure);
      }
    }
    Host.posix().deleteTree(base);
  }

  private static boolean formatFails(SimTarget target) throws StoreException {
    try {
      target.format(SimPower.steady());
      return true;
    } catch (StoreException e) {
      assertTrue(e.reason() == Reason.IO || e.reason() == Reason.NO_SPACE, e.getMessage());
      target.crash();
      return false;
    }
  }

  @Test
  void whatIsNotOursIsNeverFormattedOver() throws Exception {
    for (String name : new String[] {TargetFiles.DEVICE, TargetFiles.LOG}) {
      Path dir = tmp.resolve("with-" + name);
      Files.createDirectories(dir);
      Files.writeString(dir.resolve(name), "somebody's");
      StoreException e =
          assertThrows(
              StoreException.class, () -> TargetStore.format(dir, new TargetSpec(1, 1, 16L << 20)));
      assertEquals(Reason.EXISTS, e.reason());
      assertEquals("somebody's", Files.readString(dir.resolve(name)));
    }
  }
}
