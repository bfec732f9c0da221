package io.lampyris.reactor.kv;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.NavigableMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * Buffers writes over the engine's state and remembers what was read. Owner: the store's thread.
 */
final class OptimisticTransaction implements Transaction {
  private final OptimisticKv kv;
  private final long readVersion;

  /** What was written by key; a null value clears. Newer than {@link #cleared} (I2). */
  private final NavigableMap<byte[], byte @Nullable []> points =
      new TreeMap<>(Arrays::compareUnsigned);

  private final List<KeyRange> cleared = new ArrayList<>();
  private final List<KeyRange> readRanges = new ArrayList<>();
  private @Nullable Object snapshot;
  private boolean ended;

  OptimisticTransaction(OptimisticKv kv, long readVersion) {
    this.kv = kv;
    this.readVersion = readVersion;
  }

  @Override
  public byte @Nullable [] get(byte[] key) {
    addReadConflict(key);
    return snapshotGet(key);
  }

  @Override
  public byte @Nullable [] snapshotGet(byte[] key) {
    assert !ended;
    if (points.containsKey(key)) {
      byte[] value = points.get(key);
      return value == null ? null : value.clone();
    }
    return isCleared(key) ? null : kv.read(snapshot, key);
  }

  @Override
  public void range(byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor) {
    byte[] last = visit(begin, end, limit, reverse, visitor);
    byte[] from = reverse && last != null ? last : begin;
    byte[] to = !reverse && last != null ? KeyRange.successor(last) : end;
    addReadConflictRange(from, to);
  }

  @Override
  public void snapshotRange(byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor) {
    visit(begin, end, limit, reverse, visitor);
  }

  /**
   * Merges the engine's entries with the buffered ones.
   *
   * @return the key that the visit ended at; null when it saw the whole range
   */
  private byte @Nullable [] visit(
      byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor) {
    assert !ended;
    if (Arrays.compareUnsigned(begin, end) >= 0 || limit <= 0) {
      return limit <= 0 ? begin : null;
    }
    NavigableMap<byte[], byte @Nullable []> own = points.subMap(begin, true, end, false);
    Iterator<Map.Entry<byte[], byte @Nullable []>> ownEntries =
        (reverse ? own.descendingMap() : own).entrySet().iterator();
    Map.Entry<byte[], byte @Nullable []> mine = next(ownEntries);
    int left = limit;
    try (OptimisticKv.Cursor stored = kv.cursor(snapshot, begin, end, reverse)) {
      while (stored.isValid() || mine != null) {
        int order = mine == null ? 1 : stored.isValid() ? compare(mine, stored, reverse) : -1;
        byte[] key;
        byte[] value;
        if (order > 0) {
          key = stored.key();
          value = isCleared(key) ? null : stored.value();
        } else {
          assert mine != null;
          key = mine.getKey().clone();
          byte[] written = mine.getValue();
          value = written == null ? null : written.clone();
          mine = next(ownEntries);
        }
        if (order >= 0) {
          stored.advance();
        }
        if (value != null && (!visitor.onEntry(key, value) || --left == 0)) {
          return key;
        }
      }
    }
    return null;
  }

  private static int compare(
      Map.Entry<byte[], byte @Nullable []> mine, OptimisticKv.Cursor stored, boolean reverse) {
    int order = Arrays.compareUnsigned(mine.getKey(), stored.key());
    return reverse ? -order : order;
  }

  private static Map.@Nullable Entry<byte[], byte @Nullable []> next(
      Iterator<Map.Entry<byte[], byte @Nullable []>> entries) {
    return entries.hasNext() ? entries.next() : null;
  }

  private boolean isCleared(byte[] key) {
    for (KeyRange range : cleared) {
      if (range.contains(key)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public void put(byte[] key, byte[] value) {
    assert !ended;
    points.put(key.clone(), value.clone());
  }

  @Override
  public void clear(byte[] key) {
    assert !ended;
    points.put(key.clone(), null);
  }

  @Override
  public void clearRange(byte[] begin, byte[] end) {
    assert !ended;
    if (Arrays.compareUnsigned(begin, end) < 0) {
      points.subMap(begin, true, end, false).clear();
      cleared.add(new KeyRange(begin.clone(), end.clone()));
    }
  }

  @Override
  public void addReadConflict(byte[] key) {
    readRanges.add(KeyRange.of(key));
  }

  @Override
  public void addReadConflictRange(byte[] begin, byte[] end) {
    if (Arrays.compareUnsigned(begin, end) < 0) {
      readRanges.add(new KeyRange(begin.clone(), end.clone()));
    }
  }

  @Override
  public long commit() {
    assert !ended : "a transaction commits once";
    try {
      return kv.commit(this);
    } finally {
      close();
    }
  }

  @Override
  public void close() {
    if (!ended) {
      ended = true;
      kv.ended(this);
      if (snapshot != null) {
        kv.releaseSnapshot(snapshot);
        snapshot = null;
      }
    }
  }

  long readVersion() {
    return readVersion;
  }

  boolean hasWrites() {
    return !points.isEmpty() || !cleared.isEmpty();
  }

  NavigableMap<byte[], byte @Nullable []> points() {
    return points;
  }

  List<KeyRange> clearedRanges() {
    return cleared;
  }

  List<KeyRange> writtenRanges() {
    List<KeyRange> written = new ArrayList<>(cleared);
    for (byte[] key : points.keySet()) {
      written.add(KeyRange.of(key));
    }
    return written;
  }

  boolean hasRead(List<KeyRange> written) {
    for (KeyRange read : readRanges) {
      for (KeyRange write : written) {
        if (read.overlaps(write)) {
          return true;
        }
      }
    }
    return false;
  }

  /** Another transaction is about to commit: what this one reads stays as it is (I2). */
  void keepView() {
    if (snapshot == null) {
      snapshot = kv.snapshot();
    }
  }
}
