package io.lampyris.cli.rings;

import io.lampyris.bindings.Terminal;
import io.lampyris.cli.rings.Screen.Event;
import java.io.IOException;
import java.io.PrintWriter;
import java.util.Map;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * Rings on a terminal, drawn anew after each interval and whenever there is another amount of room,
 * until the user ends it. A mount that is gone is waited for.
 */
public final class RingTop {
  /** A mount. */
  public interface Source {
    /** {@link RingSamples}, now. */
    Map<String, Object> sample() throws IOException;
  }

  /** What is above the rings: how many there are, and what the columns are. */
  private static final int HEAD_LINES = 2;

  /** A mount's answer, or why there is none. */
  private record Answer(Map<String, Object> sample, @Nullable IOException failure) {}

  private final Source source;
  private final long intervalNs;
  private final long rowsMax;
  private final Screen screen;
  private Map<String, Object> last;
  private @Nullable RingRates rates;
  private @Nullable IOException failure;
  private volatile @Nullable Answer answer;

  private RingTop(
      Source source, Map<String, Object> first, long intervalNs, long rowsMax, PrintWriter out) {
    this.source = source;
    this.intervalNs = intervalNs;
    this.rowsMax = rowsMax;
    last = first;
    screen = new Screen(out);
  }

  /**
   * Shows them so many times, unless the user ends it before.
   *
   * @param first a sample of this moment
   * @param rowsMax rings that are shown at most
   * @return what was shown last; null if nothing was, or the user ended it
   */
  public static @Nullable RingRates run(
      Source source,
      Map<String, Object> first,
      long intervalNs,
      long count,
      long rowsMax,
      PrintWriter out) {
    RingTop top = new RingTop(source, first, intervalNs, rowsMax, out);
    try (Screen screen = top.screen) {
      return top.run(screen, count);
    }
  }

  private @Nullable RingRates run(Screen screen, long count) {
    long dueNs = System.nanoTime() + intervalNs;
    draw();
    for (long left = count; left > 0; ) {
      Event event = screen.await(dueNs);
      switch (event) {
        case DUE -> {
          // One question at a time: the next is due when this one is answered.
          dueNs = Long.MAX_VALUE;
          Thread.ofVirtual().start(this::ask);
        }
        case ANSWERED -> {
          dueNs = System.nanoTime() + intervalNs;
          left -= take() ? 1 : 0;
        }
        case SUSPEND -> screen.suspend();
        case CONTINUED -> screen.enter();
        case RESIZED -> {
          // Drawn below.
        }
        case QUIT -> {
          return null;
        }
      }
      if (event != Event.DUE) {
        draw();
      }
    }
    return rates;
  }

  private void ask() {
    try {
      answer = new Answer(source.sample(), null);
    } catch (IOException e) {
      answer = new Answer(Map.of(), e);
    }
    screen.answered();
  }

  /** Whether there are new rates. */
  private boolean take() {
    Answer taken = answer;
    assert taken != null : "it was said to be there";
    failure = taken.failure;
    if (failure != null) {
      return false;
    }
    rates = new RingRates(last, taken.sample);
    last = taken.sample;
    return true;
  }

  private void draw() {
    Terminal.Size size = screen.size();
    screen.draw(text(size));
  }

  private String text(Terminal.Size size) {
    IOException gone = failure;
    RingRates shown = rates;
    if (gone != null) {
      return wrapped(
          "no mount says how its rings are; observed="
              + gone.getMessage()
              + "; remedy: start it again, and this goes on; q ends it",
          size.columns());
    }
    if (shown == null) {
      return "rates are there after the first interval; q ends it";
    }
    long rows = Math.min(rowsMax, Math.max(1, size.rows() - HEAD_LINES));
    return shown.table(rows, size.columns(), System.currentTimeMillis());
  }

  private static String wrapped(String text, int columns) {
    return Pattern.compile(".{" + columns + "}").matcher(text).replaceAll("$0\n");
  }
}
