package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.operate.Drain;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lampyris node}. */
@Command(
    name = "node",
    mixinStandardHelpOptions = true,
    description = "Storage nodes of a cluster.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris node list --config cluster.toml",
      "  lampyris node drain 3 --config cluster.toml",
      "  lampyris node drain 3 --decommission --config cluster.toml"
    })
final class NodeCommand extends CommandGroup {
  @Command(mixinStandardHelpOptions = true, description = "Every node.")
  int list(@Mixin ClusterAccess cluster) throws InputException, FailedException {
    return cluster.run(AdminCommand.NODE_LIST);
  }

  @Command(mixinStandardHelpOptions = true, description = "One node with its targets.")
  int show(@Mixin ClusterAccess cluster, @Parameters(paramLabel = "NODE") int node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.NODE_SHOW, "node", node);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Lets a node take part; needed where mgmtd.node.auto-register is off.")
  int register(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "NODE") int node,
      @Option(names = "--address", paramLabel = "HOST:PORT") @Nullable String address,
      @Option(names = "--domain", description = "What fails together with it, like rack=7.")
          @Nullable String domain)
      throws InputException, FailedException {
    return cluster.run(
        AdminCommand.NODE_REGISTER, "node", node, "address", address, "domain", domain);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = {
        "Moves its members of chains elsewhere, while clients go on, until it is DRAINED.",
        "Shows how far it is."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  lampyris node drain 3 --config cluster.toml                   before its machine is served",
        "  lampyris node drain 3 --decommission --config cluster.toml    it leaves for good",
        "  lampyris node undrain 3 --config cluster.toml                 it stays after all",
        "",
        "Every chain keeps its replicas meanwhile. Ctrl-C leaves the cluster in order: the node is",
        "drained all the same. Exit code 1: it could not be finished, and why."
      })
  int drain(
      @Mixin ClusterAccess cluster,
      @Mixin FollowOptions options,
      @Option(
              names = "--decommission",
              description =
                  "Then end its process and forget the node. Its targets keep their bytes; started"
                      + " again, it joins as a new node.")
          boolean decommission,
      @Parameters(paramLabel = "NODE") int node)
      throws InputException, FailedException {
    if (options.noWait && decommission) {
      throw InputException.of(
          "--decommission has to wait",
          "--no-wait",
          "one of them",
          "leave one out; lampyris node decommission takes a node out that is DRAINED");
    }
    return options.noWait
        ? cluster.run(AdminCommand.NODE_DRAIN, "node", node)
        : cluster.follow(new Drain(node, decommission), options);
  }

  @Command(mixinStandardHelpOptions = true, description = "Lets it keep and take members again.")
  int undrain(@Mixin ClusterAccess cluster, @Parameters(paramLabel = "NODE") int node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.NODE_UNDRAIN, "node", node);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Forgets a node that is stopped and has no member of a chain.")
  int decommission(
      @Mixin ClusterAccess cluster,
      @Option(names = "--stop", description = "End its process first where it runs.") boolean stop,
      @Parameters(paramLabel = "NODE") int node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.NODE_DECOMMISSION, "node", node, "stop", stop);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Sets tags; an empty value takes a tag away.")
  int tag(
      @Mixin ClusterAccess cluster,
      @Parameters(index = "0", paramLabel = "NODE") int node,
      @Parameters(index = "1..*", arity = "1..*", paramLabel = "NAME=VALUE")
          Map<String, String> tags)
      throws InputException, FailedException {
    Map<String, String> arguments = new TreeMap<>();
    arguments.put("node", String.valueOf(node));
    tags.forEach((name, value) -> arguments.put("tag." + name, value));
    return cluster.run(AdminCommand.NODE_TAG, arguments);
  }
}
