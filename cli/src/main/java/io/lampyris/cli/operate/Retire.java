package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.ClusterView.Chain;
import io.lampyris.cli.operate.ClusterView.Target;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.List;
import java.util.Map;
import java.util.function.Predicate;

/** Lets spares take over from targets. */
public final class Retire implements Operation {
  private final String what;
  private final String options;
  private final Map<String, String> which;
  private final Predicate<Target> means;
  private int total;

  private Retire(String what, String options, Map<String, String> which, Predicate<Target> means) {
    this.what = what;
    this.options = options;
    this.which = which;
    this.means = means;
  }

  public static Retire ofTarget(long target) {
    return new Retire(
        "target " + target,
        String.valueOf(target),
        Map.of("target", String.valueOf(target)),
        each -> each.id() == target);
  }

  public static Retire ofDisk(int node, int disk) {
    return new Retire(
        "disk %d of node %d".formatted(disk, node),
        "--node %d --disk %d".formatted(node, disk),
        Map.of("node", String.valueOf(node), "disk", String.valueOf(disk)),
        each -> each.node() == node && each.disk() == disk);
  }

  @Override
  public String name() {
    return "retirement of " + what;
  }

  @Override
  public String goOn() {
    return ("its members move away all the same; lampyris target retire %s shows it again, "
            + "lampyris target unretire %s takes it back")
        .formatted(options, options);
  }

  @Override
  public String begin(ClusterLink link) throws InputException, FailedException {
    return link.ask(AdminCommand.TARGET_RETIRE, which).text();
  }

  @Override
  public Step step(ClusterLink link, ClusterView view) {
    List<Target> members =
        view.targets().values().stream()
            .filter(target -> means.test(target) && !target.isSpare())
            .toList();
    total = Math.max(total, members.size());
    if (members.isEmpty()) {
      return Step.done(total);
    }
    List<Chain> chains =
        members.stream().map(member -> view.chain(member.chain())).distinct().toList();
    Step step = Step.running(total - members.size(), total, Step.changing(chains));
    return step.changing() > 0
        ? step
        : step.blocked(
            "no free target can take over",
            "%d members on %s".formatted(members.size(), what),
            "one for each, in a domain that the chain is not in yet",
            "add targets or nodes; without any, replace the disk at once:"
                + " its targets are filled again (lampyris target replace)");
  }
}
