package io.lampyris.cli;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Json;
import io.lampyris.cli.base.Table;
import io.lampyris.cli.cluster.ClusterFile;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.Display;
import io.lampyris.cli.operate.Follow;
import io.lampyris.cli.operate.Operation;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** What every command that asks the manager takes, and how it prints what it was told. */
final class ClusterAccess {
  @Spec(Spec.Target.MIXEE)
  private @Nullable CommandSpec spec;

  @Option(
      names = "--config",
      required = true,
      paramLabel = "FILE",
      description = "Configuration of the cluster.")
  private Path config = Path.of("");

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private OutputFormat output = OutputFormat.TABLE;

  /** Asks and prints; arguments without a value are left out. */
  int run(AdminCommand command, @Nullable Object... namesAndValues)
      throws InputException, FailedException {
    Map<String, String> arguments = new TreeMap<>();
    for (int i = 0; i < namesAndValues.length; i += 2) {
      Object value = namesAndValues[i + 1];
      if (value != null) {
        arguments.put(String.valueOf(namesAndValues[i]), value.toString());
      }
    }
    return run(command, arguments);
  }

  int run(AdminCommand command, Map<String, String> arguments)
      throws InputException, FailedException {
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(config))) {
      print(link.ask(command, arguments));
    }
    return Main.DONE;
  }

  /** Asks without printing. */
  AdminAnswer ask(AdminCommand command) throws InputException, FailedException {
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(config))) {
      return link.ask(command, Map.of());
    }
  }

  /** Gives an order, and shows how far it is until it is done. */
  int follow(Operation operation, FollowOptions options) throws InputException, FailedException {
    assert spec != null : "picocli fills it in";
    PrintWriter err = spec.commandLine().getErr();
    Display display =
        new Display(Display.form(output == OutputFormat.JSON), spec.commandLine().getOut(), err);
    long timeoutNs = options.timeoutNs();
    try (ClusterLink link = ClusterLink.open(ClusterFile.read(config))) {
      new Follow(link, operation, display, timeoutNs).run();
    }
    return Main.DONE;
  }

  void print(AdminAnswer answer) {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    if (output == OutputFormat.JSON) {
      out.println(Json.pretty(json(answer)));
    } else {
      boolean saysNothing = answer.rows().isEmpty() && !answer.text().isEmpty();
      if (!answer.columns().isEmpty() && !saysNothing) {
        Table table = new Table(answer.columns().toArray(String[]::new));
        answer.rows().forEach(table::row);
        out.print(table);
      }
      if (!answer.text().isEmpty()) {
        out.println(answer.text());
      }
    }
    out.flush();
  }

  /** Rows as objects, whose keys are the columns; without a table, words alone. */
  private static Object json(AdminAnswer answer) {
    List<Object> rows = new ArrayList<>();
    for (List<String> row : answer.rows()) {
      Map<String, Object> object = new LinkedHashMap<>();
      for (int i = 0; i < row.size(); i++) {
        object.put(answer.columns().get(i), row.get(i));
      }
      rows.add(object);
    }
    Map<String, Object> all = new LinkedHashMap<>();
    if (!answer.columns().isEmpty()) {
      all.put("rows", rows);
    }
    all.put("text", answer.text());
    return all;
  }
}
