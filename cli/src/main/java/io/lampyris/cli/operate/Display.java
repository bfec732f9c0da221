package io.lampyris.cli.operate;

import io.lampyris.cli.base.Json;
import io.lampyris.cli.base.Sizes;
import java.io.Console;
import java.io.PrintWriter;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;

/** Shows how far an operation is. */
public final class Display {
  /** How it is shown. */
  public enum Form {
    /** One line that is rewritten. */
    TERMINAL,
    /** A line for every change of a count, and now and then when nothing changes. */
    LINES,
    /** A JSON object on each line. */
    JSON
  }

  private static final long SAME_NS = TimeUnit.SECONDS.toNanos(10);

  private final Form form;
  private final PrintWriter out;
  private final PrintWriter err;
  private String shown = "";
  private long shownNs;
  private boolean drawn;

  /**
   * @param out gets results, and JSON
   * @param err gets progress
   */
  public Display(Form form, PrintWriter out, PrintWriter err) {
    this.form = form;
    this.out = out;
    this.err = err;
  }

  /** As it fits where standard error goes to. */
  public static Form form(boolean json) {
    boolean terminal = Optional.ofNullable(System.console()).map(Console::isTerminal).orElse(false);
    return json ? Form.JSON : terminal ? Form.TERMINAL : Form.LINES;
  }

  /** What the manager said. */
  void say(String text) {
    if (form != Form.JSON && !text.isEmpty()) {
      clear();
      err.println(text);
      err.flush();
    }
  }

  void show(String name, Step step, Meter meter, long elapsedNs) {
    String key =
        "%d/%d %d %s".formatted(step.finished(), step.total(), step.changing(), step.waits());
    boolean same = key.equals(shown) && elapsedNs - shownNs < SAME_NS;
    if (form == Form.TERMINAL) {
      err.print("\r\033[K" + name + ": " + line(step, meter, elapsedNs));
      err.flush();
      drawn = true;
    } else if (form == Form.LINES && !same) {
      err.println(name + ": " + line(step, meter, elapsedNs));
      err.flush();
    } else if (form == Form.JSON) {
      json(name, "RUNNING", step, meter, elapsedNs);
    }
    if (!same) {
      shown = key;
      shownNs = elapsedNs;
    }
  }

  void done(String name, Step step, Meter meter, long elapsedNs) {
    clear();
    if (form == Form.JSON) {
      json(name, "DONE", step, meter, elapsedNs);
      return;
    }
    String copied =
        meter.copiedBytes() == 0 ? "" : ", " + Sizes.human(meter.copiedBytes()) + " copied";
    out.printf(
        "%s: done, %d members moved or filled%s, %s%n",
        name, step.finished(), copied, clock(elapsedNs));
    out.flush();
  }

  /** It is not followed any more. */
  void end() {
    clear();
  }

  private void clear() {
    if (drawn) {
      err.print("\r\033[K");
      err.flush();
      drawn = false;
    }
  }

  private static String line(Step step, Meter meter, long elapsedNs) {
    StringBuilder line = new StringBuilder();
    line.append(
        "%d of %d members, %d chains changing"
            .formatted(step.finished(), step.total(), step.changing()));
    if (meter.toCopyBytes() > 0) {
      line.append(
          ", %s of %s copied"
              .formatted(Sizes.human(meter.copiedBytes()), Sizes.human(meter.toCopyBytes())));
    }
    if (meter.bytesPerSecond() > 0) {
      line.append(", %s/s".formatted(Sizes.human(meter.bytesPerSecond())));
    }
    line.append(", ").append(clock(elapsedNs));
    return step.waits().isEmpty() ? line.toString() : line + "; " + step.waits();
  }

  private static String clock(long ns) {
    long s = TimeUnit.NANOSECONDS.toSeconds(ns);
    return s < 3600
        ? String.format(Locale.ROOT, "%d:%02d", s / 60, s % 60)
        : String.format(Locale.ROOT, "%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
  }

  private void json(String name, String state, Step step, Meter meter, long elapsedNs) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("operation", name);
    all.put("state", state);
    all.put("members_done", step.finished());
    all.put("members_total", step.total());
    all.put("chains_changing", step.changing());
    all.put("copied_bytes", meter.copiedBytes());
    all.put("to_copy_bytes", meter.toCopyBytes());
    all.put("bytes_per_second", meter.bytesPerSecond());
    all.put("elapsed_s", Math.round(elapsedNs / 1e8) / 10.0);
    all.put("waits_for", step.waits());
    out.println(Json.write(all));
    out.flush();
  }
}
