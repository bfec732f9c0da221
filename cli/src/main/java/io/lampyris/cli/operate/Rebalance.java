package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.ClusterView.Chain;
import io.lampyris.cli.operate.ClusterView.Target;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.TimeUnit;

/**
 * Evens out members over nodes: rounds of moves, each of which the manager plans when all chains
 * rest, until it has none.
 */
public final class Rebalance implements Operation {
  /** A node that has just started reports its targets within this time. */
  private static final long REPORT_MAX_NS = TimeUnit.SECONDS.toNanos(30);

  /** Chains may begin to change between a look and an order. */
  private static final int REFUSALS_MAX = 5;

  private final String command;
  private final int targetsAwaited;
  private final long beganNs = System.nanoTime();
  private int finished;
  private int total;
  private int refusals;
  private boolean planned;

  /** Chains of this round. */
  private List<Integer> round = List.of();

  /**
   * @param command that goes on with it
   * @param targetsAwaited so many have to be there before it begins; 0: those that are known
   */
  public Rebalance(String command, int targetsAwaited) {
    this.command = command;
    this.targetsAwaited = targetsAwaited;
  }

  @Override
  public String name() {
    return "rebalance";
  }

  @Override
  public String goOn() {
    return "members that are being moved arrive all the same; %s moves the others"
        .formatted(command);
  }

  @Override
  public String begin(ClusterLink link) {
    return "";
  }

  @Override
  public Step step(ClusterLink link, ClusterView view) throws InputException, FailedException {
    String missing = missing(view);
    if (!missing.isEmpty()) {
      return Step.waiting(0, total, 0, missing);
    }
    List<Chain> restless = view.restless();
    if (!restless.isEmpty()) {
      int arrived = (int) round.stream().filter(id -> view.chain(id).rests()).count();
      int changing = Step.changing(restless);
      Step step = Step.running(finished + arrived, total, changing);
      return changing > 0
          ? step
          : step.blocked(
              "chains are not whole, and nothing makes them so",
              "chains " + Step.ids(restless),
              "all members serve",
              "lampyris cluster status says what is missing; start it, then " + command);
    }
    finished += round.size();
    round = List.of();
    return nextRound(link);
  }

  private Step nextRound(ClusterLink link) throws InputException, FailedException {
    AdminAnswer plan;
    try {
      plan = link.ask(AdminCommand.CHAIN_REBALANCE, Map.of());
    } catch (InputException refused) {
      if (++refusals >= REFUSALS_MAX) {
        throw refused;
      }
      return Step.running(finished, total, 0);
    }
    refusals = 0;
    planned = true;
    List<Map<String, String>> rows = ClusterView.rows(plan);
    total = finished + rows.size();
    if (rows.isEmpty()) {
      return Step.done(finished);
    }
    round =
        rows.stream()
            .filter(row -> "now".equals(row.get("when")))
            .map(row -> Integer.valueOf(Objects.requireNonNull(row.get("chain"))))
            .toList();
    Step step = Step.running(finished, total, round.size());
    return round.isEmpty()
        ? step.blocked(
            "the nodes that should get members have no free target",
            rows.stream().map(row -> "node " + row.get("to_node")).distinct().toList(),
            ">= 1 each",
            "add targets to them, then " + command)
        : step;
  }

  /** Which targets are to be reported before the first round; empty: none, or not in time. */
  private String missing(ClusterView view) {
    if (planned || System.nanoTime() - beganNs > REPORT_MAX_NS) {
      return "";
    }
    if (view.targets().size() < targetsAwaited) {
      return "%d of %d targets are reported".formatted(view.targets().size(), targetsAwaited);
    }
    List<Long> silent =
        view.targets().values().stream()
            .filter(target -> target.isSpare() && !target.isThere())
            .filter(target -> isWanted(view, target))
            .map(Target::id)
            .toList();
    return silent.isEmpty() ? "" : "targets %s are not there yet".formatted(silent);
  }

  private static boolean isWanted(ClusterView view, Target target) {
    ClusterView.Node node = view.nodes().get(target.node());
    return node != null && node.isUp() && node.phase().equals("ACTIVE");
  }
}
