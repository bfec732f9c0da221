package io.lampyris.cli.embedded;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Signals;
import io.lampyris.cli.base.Trees;
import io.lampyris.cli.config.Configuration;
import io.lampyris.cli.config.ConfigurationFile;
import io.lampyris.cli.control.ControlServer;
import io.lampyris.cli.instance.Format;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import io.lampyris.cli.instance.Preflight;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BiConsumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** One run of an instance, from the checks to the clean stop. */
public final class Instance {
  private static final Logger LOG = LoggerFactory.getLogger(Instance.class);

  /** A stop is promised within 10 s (I3). */
  private static final long STOP_MAX_MS = 9_500;

  private static final int EXIT_STUCK = 1;

  /** A reactor failed: neither done, nor failed as a command, nor wrong input. */
  static final int EXIT_FAULT = 3;

  /** How often to look whether the mount is still there. */
  private static final long LOOK_EVERY_S = 1;

  private final Preflight.Plan plan;
  private final InstanceDirectory dir;
  private final PrintWriter out;
  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch stopped = new CountDownLatch(1);

  private Instance(Preflight.Plan plan, PrintWriter out) {
    this.plan = plan;
    this.dir = plan.dir();
    this.out = out;
  }

  /**
   * Runs an instance until it is told to stop.
   *
   * @param logs sends log lines to a directory
   */
  public static void run(
      Preflight.Request request, PrintWriter out, BiConsumer<Path, Configuration> logs)
      throws InputException, FailedException, IOException, InterruptedException {
    InstanceDirectory dir = Preflight.check(request, false).dir();
    if (!Files.exists(dir.root())) {
      Files.createDirectories(
          dir.root(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    try (InstanceLock _ = InstanceLock.acquire(dir)) {
      // Somebody else may have formatted or started it since the first look.
      Preflight.Plan plan = Preflight.check(request, true);
      Files.createDirectories(dir.log());
      logs.accept(dir.log(), plan.configuration());
      new Instance(plan, out).run();
    }
  }

  private void run() throws InputException, FailedException, IOException, InterruptedException {
    Signals.onStop(this::onSignal);
    try (Namespaces devices = EmbeddedCluster.devices(plan)) {
      if (plan.firstUse()) {
        prepare(devices);
      }
      serve(devices);
    } catch (IOException | RuntimeException e) {
      LOG.error("the instance ends", e);
      throw e;
    } finally {
      stopped.countDown();
    }
  }

  private void serve(Namespaces devices)
      throws InputException, FailedException, IOException, InterruptedException {
    Path pid = dir.pid();
    long startedNs = System.nanoTime();
    try (EmbeddedCluster cluster = EmbeddedCluster.start(plan, devices);
        ControlServer _ =
            ControlServer.start(
                dir.controlSocket(),
                Map.of("status", cluster::status, "rings", cluster::ringStatus))) {
      if (plan.firstUse()) {
        plan.format().asReady().write(dir.format());
      }
      Files.writeString(pid, ProcessHandle.current().pid() + "\n");
      LOG.info("ready in {} ms", (System.nanoTime() - startedNs) / 1_000_000);
      out.println("READY mount=" + plan.mount());
      out.flush();
      awaitStop(cluster);
      LOG.info("stopping");
    } finally {
      Files.deleteIfExists(pid);
    }
    LOG.info("stopped");
    out.println("stopped");
    out.flush();
  }

  private void awaitStop(EmbeddedCluster cluster) throws FailedException, InterruptedException {
    while (!stop.await(LOOK_EVERY_S, TimeUnit.SECONDS)) {
      if (!cluster.isServing()) {
        throw FailedException.of(
            "the mount is gone",
            "somebody unmounted " + plan.mount(),
            "lampyris down",
            "start it again");
      }
    }
  }

  /** Makes DIR from nothing, whatever an earlier attempt may have left. */
  private void prepare(Namespaces devices) throws IOException, FailedException {
    LOG.info("formatting {}: {}", dir, plan.format());
    Format format = plan.format();
    format.write(dir.format());
    Trees.delete(dir.meta());
    for (long id = 1; id <= format.targetCount(); id++) {
      // A namespace does not go with the directory.
      try {
        devices.host(dir.target(id)).deleteTree(dir.target(id).resolve("device"));
      } catch (StoreException e) {
        throw FailedException.because(e);
      }
    }
    Trees.delete(dir.targets());
    if (!Files.exists(dir.configuration())) {
      ConfigurationFile.write(dir.configuration(), plan.configuration());
    }
    Files.createDirectories(dir.meta());
    Files.createDirectories(dir.targets());
  }

  private void onSignal() {
    if (stop.getCount() == 0) {
      return;
    }
    stop.countDown();
    Thread.ofPlatform().daemon().name("stop-limit").start(this::endIfStuck);
  }

  private void endIfStuck() {
    try {
      if (!stopped.await(STOP_MAX_MS, TimeUnit.MILLISECONDS)) {
        LOG.error("the stop did not end within {} ms; ending the process", STOP_MAX_MS);
        Runtime.getRuntime().halt(EXIT_STUCK);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }
}
