package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.MetaProcess;
import io.lampyris.cli.cluster.MetaSection;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris meta}. */
@Command(
    name = "meta",
    mixinStandardHelpOptions = true,
    description = "Runs a metadata service in the foreground; SIGTERM stops it.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  cat >> cluster.toml <<END          # beside [cluster] meta = [\"2001@127.0.0.1:9900\"]",
      "  [meta]",
      "  node = 2001",
      "  dir = \"meta\"",
      "  END",
      "  lampyris meta --config cluster.toml",
      "",
      "It prints READY meta=NODE port=PORT when it can be reached. Files can be made once their",
      "chain table is there: lampyris chain create."
    })
final class MetaCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration of the cluster, with a table [meta].")
  private Path config = Path.of("");

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    ClusterFile file = ClusterFile.read(config);
    MetaSection self = file.meta();
    if (self == null) {
      throw InputException.of(
          "%s is not for a metadata service".formatted(config),
          "no table [meta]",
          "meta.node and meta.dir",
          "add them");
    }
    return RoleRun.run(
        self.dir(),
        spec.commandLine().getOut(),
        onFault -> {
          MetaProcess process = MetaProcess.start(file, self, onFault);
          return new RoleRun.Role(
              "meta=%d port=%d".formatted(self.nodeId(), process.port()), process::status, process);
        });
  }
}
