package io.lampyris.cli.rings;

import io.lampyris.cli.base.Sizes;
import io.lampyris.cli.base.Table;
import io.lampyris.usrbio.LatencyCounts;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** What rings did between two samples, busiest first. */
public final class RingRates {
  private static final long NS_PER_S = 1_000_000_000;

  /** What a narrow terminal does without, the first one first. */
  private static final List<String> DISPENSABLE =
      List.of(
          "entries",
          "depth",
          "priority",
          "uid",
          "age",
          "p50",
          "waiting",
          "in flight",
          "kind",
          "errors",
          "pid",
          "p99");

  /** One ring, and what it did; {@code last} is its newest sample. */
  private record Rate(
      Map<?, ?> last, long ios, long bytes, long failures, long p50Ns, long p99Ns) {}

  private final long elapsedNs;
  private final List<Rate> rates = new ArrayList<>();

  /**
   * @param before an earlier sample of the same mount; {@link RingSamples}
   */
  public RingRates(Map<String, Object> before, Map<String, Object> now) {
    elapsedNs = Math.max(1, number(now, "now_ns") - number(before, "now_ns"));
    Map<String, Map<?, ?>> known = new HashMap<>();
    RingSamples.rings(before).forEach(ring -> known.put(name(ring), ring));
    for (Map<?, ?> ring : RingSamples.rings(now)) {
      rates.add(rate(known.getOrDefault(name(ring), Map.of()), ring));
    }
    rates.sort(
        Comparator.comparingLong(Rate::bytes)
            .thenComparingLong(Rate::ios)
            .reversed()
            .thenComparingLong(rate -> number(rate.last, "pid"))
            .thenComparing(rate -> name(rate.last)));
  }

  private static Rate rate(Map<?, ?> before, Map<?, ?> now) {
    LatencyCounts grown = latencies(now).since(latencies(before));
    return new Rate(
        now,
        number(now, "completed") - number(before, "completed"),
        number(now, "bytes") - number(before, "bytes"),
        number(now, "failures") - number(before, "failures"),
        grown.percentileNs(0.5),
        grown.percentileNs(0.99));
  }

  /** I1. */
  private static String name(Map<?, ?> ring) {
    return ring.get("id") + " " + ring.get("registered_ms");
  }

  private static LatencyCounts latencies(Map<?, ?> ring) {
    return LatencyCounts.of(ring.get("latencies") instanceof List<?> list ? list : List.of());
  }

  /** For people: how many there are, and a table of the first {@code rows}. */
  public String table(long rows, long nowMs) {
    return table(rows, Integer.MAX_VALUE, nowMs);
  }

  /** The same without columns that a line of so many characters has no room for. */
  String table(long rows, int charactersMax, long nowMs) {
    long processes = rates.stream().map(rate -> rate.last.get("pid")).distinct().count();
    long ios = rates.stream().mapToLong(Rate::ios).sum();
    long bytes = rates.stream().mapToLong(Rate::bytes).sum();
    String head =
        "%d rings of %d processes, %,d I/O/s, %s/s%n"
            .formatted(rates.size(), processes, perSecond(ios), Sizes.human(perSecond(bytes)));
    Table table =
        new Table(
            "program",
            "pid",
            "uid",
            "kind",
            "entries",
            "depth",
            "priority",
            "waiting",
            "in flight",
            "I/O/s",
            "MiB/s",
            "p50",
            "p99",
            "errors",
            "age");
    rates.stream().limit(rows).forEach(rate -> table.row(cells(rate, nowMs)));
    return rates.isEmpty() ? head : head + table.fit(charactersMax, DISPENSABLE);
  }

  private List<String> cells(Rate rate, long nowMs) {
    Map<?, ?> ring = rate.last;
    String program = String.valueOf(ring.get("program"));
    boolean retired = Boolean.TRUE.equals(ring.get("retired"));
    return List.of(
        printable(program.isEmpty() ? "?" : program),
        String.valueOf(ring.get("pid")),
        String.valueOf(ring.get("uid")),
        ring.get("direction") + (retired ? ", retired" : ""),
        String.valueOf(ring.get("entries")),
        String.valueOf(ring.get("io_depth")),
        String.valueOf(ring.get("priority")),
        String.valueOf(ring.get("prepared")),
        String.valueOf(ring.get("in_flight")),
        String.valueOf(perSecond(rate.ios)),
        String.format(Locale.ROOT, "%.1f", Sizes.mebibytesPerSecond(rate.bytes, elapsedNs)),
        latency(rate, rate.p50Ns),
        latency(rate, rate.p99Ns),
        String.valueOf(number(ring, "failures")),
        age(Math.max(0, nowMs - number(ring, "registered_ms")) / 1000));
  }

  /** A process names itself as it likes. */
  private static String printable(String name) {
    return name.replaceAll("[^ -~]", "?");
  }

  private static String latency(Rate rate, long ns) {
    if (rate.ios == 0) {
      return "-";
    }
    return ns < 10_000_000
        ? String.format(Locale.ROOT, "%d µs", ns / 1000)
        : String.format(Locale.ROOT, "%d ms", ns / 1_000_000);
  }

  private static String age(long seconds) {
    Duration time = Duration.ofSeconds(seconds);
    return time.toDays() > 0
        ? "%d d %02d h".formatted(time.toDays(), time.toHoursPart())
        : "%d:%02d:%02d".formatted(time.toHours(), time.toMinutesPart(), time.toSecondsPart());
  }

  /** For programs: an object of all rings. */
  public Map<String, Object> json() {
    List<Object> all = new ArrayList<>();
    for (Rate rate : rates) {
      Map<String, Object> one = new LinkedHashMap<>();
      rate.last.forEach((key, value) -> one.put(String.valueOf(key), value));
      one.remove("latencies");
      one.put("ios_per_second", perSecond(rate.ios));
      one.put("bytes_per_second", perSecond(rate.bytes));
      one.put("failures_per_second", perSecond(rate.failures));
      one.put("p50_ns", rate.p50Ns);
      one.put("p99_ns", rate.p99Ns);
      all.add(one);
    }
    Map<String, Object> object = new LinkedHashMap<>();
    object.put("interval_s", Math.round(elapsedNs / 1e6) / 1e3);
    object.put("rings", all);
    return object;
  }

  private long perSecond(long count) {
    return Math.round((double) count * NS_PER_S / elapsedNs);
  }

  private static long number(Map<?, ?> map, String key) {
    return map.get(key) instanceof Number value ? value.longValue() : 0;
  }
}
