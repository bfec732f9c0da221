package io.lampyris.protocol.lease;

/**
 * How long promises last.
 *
 * @param durationNs a node may serve so long after it asked, by its own clock
 * @param renewEveryNs a node asks this often
 * @param checkEveryNs the manager looks for lapsed leases this often
 * @param driftPpm how much any clock may gain or lose against true time, in millionths
 */
public record LeaseTerms(long durationNs, long renewEveryNs, long checkEveryNs, int driftPpm) {
  private static final long MILLION = 1_000_000;
  private static final long MS = 1_000_000;

  /**
   * Death to new chain: at most 2.5 s of lease, 2 % of it for drift, one look of 0.1 s, and what it
   * takes to store and publish. Four requests in a row may be lost, or a pause may last 2 s, before
   * a node stops.
   */
  public static final LeaseTerms DEFAULT = new LeaseTerms(2_500 * MS, 500 * MS, 100 * MS, 10_000);

  /** No cluster can stall longer than this and call it a lease. */
  private static final long DURATION_MAX_NS = 600_000 * MS;

  public LeaseTerms {
    require(driftPpm >= 0 && driftPpm <= 100_000, "drift", driftPpm, "0 … 100000 ppm");
    require(durationNs > 0 && durationNs <= DURATION_MAX_NS, "duration", durationNs, "600 s");
    require(checkEveryNs > 0, "check interval", checkEveryNs, "> 0");
    boolean twoMayBeLost = renewEveryNs > 0 && renewEveryNs <= durationNs / 3;
    require(twoMayBeLost, "renewal interval", renewEveryNs, "a third of the duration");
  }

  /**
   * How long the manager waits after its last grant, by its own clock. A slow clock of the node
   * lets {@code duration / (1 - drift)} pass; a fast one of the manager shows {@code (1 + drift)}
   * of it.
   */
  public long waitNs() {
    long waited = durationNs / (MILLION - driftPpm) * (MILLION + driftPpm);
    long rest = durationNs % (MILLION - driftPpm) * (MILLION + driftPpm);
    long wait = waited + rest / (MILLION - driftPpm) + 1;
    assert wait > durationNs : "the manager must wait longer than a node serves";
    return wait;
  }

  /** The longest time from a node's death to the decision that it has failed, by true time. */
  public long deathToDecisionNs() {
    long byManagersClock = waitNs() + checkEveryNs;
    return byManagersClock / (MILLION - driftPpm) * MILLION + MILLION;
  }

  private static void require(boolean holds, String what, long observed, String limit) {
    if (!holds) {
      throw new IllegalArgumentException(
          "lease %s cannot work; observed=%d, limit=%s; remedy: correct the lease settings"
              .formatted(what, observed, limit));
    }
  }
}
