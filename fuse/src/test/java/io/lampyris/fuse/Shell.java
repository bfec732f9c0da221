package io.lampyris.fuse;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.Libc;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;

/** Runs scripts with a limit, and tells whether mounts can be tested here at all. */
final class Shell {
  private static final int LIMIT_S = 60;

  private Shell() {}

  /** What a script printed, and how it ended. */
  record Result(int exit, String output) {}

  static void assumeMountsWork() {
    assumeTrue(Files.exists(Path.of("/dev/fuse")), "skipped: no /dev/fuse; remedy: modprobe fuse");
    assumeTrue(Libc.getuid() == 0, "skipped: not root; remedy: run the tests as root");
    assumeTrue(
        Files.exists(Path.of("/lib/x86_64-linux-gnu/libfuse.so.2"))
            || Files.exists(Path.of("/usr/lib64/libfuse.so.2")),
        "skipped: no libfuse.so.2; remedy: apt-get install libfuse2");
  }

  static void assumeHas(String tool) throws IOException, InterruptedException {
    assumeTrue(
        run("command -v " + tool).exit() == 0,
        "skipped: no " + tool + "; remedy: apt-get install " + tool);
  }

  /** The output of a script that must succeed, without the last newline. */
  static String sh(String script, Object... arguments) throws IOException, InterruptedException {
    Result result = run(script, arguments);
    assertEquals(0, result.exit(), () -> script + "\n" + result.output());
    return result.output();
  }

  static Result run(String script, Object... arguments) throws IOException, InterruptedException {
    ProcessBuilder builder = new ProcessBuilder("timeout", "-k", "2", "" + LIMIT_S);
    builder.command().addAll(Arrays.asList("bash", "-euo", "pipefail", "-c", script, "bash"));
    for (Object argument : arguments) {
      builder.command().add(argument.toString());
    }
    builder.environment().put("LC_ALL", "C.UTF-8");
    Process process = builder.redirectErrorStream(true).start();
    process.getOutputStream().close();
    String output =
        new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).stripTrailing();
    process.waitFor(LIMIT_S + 5, TimeUnit.SECONDS);
    return new Result(process.exitValue(), output);
  }
}
