package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import java.util.ArrayList;
import java.util.List;

/** The managers of a cluster, one of which is asked. Owner: one reactor or thread. */
final class Managers {
  private final List<Connection> connections = new ArrayList<>();
  private int at;

  Managers(Network network, List<Integer> nodeIds) {
    if (nodeIds.isEmpty()) {
      throw new IllegalArgumentException(
          "no manager is named; observed=0, limit=>= 1; remedy: name the managers' nodes");
    }
    nodeIds.forEach(id -> connections.add(network.connect(id, Services.MGMTD)));
  }

  int count() {
    return connections.size();
  }

  /** Whom to ask; pass it to {@link #failed}. */
  int current() {
    return at;
  }

  Connection connection(int manager) {
    return connections.get(manager);
  }

  /** A manager did not do its part: the next one is asked, unless that was decided already. */
  void failed(int manager) {
    if (manager == at) {
      at = (at + 1) % connections.size();
    }
  }

  /** Whether a result means that another manager may do better. */
  static boolean isElsewhere(long result) {
    return result < 0
        && switch (Status.of(result)) {
          case NOT_PRIMARY, UNREACHABLE, TIMEOUT, BUSY -> true;
          default -> false;
        };
  }
}
