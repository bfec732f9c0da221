package io.lampyris.cli.quickstart;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Signals;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.base.Trees;
import io.lampyris.cli.embedded.Detached;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.Mounts;
import io.lampyris.cli.instance.Preflight;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;

/** One quick start; see the package. */
public final class Quickstart implements AutoCloseable {
  /** Not /tmp, which may lie in memory. */
  private static final Path VAR_TMP = Path.of("/var/tmp");

  private static final String COPY = "quickstart";
  private static final int BLOCK_BYTES = 1 << 20;
  private static final int DEPTH = 32;
  private static final double RANDOM_SECONDS = 3;
  private static final int USRBIO_FILES_MAX = 8;
  private static final long STOP_MAX_S = 15;

  /** Small files take whole blocks; every size class takes whole extents of 64 MiB. */
  private static final long BLOCK_MIN_BYTES = 64 << 10;

  private static final long SPARE_BYTES = 1L << 30;
  private static final long ALIGNMENT_BYTES = 64L << 20;

  /** For the chunk log, metadata and logs. */
  private static final long BESIDE_BYTES = 512L << 20;

  /**
   * What the user asked for.
   *
   * @param data what to copy
   * @param dir of the instance; null for a temporary one
   * @param mount null for a temporary one
   * @param keep whether to leave the cluster running
   * @param home of this installation
   */
  public record Options(
      List<Path> data, @Nullable Path dir, @Nullable Path mount, boolean keep, Path home) {}

  private final Options options;
  private final PrintWriter err;
  private final Progress progress;
  private final TreeIo io;
  private final Report report = new Report();

  private InstanceDirectory dir = new InstanceDirectory(Path.of(""));
  private Path mount = Path.of("");
  private final List<Path> made = new ArrayList<>();
  private volatile boolean cancelled;
  private boolean keep;
  private long pid;

  /**
   * @param bars whether standard error is a terminal
   */
  public Quickstart(Options options, PrintWriter err, boolean bars) {
    this.options = options;
    this.err = err;
    this.progress = new Progress(err, bars);
    this.io = new TreeIo(progress, () -> cancelled);
  }

  /** The whole story; returns the figures when every comparison held (I1). */
  public Map<String, Object> run()
      throws InputException, FailedException, IOException, InterruptedException {
    SourceTree tree = SourceTree.of(options.data());
    UsrbioRead usrbio = new UsrbioRead(options.home().resolve("native/build/lampyris-usrbio-read"));
    usrbio.checkBuilt();
    Signals.onStop(() -> cancelled = true);
    long targetBytes = targetBytes(tree);
    choosePlaces(targetBytes);
    Preflight.Request request = request(targetBytes);

    start(request, "starting a cluster");
    Map<Path, String> hashes = hashSource(tree);
    copy(tree);
    kill();
    start(request, "starting it again");
    compareThroughFuse(tree, hashes);
    compareThroughUsrbio(usrbio, tree, hashes);
    readRaw();
    keep = options.keep();
    return report.toJson();
  }

  /** The table. */
  public String table() {
    return report.toString();
  }

  /** How to use what was kept; empty when nothing was. */
  public String howToUse() {
    return keep
        ? """
        The cluster is running, pid %d: its files are in %s
          bin/lampyris status --dir %s
          bin/lampyris down --dir %s        to stop it
          rm -rf %s                         to delete it when it is stopped
        """
            .formatted(pid, mount.resolve(COPY), dir, dir, dir)
        : "";
  }

  private static long targetBytes(SourceTree tree) {
    long blocks =
        tree.files().stream().mapToLong(file -> Math.max(file.bytes(), BLOCK_MIN_BYTES)).sum();
    long wanted = blocks + blocks / 4 + SPARE_BYTES;
    return (wanted + ALIGNMENT_BYTES - 1) & -ALIGNMENT_BYTES;
  }

  private void choosePlaces(long targetBytes) throws InputException, IOException {
    Path base =
        Path.of(Files.isWritable(VAR_TMP) ? "/var/tmp" : System.getProperty("java.io.tmpdir"));
    Path given = options.dir();
    checkSpace(given == null ? base : given, targetBytes);
    Path mountGiven = options.mount();
    if (given != null && !isAbsentOrEmpty(given)) {
      throw InputException.of(
          "--dir is not empty", given, "a directory to be made, or an empty one", "name another");
    }
    Path temporary = null;
    if (given == null || mountGiven == null) {
      temporary = Files.createTempDirectory(base, "lampyris-quickstart-");
      made.add(temporary);
    }
    dir = new InstanceDirectory(given == null ? resolve(temporary, "dir") : given);
    mount = Mounts.canonical(mountGiven == null ? resolve(temporary, "mnt") : mountGiven);
    if (!Files.exists(mount)) {
      Files.createDirectories(mount);
      made.add(mount);
    }
    if (!Files.exists(dir.root())) {
      made.add(dir.root());
    }
  }

  private static Path resolve(@Nullable Path base, String name) {
    assert base != null : "made when a place is missing";
    return base.resolve(name);
  }

  private static boolean isAbsentOrEmpty(Path path) throws IOException {
    if (!Files.exists(path)) {
      return true;
    }
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(path)) {
      return !entries.iterator().hasNext();
    }
  }

  private static void checkSpace(Path where, long targetBytes) throws InputException, IOException {
    Path existing = where.toAbsolutePath();
    while (!Files.exists(existing)) {
      Path parent = existing.getParent();
      existing = parent == null ? Path.of("/") : parent;
    }
    long free = Files.getFileStore(existing).getUsableSpace();
    if (free < targetBytes + BESIDE_BYTES) {
      throw InputException.of(
          "not enough free space in " + existing,
          Sizes.human(free),
          Sizes.human(targetBytes + BESIDE_BYTES),
          "name a --dir on another disk, or a smaller --data");
    }
  }

  private Preflight.Request request(long targetBytes) {
    return new Preflight.Request(dir, mount, OptionalInt.of(1), OptionalLong.of(targetBytes), null);
  }

  private void start(Preflight.Request request, String step)
      throws InputException, FailedException, IOException, InterruptedException {
    progress.start(step, 0);
    pid = new Detached(request, err).start();
    progress.end("ready, pid %d, mount %s".formatted(pid, mount));
    checkCancelled();
  }

  private Map<Path, String> hashSource(SourceTree tree) throws FailedException, IOException {
    progress.start("hashing the source", tree.bytes());
    Map<Path, String> hashes = io.hashSource(tree);
    progress.end("%d files, %s".formatted(tree.count(), Sizes.human(tree.bytes())));
    return hashes;
  }

  private void copy(SourceTree tree) throws FailedException, IOException {
    progress.start("copying, with fsync of every file", tree.bytes());
    Latencies writes = new Latencies();
    Latencies syncs = new Latencies();
    io.copy(tree, mount.resolve(COPY), writes, syncs);
    long elapsedNs = writes.sumNs() + syncs.sumNs();
    double rate = Sizes.mebibytesPerSecond(tree.bytes(), elapsedNs);
    report.add(row("FUSE write, one at a time", tree.count(), tree.bytes(), rate, writes, 0));
    report.add(row("FUSE fsync, one at a time", tree.count(), 0, 0, syncs, 0));
    progress.end("%.0f MiB/s".formatted(rate));
  }

  private static Report.Row row(
      String what, int files, long bytes, double rate, Latencies latencies, int equal) {
    return new Report.Row(
        what,
        files,
        bytes,
        rate,
        latencies.count(),
        latencies.percentileUs(0.5),
        latencies.percentileUs(0.99),
        equal);
  }

  private void kill() throws FailedException, InterruptedException {
    checkCancelled();
    progress.start("kill -9 " + pid, 0);
    ProcessHandle process = process();
    process.destroyForcibly();
    await(process);
    pid = 0;
    progress.end("dead");
  }

  private ProcessHandle process() throws FailedException {
    return ProcessHandle.of(pid)
        .orElseThrow(() ->
            FailedException.of(
                "the cluster is gone", "no pid " + pid, "running", "see " + dir.log()));
  }

  private static boolean await(ProcessHandle process) throws InterruptedException {
    try {
      process.onExit().get(STOP_MAX_S, TimeUnit.SECONDS);
      return true;
    } catch (TimeoutException | ExecutionException e) {
      return !process.isAlive();
    }
  }

  private void compareThroughFuse(SourceTree tree, Map<Path, String> hashes)
      throws FailedException, IOException {
    progress.start("reading and comparing through FUSE", tree.bytes());
    Latencies reads = new Latencies();
    int equal = io.compare(tree, hashes, mount.resolve(COPY), reads);
    double rate = Sizes.mebibytesPerSecond(tree.bytes(), reads.sumNs());
    report.add(row("FUSE read, one at a time", tree.count(), tree.bytes(), rate, reads, equal));
    progress.end("%d of %d equal, %.0f MiB/s".formatted(equal, tree.count(), rate));
  }

  private void compareThroughUsrbio(UsrbioRead usrbio, SourceTree tree, Map<Path, String> hashes)
      throws FailedException, IOException, InterruptedException {
    List<SourceTree.Entry> largest =
        tree.files().stream()
            .sorted(Comparator.comparingLong(SourceTree.Entry::bytes).reversed())
            .filter(file -> file.bytes() > 0)
            .limit(USRBIO_FILES_MAX)
            .toList();
    if (largest.isEmpty()) {
      return;
    }
    List<Path> paths = largest.stream().map(file -> copied(file.relative())).toList();
    progress.start("reading and comparing through USRBIO", 0);
    Map<Path, String> observed = usrbio.hash(paths);
    for (SourceTree.Entry file : largest) {
      TreeIo.same(
          file.relative(),
          hashes.get(file.relative()),
          observed.getOrDefault(copied(file.relative()), "nothing"));
    }
    checkCancelled();
    List<Path> whole = // Random reads need files of a block at least.
        largest.stream()
            .filter(file -> file.bytes() >= BLOCK_BYTES)
            .map(file -> copied(file.relative()))
            .toList();
    UsrbioRead.Rates rates =
        whole.isEmpty()
            ? new UsrbioRead.Rates(0, 0, 0, 0, 0)
            : usrbio.random(whole, BLOCK_BYTES, DEPTH, RANDOM_SECONDS);
    report.add(
        new Report.Row(
            "USRBIO read, 1 MiB random, depth " + DEPTH,
            largest.size(),
            rates.bytes(),
            rates.mebibytesPerSecond(),
            rates.ios(),
            rates.p50Us(),
            rates.p99Us(),
            largest.size()));
    progress.end(
        "%d of %d equal, %.0f MiB/s"
            .formatted(largest.size(), largest.size(), rates.mebibytesPerSecond()));
  }

  private Path copied(Path relative) {
    return mount.resolve(COPY).resolve(relative);
  }

  private void readRaw() throws FailedException, IOException, InterruptedException {
    checkCancelled();
    progress.start("reading the device file itself", 0);
    Path device = dir.target(1).resolve("device");
    RawRead.Result raw = new RawRead(device, BLOCK_BYTES, DEPTH).run((long) (RANDOM_SECONDS * 1e9));
    double rate = Sizes.mebibytesPerSecond(raw.bytes(), raw.elapsedNs());
    String what = "raw O_DIRECT read, 1 MiB random, depth " + DEPTH;
    report.add(row(what, 0, raw.bytes(), rate, raw.latencies(), 0));
    progress.end("%.0f MiB/s".formatted(rate));
  }

  private void checkCancelled() throws FailedException {
    if (cancelled) {
      throw FailedException.of("interrupted", "a signal", "none", "start it again");
    }
  }

  /** Stops the cluster and deletes everything, unless it is to be kept (I2). */
  @Override
  public void close() throws IOException {
    progress.abandon();
    if (keep) {
      return;
    }
    stop();
    if (Mounts.at(mount).isPresent()) {
      Libc.umount2(mount.toString(), Fcntl.MNT_DETACH);
    }
    if (Mounts.at(mount).isPresent()) {
      err.println("cannot unmount " + mount + "; remedy: umount -l " + mount);
      return;
    }
    if (options.dir() != null && !made.contains(dir.root())) {
      deleteContents(dir.root());
    }
    for (Path each : made.reversed()) {
      Trees.delete(each);
    }
  }

  private static void deleteContents(Path directory) throws IOException {
    try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
      for (Path entry : entries) {
        Trees.delete(entry);
      }
    }
  }

  private void stop() {
    ProcessHandle process = pid == 0 ? null : ProcessHandle.of(pid).orElse(null);
    if (process == null) {
      return;
    }
    process.destroy();
    try {
      if (!await(process)) {
        process.destroyForcibly();
        await(process);
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      process.destroyForcibly();
    }
  }
}
