package io.lampyris.mgmtd.service;

import io.lampyris.protocol.cluster.Heartbeat;
import io.lampyris.protocol.cluster.TargetReport;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/** What nodes said last of their targets. Owner: the manager's reactor. */
final class Reports {
  private final Map<Integer, Map<Long, TargetReport>> heard = new HashMap<>();

  /**
   * A node that was granted its request says this.
   *
   * @return the targets of which it says something else than before, in order
   */
  List<Long> hear(Heartbeat heartbeat) {
    Map<Long, TargetReport> said = new LinkedHashMap<>();
    heartbeat.targets().forEach(report -> said.put(report.targetId(), report));
    Map<Long, TargetReport> before = heard.put(heartbeat.nodeId(), said);
    TreeSet<Long> ids = new TreeSet<>(said.keySet());
    if (before == null) {
      return List.copyOf(ids);
    }
    ids.addAll(before.keySet());
    List<Long> changed = new ArrayList<>();
    for (Long id : ids) {
      if (!sameClaim(before.get(id), said.get(id))) {
        changed.add(id);
      }
    }
    return changed;
  }

  private static boolean sameClaim(@Nullable TargetReport a, @Nullable TargetReport b) {
    return a != null
        && b != null
        && a.storeId() == b.storeId()
        && a.state() == b.state()
        && a.whole() == b.whole()
        && a.chainVersion() == b.chainVersion();
  }

  /** Its lease has lapsed: what it said counts no more. */
  void forget(int nodeId) {
    heard.remove(nodeId);
  }

  boolean hasHeard(int nodeId) {
    return heard.containsKey(nodeId);
  }

  /** What a node said of a target; null: nothing. */
  @Nullable TargetReport of(int nodeId, long targetId) {
    Map<Long, TargetReport> said = heard.get(nodeId);
    return said == null ? null : said.get(targetId);
  }
}
