package io.lampyris.cli.sim;

import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;
import io.lampyris.reactor.sim.SimPower;
import org.jspecify.annotations.Nullable;

/**
 * The managers' store as one process sees it: what was committed stays whatever becomes of the
 * process, whose power may fail just before a commit or just behind it.
 */
final class ManagerStore implements Kv {
  private final Kv kv;
  private final SimPower power;

  ManagerStore(Kv kv, SimPower power) {
    this.kv = kv;
    this.power = power;
  }

  @Override
  public Transaction begin() {
    return new Watched(kv.begin());
  }

  @Override
  public void sync() {
    kv.sync();
  }

  /** It is not this process's to close. */
  @Override
  public void close() {}

  private final class Watched implements Transaction {
    private final Transaction inner;

    Watched(Transaction inner) {
      this.inner = inner;
    }

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
      power.point("before a commit");
      long version = inner.commit();
      power.point("behind a commit");
      return version;
    }

    @Override
    public void close() {
      inner.close();
    }
  }
}
