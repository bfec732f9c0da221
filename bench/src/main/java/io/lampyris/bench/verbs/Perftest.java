package io.lampyris.bench.verbs;

import io.lampyris.bindings.verbs.QueuePair;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.VerbsLibrary;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.PrintStream;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures queue pairs next to perftest's programs. */
@Command(
    name = "perftest",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures RDMA WRITE, READ and messages between two devices of this machine, by our queue",
      "pairs and by perftest's ib_write_bw, ib_read_bw and ib_send_lat, in interleaved rounds: as",
      "many operations of the same size, as many under way, each end a process. Medians."
    })
public final class Perftest implements Callable<Integer> {
  @Option(names = "--from", description = "The client's device (default: ${DEFAULT-VALUE})")
  private String from = "rxe1";

  @Option(names = "--to", description = "The server's device (default: ${DEFAULT-VALUE})")
  private String to = "rxe0";

  @Option(names = "--host", description = "The server's address (default: ${DEFAULT-VALUE})")
  private String host = "10.77.0.1";

  @Option(names = "--gid", description = "The index of both GIDs (default: ${DEFAULT-VALUE})")
  private int gid = 1;

  @Option(names = "--rounds", description = "How often each pair runs (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(
      names = "--warm-ups",
      description = "Runs of ours before, for a JVM is slow at first (default: ${DEFAULT-VALUE})")
  private int warmUps = 4;

  @Option(names = "--cases", split = ",", description = "Only these: ${COMPLETION-CANDIDATES}")
  private List<Transfer> cases = List.of(Transfer.values());

  @Option(names = "--serve", hidden = true, description = "Be the other end of our own transfers")
  private boolean serves;

  public static void main(String[] args) {
    System.exit(new CommandLine(new Perftest()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    if (serves) {
      return serve();
    }
    System.out.printf("%-10s %6s %12s %12s %7s%n", "case", "unit", "perftest", "ours", "ratio");
    Process server = start(command());
    try (VerbsDevice device = open(from);
        BufferedReader said = reader(server);
        PrintStream tell = new PrintStream(server.getOutputStream(), true)) {
      for (Transfer transfer : cases) {
        measure(device, transfer, said, tell);
      }
    } finally {
      server.destroyForcibly().waitFor();
    }
    return 0;
  }

  private void measure(VerbsDevice device, Transfer of, BufferedReader said, PrintStream tell)
      throws IOException, InterruptedException {
    List<Double> theirs = new ArrayList<>();
    List<Double> ours = new ArrayList<>();
    for (int i = 0; i < warmUps; i++) {
      run(device, of, said, tell);
    }
    for (int round = 0; round < rounds; round++) {
      theirs.add(peer(of));
      ours.add(run(device, of, said, tell));
    }
    double peer = median(theirs);
    double own = median(ours);
    System.out.printf(
        "%-10s %6s %12.1f %12.1f %7.2f%n",
        of, of.isLatency() ? "us" : "MiB/s", peer, own, own / peer);
  }

  private static double median(List<Double> values) {
    Collections.sort(values);
    return values.get(values.size() / 2);
  }

  private VerbsDevice open(String device) throws VerbsUnavailableException {
    return VerbsDevice.open(new VerbsOptions(VerbsLibrary.DEFAULT_PATH, device, 0, gid));
  }

  // ---------------------------------------------------------------- ours

  private static double run(VerbsDevice device, Transfer of, BufferedReader said, PrintStream tell)
      throws IOException {
    try (End end = new End(device, of)) {
      if (of.opcode() == QueuePair.WRITE) {
        end.mark();
      }
      tell.println(of + " " + end.address());
      String address = line(said);
      end.connect(address);
      tell.println("connected");
      line(said);
      double figure = of.isLatency() ? end.latency() : end.bandwidth(address);
      tell.println("over");
      String there = line(said);
      if (!there.equals("right") && !(there.equals("look") && end.isMarked())) {
        throw new IOException("%s moved other bytes than it should have".formatted(of));
      }
      return figure;
    }
  }

  private static String line(BufferedReader from) throws IOException {
    String line = from.readLine();
    if (line == null) {
      throw new IOException("the other end has gone");
    }
    return line;
  }

  /** Transfer after transfer, as the client tells by lines. */
  private int serve() throws Exception {
    BufferedReader in =
        new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
    try (VerbsDevice device = open(to)) {
      String asked = in.readLine();
      while (asked != null) {
        serve(device, asked, in);
        asked = in.readLine();
      }
    }
    return 0;
  }

  private static void serve(VerbsDevice device, String asked, BufferedReader in)
      throws IOException {
    int at = asked.indexOf(' ');
    Transfer of = Transfer.valueOf(asked.substring(0, at));
    try (End end = new End(device, of)) {
      end.connect(asked.substring(at + 1));
      if (of.opcode() == QueuePair.READ) {
        end.mark();
      }
      if (!of.isLatency()) {
        end.open();
      }
      System.out.println(end.address());
      line(in);
      System.out.println("ready");
      if (of.isLatency()) {
        end.answer();
      }
      line(in);
      boolean written = of.opcode() == QueuePair.WRITE;
      System.out.println(of.isLatency() || (written && end.isMarked()) ? "right" : "look");
    }
  }

  private List<String> command() {
    List<String> command = new ArrayList<>();
    command.add(System.getProperty("java.home") + "/bin/java");
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(
        List.of("-cp", System.getProperty("java.class.path"), Perftest.class.getName(), "--serve"));
    command.addAll(List.of("--to", to, "--gid", "" + gid));
    return command;
  }

  // ---------------------------------------------------------------- perftest's

  private double peer(Transfer of) throws IOException, InterruptedException {
    Process server = start(program(of, to));
    try {
      awaitListener(server);
      List<String> command = program(of, from);
      command.add(host);
      Process client = start(command);
      double figure = Double.NaN;
      try (BufferedReader said = reader(client)) {
        String line = said.readLine();
        while (line != null) {
          figure = line.strip().startsWith(of.bytes + " ") ? figure(of, line) : figure;
          line = said.readLine();
        }
      }
      if (client.waitFor() != 0 || Double.isNaN(figure)) {
        throw new IOException(
            "%s failed; remedy: %s".formatted(of.program, String.join(" ", command)));
      }
      server.waitFor(10, TimeUnit.SECONDS);
      return figure;
    } finally {
      server.destroyForcibly().waitFor();
    }
  }

  private static double figure(Transfer of, String line) {
    return Double.parseDouble(line.strip().split("\\s+", -1)[of.column()]);
  }

  private List<String> program(Transfer of, String device) {
    List<String> command =
        new ArrayList<>(
            List.of(of.program, "-d", device, "-x", "" + gid, "-F", "-u", "" + End.ACK_TIMEOUT));
    command.addAll(List.of("-s", "" + of.bytes, "-n", "" + of.operations));
    command.addAll(of.options());
    return command;
  }

  /** Its server says where it waits before it does: it is there when the kernel knows the port. */
  private static void awaitListener(Process server) throws IOException, InterruptedException {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (!isListening()) {
      if (!server.isAlive() || System.nanoTime() > endNs) {
        throw new IOException("perftest's server does not start; remedy: apt-get install perftest");
      }
      server.waitFor(50, TimeUnit.MILLISECONDS);
    }
  }

  /** Port 18515 in state LISTEN, as proc(5) has it. */
  private static boolean isListening() throws IOException {
    for (String table : List.of("/proc/net/tcp", "/proc/net/tcp6")) {
      boolean found =
          Files.readString(Path.of(table))
              .lines()
              .anyMatch(line -> line.matches("\\s*\\d+: [0-9A-F]+:4853 [0-9A-F:]+ 0A .*"));
      if (found) {
        return true;
      }
    }
    return false;
  }

  private static Process start(List<String> command) throws IOException {
    return new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
  }

  private static BufferedReader reader(Process of) {
    return new BufferedReader(new InputStreamReader(of.getInputStream(), StandardCharsets.UTF_8));
  }
}
