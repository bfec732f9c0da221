package io.lampyris.reactor.kv;

/** An ordered, transactional store of byte strings. Owner: one thread. */
public interface Kv extends AutoCloseable {
  /** A transaction that reads the state of now; close it, committed or not. */
  Transaction begin();

  /**
   * Makes every commit so far durable (I3).
   *
   * @throws KvException when that failed; the store must be reopened then
   */
  void sync();

  @Override
  void close();
}
