package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ManagerProcess;
import io.lampyris.cli.config.Configuration;
import io.lampyris.cli.embedded.Signals;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris mgmtd}. */
@Command(
    name = "mgmtd",
    mixinStandardHelpOptions = true,
    description = "Runs a cluster manager in the foreground; SIGTERM stops it.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  head -c 32 /dev/urandom | base64 > secret; chmod 600 secret",
      "  cat > cluster.toml <<END",
      "  [cluster]",
      "  managers = [\"1001@127.0.0.1:9700\"]",
      "  secret_file = \"secret\"",
      "  [mgmtd]",
      "  node = 1001",
      "  dir = \"mgmtd\"",
      "  END",
      "  lampyris mgmtd --config cluster.toml",
      "",
      "It prints READY mgmtd=NODE port=PORT when it can be reached; its log is in its directory."
    })
final class MgmtdCommand implements Callable<Integer> {
  /** As an instance does when a reactor fails. */
  private static final int EXIT_FAULT = 3;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration of the cluster, with a table [mgmtd].")
  private Path config = Path.of("");

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    ClusterFile file = ClusterFile.read(config);
    ClusterFile.Manager self = file.manager();
    if (self == null) {
      throw InputException.of(
          "%s is not for a manager".formatted(config),
          "no table [mgmtd]",
          "mgmtd.node and mgmtd.dir",
          "add them");
    }
    CountDownLatch stop = new CountDownLatch(1);
    Signals.onStop(stop::countDown);
    Path log = Files.createDirectories(self.dir().resolve("log"));
    Logs.toDirectory(log, Configuration.DEFAULT);
    try (ManagerProcess process =
        ManagerProcess.start(file, self, fault -> Runtime.getRuntime().halt(EXIT_FAULT))) {
      out.printf("READY mgmtd=%d port=%d%n", self.nodeId(), process.port());
      out.flush();
      stop.await();
    }
    out.println("stopped");
    out.flush();
    return Main.DONE;
  }
}
