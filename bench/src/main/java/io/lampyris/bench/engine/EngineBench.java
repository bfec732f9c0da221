package io.lampyris.bench.engine;

import com.sun.management.OperatingSystemMXBean;
import com.sun.management.ThreadMXBean;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures one target on one reactor against fio, in interleaved rounds. */
@Command(
    name = "engine",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures the chunk engine (one target, one reactor, O_DIRECT) against fio's io_uring engine",
      "on the same disk: reads on the very same file, writes on a file of the same size beside it.",
      "Prints, for each case, the smallest and the median ratio of all rounds.",
      "Needs fio (apt-get install fio) and about 2.5 times --size-mib of disk."
    })
public final class EngineBench implements Callable<Integer> {
  private static final long MIB = 1 << 20;
  private static final long FIRST_BLOCK_AT = MIB;
  private static final int WARM_UP_S = 4;

  @Option(names = "--dir", description = "Where the scratch directory goes; on the disk to measure")
  private Path dir = Path.of(System.getProperty("java.io.tmpdir"));

  @Option(names = "--size-mib", description = "Bytes read and written (default: ${DEFAULT-VALUE})")
  private int sizeMib = 4096;

  @Option(names = "--rounds", description = "How often each pair runs (default: ${DEFAULT-VALUE})")
  private int rounds = 5;

  @Option(names = "--seconds", description = "One half of a round (default: ${DEFAULT-VALUE})")
  private int seconds = 5;

  @Option(names = "--quick", description = "1 GiB, 2 rounds of 2 s: to see that it works")
  private boolean quick;

  @Option(names = "--cases", split = ",", description = "Only these: ${COMPLETION-CANDIDATES}")
  private List<Workload> cases = List.of(Workload.values());

  @Option(names = "--idle", description = "Reactor's idle policy (default: ${DEFAULT-VALUE})")
  private IdlePolicy idle = IdlePolicy.BLOCK;

  @Option(names = "--spin-us", description = "Polls so long before it blocks (default: as usual)")
  private int spinUs = -1;

  @Option(names = "--no-fio", description = "Only our own half, for a profiler")
  private boolean noFio;

  @Option(names = "--fio-option", description = "Added to every measured fio run, e.g. --hipri")
  private List<String> fioOptions = List.of();

  public static void main(String[] args) {
    System.exit(new CommandLine(new EngineBench()).execute(args));
  }

  /** A round of one case; {@code fio} is ours again when fio was left out. */
  private record Pair(Figures ours, Figures fio) {}

  @Override
  public Integer call() throws Exception {
    if (quick) {
      sizeMib = 1024;
      rounds = 2;
      seconds = 2;
    }
    Path scratch = Files.createTempDirectory(Files.createDirectories(dir), "engine-bench.");
    try {
      measure(scratch);
      return 0;
    } finally {
      deleteTree(scratch);
    }
  }

  private void measure(Path scratch) throws Exception {
    Fio fio = new Fio(fioOptions);
    Path target = scratch.resolve("target");
    // A quarter is room for copies on write, and for extents that are emptying.
    long deviceBytes = (sizeMib + sizeMib / 4 + 64) * MIB;
    TargetStore.format(target, new TargetSpec(1, 1, deviceBytes));
    Path raw = scratch.resolve("raw");
    if (!noFio) {
      say("filling %d MiB".formatted((deviceBytes + sizeMib * MIB) / MIB));
      fio.fill(target.resolve("device"), FIRST_BLOCK_AT, deviceBytes - FIRST_BLOCK_AT);
      fio.fill(raw, 0, sizeMib * MIB);
    }
    TargetStore store = open(target);
    try {
      List<Load> made = new ArrayList<>();
      Reactor.Builder builder = Reactor.builder("bench").idle(idle);
      if (spinUs >= 0) {
        builder.spinNs(TimeUnit.MICROSECONDS.toNanos(spinUs));
      }
      Reactor reactor =
          builder
              .agent(self -> {
                attach(store, self);
                Load load = new Load(self, store, sizeMib);
                made.add(load);
                return load;
              })
              .start();
      try {
        say(reactor.uring().describe());
        Load load = made.getFirst();
        load.fill();
        rounds(load, fio, raw, new Meter(target, reactor));
      } finally {
        reactor.close();
      }
    } finally {
      store.close();
    }
  }

  private static TargetStore open(Path target) throws StoreException {
    return TargetStore.open(target, TargetOptions.defaults());
  }

  private static void attach(TargetStore store, Reactor reactor) {
    try {
      store.attach(reactor, (path, direct) -> UringDevice.open(reactor, path, direct));
    } catch (StoreException e) {
      throw new IllegalStateException(e);
    }
  }

  private void rounds(Load load, Fio fio, Path raw, Meter meter) throws Exception {
    System.out.printf(
        "%-42s %9s %9s %6s %6s %6s  %s%n",
        "case (medians)", "Lampyris", "fio", "ratio", "min", "goal", "more");
    for (Workload workload : cases) {
      meter.measure(load, workload, Math.min(seconds, WARM_UP_S));
      List<Pair> pairs = new ArrayList<>();
      for (int round = 0; round < rounds; round++) {
        Figures ours = meter.measure(load, workload, seconds);
        Figures theirs = ours;
        if (!noFio) {
          Path file = workload.writes ? raw : meter.target.resolve("device");
          long offset = workload.writes ? 0 : FIRST_BLOCK_AT;
          theirs = fio.measure(workload, file, offset, sizeMib * MIB, seconds);
        }
        pairs.add(new Pair(ours, theirs));
      }
      print(workload, pairs);
    }
  }

  /** Measures our half: time, CPU of this process, bytes written, heap of the reactor's thread. */
  private record Meter(Path target, Reactor reactor) {
    Figures measure(Load load, Workload workload, int seconds) throws Exception {
      var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
      var threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      long thread = reactor.threadId();
      DiskUse disk = new DiskUse(target);
      long diskBefore = disk.diskWriteBytes();
      long bytesBefore = DiskUse.processWriteBytes();
      long heapBefore = threads.getThreadAllocatedBytes(thread);
      long cpuBefore = system.getProcessCpuTime();
      long startNs = System.nanoTime();
      long operations = load.run(workload, TimeUnit.SECONDS.toNanos(seconds));
      long elapsedNs = System.nanoTime() - startNs;
      return new Figures(
          operations,
          elapsedNs,
          system.getProcessCpuTime() - cpuBefore,
          DiskUse.processWriteBytes() - bytesBefore,
          disk.diskWriteBytes() - diskBefore,
          threads.getThreadAllocatedBytes(thread) - heapBefore);
    }
  }

  private static void print(Workload workload, List<Pair> pairs) {
    double[] ratios =
        pairs.stream().mapToDouble(p -> p.ours.perSecond() / p.fio.perSecond()).sorted().toArray();
    double[] cpu =
        pairs.stream()
            .mapToDouble(p -> p.ours.cpuNsPerOperation() / p.fio.cpuNsPerOperation())
            .sorted()
            .toArray();
    Figures ours = median(pairs.stream().map(Pair::ours).toList());
    Figures fio = median(pairs.stream().map(Pair::fio).toList());
    StringBuilder more = new StringBuilder();
    more.append(
        "cpu %.1f us/op, %.2fx (min %.2f max %.2f); heap %.1f B/op"
            .formatted(
                ours.cpuNsPerOperation() / 1000,
                middle(cpu),
                cpu[0],
                cpu[cpu.length - 1],
                ours.allocatedPerOperation()));
    if (workload.writes) {
      double user = (double) ours.operations() * workload.blockBytes;
      more.append(
          "; amplification %.2f (whole disk %.2f)"
              .formatted(ours.processWriteBytes() / user, ours.diskWriteBytes() / user));
    }
    if (workload.depth == 1) {
      more.append(
          "; latency %.1f us, fio %.1f us"
              .formatted(1e6 / ours.perSecond(), 1e6 / fio.perSecond()));
    }
    System.out.printf(
        "%-42s %9.0f %9.0f %6.2f %6.2f %6.2f  %s, %s%n",
        workload.title,
        workload.figure(ours),
        workload.figure(fio),
        middle(ratios),
        ratios[0],
        workload.goal,
        workload.unit,
        more);
  }

  private static Figures median(List<Figures> all) {
    return all.stream()
        .sorted(Comparator.comparingDouble(Figures::perSecond))
        .toList()
        .get(all.size() / 2);
  }

  private static double middle(double[] sorted) {
    return Arrays.stream(sorted).skip((sorted.length - 1) / 2).findFirst().orElseThrow();
  }

  private static void say(String what) {
    System.err.println("engine: " + what);
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
