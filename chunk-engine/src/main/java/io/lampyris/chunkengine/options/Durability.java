package io.lampyris.chunkengine.options;

import java.util.Optional;

/**
 * When an update is acknowledged, and so what a failure may take back.
 *
 * <table>
 *   <caption>What each risks</caption>
 *   <tr><th></th><th>kill of the process</th><th>power cut, crash of the system</th></tr>
 *   <tr><td>strict</td><td>nothing</td><td>nothing</td></tr>
 *   <tr><td>interval</td><td>nothing</td><td>acknowledged updates of the last interval and of the
 *   flush that followed it</td></tr>
 *   <tr><td>none</td><td>nothing</td><td>acknowledged updates since the last flush (at a close, a
 *   change of log generation, and when space is wanted) that the system had not written back by
 *   itself</td></tr>
 * </table>
 *
 * What no completed flush of data and log covered is at risk under {@code interval:…} and {@code
 * none}; a chunk that was not updated since is not, nor by being moved. After a power cut a chunk
 * that was updated since is what it was at that flush, or a later version, or reads as {@link
 * io.lampyris.protocol.Status#DATA_CORRUPTION} until it is replaced or removed: its record may have
 * reached the disk before its bytes did, or an overwrite in place before its record. Wrong bytes
 * are never answered, whatever the setting.
 *
 * <p>A block that an update leaves is used again only after such a flush, so {@code none} asks for
 * one, too, when much is held back, and a write that finds no other space waits for it.
 *
 * @param mode when
 * @param intervalMs of an interval, else 0
 */
public record Durability(Mode mode, int intervalMs) {
  /** When an update is acknowledged. */
  public enum Mode {
    /** After its data and its log record are on stable storage. */
    STRICT,
    /**
     * As soon as the operating system has it; data, then log, are flushed so long after the first
     * update that was not.
     */
    INTERVAL,
    /** As soon as the operating system has it. */
    NONE
  }

  /** The longest interval. */
  public static final int INTERVAL_MAX_MS = 60_000;

  public static final Durability STRICT = new Durability(Mode.STRICT, 0);
  public static final Durability NONE = new Durability(Mode.NONE, 0);

  private static final String INTERVAL_PREFIX = "interval:";

  public Durability {
    assert mode == Mode.INTERVAL ? intervalMs > 0 && intervalMs <= INTERVAL_MAX_MS : intervalMs == 0
        : mode + " " + intervalMs;
  }

  /** A flush of data and log every so many milliseconds, while there are updates. */
  public static Durability interval(int intervalMs) {
    return new Durability(Mode.INTERVAL, intervalMs);
  }

  /** Reads {@code strict}, {@code interval:MS} or {@code none}; nothing for anything else. */
  public static Optional<Durability> parse(String text) {
    if (text.equals("strict")) {
      return Optional.of(STRICT);
    }
    if (text.equals("none")) {
      return Optional.of(NONE);
    }
    String ms = text.startsWith(INTERVAL_PREFIX) ? text.substring(INTERVAL_PREFIX.length()) : "";
    // Five digits hold the longest interval and no overflow.
    if (!ms.matches("[0-9]{1,5}")) {
      return Optional.empty();
    }
    int value = Integer.parseInt(ms);
    return value > 0 && value <= INTERVAL_MAX_MS ? Optional.of(interval(value)) : Optional.empty();
  }

  /** As {@link #parse} reads it. */
  @Override
  public String toString() {
    return switch (mode) {
      case STRICT -> "strict";
      case INTERVAL -> INTERVAL_PREFIX + intervalMs;
      case NONE -> "none";
    };
  }
}
