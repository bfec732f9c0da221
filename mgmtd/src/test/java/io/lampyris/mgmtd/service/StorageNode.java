package io.lampyris.mgmtd.service;

import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.cluster.NodeHost;
import io.lampyris.reactor.cluster.NodeOptions;
import io.lampyris.reactor.sim.SimReactor;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * A storage node whose stores are sets of writes: it takes part by a real agent, and copies to
 * syncing targets in no more than the chain's rules say.
 */
final class StorageNode implements NodeHost {
  /** What survives the process. */
  static final class Store {
    final long targetId;
    final int disk;
    long storeId;
    boolean whole;
    Set<Integer> writes = new HashSet<>();

    // Of the process:
    LocalState state = LocalState.ONLINE;
    int version;

    Store(long targetId, int disk, long storeId) {
      this.targetId = targetId;
      this.disk = disk;
      this.storeId = storeId;
    }
  }

  final int id;
  final SortedMap<Long, Store> stores = new TreeMap<>();
  final List<String> seen = new ArrayList<>();
  private final ClusterRig rig;
  private final String domain;
  boolean toldToLeave;
  private long incarnation;
  private @Nullable NodeAgent agent;

  StorageNode(ClusterRig rig, int id, String domain) {
    this.rig = rig;
    this.id = id;
    this.domain = domain;
  }

  boolean isUp() {
    return agent != null;
  }

  NodeAgent agent() {
    NodeAgent now = agent;
    assert now != null : "node " + id + " is down";
    return now;
  }

  void start() {
    assert agent == null;
    SimReactor made = rig.reactor("node-" + id, List.of(new BufferPool.SizeClass(4096, 1)));
    for (Store store : stores.values()) {
      store.state = LocalState.ONLINE;
      store.version = 0;
    }
    NodeOptions options =
        new NodeOptions(
            id, ++incarnation, "node-" + id + ":1", domain, rig.managerIds(), LeaseTerms.DEFAULT);
    NodeAgent now = new NodeAgent(made, rig.network.at(id), options, this);
    agent = now;
    made.add(now);
  }

  void crash() {
    agent().onClose();
    agent = null;
  }

  void close() {
    if (agent != null) {
      crash();
    }
  }

  /** The disk is replaced while the process is down. */
  void replace(long targetId, long storeId) {
    Store store = store(targetId);
    store.storeId = storeId;
    store.whole = false;
    store.writes = new HashSet<>();
  }

  Store store(long targetId) {
    Store store = stores.get(targetId);
    assert store != null : "no target " + targetId + " on node " + id;
    return store;
  }

  @Override
  public List<TargetReport> targets() {
    List<TargetReport> reports = new ArrayList<>();
    for (Store store : stores.values()) {
      reports.add(
          new TargetReport(
              store.targetId,
              store.storeId,
              store.disk,
              store.state,
              store.whole,
              store.version,
              1 << 30,
              0));
    }
    return reports;
  }

  @Override
  public void onLeave() {
    toldToLeave = true;
  }

  @Override
  public void onRouting(Routing routing) {
    for (Store store : stores.values()) {
      Chain chain = chainOf(routing, store.targetId);
      TargetState state = stateOf(routing, store.targetId);
      boolean takesPart = state == TargetState.SERVING || state == TargetState.SYNCING;
      if (chain != null) {
        String now = store.targetId + ":" + state;
        if (seen.isEmpty() || !seen.getLast().equals(now)) {
          seen.add(now);
        }
      }
      if (store.state == LocalState.OFFLINE && !takesPart) {
        store.state = LocalState.ONLINE;
        store.version = 0;
      }
      boolean stale = chain == null || chain.version() != store.version;
      if (store.state == LocalState.UP_TO_DATE && stale) {
        store.state = LocalState.ONLINE;
        store.version = 0;
      }
      if (chain != null && state == TargetState.SYNCING) {
        int version = chain.version();
        long copyNs = 50_000_000 + rig.random.below(500_000_000L);
        long of = incarnation;
        rig.simulation.after(copyNs, () -> copy(store, chain.id(), version, of));
      }
    }
  }

  /** A whole copy under one chain version, from a member that serves under it. */
  private void copy(Store to, int chainId, int version, long of) {
    if (agent == null || of != incarnation || to.state == LocalState.OFFLINE) {
      return;
    }
    Routing routing = agent().routing();
    Chain chain = routing.chains().get(chainId);
    if (chain == null || chain.version() != version) {
      return;
    }
    if (stateOf(routing, to.targetId) != TargetState.SYNCING) {
      return;
    }
    Store from = rig.source(chain);
    if (from == null) {
      rig.simulation.after(100_000_000, () -> copy(to, chainId, version, of));
      return;
    }
    to.writes = new HashSet<>(from.writes);
    to.state = LocalState.UP_TO_DATE;
    to.version = version;
    agent().report();
  }

  @Override
  public void onWhole(long targetId, long storeId) {
    Store store = store(targetId);
    store.whole |= store.storeId == storeId;
  }

  @Override
  public void onStop(long targetId) {
    store(targetId).state = LocalState.OFFLINE;
    agent().report();
  }

  /** Whether this node would answer a read of a target now. */
  boolean serves(long targetId) {
    if (agent == null || !stores.containsKey(targetId)) {
      return false;
    }
    Store store = store(targetId);
    return (rig.ignoreLeases || agent().mayServe(rig.simulation.nowNs(), targetId))
        && store.whole
        && store.state != LocalState.OFFLINE
        && stateOf(agent().routing(), targetId) == TargetState.SERVING;
  }

  /** Whether it would take a write that comes down its chain. */
  boolean takesWrites(long targetId, int chainId, int version) {
    if (agent == null) {
      return false;
    }
    Chain chain = agent().routing().chains().get(chainId);
    boolean syncs = stateOf(agent().routing(), targetId) == TargetState.SYNCING;
    boolean open = store(targetId).state != LocalState.OFFLINE;
    return chain != null && chain.version() == version && ((syncs && open) || serves(targetId));
  }

  static TargetState stateOf(Routing routing, long targetId) {
    Target target = routing.targets().get(targetId);
    return target == null ? TargetState.OFFLINE : target.state();
  }

  static @Nullable Chain chainOf(Routing routing, long targetId) {
    for (Chain chain : routing.chains().values()) {
      if (chain.targetIds().contains(targetId)) {
        return chain;
      }
    }
    return null;
  }
}
