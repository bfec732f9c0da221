package io.lampyris.reactor.sim;

/**
 * The clocks of one machine: a monotonic one that gains or loses a little, and a wall clock that
 * jumps besides. Owner: the simulation's thread.
 */
public final class SimClock {
  /** Shows the simulation's time. */
  static final SimClock EXACT = new SimClock(0, 0);

  private static final long PARTS = 1_000_000;

  private final long startNs;
  private final long driftPpm;
  private long wallNs = 1_700_000_000_000_000_000L;

  /**
   * @param startNs what the monotonic clock shows when the simulation begins
   * @param driftPpm how much faster than the simulation's time it runs; negative for slower
   */
  public SimClock(long startNs, long driftPpm) {
    assert startNs >= 0 && Math.abs(driftPpm) < PARTS / 10 : startNs + " " + driftPpm;
    this.startNs = startNs;
    this.driftPpm = driftPpm;
  }

  /** What the monotonic clock shows at a simulated time. */
  public long nowNs(long simulatedNs) {
    return startNs + simulatedNs + gainedNs(simulatedNs);
  }

  private long gainedNs(long simulatedNs) {
    return simulatedNs / PARTS * driftPpm + simulatedNs % PARTS * driftPpm / PARTS;
  }

  /** The simulated time by which the monotonic clock shows this; never too early by it. */
  long simulatedNs(long clockNs) {
    if (clockNs == Long.MAX_VALUE || driftPpm == 0) {
      return clockNs == Long.MAX_VALUE ? clockNs : clockNs - startNs;
    }
    long elapsed = clockNs - startNs;
    long simulated = elapsed - gainedNs((long) (elapsed / (1 + driftPpm / (double) PARTS)));
    while (nowNs(simulated) < clockNs) {
      simulated++;
    }
    return simulated;
  }

  /** Nanoseconds since the epoch, as far as this machine knows. */
  public long wallNs(long simulatedNs) {
    return wallNs + nowNs(simulatedNs);
  }

  /** The wall clock is set. */
  public void jumpWall(long byNs) {
    wallNs += byNs;
  }
}
