package io.lampyris.reactor;

/** Work on a core, done in small steps by one reactor. Owner: reactor. */
public interface Agent {
  /** What logs and counters call it. */
  String roleName();

  /** Runs once on the reactor's thread before the first step. */
  default void onStart() {}

  /**
   * One step: never blocks, does a bounded amount of work.
   *
   * @param nowNs monotonic time of this cycle
   * @return how much was done; 0 lets the reactor idle
   */
  int doWork(long nowNs);

  /**
   * The reactor would like to block. An agent that polls memory which cannot wake the reactor arms
   * its wake-up here, looks once more, and refuses if it found work.
   *
   * @return whether the reactor may block now
   */
  default boolean mayBlock(long nowNs) {
    return true;
  }

  /** Runs once on the reactor's thread after the last step. */
  default void onClose() {}
}
