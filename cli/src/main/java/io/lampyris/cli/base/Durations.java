package io.lampyris.cli.base;

import java.util.OptionalLong;
import java.util.concurrent.TimeUnit;

/** Times as people write them: {@code 90s}, {@code 30m}, {@code 12h}, {@code 7d}; {@code 0}. */
public final class Durations {
  private static final String UNITS = "smhd";
  private static final long[] UNIT_NS = {
    TimeUnit.SECONDS.toNanos(1),
    TimeUnit.MINUTES.toNanos(1),
    TimeUnit.HOURS.toNanos(1),
    TimeUnit.DAYS.toNanos(1)
  };

  private Durations() {}

  /** The nanoseconds that a text names; nothing for anything else. */
  public static OptionalLong parseNs(String text) {
    String form = text.strip();
    if (form.equals("0")) {
      return OptionalLong.of(0);
    }
    // Five digits of days fit a long by far.
    if (!form.matches("[0-9]{1,5}[smhd]")) {
      return OptionalLong.empty();
    }
    int last = form.length() - 1;
    return OptionalLong.of(
        Long.parseLong(form.substring(0, last)) * UNIT_NS[UNITS.indexOf(form.charAt(last))]);
  }

  /** The largest unit that loses nothing of whole seconds: {@code 36h}. */
  public static String exact(long ns) {
    int unit = UNIT_NS.length - 1;
    while (unit > 0 && ns % UNIT_NS[unit] != 0) {
      unit--;
    }
    return ns == 0 ? "0" : ns / UNIT_NS[unit] + UNITS.substring(unit, unit + 1);
  }
}
