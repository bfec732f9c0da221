package io.lampyris.usrbio;

import java.util.random.RandomGenerator;
import org.jspecify.annotations.Nullable;

/**
 * Iovs by id, found without allocating. Programs choose ids, so the hash has a secret: nobody can
 * aim for one bucket. Owner: reactor.
 */
final class IovTable {
  private static final int BUCKETS_MIN = 64;

  private final long secretHigh;
  private final long secretLow;
  private @Nullable Iov[] buckets = new Iov[BUCKETS_MIN];
  private int count;

  IovTable(RandomGenerator random) {
    secretHigh = random.nextLong();
    secretLow = random.nextLong();
  }

  @Nullable Iov find(long high, long low) {
    Iov iov = buckets[bucket(high, low)];
    while (iov != null && !iov.hasId(high, low)) {
      iov = iov.nextInBucket;
    }
    return iov;
  }

  void add(Iov iov) {
    assert find(iov.key.id().high(), iov.key.id().low()) == null : "ids are unique";
    if (count == buckets.length) {
      grow();
    }
    link(iov);
    count++;
  }

  void remove(Iov iov) {
    int bucket = bucketOf(iov);
    Iov before = buckets[bucket];
    if (before == iov) {
      buckets[bucket] = iov.nextInBucket;
      count--;
    }
    while (before != null && before != iov) {
      if (before.nextInBucket == iov) {
        before.nextInBucket = iov.nextInBucket;
        count--;
      }
      before = before.nextInBucket;
    }
    iov.nextInBucket = null;
  }

  int count() {
    return count;
  }

  private void grow() {
    @Nullable Iov[] old = buckets;
    buckets = new Iov[old.length * 2];
    for (Iov head : old) {
      for (Iov iov = head; iov != null; ) {
        Iov next = iov.nextInBucket;
        link(iov);
        iov = next;
      }
    }
  }

  private void link(Iov iov) {
    int bucket = bucketOf(iov);
    iov.nextInBucket = buckets[bucket];
    buckets[bucket] = iov;
  }

  private int bucketOf(Iov iov) {
    return bucket(iov.key.id().high(), iov.key.id().low());
  }

  private int bucket(long high, long low) {
    return (int) mix(mix(high ^ secretHigh) + (low ^ secretLow)) & buckets.length - 1;
  }

  /** The finalizer of splitmix64. */
  private static long mix(long z) {
    long a = (z ^ z >>> 30) * 0xbf58476d1ce4e5b9L;
    long b = (a ^ a >>> 27) * 0x94d049bb133111ebL;
    return b ^ b >>> 31;
  }
}
