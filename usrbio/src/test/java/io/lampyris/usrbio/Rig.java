package io.lampyris.usrbio;

import io.lampyris.client.FileSystem.User;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.reactor.Reactor;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A ring server on a real reactor over files in memory, and programs that use it. */
final class Rig implements AutoCloseable {
  static final int OWN_PID = (int) ProcessHandle.current().pid();

  /** Far beyond what a slow machine takes; only failures wait that long. */
  static final int AWAIT_SECONDS = 60;

  static final User USER = new User(1000, 1000);

  final Counters counters = new Counters();
  final MemoryFiles files;
  final Reactor reactor;
  final RingServer server;
  final IovRegistry registry;
  private final List<Program> programs = new ArrayList<>();
  private final AtomicReference<@Nullable Throwable> fault = new AtomicReference<>();

  Rig(Path directory, RingServerConfig config) throws IOException {
    this(directory, config, IdlePolicy.BLOCK);
  }

  Rig(Path directory, RingServerConfig config, IdlePolicy idle) throws IOException {
    long seed = RegistrationKeyTest.seeded("rig").nextLong();
    files = new MemoryFiles(seed);
    AtomicReference<@Nullable RingServer> made = new AtomicReference<>();
    reactor =
        Reactor.builder("data-0")
            .idle(idle)
            .counters(counters)
            .faultHandler(fault::set)
            .agent(context -> files)
            .agent(context -> {
              RingServer agent = new RingServer(context, files, config, counters);
              made.set(agent);
              return agent;
            })
            .start();
    RingServer agent = made.get();
    assert agent != null : "the builder makes every agent";
    server = agent;
    registry = IovRegistry.open(server, files, directory);
  }

  Program program() {
    return program(USER, OWN_PID);
  }

  Program program(User user, int pid) {
    Program program = new Program(registry, user, pid);
    programs.add(program);
    return program;
  }

  long counter(String name) {
    Long value = counters.snapshot().get(name);
    assert value != null : name;
    return value;
  }

  /** Runs something on the reactor and waits for it. */
  void onReactor(Runnable task) {
    CountDownLatch done = new CountDownLatch(1);
    reactor.offer(nowNs -> {
      task.run();
      done.countDown();
    });
    Threads.uninterruptibly(done::await);
  }

  void release() {
    onReactor(() -> files.holding = false);
  }

  static void await(String what, BooleanSupplier condition) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(AWAIT_SECONDS);
    while (!condition.getAsBoolean()) {
      if (System.nanoTime() > deadlineNs) {
        throw new AssertionError("never came: " + what);
      }
      LockSupport.parkNanos(100_000);
    }
  }

  /** The reactor sleeps and does not wake by itself for a while. */
  void awaitSleep() {
    await(
        "a sleeping reactor",
        () -> {
          long cycles = counter("data_0_cycles");
          LockSupport.parkNanos(2_000_000);
          return counter("data_0_cycles") == cycles;
        });
  }

  @Override
  public void close() {
    files.holding = false;
    registry.close();
    reactor.close();
    programs.forEach(Program::close);
    Throwable found = fault.get();
    if (found != null) {
      throw new AssertionError("the reactor ended", found);
    }
  }
}
