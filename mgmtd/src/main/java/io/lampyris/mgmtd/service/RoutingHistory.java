package io.lampyris.mgmtd.service;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Node;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.RoutingDelta;
import io.lampyris.protocol.RoutingDeltaCodec;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import org.agrona.DirectBuffer;
import org.agrona.ExpandableArrayBuffer;

/**
 * The newest routing, and what changed in the steps that led to it: enough for a delta from any
 * recent version. Owner: the manager's reactor.
 */
final class RoutingHistory {
  /** What a step changed or removed. */
  private record Step(
      long version,
      List<Integer> tables,
      List<Integer> chains,
      List<Long> targets,
      List<Integer> nodes) {}

  private static final int STEPS_MAX = 1024;

  private final Deque<Step> steps = new ArrayDeque<>();
  private final ExpandableArrayBuffer bytes = new ExpandableArrayBuffer();
  private Routing latest;
  private int digest;
  private long encodedFrom = -1;
  private int encodedBytes;

  RoutingHistory(Routing first) {
    latest = first;
    digest = RoutingDelta.digestOf(first);
  }

  Routing latest() {
    return latest;
  }

  /** There is newer routing. */
  void add(Routing next) {
    assert next.version() > latest.version() : "routing goes forward: " + next.version();
    RoutingDelta step = RoutingDelta.between(latest, next);
    steps.add(
        new Step(
            next.version(),
            joined(step.removedTables(), step.tables().stream().map(ChainTable::id).toList()),
            joined(step.removedChains(), step.chains().stream().map(Chain::id).toList()),
            joined(step.removedTargets(), step.targets().stream().map(Target::id).toList()),
            joined(step.removedNodes(), step.nodes().stream().map(Node::id).toList())));
    if (steps.size() > STEPS_MAX) {
      steps.remove();
    }
    latest = next;
    digest = step.digest();
    encodedFrom = -1;
  }

  private static <T> List<T> joined(List<T> a, List<T> b) {
    List<T> both = new ArrayList<>(a);
    both.addAll(b);
    return both;
  }

  /**
   * Encodes the delta from a version; all of the routing when the steps do not reach back so far.
   *
   * @return how many bytes of {@link #bytes} it takes; 0: nothing is newer
   */
  int encode(long knownVersion) {
    if (knownVersion == latest.version()) {
      return 0;
    }
    if (encodedFrom != knownVersion) {
      encodedBytes = RoutingDeltaCodec.encode(since(knownVersion), bytes, 0);
      encodedFrom = knownVersion;
    }
    return encodedBytes;
  }

  /** What {@link #encode} wrote. */
  DirectBuffer bytes() {
    return bytes;
  }

  private RoutingDelta since(long knownVersion) {
    Step oldest = steps.peek();
    boolean reaches = oldest != null && knownVersion >= oldest.version() - 1;
    if (knownVersion == 0 || !reaches || knownVersion > latest.version()) {
      return RoutingDelta.full(latest);
    }
    TreeSet<Integer> tables = new TreeSet<>();
    TreeSet<Integer> chains = new TreeSet<>();
    TreeSet<Long> targets = new TreeSet<>();
    TreeSet<Integer> nodes = new TreeSet<>();
    for (Step step : steps) {
      if (step.version() > knownVersion) {
        tables.addAll(step.tables());
        chains.addAll(step.chains());
        targets.addAll(step.targets());
        nodes.addAll(step.nodes());
      }
    }
    return new RoutingDelta(
        knownVersion,
        latest.version(),
        digest,
        gone(tables, latest.chainTables()),
        gone(chains, latest.chains()),
        gone(targets, latest.targets()),
        gone(nodes, latest.nodes()),
        there(tables, latest.chainTables()),
        there(chains, latest.chains()),
        there(targets, latest.targets()),
        there(nodes, latest.nodes()));
  }

  private static <K, V> List<K> gone(Collection<K> ids, Map<K, V> in) {
    return ids.stream().filter(id -> !in.containsKey(id)).toList();
  }

  private static <K, V> List<V> there(Collection<K> ids, Map<K, V> in) {
    List<V> values = new ArrayList<>();
    for (K id : ids) {
      V value = in.get(id);
      if (value != null) {
        values.add(value);
      }
    }
    return values;
  }
}
