package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
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
      "  lampyris target retire --node 3 --disk 0 --config cluster.toml    before a disk is replaced"
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
      description = "Lets spares take over from a target, or from all of a disk.")
  int retire(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "TARGET", arity = "0..1") @Nullable Long target,
      @Option(names = "--node", description = "With --disk: all targets there.")
          @Nullable Integer node,
      @Option(names = "--disk") @Nullable Integer disk)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.TARGET_RETIRE, "target", target, "node", node, "disk", disk);
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
