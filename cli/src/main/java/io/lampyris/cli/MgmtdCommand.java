package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ManagerProcess;
import java.nio.file.Path;
import java.util.concurrent.Callable;
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
    ClusterFile file = ClusterFile.read(config);
    ClusterFile.Manager self = file.manager();
    if (self == null) {
      throw InputException.of(
          "%s is not for a manager".formatted(config),
          "no table [mgmtd]",
          "mgmtd.node and mgmtd.dir",
          "add them");
    }
    return RoleRun.run(
        self.dir(),
        spec.commandLine().getOut(),
        onFault -> {
          ManagerProcess process = ManagerProcess.start(file, self, onFault);
          return new RoleRun.Role(
              "mgmtd=%d port=%d".formatted(self.nodeId(), process.port()),
              process::status,
              process);
        });
  }
}
