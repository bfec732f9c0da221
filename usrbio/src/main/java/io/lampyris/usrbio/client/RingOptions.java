package io.lampyris.usrbio.client;

import io.lampyris.usrbio.RegistrationKey;
import io.lampyris.usrbio.RegistrationKey.Kind;
import io.lampyris.usrbio.RegistrationKey.Priority;
import io.lampyris.usrbio.RingLayout;

/**
 * What a ring is for. The fields are those of {@code hf3fs_iorcreate4}.
 *
 * @param entries how many I/Os may be prepared and not taken, from 1
 * @param forRead a ring reads, or it writes
 * @param ioDepth how entries are batched: exactly so many at a time, 0 as they come, negative at
 *     most so many
 * @param priority which rings are served first
 * @param timeoutMs how long a batch of a negative depth may wait to become full
 * @param flags {@link RegistrationKey#ALLOW_READ_UNCOMMITTED}, {@link
 *     RegistrationKey#FORBID_READ_HOLES}
 */
public record RingOptions(
    int entries, boolean forRead, int ioDepth, Priority priority, int timeoutMs, long flags) {
  public RingOptions {
    if (entries < 1 || entries > RingLayout.ENTRIES_MAX || ioDepth > entries || timeoutMs < 0) {
      throw new IllegalArgumentException(
          "impossible ring; observed=entries %d, ioDepth %d, timeoutMs %d, limit=1 to %d entries,"
                  .formatted(entries, ioDepth, timeoutMs, RingLayout.ENTRIES_MAX)
              + " ioDepth <= entries, timeoutMs >= 0; remedy: other numbers");
    }
  }

  /** Reads, served as they come. */
  public static RingOptions reading(int entries) {
    return new RingOptions(entries, true, 0, Priority.NORMAL, 0, 0);
  }

  /** Writes, served as they come. */
  public static RingOptions writing(int entries) {
    return new RingOptions(entries, false, 0, Priority.NORMAL, 0, 0);
  }

  public RingOptions withIoDepth(int wanted) {
    return new RingOptions(entries, forRead, wanted, priority, timeoutMs, flags);
  }

  public RingOptions withPriority(Priority wanted) {
    return new RingOptions(entries, forRead, ioDepth, wanted, timeoutMs, flags);
  }

  public RingOptions withTimeoutMs(int wanted) {
    return new RingOptions(entries, forRead, ioDepth, priority, wanted, flags);
  }

  public RingOptions withFlags(long wanted) {
    return new RingOptions(entries, forRead, ioDepth, priority, timeoutMs, wanted);
  }

  Kind kind() {
    return forRead ? Kind.READ_RING : Kind.WRITE_RING;
  }
}
