package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.operate.Replace;
import io.lampyris.cli.operate.Retire;
import io.lampyris.protocol.cluster.AdminCommand;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lampyris target}. */
@Command(
    name = "target",
    mixinStandardHelpOptions = true,
    description = "Targets of a cluster: slices of disks that hold one replica each.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris target list --node 3 --config cluster.toml",
      "  lampyris target retire --node 3 --disk 0 --config cluster.toml",
      "  lampyris target replace --node 3 --disk 0 --config cluster.toml    until the new disk serves"
    })
final class TargetCommand extends CommandGroup {
  @Command(mixinStandardHelpOptions = true, description = "Every target.")
  int list(
      @Mixin ClusterAccess cluster,
      @Option(names = "--node", description = "Of this node only.") @Nullable Integer node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.TARGET_LIST, "node", node);
  }

  @Command(mixinStandardHelpOptions = true, description = "One target.")
  int show(@Mixin ClusterAccess cluster, @Parameters(paramLabel = "TARGET") long target)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.TARGET_SHOW, "target", target);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = {
        "Lets spares take over from a target, or from all of a disk, while clients go on, until none",
        "of them is in a chain. Shows how far it is."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  lampyris target retire --node 3 --disk 0 --config cluster.toml",
        "  lampyris target retire 3000001 --config cluster.toml",
        "",
        "Ctrl-C leaves the cluster in order. Exit code 1: it could not be finished, and why."
      })
  int retire(
      @Mixin ClusterAccess cluster,
      @Mixin FollowOptions options,
      @Parameters(paramLabel = "TARGET", arity = "0..1") @Nullable Long target,
      @Option(names = "--node", description = "With --disk: all targets there.")
          @Nullable Integer node,
      @Option(names = "--disk") @Nullable Integer disk)
      throws InputException, FailedException {
    if (options.noWait) {
      return cluster.run(AdminCommand.TARGET_RETIRE, "target", target, "node", node, "disk", disk);
    }
    if (target != null) {
      return cluster.follow(Retire.ofTarget(target), options);
    }
    if (node == null || disk == null) {
      throw InputException.of(
          "neither a target nor a disk is named",
          "--node %s --disk %s".formatted(node, disk),
          "TARGET, or --node and --disk",
          "name one; lampyris target list shows them");
    }
    return cluster.follow(Retire.ofDisk(node, disk), options);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = {
        "Accompanies the replacement of a disk: lets spares take over, says when the disk may be",
        "replaced, and waits until what is on the new one serves, while clients go on."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  lampyris target replace --node 3 --disk 0 --config cluster.toml",
        "",
        "When it says so, stop the node's process, put an empty disk in the old one's place, and start",
        "the process. Members for which there was no spare are filled from the others of their chains;",
        "the targets of the others become spares. Run after the disk was replaced, it shows how its",
        "targets are filled. Ctrl-C leaves the cluster in order; the same command again goes on."
      })
  int replace(
      @Mixin ClusterAccess cluster,
      @Mixin FollowOptions options,
      @Option(names = "--node", required = true) int node,
      @Option(names = "--disk", required = true) int disk)
      throws InputException, FailedException {
    return options.noWait
        ? cluster.run(AdminCommand.TARGET_RETIRE, "node", node, "disk", disk)
        : cluster.follow(new Replace(node, disk), options);
  }

  @Command(mixinStandardHelpOptions = true, description = "Lets them stay after all.")
  int unretire(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "TARGET", arity = "0..1") @Nullable Long target,
      @Option(names = "--node", description = "With --disk: all targets there.")
          @Nullable Integer node,
      @Option(names = "--disk") @Nullable Integer disk)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.TARGET_UNRETIRE, "target", target, "node", node, "disk", disk);
  }
}
