package io.lampyris.cli;

import io.lampyris.cli.base.Durations;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Json;
import io.lampyris.cli.control.ControlClient;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.local.LocalCluster;
import io.lampyris.cli.operate.Display;
import io.lampyris.cli.rings.RingRates;
import io.lampyris.cli.rings.RingTop;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

/** {@code lampyris usrbio}. */
@Command(
    name = "usrbio",
    mixinStandardHelpOptions = true,
    description = "The rings that programs share with a mount.",
    synopsisSubcommandLabel = "COMMAND",
    footerHeading = "%nExamples:%n",
    footer = {"  lampyris usrbio top --dir /srv/lampyris"})
final class UsrbioCommand extends CommandGroup {
  private static final Duration ANSWER_MAX = Duration.ofSeconds(10);
  private static final long ROWS = 40;

  @Spec private @Nullable CommandSpec spec;

  @Command(
      mixinStandardHelpOptions = true,
      description = {
        "Shows the rings of a mount, busiest first: whose they are, what they hold and what they do."
      },
      footerHeading = "%nExamples:%n",
      footer = {
        "  lampyris usrbio top --dir /srv/lampyris                  every second until q or Ctrl-C",
        "  lampyris usrbio top --dir /srv/lampyris --once           what is done now, then ends",
        "  lampyris usrbio top --dir DIR -n 60 -o json | jq -c '.rings[] | [.pid, .p99_ns]'",
        "",
        "On a terminal the table is drawn in place, without the columns and rings that it has no",
        "room for; q or Ctrl-C ends it, Ctrl-Z stops it, and a mount that is gone is waited for.",
        "",
        "Rates and latencies are those of the last interval. An I/O's latency is from when the",
        "mount took it out of the ring to when its completion stood there; it is known to a fifth",
        "of itself, and no finer than a turn of the mount's reactor. 'waiting' is prepared by the",
        "program and not taken yet. 'errors' counts from the registration on. A ring that is",
        "retired held something impossible and gets no more service. With -o json there is an",
        "object on each line."
      })
  int top(
      @Option(
              names = "--dir",
              required = true,
              paramLabel = "DIR",
              description = "Directory of the instance or of the mount.")
          Path dir,
      @Option(
              names = "--interval",
              paramLabel = "TIME",
              defaultValue = "1s",
              description = "How often, like 1s or 5m (default: ${DEFAULT-VALUE}).")
          String interval,
      @Option(
              names = {"-n", "--count"},
              paramLabel = "COUNT",
              defaultValue = "0",
              description = "End after so many (default: never).")
          long count,
      @Option(names = "--once", description = "The same as -n 1.") boolean once,
      @Option(
              names = "--rows",
              paramLabel = "N",
              description =
                  "Rings in the table at most (default: what the terminal holds, else 40).")
          @Nullable Long rows,
      @Option(
              names = {"-o", "--output"},
              paramLabel = "FORMAT",
              defaultValue = "table",
              description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
          OutputFormat output)
      throws InputException, FailedException, IOException {
    assert spec != null : "picocli fills it in";
    long intervalNs = Durations.parseNs(interval).orElse(0);
    if (intervalNs == 0) {
      throw InputException.of("--interval is no time", "'" + interval + "'", "1s", "correct it");
    }
    if (count < 0 || (rows != null && rows < 1)) {
      throw InputException.of(
          "impossible number", "-n " + count + ", --rows " + rows, "0 and 1", "correct it");
    }
    PrintWriter out = spec.commandLine().getOut();
    Path socket = socketOf(dir);
    Display.Form form = Display.form(output == OutputFormat.JSON);
    long left = once ? 1 : count == 0 ? Long.MAX_VALUE : count;
    Map<String, Object> before = ask(socket);
    if (form == Display.Form.TERMINAL && left > 1) {
      long held = rows == null ? Long.MAX_VALUE : rows;
      RingRates last = RingTop.run(() -> sample(socket), before, intervalNs, left, held, out);
      if (last != null) {
        show(last, form, rows, out);
      }
      return Main.DONE;
    }
    for (; left > 0; left--) {
      pause(System.nanoTime() + intervalNs);
      Map<String, Object> now = ask(socket);
      show(new RingRates(before, now), form, rows, out);
      before = now;
    }
    return Main.DONE;
  }

  private static Path socketOf(Path dir) throws InputException, IOException {
    InstanceDirectory instance = new InstanceDirectory(dir);
    DownCommand.requireInstance(instance);
    return LocalCluster.isAt(dir)
        ? new InstanceDirectory(LocalCluster.at(dir).mountDirectory()).controlSocket()
        : instance.controlSocket();
  }

  private static Map<String, Object> sample(Path socket) throws IOException {
    return ControlClient.ask(socket, "rings", ANSWER_MAX);
  }

  private static Map<String, Object> ask(Path socket) throws FailedException {
    try {
      return sample(socket);
    } catch (IOException e) {
      throw FailedException.of(
          "no mount says how its rings are",
          String.valueOf(e.getMessage()),
          "an answer on " + socket,
          "name the --dir of an instance, or of a mount, that runs");
    }
  }

  private static void pause(long untilNs) {
    for (long ns = untilNs - System.nanoTime(); ns > 0; ns = untilNs - System.nanoTime()) {
      LockSupport.parkNanos(ns);
    }
  }

  private static void show(
      RingRates rates, Display.Form form, @Nullable Long rows, PrintWriter out) {
    String text =
        form == Display.Form.JSON
            ? Json.write(rates.json())
            : rates.table(rows == null ? ROWS : rows, System.currentTimeMillis());
    out.println(text);
    out.flush();
  }
}
