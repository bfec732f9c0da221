package io.lampyris.cli.sim;

import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.sim.Prng;
import java.util.Map;

/**
 * What a seed's cluster looks like.
 *
 * @param chainsPerNode how many targets of a node are in chains at first; the others are spare
 * @param terms of the storage nodes' leases
 * @param spareAfterMs after which a spare target takes the place of one that is away
 * @param driftPpm how much any clock gains or loses at most
 * @param pollNs how often clients ask for routing
 * @param rots whether bytes rot on one machine, which alone fails then
 */
record Shape(
    int managers,
    int nodes,
    int targetsPerNode,
    int chainsPerNode,
    int replicas,
    LeaseTerms terms,
    long spareAfterMs,
    int driftPpm,
    long pollNs,
    boolean rots) {
  private static final long MS = 1_000_000;
  private static final int DRIFT_MAX_PPM = LeaseTerms.DEFAULT.driftPpm();

  /** Fails over within half a second, for more of it in less time. */
  private static final LeaseTerms QUICK =
      new LeaseTerms(600 * MS, 150 * MS, 50 * MS, DRIFT_MAX_PPM);

  /**
   * @param more of the same seed
   */
  static Shape of(Prng prng, Prng more, SimOptions options) {
    int nodes = prng.between(options.nodesMin(), options.nodesMax() + 1);
    int replicas = prng.oneIn(8) ? 1 : prng.between(2, Math.min(3, nodes) + 1);
    int targets = prng.oneIn(3) ? 2 : 1;
    return new Shape(
        1 + prng.below(3),
        nodes,
        targets,
        1 + prng.below(targets),
        replicas,
        prng.oneIn(3) ? LeaseTerms.DEFAULT : QUICK,
        prng.coin() ? prng.between(1_000, 8_000) : 600_000,
        prng.oneIn(3) ? DRIFT_MAX_PPM : 200,
        prng.between(200, 4_000) * MS,
        more.oneIn(5) && replicas > 1);
  }

  /** What managers are told. */
  Map<String, String> settings() {
    return Map.of(
        "mgmtd.lease.duration", terms.durationNs() / MS + "ms",
        "mgmtd.lease.renew-every", terms.renewEveryNs() / MS + "ms",
        "mgmtd.lease.check-every", terms.checkEveryNs() / MS + "ms",
        "mgmtd.spare.after", spareAfterMs + "ms");
  }
}
