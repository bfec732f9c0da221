package io.lampyris.cli.quickstart;

import io.lampyris.cli.base.Sizes;
import java.io.PrintWriter;
import java.util.Locale;

/** Says on standard error what is being done: a bar on a terminal, plain lines elsewhere. */
final class Progress {
  private static final int BAR_WIDTH = 30;
  private static final long REDRAW_NS = 100_000_000;

  private final PrintWriter err;
  private final boolean bars;
  private String step = "";
  private long total;
  private long done;
  private long startedNs;
  private long drawnNs;

  Progress(PrintWriter err, boolean bars) {
    this.err = err;
    this.bars = bars;
  }

  /** A step of unknown length, or of so many bytes. */
  void start(String name, long totalBytes) {
    step = name;
    total = totalBytes;
    done = 0;
    startedNs = System.nanoTime();
    drawnNs = 0;
    if (bars) {
      draw(startedNs);
    } else {
      err.println(name + " ...");
      err.flush();
    }
  }

  void advance(long bytes) {
    done += bytes;
    long nowNs = System.nanoTime();
    if (bars && nowNs - drawnNs >= REDRAW_NS) {
      draw(nowNs);
    }
  }

  /** The step is done; what came of it in a few words. */
  void end(String result) {
    double seconds = (System.nanoTime() - startedNs) / 1e9;
    String clear = bars ? "\r\033[K" : "";
    err.printf(Locale.ROOT, "%s%s: %s (%.1f s)%n", clear, step, result, seconds);
    err.flush();
    step = "";
  }

  /** The step was broken off. */
  void abandon() {
    if (bars && !step.isEmpty()) {
      err.println();
      err.flush();
    }
  }

  private void draw(long nowNs) {
    drawnNs = nowNs;
    if (total == 0) {
      err.printf("\r\033[K%s ...", step);
    } else {
      int filled = (int) Math.min(BAR_WIDTH, BAR_WIDTH * done / total);
      err.printf(
          Locale.ROOT,
          "\r\033[K%-34s [%s%s] %3d%%  %s  %.0f MiB/s",
          step,
          "#".repeat(filled),
          ".".repeat(BAR_WIDTH - filled),
          Math.min(100, 100 * done / total),
          Sizes.human(done),
          Sizes.mebibytesPerSecond(done, nowNs - startedNs));
    }
    err.flush();
  }
}
