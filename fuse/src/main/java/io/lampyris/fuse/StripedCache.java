package io.lampyris.fuse;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A bounded map whose entries expire and which an answer that has been overtaken cannot enter (I1):
 * take a {@link #stamp} before asking, and {@link #put} refuses when anything was invalidated
 * since. Whoever changes the truth calls {@link #invalidate} after the change and before telling
 * anyone.
 *
 * <p>Any thread. Locks are held for a map operation only.
 */
final class StripedCache<K, V> {
  private static final int STRIPES = 16;

  private record Expiring<V>(V value, long deadlineNs) {}

  /** Least recently used first. */
  private static final class Stripe<K, V> extends LinkedHashMap<K, Expiring<V>> {
    private static final long serialVersionUID = 1L;
    private final int entriesMax;

    Stripe(int entriesMax) {
      super(16, 0.75f, true);
      this.entriesMax = entriesMax;
    }

    @Override
    protected boolean removeEldestEntry(Map.Entry<K, Expiring<V>> eldest) {
      return size() > entriesMax;
    }
  }

  private final List<Stripe<K, V>> stripes = new ArrayList<>(STRIPES);
  private final long timeoutNs;
  private final AtomicLong changes = new AtomicLong();

  StripedCache(int entriesMax, long timeoutNs) {
    for (int i = 0; i < STRIPES; i++) {
      stripes.add(new Stripe<>(entriesMax / STRIPES));
    }
    this.timeoutNs = timeoutNs;
  }

  /** The count of changes so far. */
  long stamp() {
    return changes.get();
  }

  @Nullable V get(K key, long nowNs) {
    Stripe<K, V> stripe = stripeOf(key);
    synchronized (stripe) {
      Expiring<V> entry = stripe.get(key);
      return entry == null || nowNs - entry.deadlineNs() >= 0 ? null : entry.value();
    }
  }

  /** Keeps a value that was asked for after {@code stamp} and at {@code nowNs} at the latest. */
  void put(K key, V value, long stamp, long nowNs) {
    Stripe<K, V> stripe = stripeOf(key);
    synchronized (stripe) {
      // A change that is counted after this test finds the entry and removes it.
      if (changes.get() == stamp) {
        stripe.put(key, new Expiring<>(value, nowNs + timeoutNs));
      }
    }
  }

  void invalidate(K key) {
    changes.incrementAndGet();
    Stripe<K, V> stripe = stripeOf(key);
    synchronized (stripe) {
      stripe.remove(key);
    }
  }

  int size() {
    int size = 0;
    for (Stripe<K, V> stripe : stripes) {
      synchronized (stripe) {
        size += stripe.size();
      }
    }
    return size;
  }

  private Stripe<K, V> stripeOf(K key) {
    int hash = key.hashCode() * 0x9E3779B9;
    return stripes.get(hash >>> 28);
  }
}
