package io.lampyris.cli.sim;

import io.lampyris.reactor.sim.Probe;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris sim}. */
@Command(
    name = "sim",
    mixinStandardHelpOptions = true,
    description = {
      "Runs whole clusters in virtual time and tries to break them.",
      "",
      "Every seed is one cluster: machines crash, lose power in the middle of their work and come"
          + " back, networks lose, delay, cut off and flip, clocks drift. What clients asked and were"
          + " told is checked for linearizability; when the faults are over, everything must be"
          + " answered. The same seed gives the same run."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:all seeds are good", "1:a seed failed", "2:wrong input"},
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris sim --seeds 100",
      "  lampyris sim --seeds 1 --from 4711         one seed again",
      "  lampyris sim --until-failure               until one fails"
    })
public final class SimCommand implements Callable<Integer> {
  private static final long PROGRESS_NS = 5_000_000_000L;
  private static final double HOUR_NS = 3.6e12;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--seeds",
      paramLabel = "N",
      description = "How many (default: ${DEFAULT-VALUE}).")
  private long seeds = 20;

  @Option(
      names = "--from",
      paramLabel = "S",
      description = "The first seed; the others follow (default: by the clock).")
  private @Nullable Long from;

  @Option(names = "--until-failure", description = "Goes on until a seed fails.")
  private boolean untilFailure;

  @Option(
      names = "--threads",
      paramLabel = "N",
      description = "Seeds at a time (default: one per processor).")
  private int threads = Runtime.getRuntime().availableProcessors();

  @Option(
      names = "--defect",
      paramLabel = "NAME",
      description = "Breaks something on purpose: ${COMPLETION-CANDIDATES}.")
  private Defect defect = Defect.NONE;

  private long next;
  private long end;
  private long good;
  private long operations;
  private long crashes;
  private long partitions;
  private long undecided;
  private double simulatedHours;
  private final List<SimResult> failures = new ArrayList<>();

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Probe.enable();
    next = from != null ? from : System.nanoTime() >>> 10;
    end = untilFailure ? Long.MAX_VALUE : next + seeds;
    out.printf("seed=%d%n", next);
    out.flush();
    Path work = workDirectory();
    List<Thread> running = new ArrayList<>();
    long beganNs = System.nanoTime();
    for (int i = 0; i < Math.max(1, threads); i++) {
      running.add(Thread.ofPlatform().name("sim-" + i).start(() -> runSeeds(work, err)));
    }
    for (Thread thread : running) {
      while (!thread.join(java.time.Duration.ofNanos(PROGRESS_NS))) {
        progress(err, beganNs);
      }
    }
    Files.deleteIfExists(work);
    report(out, beganNs);
    return failures.isEmpty() ? 0 : 1;
  }

  /** In memory where there is room. */
  private static Path workDirectory() throws IOException {
    Path memory = Path.of("/dev/shm");
    boolean roomy =
        Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > 1L << 30;
    return roomy
        ? Files.createTempDirectory(memory, "lampyris-sim-")
        : Files.createTempDirectory("lampyris-sim-");
  }

  private synchronized long takeSeed() {
    boolean stop = next >= end || (untilFailure && !failures.isEmpty());
    return stop ? Long.MIN_VALUE : next++;
  }

  private void runSeeds(Path work, PrintWriter err) {
    SimOptions options = SimOptions.DEFAULT.with(defect);
    for (long seed = takeSeed(); seed != Long.MIN_VALUE; seed = takeSeed()) {
      try {
        add(ClusterRun.run(seed, options, work), err);
      } catch (IOException | RuntimeException e) {
        add(new SimResult(seed, "the simulation itself failed: " + e, 0, 0, 0, 0, 0, 0), err);
      }
    }
  }

  private synchronized void add(SimResult result, PrintWriter err) {
    operations += result.operations();
    crashes += result.crashes();
    partitions += result.partitions();
    undecided += result.undecided();
    simulatedHours += result.simulatedNs() / HOUR_NS;
    if (result.isGood()) {
      good++;
    } else {
      failures.add(result);
      err.printf("FAILED seed=%d%n%s%n", result.seed(), result.failure());
      err.flush();
    }
  }

  private synchronized void progress(PrintWriter err, long beganNs) {
    err.printf(
        Locale.ROOT,
        "%d good, %d failed, %.2f simulated hours in %d s%n",
        good,
        failures.size(),
        simulatedHours,
        (System.nanoTime() - beganNs) / 1_000_000_000L);
    err.flush();
  }

  private void report(PrintWriter out, long beganNs) {
    out.printf(
        Locale.ROOT,
        "%d seeds good, %d failed; %.2f simulated hours in %d s%n"
            + "%d operations, %d ends of processes, %d troubles of the network, %d histories undecided%n",
        good,
        failures.size(),
        simulatedHours,
        (System.nanoTime() - beganNs) / 1_000_000_000L,
        operations,
        crashes,
        partitions,
        undecided);
    for (Map.Entry<String, Long> probe : Probe.counts().entrySet()) {
      String reached = probe.getValue() == 0 ? "NEVER REACHED" : String.valueOf(probe.getValue());
      out.printf("  %-60s %s%n", probe.getKey(), reached);
    }
    for (SimResult failure : failures) {
      String options = defect == Defect.NONE ? "" : " --defect " + defect;
      out.printf("replay: lampyris sim --seeds 1 --from %d%s%n", failure.seed(), options);
    }
    out.flush();
  }
}
