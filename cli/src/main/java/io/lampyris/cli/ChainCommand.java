package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.operate.Rebalance;
import io.lampyris.protocol.cluster.AdminCommand;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lampyris chain}. */
@Command(
    name = "chain",
    mixinStandardHelpOptions = true,
    description = "Chains of a cluster: targets that hold the same chunks.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris chain create --replicas 3 --config cluster.toml",
      "  lampyris chain list --config cluster.toml -o json",
      "  lampyris chain rebalance --config cluster.toml    after nodes were added",
      "  lampyris chain force 7 --target 301 --config cluster.toml    says what would be lost"
    })
final class ChainCommand extends CommandGroup {
  @Command(mixinStandardHelpOptions = true, description = "Every chain.")
  int list(@Mixin ClusterAccess cluster) throws InputException, FailedException {
    return cluster.run(AdminCommand.CHAIN_LIST);
  }

  @Command(mixinStandardHelpOptions = true, description = "One chain with its members.")
  int show(@Mixin ClusterAccess cluster, @Parameters(paramLabel = "CHAIN") int chain)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CHAIN_SHOW, "chain", chain);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Makes chains of targets that hold nothing, and the table that lists them.")
  int create(
      @Mixin ClusterAccess cluster,
      @Option(names = "--replicas", required = true) int replicas,
      @Option(
              names = "--targets-per-disk",
              description = "Others stay spares (default: as many as every disk has free).")
          @Nullable Integer targetsPerDisk,
      @Option(names = "--table", description = "Number of the table (default: 1).")
          @Nullable Integer table,
      @Option(names = "--seed", description = "Another seed, another placement.")
          @Nullable Long seed)
      throws InputException, FailedException {
    return cluster.run(
        AdminCommand.CHAIN_CREATE,
        "replicas",
        replicas,
        "targets-per-disk",
        targetsPerDisk,
        "table",
        table,
        "seed",
        seed);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Lets a chain of which nobody serves go on with what one member holds.")
  int force(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "CHAIN") int chain,
      @Option(names = "--target", required = true) long target,
      @Option(
              names = "--accept-loss",
              paramLabel = "VERSION",
              description = "The number that is told together with what would be lost.")
          @Nullable Integer acceptLoss)
      throws InputException, FailedException {
    return cluster.run(
        AdminCommand.CHAIN_FORCE, "chain", chain, "target", target, "accept-loss", acceptLoss);
  }

  @Command(mixinStandardHelpOptions = true, description = "Puts serving members in an order.")
  int reorder(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "CHAIN") int chain,
      @Option(names = "--targets", required = true, description = "All of them, with commas.")
          String targets)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CHAIN_REORDER, "chain", chain, "targets", targets);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = {
        "Evens out members over all nodes: round after round until nothing is left to move, while",
        "clients go on. Shows how far it is.",
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  lampyris chain rebalance --dry-run --config cluster.toml     what would be moved first",
        "  lampyris chain rebalance --config cluster.toml               after new nodes were started",
        "  lampyris chain rebalance --config cluster.toml -o json --timeout 12h",
        "",
        "It waits for targets of nodes that have just started. Ctrl-C leaves the cluster in order;",
        "the same command again goes on. Exit code 1: it could not be finished, and why."
      })
  int rebalance(
      @Mixin ClusterAccess cluster,
      @Mixin FollowOptions options,
      @Option(names = "--dry-run", description = "Only say what would be moved.") boolean dryRun)
      throws InputException, FailedException {
    if (dryRun || options.noWait) {
      return cluster.run(AdminCommand.CHAIN_REBALANCE, "dry-run", dryRun);
    }
    return cluster.follow(new Rebalance("lampyris chain rebalance", 0), options);
  }

  @Command(mixinStandardHelpOptions = true, description = "Every chain table.")
  int tables(@Mixin ClusterAccess cluster) throws InputException, FailedException {
    return cluster.run(AdminCommand.TABLE_LIST);
  }

  @Command(
      name = "set-table",
      mixinStandardHelpOptions = true,
      description = "Makes a chain table, which never changes.")
  int setTable(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "TABLE") int table,
      @Option(names = "--chains", required = true, description = "With commas.") String chains)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.TABLE_SET, "table", table, "chains", chains);
  }
}
