package io.lampyris.cli.quickstart;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.Json;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** Reads files through the C library, by the program that is built from it. */
final class UsrbioRead {
  private static final long LIMIT_S = 300;

  private final Path program;

  UsrbioRead(Path program) {
    this.program = program;
  }

  /** Rates and latencies of random reads. */
  record Rates(long bytes, double mebibytesPerSecond, double p50Us, double p99Us, long ios) {}

  void checkBuilt() throws FailedException {
    if (!Files.isExecutable(program)) {
      throw FailedException.of(
          "the USRBIO program is not built",
          "no " + program,
          "a whole build",
          "./mvnw -q -DskipTests package, or make -C native");
    }
  }

  /** SHA-256 by file. */
  Map<Path, String> hash(List<Path> files)
      throws IOException, InterruptedException, FailedException {
    Map<String, Object> result = run(List.of("--sha256"), files);
    Map<Path, String> hashes = new HashMap<>();
    if (result.get("files") instanceof List<?> list) {
      for (Object each : list) {
        if (each instanceof Map<?, ?> file) {
          hashes.put(Path.of(String.valueOf(file.get("path"))), String.valueOf(file.get("sha256")));
        }
      }
    }
    return hashes;
  }

  Rates random(List<Path> files, int blockBytes, int depth, double seconds)
      throws IOException, InterruptedException, FailedException {
    Map<String, Object> result =
        run(
            List.of(
                "--random",
                "--block",
                Integer.toString(blockBytes),
                "--depth",
                Integer.toString(depth),
                "--seconds",
                Double.toString(seconds)),
            files);
    Map<?, ?> latency = result.get("latency_us") instanceof Map<?, ?> map ? map : Map.of();
    return new Rates(
        (long) number(result, "bytes"),
        number(result, "mib_per_s"),
        number(latency, "p50"),
        number(latency, "p99"),
        (long) number(result, "ios"));
  }

  private Map<String, Object> run(List<String> options, List<Path> files)
      throws IOException, InterruptedException, FailedException {
    List<String> command = new ArrayList<>();
    command.add(program.toString());
    command.addAll(options);
    command.add("--json");
    command.add("--");
    files.forEach(file -> command.add(file.toString()));
    Process process =
        new ProcessBuilder(command)
            .redirectInput(Path.of("/dev/null").toFile())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    try {
      String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      if (!process.waitFor(LIMIT_S, TimeUnit.SECONDS) || process.exitValue() != 0) {
        throw FailedException.of(
            "reading through USRBIO failed",
            process.isAlive() ? "no end" : "exit code " + process.exitValue(),
            "exit code 0 within " + LIMIT_S + " s",
            "see what it says above, and DIR/log/lampyris.log");
      }
      return Json.parseObject(output.strip());
    } finally {
      process.destroyForcibly();
    }
  }

  private static double number(Map<?, ?> map, String key) {
    return map.get(key) instanceof Number value ? value.doubleValue() : 0;
  }
}
