package io.lampyris.bench.nvme;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkLibraries;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.SpdkController;
import io.lampyris.reactor.device.SpdkNvmeDevice;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures a namespace through a reactor next to SPDK's own load generator. */
@Command(
    name = "nvme",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures an NVMe namespace over SPDK, through a reactor, next to SPDK's spdk_nvme_perf on",
      "the same core, in interleaved rounds. Overwrites the namespace. bench/spdk/nvme starts a",
      "target in memory for it."
    })
public final class NvmeBench implements Callable<Integer> {
  @Option(names = "--spdk", required = true, description = "A built SPDK or its prefix")
  private Path spdk = Path.of("");

  @Option(names = "--queues", required = true, description = "The path of liblampyris_nvme.so")
  private Path queues = Path.of("");

  @Option(names = "--transport", required = true, description = "SPDK's transport id")
  private String transport = "";

  @Option(names = "--core", description = "Both sides run on it (default: ${DEFAULT-VALUE})")
  private int core;

  @Option(names = "--rounds", description = "How often each pair runs (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(names = "--seconds", description = "One half of a round (default: ${DEFAULT-VALUE})")
  private int seconds = 3;

  @Option(
      names = "--warm-up",
      description = "Seconds of each load before (default: ${DEFAULT-VALUE})")
  private int warmUpSeconds = 3;

  @Option(names = "--cases", split = ",", description = "Only these: ${COMPLETION-CANDIDATES}")
  private List<NvmeLoad> cases = List.of(NvmeLoad.values());

  public static void main(String[] args) {
    System.exit(new CommandLine(new NvmeBench()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    SpdkLibraries.load(spdk, queues);
    SpdkEnvironment environment =
        SpdkEnvironment.start(new SpdkEnvironment.Options("lampyris-bench", 512, false, List.of()));
    System.out.printf(
        "%-16s %12s %12s %7s %7s %9s %9s %9s%n",
        "load", "SPDK IOPS", "ours", "ratio", "worst", "CPU ratio", "B/op", "calls/op");
    try (Reactor reactor =
        Reactor.builder("bench").memory(SpdkController.memory(environment)).start()) {
      for (NvmeLoad load : cases) {
        measure(environment, reactor, load);
      }
    }
    return 0;
  }

  private void measure(SpdkEnvironment environment, Reactor reactor, NvmeLoad load)
      throws Exception {
    run(environment, reactor, load, warmUpSeconds);
    List<Double> theirs = new ArrayList<>();
    List<RandomLoad.Run> ours = new ArrayList<>();
    List<Double> ratios = new ArrayList<>();
    List<Double> cpuRatios = new ArrayList<>();
    for (int round = 0; round < rounds; round++) {
      double peer = perf(load);
      RandomLoad.Run run = run(environment, reactor, load, seconds);
      theirs.add(peer);
      ours.add(run);
      ratios.add(run.perSecond() / peer);
      // SPDK's side polls, so an operation costs its share of the time.
      cpuRatios.add((double) run.cpuNs() / run.operations() / (1e9 / peer));
    }
    System.out.printf(
        "%-16s %12.0f %12.0f %7.2f %7.2f %9.2f %9.3f %9.3f%n",
        load,
        median(theirs),
        median(ours.stream().map(RandomLoad.Run::perSecond).toList()),
        median(ratios),
        ratios.stream().mapToDouble(Double::doubleValue).min().orElse(0),
        median(cpuRatios),
        median(ours.stream().map(r -> (double) r.allocatedBytes() / r.operations()).toList()),
        median(ours.stream().map(r -> (double) r.nativeCalls() / r.operations()).toList()));
  }

  /** Connects for one run only: a VFIOUSER endpoint serves one client at a time. */
  private RandomLoad.Run run(
      SpdkEnvironment environment, Reactor reactor, NvmeLoad load, int runSeconds)
      throws IOException {
    try (SpdkController controller =
        SpdkController.connect(environment, transport, SpdkController.Patience.DEFAULT)) {
      SpdkNvmeDevice device = SpdkNvmeDevice.open(reactor, controller, 1, true);
      RandomLoad.Run run =
          new RandomLoad(reactor, device, load).run(TimeUnit.SECONDS.toNanos(runSeconds));
      CompletableFuture<Void> closed = new CompletableFuture<>();
      reactor.offer(nowNs -> {
        device.close();
        closed.complete(null);
      });
      closed.join();
      return run;
    }
  }

  private static double median(List<Double> values) {
    double[] sorted = values.stream().mapToDouble(Double::doubleValue).sorted().toArray();
    return sorted[sorted.length / 2];
  }

  /** Operations a second of SPDK's own program. */
  private double perf(NvmeLoad load) throws IOException, InterruptedException {
    Path program = spdk.resolve("build/bin/spdk_nvme_perf");
    Path installed = spdk.resolve("bin/spdk_nvme_perf");
    ProcessBuilder builder =
        new ProcessBuilder(
                (program.toFile().canExecute() ? program : installed).toString(),
                "-q",
                Integer.toString(load.depth),
                "-o",
                Integer.toString(load.blockBytes),
                "-w",
                load.writes ? "randwrite" : "randread",
                "-t",
                Integer.toString(seconds),
                "-c",
                "0x%x".formatted(1 << core),
                "--no-huge",
                "-s",
                "512",
                "-r",
                transport + " ns:1")
            .redirectErrorStream(true);
    builder.environment().put("LD_LIBRARY_PATH", spdk + "/build/lib:" + spdk + "/lib");
    Process process = builder.start();
    String output = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    int exit = process.waitFor();
    for (String line : output.split("\n", -1)) {
      if (exit == 0 && line.startsWith("Total")) {
        return Double.parseDouble(
            line.substring(line.indexOf(':') + 1).strip().split("\\s+", 2)[0]);
      }
    }
    throw new IOException("spdk_nvme_perf failed; observed=exit %d\n%s".formatted(exit, output));
  }
}
