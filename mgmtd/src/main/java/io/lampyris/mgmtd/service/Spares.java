package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.mgmtd.state.TargetInfo;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;

/** Free targets, and which of them suits a chain. For one pass over the chains. */
final class Spares {
  private final ClusterState state;
  private final Predicate<TargetInfo> isThere;
  private final Set<Long> taken = new HashSet<>();
  private final Map<Integer, Integer> usedOfNode = new HashMap<>();
  private final Map<Long, Integer> usedOfDisk = new HashMap<>();

  /**
   * @param isThere whether a target is reported and able
   */
  Spares(ClusterState state, Predicate<TargetInfo> isThere) {
    this.state = state;
    this.isThere = isThere;
    for (TargetInfo target : state.targets().values()) {
      if (!state.isFree(target.id())) {
        count(target);
      }
    }
  }

  private void count(TargetInfo target) {
    usedOfNode.merge(target.nodeId(), 1, Integer::sum);
    usedOfDisk.merge(diskOf(target), 1, Integer::sum);
  }

  private static long diskOf(TargetInfo target) {
    return ((long) target.nodeId() << 32) | target.disk();
  }

  boolean isFree(long targetId) {
    TargetInfo target = state.targets().get(targetId);
    if (target == null || !state.isFree(targetId) || taken.contains(targetId)) {
      return false;
    }
    NodeInfo node = state.nodes().get(target.nodeId());
    return node != null && !node.isDraining() && !target.retiring() && isThere.test(target);
  }

  /** Takes the free target that suits best beside some members; 0: none does. */
  long take(ChainInfo chain, List<Member> beside) {
    Set<String> domains = new HashSet<>();
    for (Member member : beside) {
      domains.add(domainOf(member.targetId()));
    }
    long wanted = chain.movingTo();
    if (wanted != 0 && isFree(wanted) && !domains.contains(domainOf(wanted))) {
      return taking(wanted);
    }
    TargetInfo best = null;
    for (TargetInfo target : state.targets().values()) {
      boolean suits = isFree(target.id()) && !domains.contains(domainOf(target.id()));
      if (suits && (best == null || load(target) < load(best))) {
        best = target;
      }
    }
    return best == null ? 0 : taking(best.id());
  }

  /** The node that has the fewest, and on it the disk that has. */
  private long load(TargetInfo target) {
    int node = usedOfNode.getOrDefault(target.nodeId(), 0);
    return ((long) node << 32) | usedOfDisk.getOrDefault(diskOf(target), 0);
  }

  private long taking(long targetId) {
    TargetInfo target = state.targets().get(targetId);
    assert target != null;
    taken.add(targetId);
    count(target);
    return targetId;
  }

  private String domainOf(long targetId) {
    TargetInfo target = state.targets().get(targetId);
    NodeInfo node = target == null ? null : state.nodes().get(target.nodeId());
    return node == null ? "" : node.failsWith();
  }
}
