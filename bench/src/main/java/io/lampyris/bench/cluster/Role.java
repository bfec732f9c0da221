package io.lampyris.bench.cluster;

import io.lampyris.cli.control.ControlClient;
import io.lampyris.cli.instance.InstanceDirectory;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * One process of a cluster, which can be ended in every way and started again. Owner: one thread.
 */
final class Role {
  private static final long READY_MAX_MS = 180_000;
  private static final long END_MAX_S = 60;
  private static final Duration STATUS_MAX = Duration.ofSeconds(10);

  final String name;
  private final List<String> command;
  private final Path output;
  private final Path directory;
  private final int patience;
  private @Nullable Process process;

  /**
   * @param command prints a line that begins with READY when it can be used
   * @param output gets what it prints
   * @param directory its own, with its control channel
   * @param patience how many times as long as elsewhere it may take
   */
  Role(String name, List<String> command, Path output, Path directory, int patience) {
    this.name = name;
    this.command = List.copyOf(command);
    this.output = output;
    this.directory = directory;
    this.patience = patience;
  }

  void start() throws IOException, InterruptedException {
    launch();
    awaitReady();
  }

  /** Starts it; {@link #awaitReady} says when it can be used. */
  void launch() throws IOException {
    Files.deleteIfExists(output);
    process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(output.toFile())
            .redirectInput(Path.of("/dev/null").toFile())
            .start();
  }

  void awaitReady() throws IOException, InterruptedException {
    long maxMs = READY_MAX_MS * patience;
    boolean ready = VerifiedLoad.await(maxMs, () -> isReady() || !isRunning());
    if (!ready || !isReady()) {
      throw new IOException(
          "%s is not ready; observed=%s, limit=%d ms".formatted(name, said().strip(), maxMs));
    }
  }

  boolean isRunning() {
    Process running = process;
    return running != null && running.isAlive();
  }

  private boolean isReady() {
    return said().lines().anyMatch(line -> line.startsWith("READY"));
  }

  private String said() {
    try {
      return Files.exists(output) ? Files.readString(output) : "";
    } catch (IOException e) {
      return "output cannot be read: " + e;
    }
  }

  private Process running() throws IOException {
    Process running = process;
    if (running == null || !running.isAlive()) {
      throw new IOException("%s has ended by itself; observed=%s".formatted(name, said().strip()));
    }
    return running;
  }

  /**
   * What it holds.
   *
   * @param directBytes of buffers outside of the JVM's heap, as the process says
   */
  record Usage(long residentKib, long directBytes, int descriptors) {}

  Usage usage() throws IOException {
    Path process = Path.of("/proc", String.valueOf(running().pid()));
    Object direct = status().get("direct_bytes");
    try (Stream<Path> open = Files.list(process.resolve("fd"))) {
      return new Usage(
          residentKib(process.resolve("status")),
          direct instanceof Long bytes ? bytes : 0,
          (int) open.count());
    }
  }

  private Map<String, Object> status() throws IOException {
    Path control = new InstanceDirectory(directory).controlSocket();
    return ControlClient.ask(control, "status", STATUS_MAX.multipliedBy(patience));
  }

  /** What it has counted since it was started. */
  Map<String, Long> counters() throws IOException {
    Map<String, Long> counters = new TreeMap<>();
    if (status().get("counters") instanceof Map<?, ?> all) {
      all.forEach((name, count) -> {
        if (count instanceof Long value) {
          counters.put(String.valueOf(name), value);
        }
      });
    }
    return counters;
  }

  private long residentKib(Path status) throws IOException {
    for (String line : Files.readAllLines(status)) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("[^0-9]", ""));
      }
    }
    throw new IOException("%s has no VmRSS in %s".formatted(name, status));
  }

  /** No chance to clean up. Returns when it is gone. */
  void kill() throws IOException, InterruptedException {
    running().destroyForcibly();
    awaitEnd();
  }

  /** SIGTERM; returns when it is gone. */
  void stop() throws IOException, InterruptedException {
    running().destroy();
    awaitEnd();
  }

  /** Returns when it has ended by itself, or because it was told to. */
  void awaitEnd() throws IOException, InterruptedException {
    Process ending = process;
    long maxS = END_MAX_S * patience;
    if (ending != null && !ending.waitFor(maxS, TimeUnit.SECONDS)) {
      throw new IOException("%s does not end; limit=%d s".formatted(name, maxS));
    }
  }

  /** SIGSTOP: it is there and does nothing. */
  void freeze() throws IOException, InterruptedException {
    signal("STOP");
  }

  void thaw() throws IOException, InterruptedException {
    signal("CONT");
  }

  private void signal(String name) throws IOException, InterruptedException {
    Cli.run(List.of("kill", "-" + name, String.valueOf(running().pid())));
  }

  /** Whatever state it is in. */
  void end() throws IOException, InterruptedException {
    Process ending = process;
    if (ending != null && ending.isAlive()) {
      ending.destroyForcibly();
      awaitEnd();
    }
  }
}
