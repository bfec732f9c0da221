package io.lampyris.mgmtd.state;

import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.protocol.Routing.ChainTable;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** What one decision changes, over the state that it was decided on. A null value removes. */
public final class Draft {
  private final ClusterState base;
  final SortedMap<Integer, @Nullable NodeInfo> nodes = new TreeMap<>();
  final SortedMap<Long, @Nullable TargetInfo> targets = new TreeMap<>();
  final SortedMap<Integer, ChainInfo> chains = new TreeMap<>();
  final SortedMap<Integer, ChainTable> tables = new TreeMap<>();
  final SortedMap<String, @Nullable ConfigLayer> layers = new TreeMap<>();
  private boolean routes;
  private boolean configures;
  private Header header;

  Draft(ClusterState base) {
    this.base = base;
    this.header = base.header();
  }

  ClusterState base() {
    return base;
  }

  public boolean isEmpty() {
    boolean same = nodes.isEmpty() && targets.isEmpty() && chains.isEmpty() && tables.isEmpty();
    return same && layers.isEmpty() && header.equals(base.header());
  }

  public void put(NodeInfo node) {
    NodeInfo old = base.nodes().get(node.id());
    if (!node.equals(old)) {
      routes |= old == null || !old.address().equals(node.address());
      routes |= old == null || !old.domain().equals(node.domain());
      nodes.put(node.id(), node);
    }
  }

  public void removeNode(int nodeId) {
    routes = true;
    nodes.put(nodeId, null);
  }

  public void put(TargetInfo target) {
    TargetInfo old = target(target.id());
    if (!target.equals(old)) {
      routes |= old == null || old.nodeId() != target.nodeId();
      targets.put(target.id(), target);
    }
  }

  public void removeTarget(long targetId) {
    routes = true;
    targets.put(targetId, null);
  }

  public void put(ChainInfo chain) {
    ChainInfo old = chain(chain.id());
    routes |= old == null || old.state().version() != chain.state().version();
    chains.put(chain.id(), chain);
  }

  public void put(ChainTable table) {
    routes = true;
    tables.put(table.id(), table);
  }

  /** Without entries a layer goes. */
  public void put(ConfigLayer layer) {
    configures = true;
    layers.put(layer.origin(), layer.entries().isEmpty() ? null : layer);
  }

  /** From now on no node can hold a lease of other terms than these. */
  public void leaseTerms(long durationNs, int driftPpm) {
    header = new Header(header.routingVersion(), header.configVersion(), durationNs, driftPpm);
  }

  /** A node as it will be. */
  public @Nullable NodeInfo node(int nodeId) {
    return nodes.containsKey(nodeId) ? nodes.get(nodeId) : base.nodes().get(nodeId);
  }

  /** A target as it will be. */
  public @Nullable TargetInfo target(long targetId) {
    return targets.containsKey(targetId) ? targets.get(targetId) : base.targets().get(targetId);
  }

  /** A chain as it will be. */
  public @Nullable ChainInfo chain(int chainId) {
    return chains.containsKey(chainId) ? chains.get(chainId) : base.chains().get(chainId);
  }

  /** The header that follows (I3). */
  Header header() {
    return new Header(
        header.routingVersion() + (routes ? 1 : 0),
        header.configVersion() + (configures ? 1 : 0),
        header.leaseDurationNs(),
        header.driftPpm());
  }

  /** The state that follows. */
  ClusterState result() {
    return new ClusterState(
        header(),
        over(base.nodes(), nodes),
        over(base.targets(), targets),
        over(base.chains(), chains),
        over(base.tables(), tables),
        over(base.layers(), layers));
  }

  private static <K, V> SortedMap<K, V> over(
      SortedMap<K, V> old, SortedMap<K, ? extends @Nullable V> changes) {
    if (changes.isEmpty()) {
      return old;
    }
    SortedMap<K, V> next = new TreeMap<>(old);
    changes.forEach((key, value) -> {
      if (value == null) {
        next.remove(key);
      } else {
        next.put(key, value);
      }
    });
    return next;
  }
}
