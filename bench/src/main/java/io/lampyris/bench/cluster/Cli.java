package io.lampyris.bench.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Commands that end by themselves. */
final class Cli {
  private static final long COMMAND_MAX_S = 120;

  private Cli() {}

  /** Is told of every line as it comes. */
  interface Listener {
    void onLine(String line) throws IOException, InterruptedException;
  }

  /** Runs one that takes its time and ends by itself; tells every line that it prints. */
  static void follow(List<String> command, Listener listener)
      throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .start();
    String last = "";
    try (BufferedReader lines = process.inputReader(StandardCharsets.UTF_8)) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        last = line;
        listener.onLine(line);
      }
      if (process.waitFor() != 0) {
        throw new IOException(
            "command failed; observed=exit %d of %s: %s"
                .formatted(process.exitValue(), command, last));
      }
    } finally {
      process.destroyForcibly();
    }
  }

  /** Runs one; what it printed. */
  static String run(List<String> command) throws IOException, InterruptedException {
    Process process =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectInput(Path.of("/dev/null").toFile())
            .start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(COMMAND_MAX_S, TimeUnit.SECONDS)) {
      process.destroyForcibly();
      throw new IOException(
          "command takes too long; observed=%s, limit=%d s".formatted(command, COMMAND_MAX_S));
    }
    if (process.exitValue() != 0) {
      throw new IOException(
          "command failed; observed=exit %d of %s: %s"
              .formatted(process.exitValue(), command, said.strip()));
    }
    return said;
  }
}
