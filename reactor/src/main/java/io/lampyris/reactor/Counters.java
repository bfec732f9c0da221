package io.lampyris.reactor;

import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentSkipListMap;

/**
 * All counters of a process, by name. Names are lower case words joined by underscores with the
 * unit last ({@code data0_device_read_bytes}); they only ever rise. Any thread.
 */
public final class Counters {
  private final ConcurrentSkipListMap<String, Counter> counters = new ConcurrentSkipListMap<>();

  /** A new counter; names are unique. */
  public Counter create(String name) {
    Counter counter = new Counter();
    Counter old = counters.putIfAbsent(name, counter);
    if (old != null) {
      throw new IllegalArgumentException("counter exists already; observed=" + name);
    }
    return counter;
  }

  /** All values now. */
  public Map<String, Long> snapshot() {
    Map<String, Long> values = new TreeMap<>();
    counters.forEach((name, counter) -> values.put(name, counter.get()));
    return values;
  }
}
