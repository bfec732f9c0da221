package io.lampyris.usrbio;

/** Waiting that an interrupt does not cut short but that keeps it for the caller to see. */
final class Threads {
  interface Wait {
    void run() throws InterruptedException;
  }

  private Threads() {}

  static void uninterruptibly(Wait wait) {
    boolean interrupted = false;
    while (true) {
      try {
        wait.run();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }

  static void join(Thread thread) {
    uninterruptibly(thread::join);
  }
}
