package io.lampyris.cli.quickstart;

import java.util.Arrays;

/** How long each of some operations took. One thread. */
final class Latencies {
  private long[] elapsedNs = new long[1024];
  private int count;
  private long sumNs;

  void add(long ns) {
    if (count == elapsedNs.length) {
      elapsedNs = Arrays.copyOf(elapsedNs, 2 * count);
    }
    elapsedNs[count++] = ns;
    sumNs += ns;
  }

  void addAll(Latencies other) {
    for (int i = 0; i < other.count; i++) {
      add(other.elapsedNs[i]);
    }
  }

  int count() {
    return count;
  }

  long sumNs() {
    return sumNs;
  }

  /** In microseconds; 0 when there are none. */
  double percentileUs(double share) {
    if (count == 0) {
      return 0;
    }
    long[] sorted = Arrays.copyOf(elapsedNs, count);
    Arrays.sort(sorted);
    int rank = (int) Math.ceil(share * count);
    return sorted[Math.clamp(rank - 1L, 0, count - 1)] / 1e3;
  }
}
