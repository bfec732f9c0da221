package io.lampyris.cli.local;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.control.ControlClient;
import io.lampyris.cli.embedded.SelfCommand;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/** One process of the cluster. */
final class LocalRole {
  private static final Duration READY_MAX = Duration.ofMinutes(5);
  private static final Duration STOP_MAX = Duration.ofSeconds(15);
  private static final Duration ANSWER_MAX = Duration.ofSeconds(7);
  private static final long LOOK_EVERY_MS = 20;
  private static final int OUTPUT_SHOWN_BYTES = 4 << 10;
  private static final int WRONG_INPUT = 2;

  private final String name;
  private final InstanceDirectory dir;
  private final List<String> arguments;
  private @Nullable Process child;

  /**
   * @param name also of its directory
   * @param arguments of lampyris
   */
  LocalRole(Path cluster, String name, List<String> arguments) {
    this.name = name;
    this.dir = new InstanceDirectory(cluster.resolve(name));
    this.arguments = List.copyOf(arguments);
  }

  String name() {
    return name;
  }

  /** Empty when it does not run. */
  OptionalLong pid() throws IOException {
    return Files.isDirectory(dir.root()) ? InstanceLock.holder(dir) : OptionalLong.empty();
  }

  /** Starts it unless it runs; returns at once. */
  void start() throws IOException {
    if (pid().isPresent()) {
      return;
    }
    Files.createDirectories(dir.log());
    List<String> command = new ArrayList<>(List.of("setsid"));
    command.addAll(SelfCommand.java(dir.log()));
    command.addAll(arguments);
    child =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(dir.output().toFile())
            .start();
  }

  /** Returns when it answers. */
  void awaitReady() throws InputException, FailedException, IOException, InterruptedException {
    long untilNs = System.nanoTime() + READY_MAX.toNanos();
    while (!answers()) {
      Process started = child;
      if (started != null && started.waitFor(LOOK_EVERY_MS, TimeUnit.MILLISECONDS)) {
        throw failure(started.exitValue());
      }
      if (System.nanoTime() > untilNs) {
        throw FailedException.of(
            name + " did not become ready", "nothing", READY_MAX, "see " + dir.log());
      }
      if (started == null && pid().isEmpty()) {
        // It was about to end when this began.
        start();
      } else if (started == null) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_EVERY_MS));
      }
    }
  }

  private boolean answers() {
    try {
      if (pid().isEmpty()) {
        return false;
      }
      ControlClient.ask(dir.controlSocket(), "status", ANSWER_MAX);
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private FailedException failure(int exitCode) throws InputException, IOException {
    if (exitCode == WRONG_INPUT) {
      throw InputException.of(
          name + " refused to start", output(), "READY", "correct what it names");
    }
    return FailedException.of(
        "%s ended before it was ready".formatted(name),
        "exit code %d, %s".formatted(exitCode, output()),
        "READY",
        "see " + dir.log());
  }

  private String output() throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(dir.output().toFile(), "r")) {
      byte[] bytes = new byte[(int) Math.min(file.length(), OUTPUT_SHOWN_BYTES)];
      file.seek(file.length() - bytes.length);
      file.readFully(bytes);
      return new String(bytes, StandardCharsets.UTF_8).strip();
    }
  }

  /** Asks it to stop; its handle, to wait for; empty when it does not run. */
  Optional<ProcessHandle> stop() throws IOException {
    OptionalLong pid = pid();
    Optional<ProcessHandle> process =
        pid.isPresent() ? ProcessHandle.of(pid.getAsLong()) : Optional.empty();
    process.ifPresent(ProcessHandle::destroy);
    return process;
  }

  /** Looks often: who is told of the end of a process that is no child hears of it late. */
  void awaitStop(ProcessHandle process) throws FailedException {
    long untilNs = System.nanoTime() + STOP_MAX.toNanos();
    while (process.isAlive()) {
      if (System.nanoTime() > untilNs) {
        throw FailedException.of(
            "%s, pid %d, did not stop".formatted(name, process.pid()),
            "still running after " + STOP_MAX.toSeconds() + " s",
            "10 s",
            "see %s; kill -9 %d loses nothing that was acknowledged"
                .formatted(dir.log(), process.pid()));
      }
      LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(LOOK_EVERY_MS));
    }
  }

  /** For people and programs. */
  Map<String, Object> status() throws IOException {
    Map<String, Object> row = new LinkedHashMap<>();
    row.put("process", name);
    OptionalLong pid = pid();
    row.put("running", pid.isPresent());
    row.put("pid", pid.orElse(0));
    row.put("dir", dir.toString());
    if (pid.isEmpty()) {
      row.put("health", "HEALTH_ERR");
      row.put("reasons", List.of("NOT_RUNNING: start it with lampyris up"));
      return row;
    }
    try {
      Map<String, Object> own = ControlClient.ask(dir.controlSocket(), "status", ANSWER_MAX);
      row.put("health", own.getOrDefault("health", "HEALTH_ERR"));
      row.put("reasons", own.getOrDefault("reasons", List.of()));
      row.put("uptime_s", own.getOrDefault("uptime_s", 0L));
      row.put("resident_bytes", own.getOrDefault("resident_bytes", 0L));
    } catch (IOException e) {
      row.put("health", "HEALTH_ERR");
      row.put(
          "reasons",
          List.of("NO_ANSWER: it is starting, stopping or stuck (%s)".formatted(e.getMessage())));
    }
    return row;
  }
}
