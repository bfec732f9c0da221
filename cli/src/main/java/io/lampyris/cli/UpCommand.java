package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.embedded.Detached;
import io.lampyris.cli.embedded.Instance;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.Mounts;
import io.lampyris.cli.instance.Preflight;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris up}. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    description = "Starts a whole cluster in one process and mounts it; formats DIR on first use.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  mkdir -p /mnt/l",
      "  lampyris up --dir /srv/lampyris --mount /mnt/l --target-size 64GiB --detach",
      "  cp -a DATA /mnt/l/ && sync /mnt/l/DATA",
      "",
      "Without --detach it stays in the foreground; Ctrl-C or SIGTERM stops it cleanly.",
      "It prints READY mount=MNT when the mount answers. After a crash, start it again.",
      "DIR/lampyris.toml has every setting with an explanation; the log is DIR/log/lampyris.log."
    })
final class UpCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the instance: data, metadata, logs.")
  private Path dir = Path.of("");

  @Option(
      names = "--mount",
      required = true,
      paramLabel = "MNT",
      description = "Empty directory to mount on.")
  private Path mount = Path.of("");

  @Option(
      names = "--targets",
      paramLabel = "N",
      description = "How many targets to make on first use (default: 1).")
  private @Nullable Integer targets;

  @Option(
      names = "--target-size",
      paramLabel = "SIZE",
      description =
          "Size of each target on first use: at least 256MiB, a multiple of 64MiB (default: a"
              + " quarter of the free space, 16GiB at most).")
  private @Nullable String targetSize;

  @Option(
      names = "--config",
      paramLabel = "FILE",
      description = "Configuration to use instead of DIR/lampyris.toml.")
  private @Nullable Path config;

  @Option(
      names = "--detach",
      description = "Return when it is ready; it goes on in the background.")
  private boolean detach;

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    Preflight.Request request =
        new Preflight.Request(
            new InstanceDirectory(dir), mount, targetCount(), targetSizeBytes(), config);
    if (detach) {
      new Detached(request, spec.commandLine().getErr()).start();
      PrintWriter out = spec.commandLine().getOut();
      out.println("READY mount=" + Mounts.canonical(mount));
      out.flush();
    } else {
      Instance.run(request, spec.commandLine().getOut(), Logs::toDirectory);
    }
    return Main.DONE;
  }

  private OptionalInt targetCount() {
    return targets == null ? OptionalInt.empty() : OptionalInt.of(targets);
  }

  private OptionalLong targetSizeBytes() throws InputException {
    return targetSize == null
        ? OptionalLong.empty()
        : OptionalLong.of(Sizes.parse("--target-size", targetSize));
  }
}
