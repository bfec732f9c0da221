package io.lampyris.reactor;

import java.util.concurrent.TimeUnit;
import org.agrona.DeadlineTimerWheel;
import org.agrona.collections.Long2ObjectHashMap;

/** One reactor's timers over a hashed wheel; ticks of about 1 ms. Owner: reactor. */
public final class Timers {
  /** No timer is set. */
  public static final long NONE = DeadlineTimerWheel.NULL_DEADLINE;

  private static final long TICK_NS = 1 << 20;
  private static final int TICKS_PER_WHEEL = 1024;
  private static final int EXPIRED_MAX = 256;

  private final DeadlineTimerWheel wheel;
  private final Long2ObjectHashMap<TimerTask> tasks = new Long2ObjectHashMap<>();

  public Timers(long nowNs) {
    wheel = new DeadlineTimerWheel(TimeUnit.NANOSECONDS, nowNs, TICK_NS, TICKS_PER_WHEEL);
  }

  /**
   * Runs a task once, not before its deadline.
   *
   * @return what {@link #cancel} takes
   */
  public long schedule(long deadlineNs, TimerTask task) {
    long id = wheel.scheduleTimer(deadlineNs);
    tasks.put(id, task);
    return id;
  }

  /** Takes a timer back; false when it has run already. */
  public boolean cancel(long id) {
    tasks.remove(id);
    return wheel.cancelTimer(id);
  }

  /** Runs what is due, at most a bounded number; returns how many ran. */
  public int poll(long nowNs) {
    return wheel.poll(nowNs, this::expire, EXPIRED_MAX);
  }

  private boolean expire(TimeUnit unit, long nowNs, long id) {
    TimerTask task = tasks.remove(id);
    if (task != null) {
      task.onTimer(nowNs);
    }
    return true;
  }

  /**
   * No later than this does {@link #poll} have to be called; {@link Long#MAX_VALUE} without timers.
   */
  public long nextDeadlineNs() {
    if (wheel.timerCount() == 0) {
      return Long.MAX_VALUE;
    }
    return wheel.currentTickTime() + TICK_NS;
  }
}
