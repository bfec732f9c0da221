package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.StorageProcess;
import io.lampyris.cli.cluster.StorageSection;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris storage}. */
@Command(
    name = "storage",
    mixinStandardHelpOptions = true,
    description = "Runs a storage node in the foreground; SIGTERM stops it.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  cat >> cluster.toml <<END",
      "  [storage]",
      "  node = 1",
      "  listen = \"127.0.0.1:9801\"",
      "  dir = \"storage-1\"",
      "  disks = [\"/data/0\", \"/data/1\"]",
      "  targets_per_disk = 2",
      "  target_size = \"16GiB\"",
      "  END",
      "  lampyris storage --config cluster.toml",
      "",
      "Targets are formatted on first use. It prints READY storage=NODE port=PORT when it can be",
      "reached; lampyris chain create makes chains of what nodes report. It ends by itself, with",
      "exit code 0, when lampyris node drain --decommission has taken the node out of the cluster."
    })
final class StorageCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration of the cluster, with a table [storage].")
  private Path config = Path.of("");

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    ClusterFile file = ClusterFile.read(config);
    StorageSection self = file.storage();
    if (self == null) {
      throw InputException.of(
          "%s is not for a storage node".formatted(config),
          "no table [storage]",
          "storage.node, .listen, .dir, .disks and .target_size",
          "add them");
    }
    return RoleRun.run(
        self.dir(),
        spec.commandLine().getOut(),
        onFault -> {
          StorageProcess process = StorageProcess.start(file, self, onFault);
          return new RoleRun.Role(
              "storage=%d port=%d".formatted(self.nodeId(), process.port()),
              Map.of("status", process::status),
              () -> null,
              process::hasLeft,
              process);
        });
  }
}
