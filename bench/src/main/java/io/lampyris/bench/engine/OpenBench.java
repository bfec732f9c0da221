package io.lampyris.bench.engine;

import com.sun.management.OperatingSystemMXBean;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.store.TargetStore;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** How long a target with many chunks takes to open, and what it then takes of memory. */
@Command(
    name = "open",
    mixinStandardHelpOptions = true,
    sortOptions = false,
    description = {
      "Makes a target whose log names many full chunks of 1 MiB, through the engine's own log, and",
      "opens it again: with the log in the page cache, and (as root) with the page cache dropped.",
      "The device is a sparse file; the log takes about 180 bytes for each chunk."
    })
public final class OpenBench implements Callable<Integer> {
  private static final int GROUP_RECORDS = 64;
  private static final int CHUNKS_PER_INODE = 16;
  private static final long MIB = 1 << 20;

  @Option(names = "--dir", description = "Where the scratch directory goes")
  private Path dir = Path.of(System.getProperty("java.io.tmpdir"));

  @Option(names = "--chunks", description = "How many (default: ${DEFAULT-VALUE})")
  private long chunks = 10_000_000;

  @Option(names = "--rounds", description = "How often it is opened (default: ${DEFAULT-VALUE})")
  private int rounds = 3;

  public static void main(String[] args) {
    System.exit(new CommandLine(new OpenBench()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    Path scratch = Files.createTempDirectory(Files.createDirectories(dir), "open-bench.");
    try {
      Path target = scratch.resolve("target");
      TargetOptions options = TargetOptions.defaults().withHost(sparse(Host.posix()));
      long sizeBytes = (chunks + chunks / 10 + 64) * MIB;
      TargetStore.format(target, new TargetSpec(1, 1, sizeBytes), options);
      long startNs = System.nanoTime();
      long logBytes = generate(target, options);
      System.out.printf(
          "%d chunks written to a log of %d MiB in %.1f s%n",
          chunks, logBytes / MIB, secondsSince(startNs));
      for (int round = 0; round < rounds; round++) {
        open(target, options, "log in the page cache");
        if (dropCaches()) {
          open(target, options, "page cache dropped");
        }
      }
      return 0;
    } finally {
      deleteTree(scratch);
    }
  }

  private long generate(Path target, TargetOptions options) throws StoreException {
    Path device = target.resolve(TargetFiles.DEVICE);
    Superblock superblock = new TargetFiles(options).readSuperblock(device);
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      LogFiles files =
          new LogFiles(options, target.resolve(TargetFiles.LOG), superblock.uuid(), index);
      files.replay();
      ChunkState chunk = new ChunkState();
      try (ChunkLog log = files.openNext()) {
        for (long n = 0; n < chunks; n++) {
          IndexBench.sample(chunk, n, CHUNKS_PER_INODE);
          if (log.room(1, 0, false) != ChunkLog.Room.READY) {
            throw new IllegalStateException("the disk is full; observed=" + n + " records");
          }
          log.committed(chunk, false);
          if (n % GROUP_RECORDS == GROUP_RECORDS - 1 || n == chunks - 1) {
            log.durable(log.endGroup() - 1);
          }
        }
        options.host().syncFile(log.file());
        files.closed(log);
        return log.positionBytes();
      }
    }
  }

  private void open(Path target, TargetOptions options, String how) throws Exception {
    long before = residentBytes();
    var system = (OperatingSystemMXBean) ManagementFactory.getOperatingSystemMXBean();
    long startCpuNs = system.getProcessCpuTime();
    long startNs = System.nanoTime();
    try (TargetStore store = TargetStore.open(target, options)) {
      double seconds = secondsSince(startNs);
      System.out.printf(
          "open in %.2f s, %.2f s of CPU (%s): %d chunks; resident memory grew by %.1f B each%n",
          seconds,
          (system.getProcessCpuTime() - startCpuNs) / (double) TimeUnit.SECONDS.toNanos(1),
          how,
          store.chunkCount(),
          (double) (residentBytes() - before) / store.chunkCount());
    }
  }

  private static double secondsSince(long startNs) {
    return (System.nanoTime() - startNs) / (double) TimeUnit.SECONDS.toNanos(1);
  }

  /** Anonymous memory that this process has; the mapped log is not in it. */
  private static long residentBytes() throws IOException {
    for (String line : Files.readAllLines(Path.of("/proc/self/status"))) {
      if (line.startsWith("RssAnon:")) {
        return Long.parseLong(line.replaceAll("\\D", "")) * 1024;
      }
    }
    return 0;
  }

  private static boolean dropCaches() throws IOException {
    Path knob = Path.of("/proc/sys/vm/drop_caches");
    if (!Files.isWritable(knob)) {
      return false;
    }
    Files.writeString(knob, "1\n");
    return true;
  }

  /** A host whose devices are files with holes, of any size. */
  private static Host sparse(Host real) {
    return (Host)
        Proxy.newProxyInstance(
            Host.class.getClassLoader(),
            new Class<?>[] {Host.class},
            (proxy, method, arguments) -> answer(real, method, arguments));
  }

  private static @Nullable Object answer(Host real, Method method, Object[] arguments)
      throws Throwable {
    if (method.getName().equals("availableBytes")) {
      return Long.MAX_VALUE;
    }
    if (method.getName().equals("reserve") && (boolean) arguments[4]) {
      real.truncate((Path) arguments[1], (long) arguments[2] + (long) arguments[3]);
      return null;
    }
    try {
      return method.invoke(real, arguments);
    } catch (InvocationTargetException e) {
      throw e.getCause() == null ? e : e.getCause();
    }
  }

  private static void deleteTree(Path root) throws IOException {
    try (Stream<Path> tree = Files.walk(root)) {
      for (Path path : tree.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(path);
      }
    }
  }
}
