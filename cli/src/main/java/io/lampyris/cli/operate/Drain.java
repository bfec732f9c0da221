package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.ClusterView.Chain;
import io.lampyris.cli.operate.ClusterView.Node;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.List;
import java.util.Map;

/** Empties a node; takes it out of the cluster too when that is wanted. */
public final class Drain implements Operation {
  private final int node;
  private final boolean decommission;
  private final Map<String, String> which;
  private int total;

  public Drain(int node, boolean decommission) {
    this.node = node;
    this.decommission = decommission;
    which = Map.of("node", String.valueOf(node));
  }

  @Override
  public String name() {
    return "drain of node " + node;
  }

  @Override
  public String goOn() {
    String command =
        "lampyris node drain %d%s".formatted(node, decommission ? " --decommission" : "");
    return "its members move away all the same; %s shows it again, lampyris node undrain %d takes it back"
        .formatted(command, node);
  }

  @Override
  public String begin(ClusterLink link) throws InputException, FailedException {
    return link.ask(AdminCommand.NODE_DRAIN, which).text();
  }

  @Override
  public Step step(ClusterLink link, ClusterView view) throws InputException, FailedException {
    Node now = view.nodes().get(node);
    if (now == null) {
      return Step.done(total);
    }
    total = Math.max(total, now.members());
    if (now.members() == 0) {
      return empty(link, now);
    }
    List<Chain> chains =
        view.restless().stream()
            .filter(chain -> chain.members().stream().anyMatch(member -> member.node() == node))
            .toList();
    Step step = Step.running(total - now.members(), total, Step.changing(chains));
    return step.changing() > 0
        ? step
        : step.blocked(
            "no free target can take over",
            "%d members on node %d".formatted(now.members(), node),
            "one for each, in a domain that the chain is not in yet",
            "add targets or nodes: the drain goes on by itself");
  }

  private Step empty(ClusterLink link, Node now) throws InputException, FailedException {
    if (!decommission) {
      return Step.done(total);
    }
    if (!now.phase().equals("LEAVING")) {
      link.ask(
          AdminCommand.NODE_DECOMMISSION, Map.of("node", String.valueOf(node), "stop", "true"));
    }
    return Step.waiting(
        total,
        total,
        0,
        now.isUp() ? "its process at %s ends".formatted(now.address()) : "its lease lapses");
  }
}
