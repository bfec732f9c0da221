package io.lampyris.cli.cluster;

import java.util.concurrent.TimeUnit;

/** Something that is said in a log at once, then at most once a minute. Owner: one thread. */
final class SaidNow {
  private static final long SAY_EVERY_NS = TimeUnit.MINUTES.toNanos(1);

  private long count;
  private long saidNs;

  /** It has happened again; whether that is said now. */
  boolean next(long nowNs) {
    count++;
    boolean due = count == 1 || nowNs - saidNs >= SAY_EVERY_NS;
    saidNs = due ? nowNs : saidNs;
    return due;
  }

  /** How often it has happened. */
  long count() {
    return count;
  }
}
