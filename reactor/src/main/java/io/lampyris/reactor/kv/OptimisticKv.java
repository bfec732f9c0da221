package io.lampyris.reactor.kv;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.NavigableMap;
import org.jspecify.annotations.Nullable;

/**
 * What both engines share: versions, and the check of reads against later commits (I1).
 *
 * <p>A commit is remembered only while an older transaction is open, so that the usual case, one
 * transaction at a time, checks and remembers nothing. For the same reason engines take a snapshot
 * for an open transaction only when somebody else is about to commit.
 */
public abstract class OptimisticKv implements Kv {
  /** What one commit wrote. */
  private record Commit(long version, List<KeyRange> written) {}

  private final List<OptimisticTransaction> open = new ArrayList<>();
  private final Deque<Commit> recent = new ArrayDeque<>();
  private long version;
  private boolean closed;

  @Override
  public final Transaction begin() {
    assert !closed : "a closed store has no transactions";
    OptimisticTransaction transaction = new OptimisticTransaction(this, version);
    open.add(transaction);
    return transaction;
  }

  /** A stored value as of a snapshot, or of now when it is null; the caller's array. */
  protected abstract byte @Nullable [] read(@Nullable Object snapshot, byte[] key);

  /** Stored entries of a range as of a snapshot, or of now when it is null. */
  protected abstract Cursor cursor(
      @Nullable Object snapshot, byte[] begin, byte[] end, boolean reverse);

  /** Keeps the state of now readable. */
  protected abstract Object snapshot();

  protected abstract void releaseSnapshot(Object snapshot);

  /** Applies cleared ranges first, then the points (a null value clears). */
  protected abstract void apply(
      List<KeyRange> cleared, NavigableMap<byte[], byte @Nullable []> points);

  protected abstract void closeEngine();

  long commit(OptimisticTransaction transaction) {
    if (!transaction.hasWrites()) {
      return transaction.readVersion();
    }
    if (conflicts(transaction)) {
      return Transaction.CONFLICT;
    }
    for (OptimisticTransaction other : open) {
      if (other != transaction) {
        other.keepView();
      }
    }
    apply(transaction.clearedRanges(), transaction.points());
    version++;
    if (open.size() > 1) {
      recent.add(new Commit(version, transaction.writtenRanges()));
    }
    return version;
  }

  void ended(OptimisticTransaction transaction) {
    open.remove(transaction);
    long oldest = Long.MAX_VALUE;
    for (OptimisticTransaction other : open) {
      oldest = Math.min(oldest, other.readVersion());
    }
    for (Commit first = recent.peek(); first != null; first = recent.peek()) {
      if (first.version > oldest) {
        return;
      }
      recent.remove();
    }
  }

  private boolean conflicts(OptimisticTransaction transaction) {
    for (Commit commit : recent) {
      if (commit.version > transaction.readVersion() && transaction.hasRead(commit.written)) {
        return true;
      }
    }
    return false;
  }

  @Override
  public final void close() {
    if (!closed) {
      assert open.isEmpty() : "transactions end before their store: " + open.size();
      closed = true;
      closeEngine();
    }
  }

  /** Entries in the order of the cursor; starts at the first. */
  protected interface Cursor extends AutoCloseable {
    boolean isValid();

    byte[] key();

    byte[] value();

    void advance();

    @Override
    void close();
  }
}
