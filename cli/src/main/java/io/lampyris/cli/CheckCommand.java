package io.lampyris.cli;

import io.lampyris.chunkengine.check.CheckFinding;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.NamespaceHost;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.base.Json;
import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.config.NvmeSettings;
import io.lampyris.cli.embedded.Namespaces;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.InstanceLock;
import java.io.Console;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.ScopeType;
import picocli.CommandLine.Spec;

/** {@code lampyris check}. */
@Command(
    name = "check",
    mixinStandardHelpOptions = true,
    subcommands = CheckHostCommand.class,
    customSynopsis = {
      "lampyris check --dir=DIR [--no-data] [-o=FORMAT]",
      "       lampyris check host [--device=ADDRESS]... [-o=FORMAT]"
    },
    description = {
      "Verifies the targets of a stopped instance, or one target, and changes nothing.",
      "",
      "Reads both superblocks, CURRENT, every record of every log generation, checks that no two"
          + " chunks share a block, and reads every chunk and compares the checksum of each of its"
          + " units. What is broken is an error, and is named with file, offset, inode, chunk and"
          + " unit. What a start would put right, as the unfinished end of a log after a crash, is a"
          + " note.",
      "",
      "DIR is the directory of an instance (then all of its targets are checked) or of a target,"
          + " which is one with the files device and log."
    },
    exitCodeListHeading = "%nExit codes:%n",
    exitCodeList = {
      "0:everything that was checked is intact",
      "1:something is damaged",
      "2:it could not be checked: wrong input, or it is in use"
    },
    footerHeading = "%nExamples:%n",
    footer = {
      "  lampyris check --dir /srv/lampyris",
      "  lampyris check --dir /srv/lampyris/targets/1 --no-data    only what describes the chunks",
      "  lampyris check --dir /srv/lampyris -o json | jq '.targets[].findings[]'",
      "  lampyris check host                                       the machine instead",
      "",
      "What to do with what it finds: a damaged superblock or unit does not spread; the target",
      "still starts, and reads of the unit fail until its chunk is replaced or removed. With a",
      "damaged log or CURRENT, or without superblocks, the target does not start: restore its",
      "directory from a copy. Check the disk in any case."
    })
final class CheckCommand implements Callable<Integer> {
  private static final long REDRAW_NS = 200_000_000;

  @Spec private @Nullable CommandSpec spec;

  @Option(
      names = "--dir",
      paramLabel = "DIR",
      description = "Directory of the instance, or of one target; needed without a COMMAND.")
  private @Nullable Path dir;

  @Option(
      names = "--no-data",
      description = "Do not read the chunks; takes seconds instead of as long as the disk needs.")
  private boolean noData;

  @Option(
      names = {"-o", "--output"},
      paramLabel = "FORMAT",
      scope = ScopeType.INHERIT,
      description = "${COMPLETION-CANDIDATES} (default: ${DEFAULT-VALUE}).")
  private OutputFormat output = OutputFormat.TABLE;

  @Override
  public Integer call() throws Exception {
    assert spec != null : "picocli fills it in";
    if (dir == null) {
      throw new ParameterException(spec.commandLine(), "Missing required option: '--dir=DIR'");
    }
    PrintWriter out = spec.commandLine().getOut();
    List<CheckReport> reports = new ArrayList<>();
    List<Path> targets = targets(dir);
    try (Namespaces devices = Namespaces.open(nvme(targets))) {
      for (Path target : targets) {
        devices.place(target, nameOf(target), 0);
        reports.add(check(target, devices, spec.commandLine().getErr()));
      }
    } catch (StoreException e) {
      throw InputException.because(e);
    }
    boolean clean = reports.stream().allMatch(CheckReport::isClean);
    if (output == OutputFormat.JSON) {
      out.println(Json.pretty(json(reports, clean)));
    } else {
      reports.forEach(report -> print(report, out));
      out.println(clean ? "intact" : "DAMAGED");
    }
    out.flush();
    return clean ? Main.DONE : Main.FAILED;
  }

  OutputFormat output() {
    return output;
  }

  /** Whether something was given that a subcommand has no use for. */
  boolean isTargetNamed() {
    return dir != null || noData;
  }

  // ---- what to check ----

  private static List<Path> targets(Path dir) throws InputException, IOException {
    if (Files.exists(dir.resolve("device"))) {
      return List.of(dir);
    }
    InstanceDirectory instance = new InstanceDirectory(dir);
    DownCommand.requireInstance(instance);
    OptionalLong pid = InstanceLock.holder(instance);
    if (pid.isPresent()) {
      throw InputException.of(
          "a running instance cannot be checked",
          "pid %d uses %s".formatted(pid.getAsLong(), instance),
          "a stopped one",
          "lampyris down --dir %s; a running one verifies what it reads and scrubs itself, see"
                  .formatted(instance)
              + " lampyris status");
    }
    List<Path> found = new ArrayList<>();
    if (Files.isDirectory(instance.targets())) {
      try (Stream<Path> entries = Files.list(instance.targets())) {
        entries.filter(Files::isDirectory).sorted().forEach(found::add);
      }
    }
    if (found.isEmpty()) {
      throw InputException.of(
          "there is nothing to check",
          "no target in " + instance.targets(),
          "at least one",
          "start the instance once, or name another --dir");
    }
    return found;
  }

  /** The namespaces that targets say they lie on; huge pages where the bus needs them. */
  private static NvmeSettings nvme(List<Path> targets) throws StoreException {
    List<@Nullable NamespaceName> names = new ArrayList<>();
    for (Path target : targets) {
      names.add(nameOf(target));
    }
    NvmeSettings none = NvmeSettings.NONE;
    boolean pcie = names.stream().anyMatch(name -> name != null && !name.pciAddress().isEmpty());
    return new NvmeSettings(names, none.spdkHome(), none.memoryBytes(), pcie);
  }

  private static @Nullable NamespaceName nameOf(Path target) throws StoreException {
    NamespaceHost.Marker marker = NamespaceHost.marker(target.resolve("device"));
    return marker == null ? null : marker.name();
  }

  private CheckReport check(Path target, Namespaces devices, PrintWriter err)
      throws StoreException {
    Bar bar = new Bar(err, target);
    try {
      return TargetChecker.check(target, devices.host(target), !noData, bar::draw);
    } finally {
      bar.clear();
    }
  }

  /** How far it is, on a terminal only. */
  private static final class Bar {
    private final PrintWriter err;
    private final Path target;
    private final boolean shown;
    private long drawnNs = System.nanoTime();

    Bar(PrintWriter err, Path target) {
      this.err = err;
      this.target = target;
      this.shown = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    }

    void draw(long doneBytes, long totalBytes) {
      long nowNs = System.nanoTime();
      if (shown && nowNs - drawnNs > REDRAW_NS) {
        drawnNs = nowNs;
        err.printf(
            Locale.ROOT,
            "\r\033[K%s: %d%% of %s",
            target,
            100 * doneBytes / Math.max(1, totalBytes),
            Sizes.human(totalBytes));
        err.flush();
      }
    }

    void clear() {
      if (shown) {
        err.print("\r\033[K");
        err.flush();
      }
    }
  }

  // ---- what to say ----

  private static void print(CheckReport report, PrintWriter out) {
    out.printf(
        "target %d in %s%n  %d chunks, %s; %d log generations, %d records%n"
            + "  verified %d units, %s; %d errors, %d notes%n",
        report.targetId(),
        report.directory(),
        report.chunks(),
        Sizes.human(report.dataBytes()),
        report.generations(),
        report.records(),
        report.units(),
        Sizes.human(report.readBytes()),
        report.errors(),
        report.notes());
    for (CheckFinding finding : report.findings()) {
      out.printf("  %s %s %s%n", finding.code().severity(), finding.code(), place(finding));
      out.printf("        %s%n", finding.message());
    }
    long unlisted = report.errors() + report.notes() - report.findings().size();
    if (unlisted > 0) {
      out.printf("  and %d more%n", unlisted);
    }
  }

  private static String place(CheckFinding finding) {
    StringBuilder text = new StringBuilder(finding.file().toString());
    if (finding.offset() >= 0) {
      text.append(" at ").append(finding.offset());
    }
    if (finding.chunkIndex() >= 0) {
      text.append(", inode ").append(finding.inode()).append(" chunk ");
      text.append(finding.chunkIndex());
    }
    if (finding.unit() >= 0) {
      text.append(" unit ").append(finding.unit());
    }
    return text.toString();
  }

  private static Map<String, Object> json(List<CheckReport> reports, boolean clean) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("clean", clean);
    all.put("targets", reports.stream().map(CheckCommand::json).toList());
    return all;
  }

  private static Map<String, Object> json(CheckReport report) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("dir", report.directory().toString());
    map.put("target_id", report.targetId());
    map.put("chunks", report.chunks());
    map.put("data_bytes", report.dataBytes());
    map.put("generations", (long) report.generations());
    map.put("records", report.records());
    map.put("verified_units", report.units());
    map.put("verified_bytes", report.readBytes());
    map.put("errors", report.errors());
    map.put("notes", report.notes());
    map.put("findings", report.findings().stream().map(CheckCommand::json).toList());
    return map;
  }

  private static Map<String, Object> json(CheckFinding finding) {
    Map<String, Object> map = new LinkedHashMap<>();
    map.put("severity", finding.code().severity().name().toLowerCase(Locale.ROOT));
    map.put("code", finding.code().name());
    map.put("message", finding.message());
    map.put("file", finding.file().toString());
    if (finding.offset() >= 0) {
      map.put("offset", finding.offset());
    }
    if (finding.chunkIndex() >= 0) {
      map.put("inode", finding.inode());
      map.put("chunk", finding.chunkIndex());
    }
    if (finding.unit() >= 0) {
      map.put("unit", (long) finding.unit());
    }
    return map;
  }
}
