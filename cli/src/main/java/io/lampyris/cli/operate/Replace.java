package io.lampyris.cli.operate;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterLink;
import io.lampyris.cli.operate.ClusterView.Chain;
import io.lampyris.cli.operate.ClusterView.Target;
import io.lampyris.protocol.cluster.AdminCommand;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/**
 * Takes a disk out of use as far as spares can take over, waits until another disk is there in its
 * place, and then until what is on it serves again.
 */
public final class Replace implements Operation {
  /** So long nobody may have taken over before it is said that there are no spares. */
  private static final long SPARE_MAX_NS = TimeUnit.SECONDS.toNanos(5);

  private enum Stage {
    /** Spares take over. */
    EMPTYING,
    /** The disk may be replaced. */
    SWAPPING,
    /** Its targets get what they lack. */
    FILLING
  }

  private final int node;
  private final int disk;
  private final Map<Long, String> stores = new HashMap<>();
  private Stage stage = Stage.EMPTYING;
  private int total;
  private long changedNs = System.nanoTime();

  public Replace(int node, int disk) {
    this.node = node;
    this.disk = disk;
  }

  @Override
  public String name() {
    return "replacement of disk %d of node %d".formatted(disk, node);
  }

  @Override
  public String goOn() {
    return ("what is under way goes on; lampyris target replace --node %d --disk %d shows it again, "
            + "lampyris target unretire --node %d --disk %d takes it back")
        .formatted(node, disk, node, disk);
  }

  /** What is there and lacks something is on a new disk already: it is filled. */
  @Override
  public String begin(ClusterLink link) throws InputException, FailedException {
    List<Target> targets = ClusterView.of(link).targetsOf(node, disk).toList();
    if (targets.stream().anyMatch(each -> each.isThere() && isLacking(each))) {
      stage = Stage.FILLING;
      return "disk %d of node %d has been replaced".formatted(disk, node);
    }
    targets.forEach(target -> stores.put(target.id(), target.store()));
    Map<String, String> which = Map.of("node", String.valueOf(node), "disk", String.valueOf(disk));
    return link.ask(AdminCommand.TARGET_RETIRE, which).text();
  }

  private static boolean isLacking(Target target) {
    return !target.isSpare() && !target.serves();
  }

  @Override
  public Step step(ClusterLink link, ClusterView view) {
    List<Target> targets = view.targetsOf(node, disk).toList();
    List<Target> members = targets.stream().filter(target -> !target.isSpare()).toList();
    total = Math.max(total, members.size());
    if (stage == Stage.EMPTYING) {
      Step step = emptying(view, members);
      if (step.changing() > 0 || System.nanoTime() - changedNs < waitNs(members)) {
        return step;
      }
      stage = Stage.SWAPPING;
    }
    if (stage == Stage.SWAPPING && !isSwapped(targets)) {
      return Step.waiting(
          total - members.size(),
          total,
          0,
          "replace the disk now and start the node: " + held(members));
    }
    stage = Stage.FILLING;
    return filling(view, targets, members);
  }

  private long waitNs(List<Target> members) {
    return members.isEmpty() ? 0 : SPARE_MAX_NS;
  }

  private Step emptying(ClusterView view, List<Target> members) {
    List<Chain> chains =
        members.stream().map(member -> view.chain(member.chain())).distinct().toList();
    int changing = Step.changing(chains);
    if (changing > 0) {
      changedNs = System.nanoTime();
    }
    return Step.waiting(total - members.size(), total, changing, "spares take over");
  }

  private boolean isSwapped(List<Target> targets) {
    return targets.stream()
        .allMatch(each -> each.isThere() && !each.store().equals(stores.get(each.id())));
  }

  private String held(List<Target> members) {
    return members.isEmpty()
        ? "nothing is on it any more"
        : "for %d of %d members there is no spare, they are filled again"
            .formatted(members.size(), total);
  }

  private Step filling(ClusterView view, List<Target> targets, List<Target> members) {
    List<Long> away = targets.stream().filter(target -> !target.isThere()).map(Target::id).toList();
    int serving = (int) members.stream().filter(Target::serves).count();
    List<Chain> chains =
        members.stream().map(member -> view.chain(member.chain())).distinct().toList();
    if (away.isEmpty() && serving == members.size()) {
      return Step.done(total);
    }
    int finished = total - members.size() + serving;
    int changing = Step.changing(chains);
    return away.isEmpty()
        ? Step.running(finished, total, changing)
        : Step.waiting(
            finished,
            total,
            changing,
            "start the node with the new disk: targets %s are away".formatted(away));
  }
}
