package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystemException;

/**
 * What the name of a symlink in {@code 3fs-virt/iovs} asks for:
 *
 * <pre>
 *   uuid[.b&lt;block&gt;][.r&lt;depth&gt;|.w&lt;depth&gt;][.ph|.pl|.pn][.t&lt;ms&gt;][.f&lt;binary digits&gt;]
 * </pre>
 *
 * The uuid has 32 hexadecimal digits, with or without hyphens. Attributes come in any order, each
 * once; priority, time and flags belong to rings.
 *
 * @param blockSizeBytes no I/O crosses a multiple of it; 0 when there is no such limit
 * @param kind memory for data, or a ring and its direction
 * @param ioDepth how a ring's entries are batched: exactly so many at a time, 0 as they come,
 *     negative at most so many
 * @param timeoutMs how long a batch of a negative depth may wait to become full
 * @param flags {@code HF3FS_IOR_*}
 */
public record RegistrationKey(
    IovId id,
    long blockSizeBytes,
    Kind kind,
    int ioDepth,
    Priority priority,
    int timeoutMs,
    long flags) {

  public enum Kind {
    MEMORY,
    READ_RING,
    WRITE_RING
  }

  /** In the order in which rings are served. */
  public enum Priority {
    HIGH(0),
    NORMAL(1),
    LOW(2);

    private final int rank;

    Priority(int rank) {
      this.rank = rank;
    }

    /** 0 is served first. */
    int rank() {
      return rank;
    }
  }

  /** Reads may show data that is not committed yet; accepted, and served committed data. */
  public static final long ALLOW_READ_UNCOMMITTED = 1;

  /** A hole is an error, not zeros. */
  public static final long FORBID_READ_HOLES = 2;

  /** No valid name is longer: {@code NAME_MAX}. */
  static final int NAME_MAX = 255;

  private static final int FLAG_DIGITS_MAX = 64;
  private static final int SHOWN_MAX = 80;

  public boolean isRing() {
    return kind != Kind.MEMORY;
  }

  /**
   * Reads a name.
   *
   * @throws FileSystemException EINVAL, with what is wrong
   */
  public static RegistrationKey parse(String name) throws FileSystemException {
    if (name.length() > NAME_MAX) {
      throw invalid("a registration's name is too long", name.length() + " characters", NAME_MAX);
    }
    return new Parser(name).parse();
  }

  /** How it is written: {@link #parse} reads it. */
  public String name() {
    StringBuilder name = new StringBuilder(id.toString());
    if (blockSizeBytes != 0) {
      name.append(".b").append(blockSizeBytes);
    }
    if (!isRing()) {
      return name.toString();
    }
    name.append(kind == Kind.READ_RING ? ".r" : ".w").append(ioDepth);
    switch (priority) {
      case HIGH -> name.append(".ph");
      case NORMAL -> {}
      case LOW -> name.append(".pl");
    }
    name.append(".t").append(timeoutMs);
    if (flags != 0) {
      name.append(".f").append(Long.toBinaryString(flags));
    }
    return name.toString();
  }

  static FileSystemException invalid(String what, Object observed, Object limit) {
    return new FileSystemException(
        Errno.EINVAL,
        what
            + "; observed="
            + shown(observed)
            + ", limit="
            + limit
            + "; remedy: name it uuid[.b<block>][.r<depth>|.w<depth>][.ph|.pl|.pn][.t<ms>]"
            + "[.f<binary digits>]");
  }

  /** Names come from anybody: only what is safe in a log line. */
  static String shown(Object observed) {
    String text = String.valueOf(observed);
    StringBuilder safe = new StringBuilder();
    for (int i = 0; i < Math.min(text.length(), SHOWN_MAX); i++) {
      char c = text.charAt(i);
      safe.append(c >= ' ' && c < 127 ? c : '?');
    }
    return text.length() > SHOWN_MAX ? safe + "…" : safe.toString();
  }

  private static final class Parser {
    private final String name;
    private long block;
    private Kind kind = Kind.MEMORY;
    private int depth;
    private Priority priority = Priority.NORMAL;
    private int timeoutMs;
    private long flags;
    private String seen = "";

    Parser(String name) {
      this.name = name;
    }

    RegistrationKey parse() throws FileSystemException {
      int dot = name.indexOf('.');
      IovId id = IovId.parse(dot < 0 ? name : name.substring(0, dot));
      while (dot >= 0) {
        int end = name.indexOf('.', dot + 1);
        attribute(name.substring(dot + 1, end < 0 ? name.length() : end));
        dot = end;
      }
      if (kind == Kind.MEMORY && (has('p') || has('t') || has('f'))) {
        throw invalid("memory has no priority, time or flags", name, ".b<block> alone");
      }
      return new RegistrationKey(id, block, kind, depth, priority, timeoutMs, flags);
    }

    private void attribute(String text) throws FileSystemException {
      char letter = text.isEmpty() ? '.' : text.charAt(0);
      String value = text.isEmpty() ? "" : text.substring(1);
      switch (letter) {
        case 'b' -> block = positive(value, Long.MAX_VALUE);
        case 'r' -> ring(Kind.READ_RING, value);
        case 'w' -> ring(Kind.WRITE_RING, value);
        case 'p' -> priority = priority(value);
        case 't' -> timeoutMs = (int) decimal(value, Integer.MAX_VALUE);
        case 'f' -> flags = binary(value);
        default -> throw invalid("unknown attribute", text, "b, r, w, p, t or f");
      }
      // Both directions are one attribute.
      char kindOf = letter == 'w' ? 'r' : letter;
      if (has(kindOf)) {
        throw invalid("an attribute comes twice", text, "each once");
      }
      seen += kindOf;
    }

    private boolean has(char letter) {
      return seen.indexOf(letter) >= 0;
    }

    private void ring(Kind direction, String value) throws FileSystemException {
      kind = direction;
      boolean negative = value.startsWith("-");
      long limit = negative ? 1L << 31 : Integer.MAX_VALUE;
      long magnitude = decimal(negative ? value.substring(1) : value, limit);
      depth = (int) (negative ? -magnitude : magnitude);
    }

    private static Priority priority(String value) throws FileSystemException {
      return switch (value) {
        case "h" -> Priority.HIGH;
        case "n" -> Priority.NORMAL;
        case "l" -> Priority.LOW;
        default -> throw invalid("unknown priority", value, "h, n or l");
      };
    }

    private static long positive(String value, long limit) throws FileSystemException {
      long number = decimal(value, limit);
      if (number == 0) {
        throw invalid("a block has no bytes", value, "at least 1");
      }
      return number;
    }

    private static long decimal(String value, long limit) throws FileSystemException {
      long number = 0;
      boolean digits = !value.isEmpty();
      for (int i = 0; i < value.length() && digits; i++) {
        int digit = value.charAt(i) - '0';
        digits = digit >= 0 && digit <= 9 && number <= (limit - digit) / 10;
        number = number * 10 + digit;
      }
      if (!digits) {
        throw invalid("not a number here", value, "decimal digits, at most " + limit);
      }
      return number;
    }

    private static long binary(String value) throws FileSystemException {
      long number = 0;
      boolean digits = !value.isEmpty() && value.length() <= FLAG_DIGITS_MAX;
      for (int i = 0; i < value.length() && digits; i++) {
        int digit = value.charAt(i) - '0';
        digits = digit == 0 || digit == 1;
        number = number << 1 | digit;
      }
      if (!digits) {
        throw invalid("flags are not binary", value, FLAG_DIGITS_MAX + " digits 0 and 1");
      }
      return number;
    }
  }
}
