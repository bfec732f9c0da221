package io.lampyris.usrbio;

import java.util.ArrayList;
import java.util.List;

/**
 * How many I/Os took how long, in four buckets for each power of two of nanoseconds: a time is
 * known to a fifth of itself. Fixed size; counting allocates nothing. One thread at a time.
 *
 * <pre>
 *   bucket   0 1 2 3 | 4 5 6 7 | 8      9       10      11      | 12 …
 *   ns       0 1 2 3 | 4 5 6 7 | 8, 9   10, 11  12, 13  14, 15  | 16 to 19 …
 * </pre>
 */
public final class LatencyCounts {
  private static final int PER_OCTAVE = 4;

  /** To 2^37 ns, which is more than two minutes; what takes longer is in the last one. */
  private static final int BUCKETS = 36 * PER_OCTAVE;

  private final long[] counts = new long[BUCKETS];

  void add(long ns) {
    counts[bucketOf(Math.max(0, ns))]++;
  }

  private static int bucketOf(long ns) {
    if (ns < PER_OCTAVE) {
      return (int) ns;
    }
    int exponent = Long.SIZE - 1 - Long.numberOfLeadingZeros(ns);
    int quarter = (int) (ns >>> (exponent - 2)) & (PER_OCTAVE - 1);
    return Math.min((exponent - 1) * PER_OCTAVE + quarter, BUCKETS - 1);
  }

  /** The first nanosecond of a bucket. */
  private static long startOf(int bucket) {
    if (bucket < PER_OCTAVE) {
      return bucket;
    }
    int exponent = bucket / PER_OCTAVE + 1;
    return (long) (PER_OCTAVE + bucket % PER_OCTAVE) << (exponent - 2);
  }

  void copyFrom(LatencyCounts other) {
    System.arraycopy(other.counts, 0, counts, 0, BUCKETS);
  }

  /** What came since an earlier copy of the same counts. */
  public LatencyCounts since(LatencyCounts earlier) {
    LatencyCounts grown = new LatencyCounts();
    for (int i = 0; i < BUCKETS; i++) {
      grown.counts[i] = counts[i] - earlier.counts[i];
    }
    return grown;
  }

  /** Of I/Os. */
  long total() {
    long total = 0;
    for (long count : counts) {
      total += count;
    }
    return total;
  }

  /**
   * How long no more than a share of the I/Os took: the middle of a bucket, in ns; 0 without I/Os.
   */
  public long percentileNs(double share) {
    long total = total();
    long rank = Math.max(1, (long) Math.ceil(share * total));
    for (int i = 0; i < BUCKETS && total > 0; i++) {
      rank -= counts[i];
      if (rank <= 0) {
        return (startOf(i) + startOf(i + 1) - 1) / 2;
      }
    }
    return 0;
  }

  /** The first bucket that has any, and the counts from there to the last one that has. */
  public List<Long> toList() {
    List<Long> list = new ArrayList<>();
    int first = 0;
    while (first < BUCKETS && counts[first] == 0) {
      first++;
    }
    int end = BUCKETS;
    while (end > first && counts[end - 1] == 0) {
      end--;
    }
    if (first < end) {
      list.add((long) first);
    }
    for (int i = first; i < end; i++) {
      list.add(counts[i]);
    }
    return list;
  }

  /**
   * The other way round.
   *
   * @throws IllegalArgumentException when it is not such a list
   */
  public static LatencyCounts of(List<?> list) {
    LatencyCounts counts = new LatencyCounts();
    long first = list.isEmpty() ? 0 : number(list.getFirst());
    if (first < 0 || first > BUCKETS || list.size() - 1 > BUCKETS - first) {
      throw new IllegalArgumentException(
          "buckets; observed=%d from %d on, limit=%d".formatted(list.size() - 1, first, BUCKETS));
    }
    for (int i = 1; i < list.size(); i++) {
      counts.counts[(int) first + i - 1] = number(list.get(i));
    }
    return counts;
  }

  private static long number(Object value) {
    if (value instanceof Long number) {
      return number;
    }
    throw new IllegalArgumentException("no count; observed=" + value);
  }
}
