package io.lampyris.reactor.sim;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.LongAdder;

/**
 * A mark on a rare path, so that simulations can say which of them no seed reached. Outside of
 * simulations it costs the look at one flag. Any thread.
 *
 * <pre>private static final Probe DIRTY_READ = Probe.of("chain: a dirty member asks the tail");
 * </pre>
 */
public final class Probe {
  private static final ConcurrentHashMap<String, Probe> ALL = new ConcurrentHashMap<>();

  /** Set before a simulation begins; a late look costs a count, nothing else. */
  private static boolean on;

  private final LongAdder count = new LongAdder();

  private Probe() {}

  /** The probe of this name; it is known from then on, reached or not. */
  public static Probe of(String name) {
    return ALL.computeIfAbsent(name, n -> new Probe());
  }

  /** For what is looked up by name each time; not for hot paths. */
  public static void reached(String name) {
    if (on) {
      of(name).count.increment();
    }
  }

  public void reached() {
    if (on) {
      count.increment();
    }
  }

  /** Probes count from now on. */
  public static void enable() {
    on = true;
  }

  /** How often each was reached, by name. */
  public static Map<String, Long> counts() {
    Map<String, Long> counts = new TreeMap<>();
    ALL.forEach((name, probe) -> counts.put(name, probe.count.sum()));
    return counts;
  }
}
