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
  private final DeadlineTimerWheel.TimerHandler expire = this::expire;
  private final DeadlineTimerWheel.TimerConsumer earlier = this::earlier;

  /** No timer is due before it; may be too early, when the earliest timer was cancelled. */
  private long earliestNs = Long.MAX_VALUE;

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
    earliestNs = Math.min(earliestNs, deadlineNs);
    return id;
  }

  /** Takes a timer back; false when it has run already. */
  public boolean cancel(long id) {
    tasks.remove(id);
    return wheel.cancelTimer(id);
  }

  /** Runs what is due, at most a bounded number; returns how many ran. */
  public int poll(long nowNs) {
    if (nowNs < earliestNs) {
      return 0;
    }
    int ran = 0;
    // A poll of the wheel looks at one tick; after a long block there are many to catch up with.
    while (ran < EXPIRED_MAX && wheel.timerCount() > 0 && wheel.currentTickTime() <= nowNs) {
      ran += wheel.poll(nowNs, expire, EXPIRED_MAX - ran);
    }
    ran += wheel.poll(nowNs, expire, EXPIRED_MAX);
    findEarliest(nowNs);
    return ran;
  }

  private boolean expire(TimeUnit unit, long nowNs, long id) {
    TimerTask task = tasks.remove(id);
    if (task != null) {
      task.onTimer(nowNs);
    }
    return true;
  }

  private void findEarliest(long nowNs) {
    earliestNs = Long.MAX_VALUE;
    if (wheel.timerCount() == 0) {
      if (wheel.currentTickTime() < nowNs) {
        wheel.currentTickTime(nowNs);
      }
      return;
    }
    wheel.forEach(earlier);
  }

  private void earlier(long deadlineNs, long id) {
    earliestNs = Math.min(earliestNs, deadlineNs);
  }

  /** {@link #poll} need not be called before; {@link Long#MAX_VALUE} without timers. */
  public long nextDeadlineNs() {
    return earliestNs;
  }
}
