package io.lampyris.bench.engine;

import com.sun.management.ThreadMXBean;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What the engine's read and write path leaves to the collector: a real target on a file, strict,
 * its reactor's thread counted too. {@code bench/perf/jmh EngineGarbageBench -prof gc}; look at
 * {@code gc.alloc.rate.norm}. The log is not rewritten and not looked at meanwhile: that is the
 * keeper's thread, which may leave garbage.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 4, time = 5)
@Measurement(iterations = 3, time = 3)
@Fork(1)
public class EngineGarbageBench {
  private static final long MIB = 1 << 20;
  private static final int SMALL_OPS = 4096;
  private static final int LARGE_OPS = 256;

  /** Where the target is made; its file system is what is written to. */
  @Param("/var/tmp")
  public String dir = "";

  @Param("256")
  public int sizeMib;

  private Path scratch = Path.of("");
  private List<AutoCloseable> closing = List.of();
  private @Nullable Load load;
  private long thread;
  private long heapBefore;
  private long operations;

  @Setup(Level.Trial)
  public void open() throws Exception {
    scratch = Files.createTempDirectory(Path.of(dir), "engine-garbage.");
    Path target = scratch.resolve("target");
    TargetStore.format(target, new TargetSpec(1, 1, (sizeMib + sizeMib / 4 + 64) * MIB));
    TargetOptions options = TargetOptions.defaults();
    TargetStore store =
        TargetStore.open(
            target,
            options.withLog(options.log().withRewriteBytes(1L << 50).withLookMs(1_000_000_000)));
    Load[] made = new Load[1];
    Reactor reactor =
        Reactor.builder("bench")
            .agent(self -> {
              attach(store, self);
              made[0] = new Load(self, store, sizeMib);
              return made[0];
            })
            .start();
    closing = List.of(reactor, store);
    Load filled = made[0];
    filled.fill();
    load = filled;
    thread = reactor.threadId();
  }

  private static void attach(TargetStore store, Reactor reactor) {
    try {
      store.attach(reactor, (path, direct) -> UringDevice.open(reactor, path, direct));
    } catch (StoreException e) {
      throw new IllegalStateException(e);
    }
  }

  @Setup(Level.Iteration)
  public void begin() {
    heapBefore = heap();
    operations = 0;
  }

  /** Apart from what JMH itself does, which is some 25 KB/s. */
  @TearDown(Level.Iteration)
  public void end() {
    long bytes = heap() - heapBefore;
    System.out.printf("reactor's thread: %d B in %d operations; ", bytes, operations);
  }

  private long heap() {
    return ((ThreadMXBean) ManagementFactory.getThreadMXBean()).getThreadAllocatedBytes(thread);
  }

  @TearDown(Level.Trial)
  public void close() throws Exception {
    for (AutoCloseable each : closing) {
      each.close();
    }
    Objects.requireNonNull(load).freeMemory();
    try (Stream<Path> tree = Files.walk(scratch)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    } catch (IOException e) {
      System.err.println("not deleted: " + e);
    }
  }

  @Benchmark
  @OperationsPerInvocation(SMALL_OPS)
  public void read4KiB() {
    run(Workload.READ_4K_QD32, SMALL_OPS);
  }

  @Benchmark
  @OperationsPerInvocation(SMALL_OPS)
  public void overwrite4KiB() {
    run(Workload.OVERWRITE_4K, SMALL_OPS);
  }

  @Benchmark
  @OperationsPerInvocation(LARGE_OPS)
  public void replace1MiB() {
    run(Workload.WRITE_1M, LARGE_OPS);
  }

  private void run(Workload workload, long count) {
    operations += count;
    Objects.requireNonNull(load)
        .runAgain(workload.writes, workload.blockBytes, workload.depth, count);
  }
}
