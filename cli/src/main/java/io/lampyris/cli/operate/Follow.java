package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Gives an order and follows it to its end. For one operation. */
public final class Follow {
  private static final long LOOK_EVERY_NS = TimeUnit.MILLISECONDS.toNanos(300);
  private static final long AWAY_MAX_NS = TimeUnit.SECONDS.toNanos(60);

  /** The manager needs a moment between an order and its first step. */
  private static final long PASSING_MAX_NS = TimeUnit.SECONDS.toNanos(2);

  private static final long BLOCKED_MAX_NS = TimeUnit.SECONDS.toNanos(15);

  private final ClusterLink link;
  private final Operation operation;
  private final Display display;
  private final long timeoutNs;
  private final Meter meter = new Meter();
  private final long beganNs = System.nanoTime();
  private long answeredNs = beganNs;
  private long movedNs = beganNs;
  private boolean answered;
  private Step last = Step.running(0, 0, 0);

  /**
   * @param timeoutNs when to give up; 0: never
   */
  public Follow(ClusterLink link, Operation operation, Display display, long timeoutNs) {
    this.link = link;
    this.operation = operation;
    this.display = display;
    this.timeoutNs = timeoutNs;
  }

  /** Returns when it is done (I2). */
  public void run() throws InputException, FailedException {
    Thread interrupted = Thread.ofPlatform().unstarted(this::onInterrupt);
    Runtime.getRuntime().addShutdownHook(interrupted);
    try {
      display.say(operation.begin(link));
      while (!look()) {
        LockSupport.parkNanos(LOOK_EVERY_NS);
      }
      display.done(operation.name(), last, meter, elapsedNs());
    } finally {
      display.end();
      removeHook(interrupted);
    }
  }

  private static void removeHook(Thread hook) {
    try {
      Runtime.getRuntime().removeShutdownHook(hook);
    } catch (IllegalStateException e) {
      // It runs: the process is being ended.
    }
  }

  private void onInterrupt() {
    display.end();
    display.say("lampyris: no longer followed; " + operation.goOn());
  }

  private long elapsedNs() {
    return System.nanoTime() - beganNs;
  }

  /** Whether it is done. */
  private boolean look() throws InputException, FailedException {
    long nowNs = System.nanoTime();
    try {
      ClusterView view = ClusterView.of(link);
      meter.look(view, nowNs);
      last = operation.step(link, view);
      answeredNs = nowNs;
      answered = true;
    } catch (FailedException away) {
      // Another manager takes over, or this one comes back (I3).
      if (!answered || nowNs - answeredNs > AWAY_MAX_NS) {
        throw away;
      }
      last = Step.waiting(last.finished(), last.total(), last.changing(), "no manager answers");
    }
    if (last.done()) {
      return true;
    }
    boolean mayBePassing = !last.blocked().isEmpty() && nowNs - movedNs < PASSING_MAX_NS;
    display.show(operation.name(), mayBePassing ? last.unblocked() : last, meter, elapsedNs());
    if (last.blocked().isEmpty()) {
      movedNs = nowNs;
    } else if (nowNs - movedNs > BLOCKED_MAX_NS) {
      List<String> why = last.blocked();
      throw FailedException.of(
          "%s cannot go on: %s".formatted(operation.name(), why.get(0)),
          why.get(1),
          why.get(2),
          why.get(3));
    }
    if (timeoutNs > 0 && elapsedNs() > timeoutNs) {
      throw FailedException.of(
          operation.name() + " has not ended in time",
          "%d of %d members %s".formatted(last.finished(), last.total(), last.waits()).strip(),
          "--timeout %d s".formatted(TimeUnit.NANOSECONDS.toSeconds(timeoutNs)),
          operation.goOn());
    }
    return false;
  }
}
