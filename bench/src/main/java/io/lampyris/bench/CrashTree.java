package io.lampyris.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Stream;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Copies a tree onto a mount with {@code cp -a}, {@code tar} and {@code rsync}, kills the daemon
 * with SIGKILL at random moments, starts it again and compares.
 *
 * <p>A round: four threads copy files durably (fsync of file and directory) beside the tool; at a
 * random moment the daemon dies; after the restart every file whose fsync had returned must be
 * there with its bytes. Then the tool copies the whole tree, all of it is fsynced, the daemon is
 * killed again, and after the restart the tree must compare equal.
 */
@Command(
    name = "crash-tree",
    mixinStandardHelpOptions = true,
    description = "Kills the daemon at random moments of a tree copy and compares what is left.")
public final class CrashTree implements Callable<Integer> {
  private static final int COPIERS = 4;
  private static final long TOOL_MAX_S = 900;

  @Option(names = "--launcher", required = true, description = "bin/lampyris")
  private Path launcher = Path.of("bin/lampyris");

  @Option(names = "--work", required = true, description = "an empty directory for everything")
  private Path work = Path.of(".");

  @Option(names = "--rounds", defaultValue = "10", description = "default: ${DEFAULT-VALUE}")
  private int rounds;

  @Option(names = "--files", defaultValue = "20000", description = "default: ${DEFAULT-VALUE}")
  private int files;

  @Option(names = "--big-mib", defaultValue = "2048", description = "default: ${DEFAULT-VALUE}")
  private long bigMib;

  @Option(
      names = "--target-size",
      defaultValue = "12GiB",
      description = "default: ${DEFAULT-VALUE}")
  private String targetSize = "";

  @Option(names = "--kill-max-ms", defaultValue = "6000", description = "default: ${DEFAULT-VALUE}")
  private int killMaxMs;

  @Option(names = "--seed", description = "replays a run; default: the clock")
  private long seed = System.nanoTime();

  public static void main(String[] args) {
    System.exit(new CommandLine(new CrashTree()).execute(args));
  }

  @Override
  public Integer call() throws Exception {
    System.out.printf(
        "crash-tree seed=%d rounds=%d files=%d big=%d MiB%n", seed, rounds, files, bigMib);
    Path source = Files.createDirectories(work.resolve("source"));
    Trees.make(source, files, bigMib << 20, seed);
    SplittableRandom random = new SplittableRandom(seed);
    Cluster cluster =
        new Cluster(launcher, work.resolve("cluster"), work.resolve("mnt"), targetSize);
    int failed = 0;
    try (cluster) {
      cluster.up();
      for (int round = 0; round < rounds; round++) {
        try {
          round(cluster, source, round, random);
          System.out.printf("ok crash-tree round %d%n", round);
        } catch (IOException e) {
          failed++;
          System.out.printf("FAILED crash-tree round %d (seed=%d): %s%n", round, seed, e);
        }
      }
    }
    System.out.printf("crash-tree: %d passed, %d failed%n", rounds - failed, failed);
    return failed == 0 ? 0 : 1;
  }

  private void round(Cluster cluster, Path source, int round, SplittableRandom random)
      throws IOException, InterruptedException {
    Tool tool = Tool.values()[round % Tool.values().length];
    Path copied = cluster.mount().resolve("tree-" + round);
    Path durable = Files.createDirectory(cluster.mount().resolve("durable-" + round));
    Trees.fsync(cluster.mount());
    Files.createDirectory(copied);
    Queue<Path> acknowledged = killWhileCopying(cluster, tool, source, copied, durable, random);
    cluster.up();
    for (Path file : acknowledged) {
      Path copy = durable.resolve(name(source, file));
      if (!Files.exists(copy)) {
        throw new IOException("acknowledged file is gone; observed=" + copy);
      }
      long at = Files.mismatch(file, copy);
      if (at >= 0) {
        throw new IOException("acknowledged file differs; observed=%s at %d".formatted(copy, at));
      }
    }
    // Whatever the crash left half done is replaced, as a user would by running the tool again.
    Cluster.run(TOOL_MAX_S, tool.command(source, copied));
    Trees.fsyncAll(copied);
    cluster.kill9();
    cluster.up();
    long entries = Trees.compare(source, copied);
    System.out.printf(
        "   %s: %d acknowledged files and %d entries compare equal%n",
        tool, acknowledged.size(), entries);
    Trees.remove(copied);
    Trees.remove(durable);
  }

  private Queue<Path> killWhileCopying(
      Cluster cluster, Tool tool, Path source, Path copied, Path durable, SplittableRandom random)
      throws IOException, InterruptedException {
    List<Path> candidates;
    try (Stream<Path> paths = Files.walk(source)) {
      candidates = paths.filter(p -> Files.isRegularFile(p) && !Files.isSymbolicLink(p)).toList();
    }
    Queue<Path> acknowledged = new ConcurrentLinkedQueue<>();
    AtomicInteger next = new AtomicInteger();
    int start = random.nextInt(candidates.size());
    List<Thread> copiers = new ArrayList<>();
    for (int i = 0; i < COPIERS; i++) {
      copiers.add(
          Thread.ofPlatform()
              .start(
                  () -> copyUntilItFails(source, durable, candidates, start, next, acknowledged)));
    }
    // It will complain about the mount that dies under it.
    Process copy = Cluster.startQuietly(tool.command(source, copied));
    int delayMs = 100 + random.nextInt(killMaxMs);
    System.out.printf("   %s: kill after %d ms%n", tool, delayMs);
    // The moment of the kill is the experiment; nothing else is waited for here.
    boolean ended = copy.waitFor(delayMs, TimeUnit.MILLISECONDS);
    cluster.kill9();
    for (Thread copier : copiers) {
      copier.join(TimeUnit.SECONDS.toMillis(60));
      if (copier.isAlive()) {
        throw new IOException("a file operation hangs after the daemon was killed");
      }
    }
    if (!ended && !copy.waitFor(10, TimeUnit.SECONDS)) {
      // rsync's processes can wait for each other for ever once one of them has failed. That is
      // theirs; one that cannot even be killed would be waiting for the mount.
      end(copy);
    }
    return acknowledged;
  }

  private static void end(Process tool) throws IOException, InterruptedException {
    List<ProcessHandle> all = new ArrayList<>(tool.descendants().toList());
    all.add(tool.toHandle());
    all.forEach(ProcessHandle::destroyForcibly);
    for (ProcessHandle process : all) {
      try {
        process.onExit().get(30, TimeUnit.SECONDS);
      } catch (ExecutionException | TimeoutException e) {
        throw new IOException("the tool hangs in the dead mount; observed=" + process.info(), e);
      }
    }
  }

  private static void copyUntilItFails(
      Path source,
      Path durable,
      List<Path> candidates,
      int start,
      AtomicInteger next,
      Queue<Path> acknowledged) {
    try {
      for (int i = next.getAndIncrement(); i < candidates.size(); i = next.getAndIncrement()) {
        Path file = candidates.get((start + i) % candidates.size());
        Trees.copyDurably(file, durable.resolve(name(source, file)));
        acknowledged.add(file);
      }
    } catch (IOException daemonDied) {
      // What was acknowledged before is what counts.
    }
  }

  private static String name(Path source, Path file) {
    return source.relativize(file).toString().replace('/', '_');
  }

  private enum Tool {
    CP,
    TAR,
    RSYNC;

    List<String> command(Path from, Path to) {
      return switch (this) {
        case CP -> List.of("cp", "-a", "--remove-destination", from + "/.", to.toString());
        case TAR ->
            List.of(
                "sh",
                "-c",
                "tar -C '%s' --format=posix -cf - . | tar -C '%s' -xpf -".formatted(from, to));
        case RSYNC -> List.of("rsync", "-aH", "--delete", from + "/", to + "/");
      };
    }
  }
}
