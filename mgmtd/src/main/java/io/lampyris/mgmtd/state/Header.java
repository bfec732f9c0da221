package io.lampyris.mgmtd.state;

import io.lampyris.protocol.lease.LeaseTerms;

/**
 * What there is one of.
 *
 * @param routingVersion rises with every change of what routing says
 * @param configVersion rises with every change of a configuration layer
 * @param leaseDurationNs the longest lease that any node may hold from an earlier primary
 * @param driftPpm of those terms
 */
public record Header(long routingVersion, long configVersion, long leaseDurationNs, int driftPpm) {
  static Header first(LeaseTerms terms) {
    return new Header(1, 1, terms.durationNs(), terms.driftPpm());
  }
}
