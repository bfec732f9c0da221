package io.lampyris.bench.cluster;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;

/**
 * A load in a process of its own, which is told by lines what to do. Were its files open in the
 * process that starts others, each start would close inherited copies of them, and closing asks the
 * file system under trial.
 *
 * <pre>
 *   mark     stalls count from now                           ok
 *   state    errors, wrong blocks, stalls in nanoseconds     state ERRORS WRONG WRITE READ
 *   end      stops and reads every block                     a line for each failure, end COUNTS
 * </pre>
 */
final class LoadProcess implements AutoCloseable {
  /** What {@code state} says. */
  record State(long errors, long wrong, long writeStallNs, long readStallNs) {}

  private final Process process;
  private final BufferedReader from;
  private final PrintStream to;

  /** Starts one; returns when its threads are at work. */
  LoadProcess(Path dir, int threads, int fileMib, long seed) throws IOException {
    process =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-cp",
                System.getProperty("java.class.path"),
                "-Xmx256m",
                LoadProcess.class.getName(),
                dir.toString(),
                String.valueOf(threads),
                String.valueOf(fileMib),
                String.valueOf(seed))
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    from =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    to = new PrintStream(process.getOutputStream(), true, StandardCharsets.UTF_8);
    answer();
  }

  private String answer() throws IOException {
    String line = from.readLine();
    if (line == null) {
      throw new IOException("the load has ended by itself");
    }
    return line;
  }

  void mark() throws IOException {
    to.println("mark");
    answer();
  }

  State state() throws IOException {
    to.println("state");
    String[] words = answer().split(" ", -1);
    return new State(
        Long.parseLong(words[1]),
        Long.parseLong(words[2]),
        Long.parseLong(words[3]),
        Long.parseLong(words[4]));
  }

  /** Ends the load; returns what failed, and prints how much was done. */
  List<String> end() throws IOException {
    to.println("end");
    List<String> failures = new ArrayList<>();
    String line = answer();
    while (!line.startsWith("end ")) {
      failures.add(line);
      line = answer();
    }
    System.out.println("load: " + line.substring(4));
    return failures;
  }

  @Override
  public void close() {
    process.destroyForcibly();
  }

  /** The other side. */
  public static void main(String[] args) throws Exception {
    BufferedReader commands =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (VerifiedLoad load =
        new VerifiedLoad(
            Path.of(args[0]),
            Integer.parseInt(args[1]),
            Integer.parseInt(args[2]),
            Long.parseLong(args[3]))) {
      load.start();
      System.out.println("ready");
      for (String line = commands.readLine(); line != null; line = commands.readLine()) {
        switch (line) {
          case "mark" -> {
            load.mark();
            System.out.println("ok");
          }
          case "state" ->
              System.out.printf(
                  "state %d %d %d %d%n",
                  load.errorCount(), load.wrong().size(), load.writeStallNs(), load.readStallNs());
          case "end" -> {
            end(load);
            return;
          }
          default -> throw new IllegalArgumentException("no such command; observed=" + line);
        }
      }
    }
  }

  private static void end(VerifiedLoad load) throws IOException, InterruptedException {
    load.stop();
    load.verifyAll();
    load.wrong().forEach(wrong -> System.out.println("WRONG BYTES: " + wrong));
    load.errors().forEach(error -> System.out.println("error told to the program: " + error));
    System.out.printf(
        "end %d writes, %d reads, %d errors%n", load.writes(), load.reads(), load.errorCount());
  }
}
