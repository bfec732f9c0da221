package io.lampyris.chunkengine.host;

/**
 * Runs what a running target has to do and would block for: one job at a time, in the order of
 * submission. The real one is a thread; the simulated one runs jobs when its script says so.
 */
public interface Keeper extends AutoCloseable {
  /** Makes the keeper of one target. */
  @FunctionalInterface
  interface Factory {
    Keeper create(String name);
  }

  /** Takes a job; never blocks. Any thread. */
  void submit(Runnable job);

  /** Runs what was submitted, then takes nothing more; blocks. */
  @Override
  void close();

  /** A thread of this name. */
  static Keeper thread(String name) {
    return new KeeperThread(name);
  }

  /** Runs each job at once, in the submitter's thread: for where blocking is allowed. */
  static Keeper inline() {
    return InlineKeeper.INSTANCE;
  }
}
