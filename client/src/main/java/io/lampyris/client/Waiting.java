package io.lampyris.client;

import java.util.concurrent.CountDownLatch;

/** Waits that an interrupt does not end but is kept for. */
final class Waiting {
  private Waiting() {}

  static void uninterruptibly(CountDownLatch latch) {
    boolean interrupted = false;
    while (true) {
      try {
        latch.await();
        break;
      } catch (InterruptedException e) {
        interrupted = true;
      }
    }
    if (interrupted) {
      Thread.currentThread().interrupt();
    }
  }
}
