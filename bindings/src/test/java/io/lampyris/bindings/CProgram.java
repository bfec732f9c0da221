package io.lampyris.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** Compiles C source with the machine's cc and runs it. */
public final class CProgram {
  private static final long SECONDS_MAX = 60;

  private final Path binary;

  private CProgram(Path binary) {
    this.binary = binary;
  }

  /** Skips the calling test where there is no C compiler. */
  public static CProgram compile(String source, String... options) throws Exception {
    assumeTrue(
        onPath("cc"),
        "no C compiler; observed=cc not on PATH; remedy: install gcc and libc6-dev (glibc-devel)");
    Path file = TestFiles.fresh("program.c");
    Files.writeString(file, source);
    Path binary = TestFiles.fresh("program");
    List<String> command =
        new ArrayList<>(List.of("cc", "-Wall", "-o", binary.toString(), file.toString()));
    command.addAll(List.of(options));
    run(command);
    return new CProgram(binary);
  }

  /** What the program printed; it must end with exit code 0. */
  public String output(String... arguments) throws Exception {
    List<String> command = new ArrayList<>(List.of(binary.toString()));
    command.addAll(List.of(arguments));
    return run(command);
  }

  private static boolean onPath(String program) {
    for (String directory : System.getenv().getOrDefault("PATH", "").split(":", -1)) {
      if (Files.isExecutable(Path.of(directory, program))) {
        return true;
      }
    }
    return false;
  }

  private static String run(List<String> command) throws IOException, InterruptedException {
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (!process.waitFor(SECONDS_MAX, TimeUnit.SECONDS)) {
      process.destroyForcibly();
    }
    assertEquals(0, process.waitFor(), () -> command + " said: " + output);
    return output;
  }
}
