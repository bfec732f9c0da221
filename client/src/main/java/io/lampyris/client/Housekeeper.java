package io.lampyris.client;

import io.lampyris.reactor.Threads;
import java.util.Collection;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One thread that sends windows which nobody flushes and tells metadata about lengths that grew. It
 * ticks while a file is open for writing, and is parked otherwise.
 */
final class Housekeeper implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(Housekeeper.class);
  private static final long IDLE_NS = TimeUnit.HOURS.toNanos(1);

  private final Collection<InodeState> states;
  private final ClientOptions options;
  private final ConcurrentLinkedQueue<Runnable> tasks = new ConcurrentLinkedQueue<>();
  private final Thread thread =
      Thread.ofPlatform().name("lampyris-housekeeper").daemon().unstarted(this::run);
  private volatile boolean running = true;
  private volatile boolean idle = true;
  private boolean complained;

  Housekeeper(Collection<InodeState> states, ClientOptions options) {
    this.states = states;
    this.options = options;
  }

  void start() {
    thread.start();
  }

  /**
   * Runs a task soon. Any thread, reactors included: never blocks.
   *
   * @return false when the thread is ending and the task was not taken
   */
  boolean execute(Runnable task) {
    if (!running) {
      return false;
    }
    tasks.add(task);
    LockSupport.unpark(thread);
    return true;
  }

  /** A file was opened for writing. Any thread. */
  void wake() {
    if (idle) {
      idle = false;
      LockSupport.unpark(thread);
    }
  }

  private void run() {
    long nextTickNs = System.nanoTime();
    while (running) {
      Runnable task = tasks.poll();
      long nowNs = System.nanoTime();
      if (task != null) {
        task.run();
      } else if (nextTickNs - nowNs <= 0) {
        idle = true;
        nextTickNs = nowNs + (tick(nowNs) ? options.tickNs() : IDLE_NS);
      } else {
        LockSupport.parkNanos(this, nextTickNs - nowNs);
        nextTickNs = idle ? nextTickNs : Math.min(nextTickNs, System.nanoTime() + options.tickNs());
      }
    }
  }

  /** Answers whether there will be something to do again. */
  private boolean tick(long nowNs) {
    boolean more = false;
    for (InodeState state : states) {
      if (!state.isOpenForWrite() && !state.isDirty()) {
        continue;
      }
      more = true;
      if (state.lock.tryLock()) {
        try {
          look(state, nowNs);
        } finally {
          state.lock.unlock();
        }
      }
    }
    if (more) {
      idle = false;
    }
    return more;
  }

  private void look(InodeState state, long nowNs) {
    if (!state.isOpen()) {
      return;
    }
    try {
      state.buffer().sendOlderThan(nowNs - options.writeBackNs());
      state.sync(false);
      complained = false;
    } catch (FileSystemException e) {
      complainSlow(state, e);
    }
  }

  private void complainSlow(InodeState state, FileSystemException e) {
    if (!complained) {
      LOG.warn("length of inode {} did not reach metadata: {}", state.number, e.getMessage());
      complained = true;
    }
  }

  /** Ends the thread after the tasks that it was given. */
  @Override
  public void close() {
    running = false;
    LockSupport.unpark(thread);
    Threads.awaitEnd(thread);
    for (@Nullable Runnable task = tasks.poll(); task != null; task = tasks.poll()) {
      task.run();
    }
  }
}
