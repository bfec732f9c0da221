package io.lampyris.mgmtd.state;

import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.ChainTable;
import io.lampyris.protocol.Routing.Node;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.SortedMap;

/** The cluster as one immutable value; maps are in order of ids. */
public final class ClusterState {
  private final Header header;
  private final SortedMap<Integer, NodeInfo> nodes;
  private final SortedMap<Long, TargetInfo> targets;
  private final SortedMap<Integer, ChainInfo> chains;
  private final SortedMap<Integer, ChainTable> tables;
  private final SortedMap<String, ConfigLayer> layers;
  private final Map<Long, Integer> chainOfTarget = new HashMap<>();

  ClusterState(
      Header header,
      SortedMap<Integer, NodeInfo> nodes,
      SortedMap<Long, TargetInfo> targets,
      SortedMap<Integer, ChainInfo> chains,
      SortedMap<Integer, ChainTable> tables,
      SortedMap<String, ConfigLayer> layers) {
    this.header = header;
    this.nodes = Collections.unmodifiableSortedMap(nodes);
    this.targets = Collections.unmodifiableSortedMap(targets);
    this.chains = Collections.unmodifiableSortedMap(chains);
    this.tables = Collections.unmodifiableSortedMap(tables);
    this.layers = Collections.unmodifiableSortedMap(layers);
    for (ChainInfo chain : chains.values()) {
      for (Member member : chain.state().members()) {
        Integer other = chainOfTarget.put(member.targetId(), chain.id());
        assert other == null : "a target is in one chain: " + member + " in " + other;
      }
    }
  }

  public Header header() {
    return header;
  }

  public long routingVersion() {
    return header.routingVersion();
  }

  public SortedMap<Integer, NodeInfo> nodes() {
    return nodes;
  }

  public SortedMap<Long, TargetInfo> targets() {
    return targets;
  }

  public SortedMap<Integer, ChainInfo> chains() {
    return chains;
  }

  public SortedMap<Integer, ChainTable> tables() {
    return tables;
  }

  /** Configuration layers by origin. */
  public SortedMap<String, ConfigLayer> layers() {
    return layers;
  }

  /** The chain that a target is in; 0: it is free. */
  public int chainOf(long targetId) {
    return chainOfTarget.getOrDefault(targetId, 0);
  }

  public boolean isFree(long targetId) {
    return !chainOfTarget.containsKey(targetId);
  }

  /** What everyone sees of this state (I3); a free target is OFFLINE and in no chain. */
  public Routing routing() {
    Map<Integer, Chain> seenChains = new HashMap<>();
    Map<Long, Target> seenTargets = new HashMap<>();
    Map<Integer, Node> seenNodes = new HashMap<>();
    targets.forEach(
        (id, target) -> seenTargets.put(id, new Target(id, target.nodeId(), TargetState.OFFLINE)));
    chains.forEach((id, chain) -> {
      seenChains.put(id, chain.state().toRouting());
      for (Member member : chain.state().members()) {
        TargetInfo target = targets.get(member.targetId());
        assert target != null : "members are targets: " + member;
        seenTargets.put(
            member.targetId(), new Target(member.targetId(), target.nodeId(), member.state()));
      }
    });
    nodes.forEach((id, node) -> seenNodes.put(id, new Node(id, node.address(), node.domain())));
    return new Routing(routingVersion(), tables, seenChains, seenTargets, seenNodes);
  }

  /** What a decision changes begins here. */
  public Draft draft() {
    return new Draft(this);
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof ClusterState that
        && header.equals(that.header)
        && nodes.equals(that.nodes)
        && targets.equals(that.targets)
        && chains.equals(that.chains)
        && tables.equals(that.tables)
        && layers.equals(that.layers);
  }

  @Override
  public int hashCode() {
    return header.hashCode();
  }
}
