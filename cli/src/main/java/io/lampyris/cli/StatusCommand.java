package io.lampyris.cli;

import io.lampyris.cli.base.Json;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.base.Table;
import io.lampyris.cli.control.ControlClient;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import io.lampyris.cli.local.LocalCluster;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris status}. */
@Command(
    name = "status",
    mixinStandardHelpOptions = true,
    description = "Says how the instance of DIR is.",
    footerHeading = "%nExit codes: 0 for HEALTH_OK and HEALTH_WARN, 1 otherwise.%n%nExamples:%n",
    footer = {
      "  lampyris status --dir /srv/lampyris",
      "  lampyris status --dir /srv/lampyris -o json | jq .health"
    })
final class StatusCommand implements Callable<Integer> {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(10);

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--dir",
      required = true,
      paramLabel = "DIR",
      description = "Directory of the instance.")
  private Path dir = Path.of("");

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private OutputFormat output = OutputFormat.TABLE;

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    PrintWriter out = spec.commandLine().getOut();
    InstanceDirectory instance = new InstanceDirectory(dir);
    DownCommand.requireInstance(instance);
    Map<String, Object> status =
        LocalCluster.isAt(dir) ? LocalCluster.at(dir).status() : observe(instance);
    if (output == OutputFormat.JSON) {
      out.println(Json.pretty(status));
    } else {
      print(status, out);
    }
    out.flush();
    return "HEALTH_ERR".equals(status.get("health")) ? Main.FAILED : Main.DONE;
  }

  private static Map<String, Object> observe(InstanceDirectory instance) throws IOException {
    OptionalLong pid = InstanceLock.holder(instance);
    if (pid.isEmpty()) {
      return trouble(
          instance, false, 0, "NOT_RUNNING: start it with lampyris up --dir " + instance);
    }
    try {
      return ControlClient.ask(instance.controlSocket(), "status", ANSWER_MAX);
    } catch (IOException e) {
      return trouble(
          instance,
          true,
          pid.getAsLong(),
          "NO_ANSWER: it is starting, stopping or stuck (%s)".formatted(e.getMessage()));
    }
  }

  private static Map<String, Object> trouble(
      InstanceDirectory instance, boolean running, long pid, String reason) {
    Map<String, Object> status = new LinkedHashMap<>();
    status.put("health", "HEALTH_ERR");
    status.put("reasons", List.of(reason));
    status.put("running", running);
    status.put("dir", instance.toString());
    status.put("pid", pid);
    return status;
  }

  private static void print(Map<String, Object> status, PrintWriter out) {
    out.println(status.get("health"));
    for (Object reason : list(status, "reasons")) {
      out.println("  " + reason);
    }
    out.printf("running  %s%n", Boolean.TRUE.equals(status.get("running")) ? "yes" : "no");
    out.printf("dir      %s%n", status.get("dir"));
    if (status.containsKey("processes")) {
      printCluster(status, out);
    }
    if (!status.containsKey("counters")) {
      return;
    }
    if (status.containsKey("mount")) {
      out.printf("mount    %s%n", status.get("mount"));
    }
    out.printf("pid      %s, up %s%n", status.get("pid"), duration(number(status, "uptime_s")));
    out.printf("memory   %s resident%n", Sizes.human(number(status, "resident_bytes")));
    if (status.containsKey("targets")) {
      out.println();
      out.print(targets(list(status, "targets")));
    }
    if (status.get("counters") instanceof Map<?, ?> counters && !counters.isEmpty()) {
      Table table = new Table("counter", "value");
      counters.forEach((name, value) -> table.row(List.of(name.toString(), value.toString())));
      out.println();
      out.print(table);
    }
  }

  private static void printCluster(Map<String, Object> status, PrintWriter out) {
    Table processes = new Table("process", "health", "pid", "up", "memory");
    for (Object each : list(status, "processes")) {
      if (each instanceof Map<?, ?> process) {
        boolean running = Boolean.TRUE.equals(process.get("running"));
        processes.row(
            List.of(
                String.valueOf(process.get("process")),
                running ? String.valueOf(process.get("health")) : "not running",
                running ? String.valueOf(process.get("pid")) : "",
                running ? duration(number(process, "uptime_s")) : "",
                running ? Sizes.human(number(process, "resident_bytes")) : ""));
      }
    }
    out.println();
    out.print(processes);
    if (status.get("cluster") instanceof String cluster) {
      out.println();
      out.println(cluster);
    }
    List<?> chains = list(status, "chains");
    if (chains.isEmpty() || !(chains.getFirst() instanceof Map<?, ?> first)) {
      return;
    }
    Table table = new Table(first.keySet().stream().map(String::valueOf).toArray(String[]::new));
    for (Object each : chains) {
      if (each instanceof Map<?, ?> chain) {
        table.row(chain.values().stream().map(String::valueOf).toList());
      }
    }
    out.print(table);
  }

  private static Table targets(List<?> targets) {
    Table table = new Table("target", "state", "size", "used", "free", "chunks");
    for (Object each : targets) {
      if (each instanceof Map<?, ?> target) {
        table.row(
            List.of(
                String.valueOf(target.get("id")),
                String.valueOf(target.get("state")),
                Sizes.human(number(target, "size_bytes")),
                Sizes.human(number(target, "used_bytes")),
                Sizes.human(number(target, "free_bytes")),
                String.valueOf(target.get("chunks"))));
      }
    }
    return table;
  }

  private static String duration(long seconds) {
    Duration time = Duration.ofSeconds(seconds);
    return time.toDays() > 0
        ? "%d d %02d:%02d".formatted(time.toDays(), time.toHoursPart(), time.toMinutesPart())
        : "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }

  private static long number(Map<?, ?> map, String key) {
    return map.get(key) instanceof Number value ? value.longValue() : 0;
  }

  private static List<?> list(Map<?, ?> map, String key) {
    return map.get(key) instanceof List<?> value ? value : List.of();
  }
}
