package io.lampyris.cli;

import io.lampyris.cli.base.Json;
import io.lampyris.cli.quickstart.Quickstart;
import java.io.Console;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris quickstart}. */
@Command(
    name = "quickstart",
    mixinStandardHelpOptions = true,
    description = {
      "Shows that it works: starts a cluster on this machine, copies a real tree onto it, kills it"
          + " with kill -9, starts it again, and compares every file's SHA-256 through FUSE and that"
          + " of the largest files through the C USRBIO library.",
      "Succeeds only if every comparison held; leaves nothing behind unless told to."
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris quickstart",
      "  lampyris quickstart --data /usr/share/doc --keep",
      "  lampyris quickstart --dir /fast/disk/l -o json > figures.json"
    })
final class QuickstartCommand implements Callable<Integer> {
  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--data",
      paramLabel = "PATH",
      description =
          "Directory to copy, may be given several times (default: this JDK, and Lampyris's own"
              + " libraries).")
  private List<Path> data = new ArrayList<>();

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Where the cluster's data goes: a new or empty directory (default: temporary).")
  private @Nullable Path dir;

  @Option(
      names = "--mount",
      paramLabel = "MNT",
      description = "Where to mount: a new or empty directory (default: temporary).")
  private @Nullable Path mount;

  @Option(names = "--keep", description = "Leave the cluster running and say how to use it.")
  private boolean keep;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private OutputFormat output = OutputFormat.TABLE;

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    PrintWriter err = spec.commandLine().getErr();
    Path home = Path.of(System.getProperty("lampyris.home", "."));
    Quickstart.Options options =
        new Quickstart.Options(data.isEmpty() ? defaultData(home) : data, dir, mount, keep, home);
    boolean bars = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    try (Quickstart quickstart = new Quickstart(options, err, bars)) {
      Map<String, Object> result = quickstart.run();
      if (output == OutputFormat.JSON) {
        out.println(Json.pretty(result));
      } else {
        out.printf("%n%s%n", quickstart.table());
        out.println("PASSED: everything that was fsynced before kill -9 is there and equal.");
      }
      out.print(quickstart.howToUse());
      out.flush();
    }
    return Main.DONE;
  }

  private static List<Path> defaultData(Path home) {
    return List.of(Path.of(System.getProperty("java.home")), home.resolve("cli/target/lib"));
  }
}
