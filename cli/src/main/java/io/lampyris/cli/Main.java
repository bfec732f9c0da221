package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.sim.SimCommand;
import java.io.PrintWriter;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ParseResult;

/** The {@code lampyris} command. */
@Command(
    name = "lampyris",
    mixinStandardHelpOptions = true,
    versionProvider = Version.class,
    subcommands = {
      QuickstartCommand.class,
      UpCommand.class,
      DownCommand.class,
      StatusCommand.class,
      CheckCommand.class,
      ExecCommand.class,
      MgmtdCommand.class,
      StorageCommand.class,
      MetaCommand.class,
      MountCommand.class,
      ClusterCommand.class,
      NodeCommand.class,
      TargetCommand.class,
      ChainCommand.class,
      ConfigCommand.class,
      UsrbioCommand.class,
      SimCommand.class
    },
    description = "A distributed file system that keeps the kernel out of the data path.",
    synopsisSubcommandLabel = "COMMAND",
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {"0:done", "1:failed", "2:wrong input; nothing was changed"},
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris quickstart                         see it work, in about a minute",
      "  lampyris up --dir /srv/lampyris --mount /mnt/l --detach",
      "  lampyris status --dir /srv/lampyris",
      "  lampyris down --dir /srv/lampyris",
      "",
      "  lampyris COMMAND --help                     what a command does and takes"
    })
public final class Main implements Runnable {
  static final int DONE = 0;
  static final int FAILED = 1;
  static final int WRONG_INPUT = 2;

  @CommandLine.Spec private CommandLine.Model.@org.jspecify.annotations.Nullable CommandSpec spec;

  /** Runs one command and ends the process with its exit code. */
  public static void main(String[] args) {
    System.exit(commandLine().execute(args));
  }

  static CommandLine commandLine() {
    return new CommandLine(new Main())
        .setCaseInsensitiveEnumValuesAllowed(true)
        .setUsageHelpAutoWidth(true)
        .setParameterExceptionHandler(Main::onWrongArguments)
        .setExecutionExceptionHandler(Main::onFailure);
  }

  @Override
  public void run() {
    assert spec != null : "picocli fills it in";
    throw new ParameterException(spec.commandLine(), "no command was named");
  }

  private static int onWrongArguments(ParameterException e, String[] args) {
    CommandLine command = e.getCommandLine();
    PrintWriter err = command.getErr();
    err.printf(
        "lampyris: %s; observed=%s, limit=%s; remedy: %s --help shows what can be given%n",
        e.getMessage(),
        String.join(" ", args),
        isGroup(command)
            ? String.join(", ", command.getSubcommands().keySet())
            : "the options of this command",
        command.getCommandSpec().qualifiedName());
    return WRONG_INPUT;
  }

  /** Whether it does nothing without a subcommand. */
  private static boolean isGroup(CommandLine command) {
    Object user = command.getCommand();
    return user instanceof Main || user instanceof CommandGroup;
  }

  private static int onFailure(Exception e, CommandLine command, ParseResult ignored) {
    command.getErr().println("lampyris: " + message(e));
    return e instanceof InputException ? WRONG_INPUT : FAILED;
  }

  private static String message(Exception e) {
    return e instanceof InputException || e instanceof FailedException
        ? String.valueOf(e.getMessage())
        : e + "; remedy: this is a defect or a machine in trouble, see DIR/log";
  }
}
