package io.lampyris.reactor;

/**
 * Queues that go past the kernel: their completions cannot wake a reactor by themselves, so it
 * looks in every cycle. Owner: reactor.
 */
public interface Poller {
  /**
   * Takes what has completed, at most a bounded number.
   *
   * @param nowNs monotonic time of this cycle
   * @return how much was done; 0 lets the reactor idle
   */
  int poll(long nowNs);

  /** The cycle has decided: hands over at once what it wants sent. */
  default void submit() {}

  /**
   * The reactor would like to block. Arms what wakes it, an operation on its io_uring as a rule,
   * then looks once more.
   *
   * @return whether the reactor may block now
   */
  boolean mayBlock();

  /** Whether nothing that it began is under way; a reactor that closes waits a while for that. */
  default boolean isQuiet() {
    return true;
  }
}
