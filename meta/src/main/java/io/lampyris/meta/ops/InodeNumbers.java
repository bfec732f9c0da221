package io.lampyris.meta.ops;

import io.lampyris.meta.schema.CorruptValueException;
import io.lampyris.meta.schema.Keys;
import io.lampyris.meta.schema.Values;
import io.lampyris.protocol.Inodes;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;

/** Gives out inode numbers from blocks (schema I1). Owner: the service's reactor. */
public final class InodeNumbers {
  static final int BLOCK = 4096;

  private final Kv kv;
  private long next;
  private long end;

  public InodeNumbers(Kv kv) {
    this.kv = kv;
  }

  /**
   * Takes a new block when none is left. The block is committed before any use of it, and commits
   * survive in order, so a number that survives is one that will not come again.
   */
  public void refill() {
    while (next == end) {
      try (Transaction transaction = kv.begin()) {
        byte[] value = transaction.get(Keys.inodeNext());
        if (value == null) {
          throw new CorruptValueException("the store has no counter of inode numbers");
        }
        long begin = Values.counterOf(value);
        if (begin < Inodes.FIRST || begin + BLOCK > Inodes.LAST) {
          throw new CorruptValueException("inode numbers are used up; observed=" + begin);
        }
        transaction.put(Keys.inodeNext(), Values.counter(begin + BLOCK));
        if (transaction.commit() != Transaction.CONFLICT) {
          next = begin;
          end = begin + BLOCK;
        }
      }
    }
  }

  long take() {
    assert next < end : "refilled before every operation";
    return next++;
  }
}
