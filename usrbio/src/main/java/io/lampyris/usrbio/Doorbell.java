package io.lampyris.usrbio;

import io.lampyris.bindings.Semaphores;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.LockSupport;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A submit semaphore, and the thread that waits for it on behalf of a reactor which is about to
 * sleep. While the reactor polls nobody waits, so that a program's post stays one atomic addition.
 *
 * <p>A post is a count, so one that comes before the thread waits is not lost. What was posted
 * while nobody waited is taken all at once and wakes the reactor once.
 */
final class Doorbell implements InboxTask {
  private static final Logger LOG = LoggerFactory.getLogger(Doorbell.class);

  /** The phases; each edge has one thread that takes it. */
  private enum Phase {
    /** Nobody waits. Reactor: to ARMED. */
    QUIET,
    /** The thread waits for a post. Thread: to RINGING. */
    ARMED,
    /** The reactor has a task in its inbox. Reactor: to QUIET. */
    RINGING
  }

  /** Bounds how long a program that never stops posting can keep the thread. */
  private static final int DRAIN_MAX = 1 << 20;

  private final String name;
  private final MemorySegment semaphore;
  private final ReactorContext context;
  private final Thread thread;
  private volatile Phase phase = Phase.QUIET;
  private volatile boolean stopping;

  /** Makes the semaphore; {@code name} is without the slash. */
  Doorbell(String name, String threadName, ReactorContext context) {
    this.name = name;
    this.context = context;
    semaphore = Semaphores.createNamed(name, 0666, 0);
    thread = Thread.ofPlatform().daemon().name(threadName).unstarted(this::run);
    thread.start();
  }

  /** Where programs find it. Any thread. */
  String path() {
    return SharedFile.DIRECTORY + "sem." + name;
  }

  /** From now on a post wakes the reactor, once. Owner: reactor. */
  void arm() {
    if (phase == Phase.QUIET) {
      phase = Phase.ARMED;
      LockSupport.unpark(thread);
    }
  }

  @Override
  public void onReactor(long nowNs) {
    phase = Phase.QUIET;
  }

  private void run() {
    while (!stopping) {
      if (phase != Phase.ARMED) {
        LockSupport.park(this);
      } else if (waitForPost()) {
        phase = Phase.RINGING;
        context.offer(this);
      }
    }
  }

  private boolean waitForPost() {
    if (drain() == 0) {
      int result = Semaphores.wait(semaphore);
      if (result < 0 && !stopping) {
        LOG.error("submit semaphore is lost; observed={}; rings are polled by timer", -result);
        stopping = true;
      }
      drain();
    }
    return !stopping;
  }

  private int drain() {
    int count = 0;
    while (count < DRAIN_MAX && Semaphores.tryWait(semaphore) == 0) {
      count++;
    }
    return count;
  }

  /** Ends the thread and removes the semaphore. Any thread, once. */
  void close() {
    stopping = true;
    Semaphores.post(semaphore);
    LockSupport.unpark(thread);
    Threads.join(thread);
    Semaphores.closeNamed(semaphore);
    Semaphores.unlinkNamed(name);
  }
}
