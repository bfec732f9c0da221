package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Action;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.AdminAnswer;
import java.util.ArrayList;
import java.util.List;

/** How the cluster is: a word, and a row with code and remedy for everything that is not well. */
final class Health {
  private final Primary primary;
  private final ClusterState state;
  private final List<List<String>> rows = new ArrayList<>();
  private boolean failed;

  Health(Primary primary) {
    this.primary = primary;
    state = primary.state();
  }

  AdminAnswer answer() {
    nodes();
    chains();
    String word = failed ? "HEALTH_ERR" : rows.isEmpty() ? "HEALTH_OK" : "HEALTH_WARN";
    return new AdminAnswer(
        false,
        List.of("code", "severity", "count", "which", "remedy"),
        rows,
        "%s routing=%d nodes=%d targets=%d chains=%d tables=%d clients=%d"
            .formatted(
                word,
                state.routingVersion(),
                state.nodes().size(),
                state.targets().size(),
                state.chains().size(),
                state.tables().size(),
                primary.clients().byId().size()));
  }

  private void nodes() {
    List<Integer> down = new ArrayList<>();
    List<Integer> draining = new ArrayList<>();
    for (NodeInfo node : state.nodes().values()) {
      if (!primary.isLeased(node.id())) {
        down.add(node.id());
      }
      if (node.isDraining()) {
        draining.add(node.id());
      }
    }
    add(false, "NODE_DOWN", down, "start it, or drain and decommission it");
    add(false, "NODE_DRAINING", draining, "decommission it when nothing is on it, or undrain it");
  }

  private void chains() {
    List<Integer> degraded = new ArrayList<>();
    List<Integer> down = new ArrayList<>();
    List<Integer> undecided = new ArrayList<>();
    for (ChainInfo chain : state.chains().values()) {
      int serving = chain.state().count(TargetState.SERVING);
      boolean asks =
          primary.actionsOf(chain.id()).stream().anyMatch(Action.AskOperator.class::isInstance);
      if (asks) {
        undecided.add(chain.id());
      } else if (serving == 0) {
        down.add(chain.id());
      } else if (serving < chain.replicas()) {
        degraded.add(chain.id());
      }
    }
    add(false, "CHAIN_DEGRADED", degraded, "wait for resync, or add targets");
    add(true, "CHAIN_DOWN", down, "start the nodes of its last serving members");
    add(true, "CHAIN_NEEDS_DECISION", undecided, "chain show, then chain force");
  }

  private void add(boolean error, String code, List<Integer> which, String remedy) {
    if (which.isEmpty()) {
      return;
    }
    failed |= error;
    List<String> ids = which.stream().limit(16).map(String::valueOf).toList();
    rows.add(
        List.of(
            code,
            error ? "ERR" : "WARN",
            String.valueOf(which.size()),
            String.join(" ", ids) + (which.size() > 16 ? " …" : ""),
            remedy));
  }
}
