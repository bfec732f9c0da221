package io.lampyris.reactor.cluster;

import io.lampyris.protocol.lease.LeaseTerms;
import java.util.List;

/**
 * Who a storage node is.
 *
 * @param incarnation higher for every start of the node's process
 * @param address host:port; empty: it is reached without one
 * @param domain what fails together with it; empty: nothing else
 * @param managers the node ids of all managers
 * @param terms of its lease: no longer than the managers'
 */
public record NodeOptions(
    int nodeId,
    long incarnation,
    String address,
    String domain,
    List<Integer> managers,
    LeaseTerms terms) {
  public NodeOptions {
    managers = List.copyOf(managers);
  }
}
