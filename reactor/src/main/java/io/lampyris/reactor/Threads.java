package io.lampyris.reactor;

/** What threads do with each other. */
public final class Threads {
  private Threads() {}

  /** Waits until a thread has ended, whoever interrupts; the interrupt is there afterwards. */
  public static void awaitEnd(Thread thread) {
    boolean interrupted = false;
    while (thread.isAlive()) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
