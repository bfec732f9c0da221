package io.lampyris.cli;

import io.lampyris.cli.cluster.ClientProcess;
import io.lampyris.cli.cluster.ClientSection;
import io.lampyris.cli.cluster.ClusterFile;
import java.nio.file.Path;
import java.util.Map;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris mount}. */
@Command(
    name = "mount",
    mixinStandardHelpOptions = true,
    description = "Mounts a cluster's files in the foreground; SIGTERM unmounts them.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris mount --config cluster.toml --mount /mnt/lampyris",
      "  lampyris mount --config cluster.toml --mount /mnt/second --dir /var/lib/second",
      "",
      "It prints READY mount=MNT when files can be used; its log is in its directory (client.dir).",
      "It goes on through the end and restart of any other process of the cluster: what they held",
      "up waits, for client.timeout at most (30 s, unless the file says otherwise)."
    })
final class MountCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration of the cluster; its table [client] is optional.")
  private Path config = Path.of("");

  @Option(
      names = "--mount",
      required = true,
      paramLabel = "MNT",
      description = "Where to mount: an empty directory.")
  private Path mount = Path.of("");

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Instead of client.dir: one for each mount of a machine.")
  private @Nullable Path dir;

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    ClusterFile file = ClusterFile.read(config);
    Path at = mount.toAbsolutePath().normalize();
    ClientSection self = dir == null ? file.client() : file.client().withDir(dir.toAbsolutePath());
    return RoleRun.run(
        self.dir(),
        spec.commandLine().getOut(),
        onFault -> {
          ClientProcess process = ClientProcess.start(file, self, at, onFault);
          return new RoleRun.Role(
              "mount=" + at,
              Map.of("status", process::status, "rings", process::ringStatus),
              process::loss,
              () -> false,
              process);
        });
  }
}
