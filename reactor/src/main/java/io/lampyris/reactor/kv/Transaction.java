package io.lampyris.reactor.kv;

import org.jspecify.annotations.Nullable;

/** Reads of one version and writes that take effect together. Owner: the store's thread. */
public interface Transaction extends AutoCloseable {
  /** What {@link #commit} returns when another commit changed what this one read (I1). */
  long CONFLICT = -1;

  /** Takes the entries of a range in order. */
  interface Visitor {
    /**
     * One entry.
     *
     * @return whether to go on
     */
    boolean onEntry(byte[] key, byte[] value);
  }

  /** The value of a key; null when there is none. The key becomes part of what was read. */
  byte @Nullable [] get(byte[] key);

  /** Like {@link #get}, without becoming part of what was read. */
  byte @Nullable [] snapshotGet(byte[] key);

  /**
   * Visits the entries {@code begin <= key < end}; what was visited, and the gaps between, become
   * part of what was read. The visitor may not use the transaction.
   *
   * @param limit at most so many entries
   * @param reverse from the end towards the beginning
   */
  void range(byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor);

  /** Like {@link #range}, without becoming part of what was read. */
  void snapshotRange(byte[] begin, byte[] end, int limit, boolean reverse, Visitor visitor);

  void put(byte[] key, byte[] value);

  void clear(byte[] key);

  /** Clears {@code begin <= key < end}. */
  void clearRange(byte[] begin, byte[] end);

  /** Makes a key part of what was read. */
  void addReadConflict(byte[] key);

  /** Makes {@code begin <= key < end} part of what was read. */
  void addReadConflictRange(byte[] begin, byte[] end);

  /**
   * Applies the writes; they are visible at once and durable after the next {@link Kv#sync}.
   *
   * @return the version of this commit ({@code >= 0}, rising), or {@link #CONFLICT}
   * @throws KvException when the engine failed
   */
  long commit();

  /** Ends the transaction; without a commit nothing happened. */
  @Override
  void close();
}
