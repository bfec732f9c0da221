package io.lampyris.chunkengine.options;

import java.util.concurrent.TimeUnit;

/**
 * How a target looks for bytes that went bad.
 *
 * @param verify what a read verifies
 * @param scrubPeriodNs within this the scrubber reads everything once; 0: it never runs
 * @param scrubBytesPerSecond it reads no faster than this, even when the period is over
 */
public record IntegrityOptions(Verify verify, long scrubPeriodNs, long scrubBytesPerSecond) {
  /** What a read verifies before it answers. */
  public enum Verify {
    /** Every unit that it covers whole. What it takes of others may have gone bad. */
    NORMAL,
    /** All that it answers. A part of a unit whose blocks are not known widens it to the unit. */
    STRICT
  }

  private static final IntegrityOptions DEFAULTS =
      new IntegrityOptions(Verify.STRICT, TimeUnit.DAYS.toNanos(7), 64 << 20);

  public IntegrityOptions {
    assert scrubPeriodNs >= 0 && scrubBytesPerSecond > 0 : "a period and a rate";
  }

  /** What a target of a cluster runs with. */
  public static IntegrityOptions defaults() {
    return DEFAULTS;
  }

  public IntegrityOptions withVerify(Verify wanted) {
    return new IntegrityOptions(wanted, scrubPeriodNs, scrubBytesPerSecond);
  }

  public IntegrityOptions withScrub(long periodNs, long bytesPerSecond) {
    return new IntegrityOptions(verify, periodNs, bytesPerSecond);
  }
}
