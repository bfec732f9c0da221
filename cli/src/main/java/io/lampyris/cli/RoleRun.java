package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Signals;
import io.lampyris.cli.config.Configuration;
import io.lampyris.cli.control.ControlServer;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One role of a cluster in the foreground: one process per directory, which says READY, stops at
 * SIGTERM or when it has nothing to do any more, and ends when its reactor fails.
 */
final class RoleRun {
  private static final Logger LOG = LoggerFactory.getLogger(RoleRun.class);

  /** As an instance does when a reactor fails. */
  private static final int EXIT_FAULT = 3;

  private static final int EXIT_STUCK = 1;
  private static final long STOP_MAX_MS = 9_500;
  private static final long LOOK_EVERY_S = 1;

  /** What a role is made with. */
  @FunctionalInterface
  interface Starter {
    /**
     * @param onFault ends the process
     */
    Role start(Consumer<Throwable> onFault) throws InputException, FailedException, IOException;
  }

  /**
   * A role that runs.
   *
   * @param ready what is said when it can be reached
   * @param commands of the control channel
   * @param loss why it cannot go on; null while it can
   * @param over whether it has nothing to do any more
   */
  record Role(
      String ready,
      Map<String, Supplier<Map<String, Object>>> commands,
      Supplier<@Nullable FailedException> loss,
      BooleanSupplier over,
      AutoCloseable process) {
    Role(String ready, Supplier<Map<String, Object>> status, AutoCloseable process) {
      this(ready, Map.of("status", status), () -> null, () -> false, process);
    }
  }

  private final CountDownLatch stop = new CountDownLatch(1);
  private final CountDownLatch stopped = new CountDownLatch(1);

  private RoleRun() {}

  /** Runs until SIGTERM. */
  static int run(Path dir, PrintWriter out, Starter starter) throws Exception {
    return new RoleRun().go(new InstanceDirectory(dir), out, starter);
  }

  private int go(InstanceDirectory dir, PrintWriter out, Starter starter) throws Exception {
    Files.createDirectories(dir.log());
    try (InstanceLock _ = InstanceLock.acquire(dir)) {
      Logs.toDirectory(dir.log(), Configuration.DEFAULT);
      Signals.onStop(this::onSignal);
      Role role = starter.start(RoleRun::onFault);
      try (AutoCloseable _ = role.process;
          ControlServer _ = ControlServer.start(dir.controlSocket(), role.commands)) {
        LOG.info("READY {}", role.ready);
        out.println("READY " + role.ready);
        out.flush();
        awaitStop(role);
        LOG.info("stopping");
      }
    } finally {
      stopped.countDown();
    }
    LOG.info("stopped");
    out.println("stopped");
    out.flush();
    return Main.DONE;
  }

  private void awaitStop(Role role) throws FailedException, InterruptedException {
    while (!stop.await(LOOK_EVERY_S, TimeUnit.SECONDS)) {
      FailedException lost = role.loss.get();
      if (lost != null) {
        throw lost;
      }
      if (role.over.getAsBoolean()) {
        LOG.info("it is needed no more");
        onSignal();
      }
    }
  }

  /** Half a process is worse than none: what is durable is safe, the next start takes it up. */
  private static void onFault(Throwable fault) {
    try {
      fault.printStackTrace();
    } finally {
      Runtime.getRuntime().halt(EXIT_FAULT);
    }
  }

  private void onSignal() {
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
