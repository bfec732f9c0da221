package io.lampyris.bench.crash;

import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import java.io.BufferedReader;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Kills a process that updates one target, again and again; see the package's description. */
@Command(
    name = "engine-crash",
    mixinStandardHelpOptions = true,
    description = "Kills a process that updates one target at random moments, and verifies it.")
public final class EngineCrash implements Callable<Integer> {
  /** How a process ends that got SIGKILL. */
  private static final int KILLED = 128 + 9;

  private static final int CHAIN = 1;
  private static final int LINES_KEPT = 30;
  private static final long LOG_REWRITE_BYTES = 256 << 10;

  @Option(names = "--work", required = true, description = "an empty directory, on a real disk")
  private Path work = Path.of(".");

  @Option(names = "--rounds", defaultValue = "100", description = "default: ${DEFAULT-VALUE}")
  private int rounds;

  @Option(names = "--chunks", defaultValue = "64", description = "default: ${DEFAULT-VALUE}")
  private int chunks;

  @Option(names = "--target-mib", defaultValue = "512", description = "default: ${DEFAULT-VALUE}")
  private long targetMib;

  @Option(names = "--kill-max-ms", defaultValue = "1500", description = "default: ${DEFAULT-VALUE}")
  private int killMaxMs;

  @Option(names = "--seed", description = "replays the updates of a run; default: the clock")
  private long seed = System.nanoTime();

  @Option(names = "--child", hidden = true)
  private boolean child;

  @Option(names = "--verify", hidden = true)
  private boolean verify;

  public static void main(String[] args) {
    System.exit(new CommandLine(new EngineCrash()).execute(args));
  }

  private Path target() {
    return work.resolve("target");
  }

  @Override
  public Integer call() throws Exception {
    Path journal = work.resolve("journal");
    if (child) {
      EngineLoad.run(target(), journal, chunks, seed, options(), verify);
      return 0;
    }
    System.out.printf("engine-crash seed=%d rounds=%d chunks=%d%n", seed, rounds, chunks);
    Files.createDirectories(work);
    TargetStore.format(target(), new TargetSpec(1, CHAIN, targetMib << 20));
    SplittableRandom random = new SplittableRandom(seed);
    for (int round = 0; round <= rounds; round++) {
      String failure = round(round, random);
      if (failure != null) {
        System.out.printf("FAILED engine-crash round %d (seed=%d): %s%n", round, seed, failure);
        return 1;
      }
    }
    System.out.printf("engine-crash: %d kills survived%n", rounds);
    return 0;
  }

  /** The log is rewritten every few hundred updates, so that many kills fall into a rewrite. */
  private static TargetOptions options() {
    TargetOptions usual = TargetOptions.defaults();
    return usual.withLog(usual.log().withRewriteBytes(LOG_REWRITE_BYTES));
  }

  /** Starts a child, lets it verify, kills it; the last one ends by itself. What went wrong. */
  private @Nullable String round(int round, SplittableRandom random)
      throws IOException, InterruptedException {
    boolean last = round == rounds;
    Process process = start(last);
    List<String> lines = new ArrayList<>();
    try (BufferedReader output = process.inputReader(StandardCharsets.UTF_8)) {
      String line = output.readLine();
      while (line != null && !line.startsWith("verified ")) {
        keep(lines, line);
        line = output.readLine();
      }
      if (line != null) {
        System.out.printf("ok engine-crash round %d: %s%n", round, line);
        if (!last) {
          process.waitFor(random.nextInt(killMaxMs), TimeUnit.MILLISECONDS);
          // Through its handle: destroying the process itself closes the stream that is read here.
          process.toHandle().destroyForcibly();
        }
      }
      while (line != null) {
        line = output.readLine();
        if (line != null) {
          keep(lines, line);
        }
      }
    } finally {
      process.destroyForcibly();
    }
    int code = process.waitFor();
    return code == (last ? 0 : KILLED)
        ? null
        : "the process ended with code %d: %s".formatted(code, String.join(" | ", lines));
  }

  private static void keep(List<String> lines, String line) {
    if (lines.size() == LINES_KEPT) {
      lines.removeFirst();
    }
    lines.add(line);
  }

  private Process start(boolean verifyOnly) throws IOException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(List.of("-XX:TieredStopAtLevel=1", "-cp"));
    command.add(System.getProperty("java.class.path"));
    command.addAll(List.of(EngineCrash.class.getName(), "--child", "--work", work.toString()));
    command.addAll(List.of("--chunks", "" + chunks, "--seed", "" + seed));
    if (verifyOnly) {
      command.add("--verify");
    }
    return new ProcessBuilder(command).redirectErrorStream(true).start();
  }
}
