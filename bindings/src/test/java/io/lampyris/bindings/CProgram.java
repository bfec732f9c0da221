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
    Path binary = TestFiles.fresh("program");
    run(command(source, List.of("-Wall", "-o", binary.toString()), options));
    return new CProgram(binary);
  }

  /** Whether the machine's cc understands it, with the headers that are installed. */
  public static boolean compiles(String source, String... options) throws Exception {
    List<String> command = command(source, List.of("-fsyntax-only"), options);
    Process process = new ProcessBuilder(command).redirectErrorStream(true).start();
    process.getInputStream().readAllBytes();
    return process.waitFor() == 0;
  }

  private static List<String> command(String source, List<String> what, String... options)
      throws Exception {
    assumeTrue(
        onPath("cc"),
        "no C compiler; observed=cc not on PATH; remedy: install gcc and libc6-dev (glibc-devel)");
    Path file = TestFiles.fresh("program.c");
    Files.writeString(file, source);
    List<String> command = new ArrayList<>(List.of("cc", file.toString()));
    command.addAll(what);
    command.addAll(List.of(options));
    return command;
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
