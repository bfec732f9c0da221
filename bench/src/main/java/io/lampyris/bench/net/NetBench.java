package io.lampyris.bench.net;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.function.ToDoubleFunction;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Measures calls between two reactors against blocking sockets in C, in interleaved rounds. */
@Command(
    name = "net",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Measures calls over TCP between two reactors against two threads of C that move the same",
      "bytes over blocking sockets. Prints medians, and the median and the worst ratio of a round."
    })
public final class NetBench implements Callable<Integer> {
  private static final int NODE = 1;
  private static final int SERVICE = 1;
  private static final int MEMORY_BYTES = 32 << 20;

  @Option(names = "--limit", required = true, description = "The compiled bench/perf/netlimit.c")
  private Path limit = Path.of("netlimit");

  @Option(names = "--rounds", description = "How often each pair runs (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  @Option(names = "--ms", description = "One half of a round (default: ${DEFAULT-VALUE})")
  private int milliseconds = 1000;

  @Option(names = "--cases", split = ",", description = "Only these: ${COMPLETION-CANDIDATES}")
  private List<Exchange> cases = List.of(Exchange.values());

  @Option(names = "--idle", description = "Reactors' idle policy (default: ${DEFAULT-VALUE})")
  private IdlePolicy idle = IdlePolicy.BLOCK;

  @Option(names = "--spin-us", description = "Polls so long before it blocks (default: as usual)")
  private int spinUs = -1;

  @Option(names = "--yield", description = "Lets other threads go first while it polls")
  private boolean yields;

  public static void main(String[] args) {
    System.exit(new CommandLine(new NetBench()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    MemorySegment memory = NativeMemory.allocateAligned(MEMORY_BYTES);
    memory.fill((byte) 1);
    try (Reactor server = reactor("server");
        Reactor home = reactor("home")) {
      TcpOptions options =
          TcpOptions.withSecret("bench".getBytes(StandardCharsets.UTF_8)).connectionsMax(4);
      InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
      try (TcpNetwork serving =
          new TcpNetwork(server, "serving", options, node -> null, new Counters())) {
        serving.serve(NODE, SERVICE, server, call -> call.reply(call.payloadLength));
        InetSocketAddress to = new InetSocketAddress(any.getAddress(), serving.listen(any));
        try (TcpNetwork calling =
            new TcpNetwork(home, "calling", options, node -> to, new Counters())) {
          measure(home, calling, memory);
        }
      }
    } finally {
      NativeMemory.unmap(memory);
    }
    return 0;
  }

  private Reactor reactor(String name) {
    Reactor.Builder builder =
        Reactor.builder(name).idle(idle).yields(yields).bufferClasses(BufferPool.DEFAULT_CLASSES);
    if (spinUs >= 0) {
      builder.spinNs(TimeUnit.MICROSECONDS.toNanos(spinUs));
    }
    return builder.start();
  }

  private void measure(Reactor home, TcpNetwork calling, MemorySegment memory) throws Exception {
    System.out.printf(
        "%-14s %10s %9s %8s | %10s %9s %8s | p50 ratio: median (worst), rate ratio, cpu ratio%n",
        "case", "ours/s", "p50 us", "cpu us", "C/s", "p50 us", "cpu us");
    for (Exchange exchange : cases) {
      List<Figures> ours = new ArrayList<>();
      List<Figures> plain = new ArrayList<>();
      new Pinger(home, calling.connect(NODE, SERVICE), exchange, memory)
          .run(TimeUnit.MILLISECONDS.toNanos(milliseconds));
      for (int round = 0; round < rounds; round++) {
        ours.add(
            new Pinger(home, calling.connect(NODE, SERVICE), exchange, memory)
                .run(TimeUnit.MILLISECONDS.toNanos(milliseconds)));
        plain.add(plain(exchange));
      }
      print(exchange, ours, plain);
    }
  }

  private Figures plain(Exchange exchange) throws IOException, InterruptedException {
    List<String> command =
        List.of(
            limit.toString(),
            Integer.toString(exchange.requestBytes()),
            Integer.toString(exchange.answerBytes()),
            Integer.toString(exchange.depth),
            Integer.toString(milliseconds));
    Process process =
        new ProcessBuilder(command).redirectError(ProcessBuilder.Redirect.INHERIT).start();
    String said = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IOException("the limit failed; observed=" + command + " said " + said);
    }
    List<String> words = Arrays.asList(said.trim().split(" "));
    return new Figures(
        Double.parseDouble(words.get(0)),
        Double.parseDouble(words.get(1)),
        Double.parseDouble(words.get(2)));
  }

  private static void print(Exchange exchange, List<Figures> ours, List<Figures> plain) {
    double[] ratios = ratios(ours, plain, Figures::medianNs);
    System.out.printf(
        "%-14s %10.0f %9.1f %8.2f | %10.0f %9.1f %8.2f | %.2f (%.2f), %.2f, %.2f%n",
        exchange,
        median(ours, Figures::perSecond),
        median(ours, Figures::medianNs) / 1e3,
        median(ours, Figures::cpuNs) / 1e3,
        median(plain, Figures::perSecond),
        median(plain, Figures::medianNs) / 1e3,
        median(plain, Figures::cpuNs) / 1e3,
        ratios[ratios.length / 2],
        ratios[ratios.length - 1],
        middle(ratios(ours, plain, Figures::perSecond)),
        middle(ratios(ours, plain, Figures::cpuNs)));
  }

  private static double median(List<Figures> of, ToDoubleFunction<Figures> figure) {
    return middle(of.stream().mapToDouble(figure).sorted().toArray());
  }

  /** Ours by theirs of each round, ascending. */
  private static double[] ratios(
      List<Figures> ours, List<Figures> plain, ToDoubleFunction<Figures> figure) {
    double[] all = new double[ours.size()];
    for (int i = 0; i < all.length; i++) {
      all[i] = figure.applyAsDouble(ours.get(i)) / figure.applyAsDouble(plain.get(i));
    }
    Arrays.sort(all);
    return all;
  }

  private static double middle(double[] ascending) {
    return ascending[ascending.length / 2];
  }
}
