package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import io.lampyris.cli.local.LocalCluster;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris down}. */
@Command(
    name = "down",
    mixinStandardHelpOptions = true,
    description = "Stops the instance of DIR cleanly; says so when none is running.",
    footerHeading = "%nExample:%n",
    footer = "  lampyris down --dir /srv/lampyris")
final class DownCommand implements Callable<Integer> {
  /** The instance stops within 10 s or ends itself; a little more for a busy machine. */
  private static final Duration WAIT_MAX = Duration.ofSeconds(15);

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the instance.")
  private Path dir = Path.of("");

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    InstanceDirectory instance = new InstanceDirectory(dir);
    requireInstance(instance);
    OptionalLong pid = InstanceLock.holder(instance);
    Optional<ProcessHandle> process =
        pid.isPresent() ? ProcessHandle.of(pid.getAsLong()) : Optional.empty();
    boolean found = process.isPresent();
    if (found) {
      stop(process.get(), instance, out);
    }
    if (LocalCluster.isAt(dir)) {
      int stopped = LocalCluster.at(dir).stop();
      found |= stopped > 0;
      out.printf("stopped %d processes%n", stopped);
    }
    if (!found) {
      out.println("not running: no instance uses " + instance);
    }
    return Main.DONE;
  }

  static void requireInstance(InstanceDirectory instance) throws InputException {
    if (!Files.exists(instance.format())
        && !Files.exists(instance.lock())
        && !LocalCluster.isAt(instance.root())) {
      throw InputException.of(
          instance + " is no directory of an instance",
          Files.exists(instance.root()) ? "no FORMAT in it" : "it does not exist",
          "a DIR that lampyris up has formatted",
          "name another --dir");
    }
  }

  private static void stop(ProcessHandle process, InstanceDirectory instance, PrintWriter out)
      throws Exception {
    long startedNs = System.nanoTime();
    process.destroy();
    try {
      process.onExit().get(WAIT_MAX.toMillis(), TimeUnit.MILLISECONDS);
    } catch (TimeoutException e) {
      throw FailedException.of(
          "pid %d did not stop".formatted(process.pid()),
          "still running after " + WAIT_MAX.toSeconds() + " s",
          "10 s",
          "see %s; kill -9 %d loses nothing that was fsynced"
              .formatted(instance.log().resolve("lampyris.log"), process.pid()));
    }
    out.printf("stopped pid %d in %.1f s%n", process.pid(), (System.nanoTime() - startedNs) / 1e9);
  }
}
