package io.lampyris.chunkengine.store;

/**
 * Keeps work in the background below a rate: after so many bytes nothing more until they would have
 * been due. It never makes up for time in which it did nothing. Owner: reactor.
 */
final class Pacer {
  /** Timers tick in about 1 ms: what is due within one goes now. */
  private static final long TICK_NS = 1_000_000;

  private static final long SECOND_NS = 1_000_000_000L;

  private long dueNs = Long.MIN_VALUE;

  boolean mayGo(long nowNs) {
    return dueNs <= nowNs + TICK_NS;
  }

  /** Some bytes go now, at a rate of more than 0. */
  void took(long nowNs, long bytes, long bytesPerSecond) {
    assert bytes >= 0 && bytes <= Long.MAX_VALUE / SECOND_NS : "at most some GiB at a time";
    assert bytesPerSecond > 0 : "a rate";
    dueNs = Math.max(dueNs, nowNs) + bytes * SECOND_NS / bytesPerSecond;
  }

  /** Nothing before this time. */
  void pause(long untilNs) {
    dueNs = Math.max(dueNs, untilNs);
  }

  long dueNs() {
    return dueNs;
  }
}
