package io.lampyris.mgmtd.config;

import java.util.List;
import java.util.Locale;
import java.util.Optional;

/** What a key's value is: reads the text that people write, and says what is admitted. */
public sealed interface ConfigType<T> {
  /** The value of a text; empty when it is none of this type. */
  Optional<T> parse(String text);

  /** What is admitted, as an error message's limit says it. */
  String limit();

  /** Text that {@link #parse} reads back as the same value. */
  default String print(T value) {
    return String.valueOf(value);
  }

  record Text(int lengthMax) implements ConfigType<String> {
    @Override
    public Optional<String> parse(String text) {
      return text.length() <= lengthMax ? Optional.of(text) : Optional.empty();
    }

    @Override
    public String limit() {
      return "text of at most " + lengthMax + " characters";
    }
  }

  record Switch() implements ConfigType<Boolean> {
    @Override
    public Optional<Boolean> parse(String text) {
      return switch (text) {
        case "true" -> Optional.of(true);
        case "false" -> Optional.of(false);
        default -> Optional.empty();
      };
    }

    @Override
    public String limit() {
      return "true or false";
    }
  }

  record Whole(long min, long max) implements ConfigType<Long> {
    @Override
    public Optional<Long> parse(String text) {
      return scaled(text, List.of(), min, max);
    }

    @Override
    public String limit() {
      return min + " … " + max;
    }
  }

  /** In nanoseconds; written with a unit. */
  record Duration(long minNs, long maxNs) implements ConfigType<Long> {
    private static final List<Unit> UNITS =
        List.of(
            new Unit("ns", 1),
            new Unit("us", 1_000),
            new Unit("ms", 1_000_000),
            new Unit("s", 1_000_000_000L),
            new Unit("min", 60_000_000_000L),
            new Unit("h", 3_600_000_000_000L));

    @Override
    public Optional<Long> parse(String text) {
      return scaled(text, UNITS, minNs, maxNs);
    }

    @Override
    public String limit() {
      return print(minNs) + " … " + print(maxNs);
    }

    @Override
    public String print(Long value) {
      return shortest(value, UNITS);
    }
  }

  /** In bytes; written with a unit: B, KiB, MiB, GiB, TiB. */
  record Size(long minBytes, long maxBytes) implements ConfigType<Long> {
    private static final List<Unit> UNITS =
        List.of(
            new Unit("B", 1),
            new Unit("KiB", 1L << 10),
            new Unit("MiB", 1L << 20),
            new Unit("GiB", 1L << 30),
            new Unit("TiB", 1L << 40));

    @Override
    public Optional<Long> parse(String text) {
      return scaled(text, UNITS, minBytes, maxBytes);
    }

    @Override
    public String limit() {
      return print(minBytes) + " … " + print(maxBytes);
    }

    @Override
    public String print(Long value) {
      return shortest(value, UNITS);
    }
  }

  record OneOf(List<String> choices) implements ConfigType<String> {
    public OneOf {
      choices = List.copyOf(choices);
    }

    @Override
    public Optional<String> parse(String text) {
      String lower = text.toLowerCase(Locale.ROOT);
      return choices.contains(lower) ? Optional.of(lower) : Optional.empty();
    }

    @Override
    public String limit() {
      return "one of " + String.join(", ", choices);
    }
  }

  /** A unit and how many of the smallest one it is. */
  record Unit(String name, long factor) {}

  private static Optional<Long> scaled(String text, List<Unit> units, long min, long max) {
    int end = text.startsWith("-") ? 1 : 0;
    while (end < text.length() && text.charAt(end) >= '0' && text.charAt(end) <= '9') {
      end++;
    }
    String name = text.substring(end).strip();
    long factor = units.isEmpty() && name.isEmpty() ? 1 : 0;
    for (Unit unit : units) {
      factor = unit.name().equals(name) ? unit.factor() : factor;
    }
    if (factor == 0) {
      return Optional.empty();
    }
    try {
      long value = Math.multiplyExact(Long.parseLong(text.substring(0, end)), factor);
      return value >= min && value <= max ? Optional.of(value) : Optional.empty();
    } catch (ArithmeticException | NumberFormatException tooLargeOrNoNumber) {
      return Optional.empty();
    }
  }

  private static String shortest(long value, List<Unit> units) {
    Unit best = units.get(0);
    for (Unit unit : units) {
      best = value != 0 && value % unit.factor() == 0 ? unit : best;
    }
    return value / best.factor() + best.name();
  }
}
