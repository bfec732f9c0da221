package io.lampyris.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** An embedded cluster in a process of its own, driven through {@code bin/lampyris}. */
final class Cluster implements AutoCloseable {
  private static final long COMMAND_MAX_S = 120;

  private final Path launcher;
  private final Path dir;
  private final Path mount;
  private final String targetSize;

  Cluster(Path launcher, Path dir, Path mount, String targetSize) throws IOException {
    this.launcher = launcher;
    this.dir = dir;
    this.mount = mount;
    this.targetSize = targetSize;
    Files.createDirectories(mount);
  }

  Path mount() {
    return mount;
  }

  /** Starts it; returns when the mount answers. */
  void up() throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(launcher.toString(), "up", "--detach"));
    command.addAll(List.of("--dir", dir.toString(), "--mount", mount.toString()));
    command.addAll(List.of("--target-size", targetSize));
    run(COMMAND_MAX_S, command);
  }

  /** Kills the daemon without a chance to clean up; returns when the process is gone. */
  void kill9() throws IOException, InterruptedException {
    long pid = Long.parseLong(Files.readString(dir.resolve("lampyris.pid")).strip());
    ProcessHandle daemon =
        ProcessHandle.of(pid)
            .orElseThrow(() -> new IOException("the daemon is gone already; observed=pid " + pid));
    daemon.destroyForcibly();
    try {
      daemon.onExit().get(30, TimeUnit.SECONDS);
    } catch (java.util.concurrent.ExecutionException | java.util.concurrent.TimeoutException e) {
      throw new IOException("the daemon did not die; observed=pid " + pid, e);
    }
  }

  @Override
  public void close() throws IOException {
    try {
      run(COMMAND_MAX_S, List.of(launcher.toString(), "down", "--dir", dir.toString()));
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted while the cluster stops; observed=" + dir, e);
    }
  }

  /** Runs a command to its end; its output goes to ours. */
  static void run(long maxSeconds, List<String> command) throws IOException, InterruptedException {
    int exit = tryRun(maxSeconds, command);
    if (exit != 0) {
      throw new IOException("command failed; observed=exit " + exit + " of " + command);
    }
  }

  /** Runs a command; returns its exit code. */
  static int tryRun(long maxSeconds, List<String> command)
      throws IOException, InterruptedException {
    Process process = start(command);
    if (!process.waitFor(maxSeconds, TimeUnit.SECONDS)) {
      process.descendants().forEach(ProcessHandle::destroyForcibly);
      process.destroyForcibly();
      throw new IOException(
          "command takes too long; observed=%s, limit=%d s".formatted(command, maxSeconds));
    }
    return process.exitValue();
  }

  /** Starts a command whose output goes to ours. */
  static Process start(List<String> command) throws IOException {
    return builder(command)
        .redirectOutput(ProcessBuilder.Redirect.INHERIT)
        .redirectError(ProcessBuilder.Redirect.INHERIT)
        .start();
  }

  /** Starts a command that is expected to complain: its output is dropped. */
  static Process startQuietly(List<String> command) throws IOException {
    return builder(command)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .redirectError(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private static ProcessBuilder builder(List<String> command) {
    return new ProcessBuilder(command)
        .redirectInput(ProcessBuilder.Redirect.from(Path.of("/dev/null").toFile()));
  }
}
