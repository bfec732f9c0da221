package io.lampyris.cli.embedded;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.control.ControlClient;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.Preflight;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.RandomAccessFile;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** {@code up --detach}: the same command again, in a session of its own, until it is ready. */
public final class Detached {
  private static final Duration READY_MAX = Duration.ofMinutes(10);
  private static final int WRONG_INPUT = 2;
  private static final long LOOK_EVERY_MS = 20;
  private static final long OUTPUT_MAX_BYTES = 1 << 20;

  private final Preflight.Request request;
  private final InstanceDirectory dir;
  private final PrintWriter err;

  /**
   * @param err takes what the child said when it did not become ready
   */
  public Detached(Preflight.Request request, PrintWriter err) {
    this.request = request;
    this.dir = request.dir();
    this.err = err;
  }

  /**
   * Returns when the instance is ready; fails as the child failed.
   *
   * @return its pid
   */
  public long start() throws InputException, FailedException, IOException, InterruptedException {
    // All that can be wrong is found here, before there is a log directory to write into.
    Preflight.check(request, false);
    if (!Files.exists(dir.root())) {
      Files.createDirectories(
          dir.root(),
          PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
    }
    Files.createDirectories(dir.log());
    if (Files.exists(dir.output()) && Files.size(dir.output()) > OUTPUT_MAX_BYTES) {
      Files.delete(dir.output());
    }
    long outputStart = Files.exists(dir.output()) ? Files.size(dir.output()) : 0;
    Process child =
        new ProcessBuilder(command())
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.appendTo(dir.output().toFile()))
            .start();
    await(child, outputStart);
    return child.pid();
  }

  private void await(Process child, long outputStart)
      throws InputException, FailedException, IOException, InterruptedException {
    long startedNs = System.nanoTime();
    while (!isReady(child)) {
      if (child.waitFor(LOOK_EVERY_MS, TimeUnit.MILLISECONDS)) {
        throw failure(child.exitValue(), outputStart);
      }
      if (System.nanoTime() - startedNs > READY_MAX.toNanos()) {
        child.destroyForcibly();
        throw FailedException.of(
            "the instance did not become ready",
            "nothing after " + READY_MAX.toMinutes() + " min",
            READY_MAX.toMinutes() + " min",
            "see " + dir.log());
      }
    }
  }

  /** The child writes its pid when it is ready. */
  private boolean isReady(Process child) throws IOException {
    if (!Files.exists(dir.pid())
        || !Files.readString(dir.pid()).strip().equals(Long.toString(child.pid()))) {
      return false;
    }
    try {
      ControlClient.ask(dir.controlSocket(), "status", Duration.ofSeconds(5));
      return true;
    } catch (IOException e) {
      return false;
    }
  }

  private FailedException failure(int exitCode, long outputStart)
      throws InputException, IOException {
    String output = outputFrom(outputStart);
    output.lines().filter(line -> !line.isBlank()).forEach(err::println);
    if (exitCode == WRONG_INPUT) {
      throw InputException.of(
          "the instance refused to start", "exit code 2", "READY", "correct what it names above");
    }
    return FailedException.of(
        "the instance ended before it was ready",
        "exit code " + exitCode,
        "READY",
        "see above and " + dir.log().resolve("lampyris.log"));
  }

  private String outputFrom(long start) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(dir.output().toFile(), "r")) {
      byte[] bytes = new byte[(int) Math.min(file.length() - start, 64 << 10)];
      file.seek(start);
      file.readFully(bytes);
      return new String(bytes, StandardCharsets.UTF_8);
    }
  }

  private List<String> command() {
    List<String> command = new ArrayList<>(SelfCommand.java(dir.log()));
    command.addFirst("setsid");
    command.addAll(List.of("up", "--dir", dir.toString(), "--mount", request.mount().toString()));
    request.targetCount().ifPresent(n -> command.addAll(List.of("--targets", Integer.toString(n))));
    request
        .targetSizeBytes()
        .ifPresent(n -> command.addAll(List.of("--target-size", Long.toString(n))));
    Path config = request.configuration();
    if (config != null) {
      command.addAll(List.of("--config", config.toAbsolutePath().toString()));
    }
    return command;
  }
}
