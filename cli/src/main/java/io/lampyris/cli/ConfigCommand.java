package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lampyris config}. */
@Command(
    name = "config",
    mixinStandardHelpOptions = true,
    description = "Central configuration of a cluster.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris config list --config cluster.toml",
      "  lampyris config set mgmtd.spare.after=5min --config cluster.toml"
    })
final class ConfigCommand extends CommandGroup {
  @Command(
      mixinStandardHelpOptions = true,
      description = "Every key: its value, where that comes from, and what is admitted.")
  int list(
      @Mixin ClusterAccess cluster,
      @Option(names = "--node", description = "As this node gets it.") @Nullable Integer node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CONFIG_GET, "node", node);
  }

  @Command(mixinStandardHelpOptions = true, description = "One key.")
  int show(
      @Mixin ClusterAccess cluster,
      @Parameters(paramLabel = "KEY") String key,
      @Option(names = "--node", description = "As this node gets it.") @Nullable Integer node)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CONFIG_GET, "key", key, "node", node);
  }

  @Command(
      mixinStandardHelpOptions = true,
      description = "Sets keys, all or none; an empty value takes a key back to its default.")
  int set(
      @Mixin ClusterAccess cluster,
      @Parameters(arity = "1..*", paramLabel = "KEY=VALUE") Map<String, String> values,
      @Option(names = "--tag", paramLabel = "NAME=VALUE", description = "For nodes with this tag.")
          @Nullable String tag)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CONFIG_SET, arguments(values, tag));
  }

  @Command(mixinStandardHelpOptions = true, description = "Says what set would do.")
  int verify(
      @Mixin ClusterAccess cluster,
      @Parameters(arity = "1..*", paramLabel = "KEY=VALUE") Map<String, String> values,
      @Option(names = "--tag", paramLabel = "NAME=VALUE", description = "For nodes with this tag.")
          @Nullable String tag)
      throws InputException, FailedException {
    return cluster.run(AdminCommand.CONFIG_VERIFY, arguments(values, tag));
  }

  private static Map<String, String> arguments(Map<String, String> values, @Nullable String tag) {
    Map<String, String> arguments = new TreeMap<>();
    values.forEach((key, value) -> arguments.put("set." + key, value));
    if (tag != null) {
      arguments.put("tag", tag);
    }
    return arguments;
  }
}
