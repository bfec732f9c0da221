package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.store.ChunkModel.Change;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * The n-th call to the host's file system fails, for every n, while a target starts, serves,
 * rewrites its log and stops. It does not start, with a reason; or goes offline; or goes on. Once
 * the fault is gone, everything that was acknowledged is there, and nothing is left behind.
 */
final class HostFaultTest {
  private static final int N_MAX = 2_000;

  private static final ChunkKey A = new ChunkKey(1, 5);
  private static final ChunkKey B = new ChunkKey(1, 1);
  private static final ChunkKey C = new ChunkKey(1, 2);
  private static final ChunkKey D = new ChunkKey(2, 7);
  private static final ChunkKey E = new ChunkKey(2, 1);

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private int refused;
  private int offline;
  private int wentOn;

  private static TargetOptions options(TargetOptions o) {
    return o.withLog(o.log().withRewriteBytes(3_000));
  }

  private static void fill(SimWorkload work) {
    work.write(A, 0, 64 << 10);
    work.write(B, 0, 100_000);
    work.write(C, 0, 5_000);
    work.write(D, 0, 256 << 10);
    work.write(E, 0, 1 << 20);
    work.await();
    work.stage(C, work.change(Change.Kind.WRITE, 100, 1_000));
    work.await();
  }

  private static void update(SimWorkload work) {
    for (int i = 0; i < 12; i++) {
      work.write(A, i * 100, 1_000);
      work.write(E, i * 70_000, 70_000);
      work.await();
    }
    work.truncate(B, 1_000);
    work.remove(2, 7, 1);
    work.await();
    // The files are looked at once a second.
    work.runFor(1_200_000_000L);
    if (work.model(C).staged != null) {
      work.commit(C);
    }
    work.await();
  }

  @ParameterizedTest
  @EnumSource(HostFaults.Kind.class)
  void whateverCallFailsNothingIsLostAndItReopens(HostFaults.Kind kind) throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    Prng prng = new Prng(seed);
    int n = 0;
    try (SimTarget prepared = new SimTarget(base.resolve("prepared"), prng.split())) {
      SimWorkload known = new SimWorkload(prepared, prng.split());
      prepared.format(SimPower.steady());
      prepared.boot(SimPower.steady());
      fill(known);
      prepared.shutdown();
      for (boolean through = false; !through; ) {
        assertTrue(++n < N_MAX, "scenarios end");
        through = failAt(kind, n, prepared, known, base);
      }
    } finally {
      Host.posix().deleteTree(base);
    }
    System.out.printf(
        "%d calls: %d did not start, %d offline, %d went on%n", n, refused, offline, wentOn);
    assertTrue(refused > 5 && wentOn > 5, "it fails at every stage");
  }

  /** Whether there was no such call. */
  private boolean failAt(
      HostFaults.Kind kind, int n, SimTarget prepared, SimWorkload known, Path base)
      throws Exception {
    Prng prng = new Prng(seed + n * 31L);
    HostFaults faults = new HostFaults(kind, n);
    try (SimTarget target = new SimTarget(base.resolve("faulty"), prng.split())) {
      SimWorkload work = new SimWorkload(target, prng.split());
      Host.posix().createDirectories(base.resolve("faulty"));
      target.copyOf(prepared);
      work.copyOf(known);
      work.errorsExpected = true;
      target.options = o -> options(o).withHost(faults.over(o.host()));
      try {
        live(target, work, faults, prng.coin());
        assertEquals(0, faults.descriptors, "descriptors that were not closed");
        target.options = HostFaultTest::options;
        work.errorsExpected = false;
        PowerCutTest.check(target, work);
      } catch (Throwable failure) {
        throw new AssertionError(
            "seed=%d n=%d failed: %s\n%s".formatted(seed, n, faults.failed, work.history()),
            failure);
      }
    }
    return faults.failed.isEmpty();
  }

  private void live(SimTarget target, SimWorkload work, HostFaults faults, boolean cut)
      throws StoreException {
    try {
      target.boot(SimPower.steady());
    } catch (StoreException e) {
      refused++;
      assertTrue(e.reason() == Reason.IO || e.reason() == Reason.NO_SPACE, e.getMessage());
      target.crash();
      return;
    }
    work.reload();
    update(work);
    faults.repair();
    if (target.store().isOffline()) {
      offline++;
    } else {
      wentOn++;
      goesOn(target, work);
    }
    if (cut) {
      target.crash();
    } else {
      target.shutdown();
    }
  }

  /** The fault is gone: the log is rewritten, and one generation is left. */
  private static void goesOn(SimTarget target, SimWorkload work) throws StoreException {
    TargetStore store = target.store();
    long before = store.logRewrites();
    work.runFor(11_000_000_000L);
    for (int i = 0; store.logRewrites() == before; i++) {
      assertTrue(i < 1_000, "it is tried again");
      work.write(A, 0, 100 + i);
      work.await();
    }
    work.runFor(100_000_000L);
    assertTrue(store.isLogSteady());
    Path log = store.directory().resolve(TargetFiles.LOG);
    assertEquals(1, LogCatalog.read(log).generations().size());
    long left = Host.posix().list(log).stream().filter(p -> Files.isDirectory(p)).count();
    assertEquals(1, left, "generations on disk");
  }

  /** Each attempt that fails would leave another one. */
  @Test
  void attemptsToRewriteThatFailAllDayLeaveOneGenerationBehind() throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    Prng prng = new Prng(seed);
    HostFaults faults = new HostFaults(HostFaults.Kind.BROKEN, Long.MAX_VALUE);
    FaultyHost refusing = new FaultyHost();
    try (SimTarget target = new SimTarget(base.resolve("target"), prng.split())) {
      SimWorkload work = new SimWorkload(target, prng.split());
      target.format(SimPower.steady());
      target.options = o -> options(o).withHost(refusing.over(faults.over(o.host())));
      target.boot(SimPower.steady());
      fill(work);
      refusing.failing.put("replace", Reason.NO_SPACE);
      Path log = target.directory().resolve(TargetFiles.LOG);
      for (int i = 0; i < 40; i++) {
        for (int j = 0; j < 10; j++) {
          work.write(A, 0, 100 + i);
          work.await();
        }
        work.runFor(11_000_000_000L);
        long generations = Host.posix().list(log).stream().filter(Files::isDirectory).count();
        assertTrue(generations <= 2, "generations on disk: " + generations);
      }
      refusing.failing.clear();
      goesOn(target, work);
      target.shutdown();
      assertEquals(0, faults.descriptors);
      PowerCutTest.check(target, work);
    } finally {
      Host.posix().deleteTree(base);
    }
  }
}
