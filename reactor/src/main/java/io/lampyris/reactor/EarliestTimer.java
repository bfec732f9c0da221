package io.lampyris.reactor;

/** One timer for many deadlines: it is set to the earliest that is wanted. Owner: reactor. */
public final class EarliestTimer {
  private final ReactorContext context;
  private final TimerTask due;
  private final TimerTask timer = this::onTimer;
  private long id;
  private long atNs = Long.MAX_VALUE;

  /**
   * Sets nothing yet.
   *
   * @param due runs when the deadline is over; it wants the next one, if there is one
   */
  public EarliestTimer(ReactorContext context, TimerTask due) {
    this.context = context;
    this.due = due;
  }

  /** At this time at the latest. */
  public void want(long deadlineNs) {
    if (deadlineNs < atNs) {
      cancel();
      atNs = deadlineNs;
      id = context.timers().schedule(deadlineNs, timer);
    }
  }

  /** Not any more. */
  public void cancel() {
    if (atNs != Long.MAX_VALUE) {
      context.timers().cancel(id);
      atNs = Long.MAX_VALUE;
    }
  }

  private void onTimer(long nowNs) {
    atNs = Long.MAX_VALUE;
    due.onTimer(nowNs);
  }
}
