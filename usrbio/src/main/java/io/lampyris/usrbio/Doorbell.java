package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.Semaphores;
import io.lampyris.bindings.ShrinkableSemaphore;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.ReactorContext;
import java.lang.foreign.Arena;
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
 *
 * <p>Every user may write the semaphore's file, and so can shrink it: then it is made whole again.
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

  /** How often to see whether the memory is still there. */
  private static final long CHECK_NS = 1_000_000_000;

  private final String name;
  private final MemorySegment semaphore;
  private final ShrinkableSemaphore.Waiter waiter;
  private final int fd;
  private final ReactorContext context;
  private final Thread thread;
  private volatile Phase phase = Phase.QUIET;
  private volatile boolean stopping;
  private boolean wasShrunk;

  /** Makes the semaphore; {@code name} is without the slash. */
  Doorbell(String name, String threadName, ReactorContext context) {
    this.name = name;
    this.context = context;
    semaphore = Semaphores.createNamed(name, 0666, 0);
    waiter = new ShrinkableSemaphore.Waiter(semaphore);
    try {
      fd = SemaphoreNames.openHeld(path(), Fcntl.O_RDWR);
    } catch (NativeException e) {
      waiter.close();
      removeSemaphore();
      throw e;
    }
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
    int result = waiter.await(System.nanoTime() + CHECK_NS);
    if (result == -Errno.ETIMEDOUT) {
      return false;
    }
    if (result == -Errno.EFAULT) {
      result = restore();
    }
    if (result < 0 && !stopping) {
      LOG.error("submit semaphore is lost; observed={}; rings are polled by timer", -result);
      stopping = true;
    }
    return !stopping;
  }

  /** Gives the file its memory back, and what sem_init leaves there; 0 or -errno. */
  private int restore() {
    if (!wasShrunk) {
      wasShrunk = true;
      LOG.warn(
          "a program shrank the submit semaphore; observed={}; it is restored, each time", path());
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment fresh = arena.allocate(ShrinkableSemaphore.SIZE_BYTES, 8);
      ShrinkableSemaphore.init(fresh);
      return (int) Math.min(0, Libc.pwrite(fd, fresh, fresh.byteSize(), 0));
    }
  }

  /** Ends the thread and removes the semaphore. Any thread, once. */
  void close() {
    stopping = true;
    waiter.stop();
    LockSupport.unpark(thread);
    Threads.join(thread);
    waiter.close();
    Libc.close(fd);
    removeSemaphore();
  }

  private void removeSemaphore() {
    Semaphores.closeNamed(semaphore);
    Semaphores.unlinkNamed(name);
  }
}
