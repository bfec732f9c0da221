package io.lampyris.bench.cluster;

import java.util.concurrent.atomic.AtomicLong;

/** The longest that one of many threads waited for an operation since a moment. Any thread. */
final class Stall {
  private final AtomicLong[] beganNs;
  private final AtomicLong longestNs = new AtomicLong();
  private volatile long sinceNs = System.nanoTime();

  Stall(int threads) {
    beganNs = new AtomicLong[threads];
    for (int i = 0; i < threads; i++) {
      beganNs[i] = new AtomicLong(Long.MAX_VALUE);
    }
  }

  void begin(int thread) {
    beganNs[thread].set(System.nanoTime());
  }

  void end(int thread) {
    long began = beganNs[thread].getAndSet(Long.MAX_VALUE);
    long tookNs = System.nanoTime() - Math.max(began, sinceNs);
    longestNs.accumulateAndGet(tookNs, Math::max);
  }

  /** From now on; what is under way counts from now. */
  void mark() {
    sinceNs = System.nanoTime();
    longestNs.set(0);
  }

  /** What has ended and what has not, in nanoseconds. */
  long longestNs() {
    long longest = longestNs.get();
    long now = System.nanoTime();
    for (AtomicLong began : beganNs) {
      long at = began.get();
      if (at != Long.MAX_VALUE) {
        longest = Math.max(longest, now - Math.max(at, sinceNs));
      }
    }
    return longest;
  }
}
