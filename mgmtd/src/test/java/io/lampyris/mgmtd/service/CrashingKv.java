package io.lampyris.mgmtd.service;

import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.kv.Transaction;
import org.jspecify.annotations.Nullable;

/** A store under which the process dies at a chosen commit, just before it or just after. */
final class CrashingKv implements Kv {
  /** The process is dead. */
  static final class Crash extends RuntimeException {
    private static final long serialVersionUID = 1;
  }

  private final MemoryKv kv = new MemoryKv();

  /** Commits that were tried. */
  int commits;

  /** At which of them to die; 0: at none. */
  int dieAt;

  boolean dieAfter;

  @Override
  public Transaction begin() {
    Transaction inner = kv.begin();
    return new Transaction() {
      @Override
      public byte @Nullable [] get(byte[] key) {
        return inner.get(key);
      }

      @Override
      public byte @Nullable [] snapshotGet(byte[] key) {
        return inner.snapshotGet(key);
      }

      @Override
      public void range(byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor) {
        inner.range(begin, end, limit, reverse, visitor);
      }

      @Override
      public void snapshotRange(
          byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor) {
        inner.snapshotRange(begin, end, limit, reverse, visitor);
      }

      @Override
      public void put(byte[] key, byte[] value) {
        inner.put(key, value);
      }

      @Override
      public void clear(byte[] key) {
        inner.clear(key);
      }

      @Override
      public void clearRange(byte[] begin, byte[] end) {
        inner.clearRange(begin, end);
      }

      @Override
      public void addReadConflict(byte[] key) {
        inner.addReadConflict(key);
      }

      @Override
      public void addReadConflictRange(byte[] begin, byte[] end) {
        inner.addReadConflictRange(begin, end);
      }

      @Override
      public long commit() {
        commits++;
        if (commits == dieAt && !dieAfter) {
          throw new Crash();
        }
        long version = inner.commit();
        if (commits == dieAt) {
          throw new Crash();
        }
        return version;
      }

      @Override
      public void close() {
        inner.close();
      }
    };
  }

  @Override
  public void sync() {
    kv.sync();
  }

  @Override
  public void close() {
    kv.close();
  }
}
