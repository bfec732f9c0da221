package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;

/** {@code lampyris cluster}. */
@Command(
    name = "cluster",
    mixinStandardHelpOptions = true,
    description = "A cluster as a whole.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {"  lampyris cluster status --config cluster.toml"})
final class ClusterCommand extends CommandGroup {
  @Command(
      mixinStandardHelpOptions = true,
      description = "HEALTH_OK, HEALTH_WARN or HEALTH_ERR, with reasons and remedies.",
      footerHeading = "%nExit codes: 0 for HEALTH_OK and HEALTH_WARN, 1 otherwise.%n")
  int status(@Mixin ClusterAccess cluster) throws InputException, FailedException {
    AdminAnswer answer = cluster.ask(AdminCommand.STATUS);
    cluster.print(answer);
    return answer.text().startsWith("HEALTH_ERR") ? Main.FAILED : Main.DONE;
  }

  @Command(mixinStandardHelpOptions = true, description = "Clients that follow routing.")
  int clients(@Mixin ClusterAccess cluster) throws InputException, FailedException {
    return cluster.run(AdminCommand.CLIENT_LIST);
  }
}
