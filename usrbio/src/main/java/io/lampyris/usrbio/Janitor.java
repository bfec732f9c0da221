package io.lampyris.usrbio;

import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/**
 * Unmaps what nobody uses any more: taking gigabytes out of the page tables is not a reactor's
 * work. Looks now and then for processes that died without a sign. Any thread.
 */
final class Janitor {
  private static final long ROUND_NS = TimeUnit.SECONDS.toNanos(5);

  private final ConcurrentLinkedQueue<Registration> quiet = new ConcurrentLinkedQueue<>();
  private final Runnable onUnmapped;
  private final Runnable round;
  private final Thread thread;
  private volatile boolean rounds;
  private volatile boolean stopping;

  /**
   * @param onUnmapped runs after each unmapping
   * @param round runs every few seconds while {@link #walk} says so
   */
  Janitor(Runnable onUnmapped, Runnable round) {
    this.onUnmapped = onUnmapped;
    this.round = round;
    thread = Thread.ofPlatform().daemon().name("usrbio-janitor").unstarted(this::run);
    thread.start();
  }

  /** Hands over a registration without users. */
  void take(Registration registration) {
    quiet.add(registration);
    LockSupport.unpark(thread);
  }

  /** Whether there is anything that rounds may find. */
  void walk(boolean on) {
    if (rounds != on) {
      rounds = on;
      LockSupport.unpark(thread);
    }
  }

  private void run() {
    long lastRoundNs = System.nanoTime();
    while (!stopping || !quiet.isEmpty()) {
      Registration registration = quiet.poll();
      if (registration != null) {
        registration.file.close();
        onUnmapped.run();
      } else if (rounds && System.nanoTime() - lastRoundNs >= ROUND_NS) {
        lastRoundNs = System.nanoTime();
        round.run();
      } else if (rounds) {
        LockSupport.parkNanos(this, ROUND_NS);
      } else {
        LockSupport.park(this);
      }
    }
  }

  /** Unmaps what it was given and ends. */
  void close() {
    stopping = true;
    LockSupport.unpark(thread);
    Threads.join(thread);
  }
}
