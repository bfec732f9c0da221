package io.lampyris.cli;

import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Signals;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.embedded.Detached;
import io.lampyris.cli.embedded.Instance;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import io.lampyris.cli.instance.Mounts;
import io.lampyris.cli.instance.Preflight;
import io.lampyris.cli.local.LocalCluster;
import io.lampyris.cli.operate.Display;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.OptionalInt;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.concurrent.CountDownLatch;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** {@code lampyris up}. */
@Command(
    name = "up",
    mixinStandardHelpOptions = true,
    description = "Starts a whole cluster; formats DIR on first use.",
    footerHeading = "%nExamples:%n",
    footer = {
      "  mkdir -p /mnt/l",
      "  lampyris up --dir /srv/lampyris --mount /mnt/l --target-size 64GiB --detach",
      "  cp -a DATA /mnt/l/ && sync /mnt/l/DATA",
      "",
      "Without --detach it stays in the foreground; Ctrl-C or SIGTERM stops it cleanly.",
      "It prints READY mount=MNT when the mount answers. After a crash, start it again.",
      "DIR/lampyris.toml has every setting with an explanation; the log is DIR/log/lampyris.log.",
      "",
      "  lampyris up --dir /srv/cluster --nodes 3 --target-size 4GiB --mount /mnt/l --detach",
      "  lampyris chain list --config /srv/cluster/cluster.toml",
      "",
      "With --nodes every role is a process of its own, on this machine; the same command again starts",
      "those that do not run. lampyris status and down take the same --dir.",
      "",
      "  lampyris up --dir /srv/cluster --nodes 5 --detach",
      "",
      "On a cluster of fewer nodes this adds some and moves chains to them, while it is in use."
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
      paramLabel = "MNT",
      description = "Empty directory to mount on; not needed with --nodes.")
  private @Nullable Path mount;

  @Option(
      names = "--nodes",
      paramLabel = "N",
      description = "Processes instead of one: so many storage nodes, a manager, metadata.")
  private @Nullable Integer nodes;

  @Option(
      names = "--replicas",
      paramLabel = "R",
      description = "With --nodes: replicas of each chain (default: 3, or as many as nodes).")
  private @Nullable Integer replicas;

  @Option(
      names = "--targets",
      paramLabel = "N",
      description =
          "How many targets to make on first use, with --nodes for each of them (default: 1, with"
              + " --nodes 3).")
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
    if (nodes != null || LocalCluster.isAt(dir)) {
      return upProcesses(spec.commandLine().getOut());
    }
    Path point = mount;
    if (point == null || replicas != null) {
      throw new ParameterException(
          spec.commandLine(),
          point == null ? "Missing required option: '--mount=MNT'" : "--replicas needs --nodes");
    }
    Preflight.Request request =
        new Preflight.Request(
            new InstanceDirectory(dir), point, targetCount(), targetSizeBytes(), config);
    if (detach) {
      new Detached(request, spec.commandLine().getErr()).start();
      PrintWriter out = spec.commandLine().getOut();
      out.println("READY mount=" + Mounts.canonical(point));
      out.flush();
    } else {
      Instance.run(request, spec.commandLine().getOut(), Logs::toDirectory);
    }
    return Main.DONE;
  }

  private int upProcesses(PrintWriter out) throws Exception {
    assert spec != null : "picocli fills it in";
    if (config != null) {
      throw InputException.of(
          "--nodes goes without --config",
          config,
          "files of each process in --dir",
          "leave it out, and change those");
    }
    OptionalLong size = targetSizeBytes();
    Long sizeBytes = size.isPresent() ? (Long) size.getAsLong() : null;
    LocalCluster cluster =
        LocalCluster.prepare(
            new LocalCluster.Request(dir, nodes, replicas, targets, sizeBytes, mount));
    try (InstanceLock _ = InstanceLock.acquire(new InstanceDirectory(dir))) {
      CountDownLatch stop = new CountDownLatch(1);
      if (!detach) {
        Signals.onStop(stop::countDown);
      }
      PrintWriter err = spec.commandLine().getErr();
      cluster.start(new Display(Display.form(false), out, err));
      String mounted = cluster.mount().isEmpty() ? "" : " mount=" + cluster.mount();
      out.printf("READY nodes=%d config=%s%s%n", cluster.nodes(), cluster.config(), mounted);
      out.flush();
      if (!detach) {
        stop.await();
        cluster.stop();
        out.println("stopped");
        out.flush();
      }
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
