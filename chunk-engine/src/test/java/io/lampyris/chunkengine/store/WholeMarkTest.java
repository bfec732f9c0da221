package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.WholeFile;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.UUID;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the manager of a cluster knows a store by: its number, and whether it was whole once. */
final class WholeMarkTest {
  private static final int N_MAX = 500;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  @Test
  void afterAPowerCutATargetIsWholeIfItSaidSo() throws Exception {
    System.out.println("seed=" + seed);
    Path base = SimTarget.workDirectory(tmp);
    int whole = 0;
    int not = 0;
    boolean through = false;
    for (int n = 1; !through; n++) {
      assertTrue(n < N_MAX, "marking ends");
      Prng prng = new Prng(seed + n);
      try (SimTarget target = new SimTarget(base.resolve("cut"), prng.split())) {
        Host.posix().createDirectories(base.resolve("cut"));
        target.format(SimPower.steady());
        boolean said = false;
        long storeId = 0;
        try {
          target.boot(SimPower.cutAt(n));
          TargetStore store = target.store();
          storeId = store.storeId();
          assertFalse(store.isWhole(), "it is new");
          target.onReactor(store::markWhole);
          target.runUntil(store::isWhole);
          said = true;
          target.shutdown();
          through = true;
        } catch (PowerCut cut) {
          target.crash();
        }
        target.boot(SimPower.steady());
        boolean is = target.store().isWhole();
        assertTrue(is || !said, "what was said is durable");
        assertTrue(storeId == 0 || storeId == target.store().storeId());
        whole += is ? 1 : 0;
        not += is ? 0 : 1;
        target.shutdown();
      } catch (Throwable failure) {
        throw new AssertionError("seed=%d n=%d".formatted(seed, n), failure);
      }
    }
    Host.posix().deleteTree(base);
    assertTrue(whole > 0 && not > 0, "both happen: " + whole + " and " + not);
  }

  @Test
  void theMarkOfAnotherStoreSaysNothing() throws Exception {
    Path one = tmp.resolve("one");
    Path other = tmp.resolve("other");
    TargetSpec spec = new TargetSpec(1, 0, 256L << 20);
    TargetStore.format(one, spec);
    TargetStore.format(other, spec);
    long id;
    try (TargetStore store = TargetStore.open(one, TargetOptions.defaults())) {
      id = store.storeId();
      assertNotEquals(0, id);
    }
    Files.write(other.resolve(WholeFile.NAME), new byte[7]);
    assertFalse(isWhole(other), "damaged");
    WholeFile.write(Host.posix(), one, UUID.randomUUID());
    assertFalse(isWhole(one), "another store's");
    try (TargetStore store = TargetStore.open(other, TargetOptions.defaults())) {
      assertNotEquals(id, store.storeId());
    }
    // A target that is made where one was whole is a new one.
    Host.posix().deleteTree(one.resolve("device"));
    Host.posix().deleteTree(one.resolve("log"));
    TargetStore.format(one, spec);
    assertFalse(Files.exists(one.resolve(WholeFile.NAME)));
    try (TargetStore store = TargetStore.open(one, TargetOptions.defaults())) {
      assertNotEquals(id, store.storeId());
    }
  }

  private static boolean isWhole(Path dir) throws Exception {
    try (TargetStore store = TargetStore.open(dir, TargetOptions.defaults())) {
      return store.isWhole();
    }
  }
}
