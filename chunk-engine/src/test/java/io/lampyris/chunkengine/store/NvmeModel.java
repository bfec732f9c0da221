package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.NamespaceHost;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.reactor.device.SpdkController;
import io.lampyris.reactor.sim.Prng;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * The model test on NVMe: random operations, several at a time, against models in memory, with
 * restarts, resets of the controller, and its loss in the middle. {@code -Dseed=S} repeats what is
 * random, {@code -Dmodel.lives=N} says for how many restarts.
 */
@Timeout(600)
abstract class NvmeModel {
  private static final int LIVES = Integer.getInteger("model.lives", 6);
  private static final int STEPS = 150;
  static final SpdkController.Patience PATIENCE =
      new SpdkController.Patience(TimeUnit.SECONDS.toNanos(3), TimeUnit.SECONDS.toNanos(15));

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Prng prng = new Prng(seed);
  private long resets;

  /** What takes the controller away while operations are under way. */
  @FunctionalInterface
  interface Loss {
    void happens() throws Exception;
  }

  static NamespaceName name(String transportId) {
    return new NamespaceName(transportId, 1, true);
  }

  /** A new target, and some lives of it; it is shut down after. */
  final SimWorkload begin(NvmeTarget target) throws Exception {
    System.out.println("seed=" + seed);
    target.format();
    SimWorkload client = new SimWorkload(target, prng.split());
    for (int i = 0; i < LIVES; i++) {
      target.boot();
      client.reload();
      live(target, client);
      target.shutdown();
    }
    assertTrue(resets > 0, "the controller was reset in between");
    System.out.println(client.completed + " operations, " + resets + " resets");
    return client;
  }

  final void live(NvmeTarget target, SimWorkload client) {
    long before = target.controller().resets();
    ModelSteps steps = new ModelSteps(client, prng);
    int resetAt = prng.below(STEPS);
    for (int i = 0; i < STEPS; i++) {
      if (i == resetAt) {
        target.controller().reset();
      }
      steps.step();
    }
    client.await();
    target.runUntil(() -> target.controller().resets() > before);
    resets += target.controller().resets() - before;
    assertTrue(!target.store().isOffline(), "a reset is no failure");
  }

  /** Everything is answered, with errors from some moment on, and nothing hangs. */
  final void lose(NvmeTarget target, SimWorkload client, Loss loss) throws Exception {
    target.boot();
    client.reload();
    client.errorsExpected = true;
    ModelSteps steps = new ModelSteps(client, prng);
    for (int i = 0; i < STEPS / 2; i++) {
      steps.step();
    }
    loss.happens();
    while (!target.store().isOffline()) {
      steps.step();
    }
    client.await();
    target.shutdown();
    client.errorsExpected = false;
  }

  /** The offline check reads it, and it is not formatted over. */
  final void checks(NvmeTarget target, SpdkEnvironment environment, NamespaceName name)
      throws Exception {
    NamespaceName kept = new NamespaceName(name.transportId(), name.namespace(), false);
    try (SpdkController controller =
            SpdkController.connect(environment, name.transportId(), PATIENCE);
        NamespaceHost host = new NamespaceHost(kept, controller)) {
      CheckReport report = TargetChecker.check(target.directory(), host, true, (done, total) -> {});
      assertTrue(report.isClean(), report::toString);
      StoreException refused =
          assertThrows(
              StoreException.class,
              () -> host.checkDevice(tmp.resolve("another/device"), NvmeTarget.SIZE_BYTES));
      assertEquals(Reason.INVALID_ARGUMENT, refused.reason());
      assertTrue(String.valueOf(refused.getMessage()).contains("observed=a Lampyris target"));
    }
  }
}
