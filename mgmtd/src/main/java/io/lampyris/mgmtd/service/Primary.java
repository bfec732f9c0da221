package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.chain.Action;
import io.lampyris.mgmtd.chain.ChainState;
import io.lampyris.mgmtd.chain.ChainUpdate;
import io.lampyris.mgmtd.chain.Command;
import io.lampyris.mgmtd.chain.Member;
import io.lampyris.mgmtd.chain.Outcome;
import io.lampyris.mgmtd.chain.Sighting;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.mgmtd.config.EffectiveConfig;
import io.lampyris.mgmtd.config.Merged;
import io.lampyris.mgmtd.config.MgmtdKeys;
import io.lampyris.mgmtd.lease.GrantedLeases;
import io.lampyris.mgmtd.lease.Renewal;
import io.lampyris.mgmtd.state.ChainInfo;
import io.lampyris.mgmtd.state.ClusterState;
import io.lampyris.mgmtd.state.DeposedException;
import io.lampyris.mgmtd.state.Draft;
import io.lampyris.mgmtd.state.Header;
import io.lampyris.mgmtd.state.NodeInfo;
import io.lampyris.mgmtd.state.StateStore;
import io.lampyris.mgmtd.state.TargetInfo;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.Heartbeat;
import io.lampyris.protocol.cluster.HeartbeatAnswer;
import io.lampyris.protocol.cluster.TargetOrder;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.protocol.lease.LeaseTerms;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** What a manager knows and does while it is primary. Owner: the manager's reactor. */
final class Primary {
  private static final Logger LOG = LoggerFactory.getLogger(Primary.class);

  /** How often chains are looked at for members to replace. */
  private static final long REPAIR_EVERY_NS = 250_000_000L;

  private final MgmtdOptions options;
  private final StateStore store;
  private final long epoch;
  private final GrantedLeases leases;
  private final LeaseTerms terms;
  private final Reports reports = new Reports();
  private final RoutingHistory history;
  private final ClientList clients = new ClientList();

  /** Chains whose sightings may have changed since they were decided. */
  private TreeSet<Integer> dirty = new TreeSet<>();

  /** What the last decision asks for, of chains that ask for something. */
  private final Map<Integer, List<Action>> actions = new TreeMap<>();

  /** Since when a member has been away, as far as this manager knows. */
  private final Map<Long, Long> awaySinceNs = new HashMap<>();

  /** Why nodes were refused last, so that it is logged once. */
  private final Map<Integer, String> refusals = new HashMap<>();

  private ClusterState state;
  private EffectiveConfig config;
  private long repairAtNs;
  private long tickedNs;

  /** When no lease of the terms before can run any more; 0: these are the terms. */
  private long otherTermsUntilNs;

  /** Takes over: the store says that this manager is primary in this epoch. */
  Primary(MgmtdOptions options, StateStore store, long epoch, long nowNs) throws DeposedException {
    this.options = options;
    this.store = store;
    this.epoch = epoch;
    state = store.load(LeaseTerms.DEFAULT);
    config = configOf(state);
    terms = MgmtdKeys.leaseTerms(config);
    Header header = state.header();
    boolean longer = header.leaseDurationNs() > terms.durationNs();
    boolean looser = header.driftPpm() > terms.driftPpm();
    LeaseTerms longest =
        new LeaseTerms(
            Math.max(header.leaseDurationNs(), terms.durationNs()),
            terms.renewEveryNs(),
            terms.checkEveryNs(),
            Math.max(header.driftPpm(), terms.driftPpm()));
    Draft draft = state.draft();
    draft.leaseTerms(longest.durationNs(), longest.driftPpm());
    otherTermsUntilNs = longer || looser ? nowNs + longest.waitNs() : 0;
    leases = new GrantedLeases(longest);
    leases.presume(state.nodes().keySet(), nowNs);
    tickedNs = nowNs;
    history = new RoutingHistory(state.routing());
    dirty.addAll(state.chains().keySet());
    commit(draft);
  }

  // ---------------------------------------------------------------- what others see

  ClusterState state() {
    return state;
  }

  EffectiveConfig config() {
    return config;
  }

  LeaseTerms terms() {
    return terms;
  }

  RoutingHistory history() {
    return history;
  }

  ClientList clients() {
    return clients;
  }

  boolean isLeased(int nodeId) {
    return leases.mayHold(nodeId);
  }

  boolean hasHeard(int nodeId) {
    return reports.hasHeard(nodeId);
  }

  /** What was said last of a target; null: nothing. */
  @Nullable TargetReport reportOf(TargetInfo target) {
    return reports.of(target.nodeId(), target.id());
  }

  /** What a chain asks for; empty when it asks for nothing. */
  List<Action> actionsOf(int chainId) {
    return actions.getOrDefault(chainId, List.of());
  }

  // ---------------------------------------------------------------- heartbeats

  /** Grants or refuses; what is refused changes nothing (I2). */
  HeartbeatAnswer heartbeat(Heartbeat of, long nowNs) throws DeposedException {
    Optional<String> reason = refusal(of);
    if (reason.isPresent()) {
      if (!reason.get().equals(refusals.put(of.nodeId(), reason.get()))) {
        LOG.warn("node {} is refused: {}", of.nodeId(), reason.get());
      }
      return HeartbeatAnswer.refused(reason.get());
    }
    refusals.remove(of.nodeId());
    Renewal renewal =
        leases.renew(of.nodeId(), of.incarnation(), of.sequence(), nowNs, state.routingVersion());
    switch (renewal) {
      case Renewal.Refused refused -> {
        return HeartbeatAnswer.refused(refused.reason());
      }
      case Renewal.Granted granted -> {
        if (granted.returned()) {
          LOG.info("node {} is there, incarnation {}", of.nodeId(), of.incarnation());
          markChainsOf(of.nodeId());
        }
      }
    }
    commit(known(of));
    for (Long targetId : reports.hear(of)) {
      mark(state.chainOf(targetId));
    }
    return new HeartbeatAnswer(
        of.incarnation(),
        of.sequence(),
        state.routingVersion(),
        state.routingVersion(),
        state.header().configVersion(),
        0,
        orders(of),
        "");
  }

  private Optional<String> refusal(Heartbeat of) {
    NodeInfo node = state.nodes().get(of.nodeId());
    if (of.nodeId() < 1) {
      return refused("node id is not positive", of.nodeId(), ">= 1", "correct it");
    }
    if (node == null && !config.get(MgmtdKeys.AUTO_REGISTER)) {
      return refused("node is not registered", of.nodeId(), "a known node", "node register");
    }
    if (of.leaseDurationNs() > terms.durationNs()) {
      return refused(
          "node holds its lease for longer than the manager waits",
          of.leaseDurationNs() + " ns",
          terms.durationNs() + " ns",
          "give both the same mgmtd.lease.duration");
    }
    if (of.knownVersion() > state.routingVersion()) {
      return refused(
          "node knows newer routing than the manager",
          of.knownVersion(),
          "<= " + state.routingVersion(),
          "the manager's store was set back: restore it, or restart the node");
    }
    for (TargetReport report : of.targets()) {
      TargetInfo target = state.targets().get(report.targetId());
      if (report.targetId() < 1 || (target != null && target.nodeId() != of.nodeId())) {
        return refused(
            "target is another node's",
            "target %d from node %d".formatted(report.targetId(), of.nodeId()),
            target == null ? ">= 1" : "node " + target.nodeId(),
            "give each target one id");
      }
    }
    return Optional.empty();
  }

  private static Optional<String> refused(
      String what, Object observed, String limit, String remedy) {
    return Optional.of(
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }

  /** What a heartbeat tells for good. */
  private Draft known(Heartbeat of) {
    Draft draft = state.draft();
    NodeInfo node = state.nodes().get(of.nodeId());
    draft.put(
        node == null
            ? NodeInfo.of(of.nodeId(), of.address(), of.domain())
            : node.at(of.address(), of.domain()));
    for (TargetReport report : of.targets()) {
      TargetInfo target = state.targets().get(report.targetId());
      draft.put(
          target == null
              ? new TargetInfo(
                  report.targetId(), of.nodeId(), report.disk(), report.storeId(), 0, false)
              : target.with(report.disk(), report.storeId()));
    }
    return draft;
  }

  private List<TargetOrder> orders(Heartbeat of) {
    List<TargetOrder> orders = new ArrayList<>();
    NodeInfo node = state.nodes().get(of.nodeId());
    if (node != null && node.isLeaving()) {
      orders.add(new TargetOrder(0, 0, TargetOrder.Kind.LEAVE));
    }
    for (TargetReport report : of.targets()) {
      TargetInfo target = state.targets().get(report.targetId());
      assert target != null : "it was just stored";
      boolean founds = !report.whole() && target.wholeStoreId() == report.storeId();
      if (founds && report.storeId() != 0) {
        orders.add(order(report, TargetOrder.Kind.FOUND));
      }
      Action stop = new Action.Stop(report.targetId());
      boolean stopped = report.state() == LocalState.OFFLINE;
      if (!stopped && actionsOf(state.chainOf(report.targetId())).contains(stop)) {
        orders.add(order(report, TargetOrder.Kind.STOP));
      }
    }
    return orders;
  }

  private static TargetOrder order(TargetReport report, TargetOrder.Kind kind) {
    return new TargetOrder(report.targetId(), report.storeId(), kind);
  }

  private void mark(int chainId) {
    if (chainId != 0) {
      dirty.add(chainId);
    }
  }

  private void markChainsOf(int nodeId) {
    for (TargetInfo target : state.targets().values()) {
      if (target.nodeId() == nodeId) {
        mark(state.chainOf(target.id()));
      }
    }
  }

  // ---------------------------------------------------------------- decisions

  /** Looks at leases, spares and clients. */
  void tick(long nowNs) throws DeposedException {
    if (nowNs - tickedNs >= terms.durationNs()) {
      LOG.warn(
          "this manager was not running for {} s; nodes are given time to renew their leases",
          TimeUnit.NANOSECONDS.toSeconds(nowNs - tickedNs));
      leases.wakeUp(nowNs);
    }
    tickedNs = nowNs;
    for (Integer nodeId : leases.expire(nowNs)) {
      LOG.warn("node {} has lost its lease", nodeId);
      reports.forget(nodeId);
      markChainsOf(nodeId);
    }
    decide();
    if (nowNs - repairAtNs >= 0) {
      repairAtNs = nowNs + REPAIR_EVERY_NS;
      repair(nowNs);
      forgetThoseThatLeft();
      clients.expire(nowNs - config.get(MgmtdKeys.CLIENT_TIMEOUT));
      if (otherTermsUntilNs != 0 && nowNs - otherTermsUntilNs >= 0) {
        otherTermsUntilNs = 0;
        Draft draft = state.draft();
        draft.leaseTerms(terms.durationNs(), terms.driftPpm());
        commit(draft);
      }
    }
  }

  boolean isDirty() {
    return !dirty.isEmpty();
  }

  /** One step of every chain of which something new was seen. */
  void decide() throws DeposedException {
    if (dirty.isEmpty()) {
      return;
    }
    Draft draft = state.draft();
    TreeSet<Integer> moved = new TreeSet<>();
    for (Integer chainId : dirty) {
      ChainInfo chain = state.chains().get(chainId);
      assert chain != null : "chains are for ever: " + chainId;
      Outcome.Changed changed = ChainUpdate.next(chain.state(), sightings(chain.state()));
      if (changed.actions().isEmpty()) {
        actions.remove(chainId);
      } else {
        actions.put(chainId, changed.actions());
      }
      if (changed.chain() != chain.state()) {
        follow(draft, chain, changed.chain());
        moved.add(chainId);
      }
    }
    commit(draft);
    // They are looked at again until they rest.
    dirty = moved;
  }

  private static void follow(Draft draft, ChainInfo chain, ChainState next) {
    LOG.info("chain {}: version {}, {}", chain.id(), next.version(), next.members());
    draft.put(chain.with(next));
    for (Member member : chain.state().members()) {
      TargetInfo target = draft.target(member.targetId());
      Member now = next.member(member.targetId());
      if (now == null && target != null) {
        draft.put(target.released());
      } else if (now != null && target != null && isPromoted(member, now)) {
        // It may never hear so, and end: its store is remembered here.
        draft.put(target.asWhole());
      }
    }
  }

  private static boolean isPromoted(Member before, Member now) {
    return before.state() == TargetState.SYNCING && now.state() == TargetState.SERVING;
  }

  private Map<Long, Sighting> sightings(ChainState chain) {
    Map<Long, Sighting> sightings = new HashMap<>();
    for (Member member : chain.members()) {
      sightings.put(member.targetId(), sighting(member.targetId(), chain.version()));
    }
    return sightings;
  }

  /** Whether a target serves by what is decided. */
  boolean serves(long targetId) {
    for (ChainInfo chain : state.chains().values()) {
      Member member = chain.state().member(targetId);
      if (member != null) {
        return member.state() == TargetState.SERVING;
      }
    }
    return false;
  }

  private int nodeOf(long targetId) {
    TargetInfo target = state.targets().get(targetId);
    return target == null ? 0 : target.nodeId();
  }

  Sighting sighting(long targetId, int chainVersion) {
    TargetInfo target = state.targets().get(targetId);
    if (target == null || !leases.mayHold(target.nodeId())) {
      return Sighting.GONE;
    }
    if (!reports.hasHeard(target.nodeId())) {
      return Sighting.UNKNOWN;
    }
    TargetReport report = reports.of(target.nodeId(), targetId);
    if (report == null) {
      // Its node says nothing of it, and lets it serve no more.
      return Sighting.GONE;
    }
    boolean whole =
        report.whole()
            || report.state() == LocalState.UP_TO_DATE
            || (report.storeId() != 0 && report.storeId() == target.wholeStoreId());
    return Sighting.of(true, report.state(), whole, report.chainVersion(), chainVersion);
  }

  /** What an operator asks of a chain. */
  Outcome command(int chainId, Command command) throws DeposedException {
    ChainInfo chain = state.chains().get(chainId);
    assert chain != null;
    Outcome outcome = ChainUpdate.apply(chain.state(), command, sightings(chain.state()));
    ChainState next =
        switch (outcome) {
          case Outcome.Changed changed -> changed.chain();
          case Outcome.Forced forced -> forced.chain();
          case Outcome.Refused ignored -> chain.state();
        };
    if (next != chain.state()) {
      Draft draft = state.draft();
      follow(draft, chain, next);
      commit(draft);
      mark(chainId);
    }
    return outcome;
  }

  private void repair(long nowNs) throws DeposedException {
    Draft draft = state.draft();
    Spares spares = new Spares(state, this::isThere);
    Repair.View view = new Wanted(spares, nowNs);
    List<Integer> changed = new ArrayList<>();
    for (ChainInfo chain : state.chains().values()) {
      noteAway(chain, nowNs);
      Optional<Command> command = Repair.next(chain, view);
      if (command.isEmpty()) {
        continue;
      }
      Outcome outcome = ChainUpdate.apply(chain.state(), command.get(), sightings(chain.state()));
      if (outcome instanceof Outcome.Changed to && to.chain() != chain.state()) {
        LOG.info("chain {}: {}", chain.id(), command.get());
        follow(draft, chain, to.chain());
        changed.add(chain.id());
      }
    }
    commit(draft);
    dirty.addAll(changed);
    decide();
  }

  private boolean isThere(TargetInfo target) {
    return sighting(target.id(), 0).isPresent();
  }

  private void noteAway(ChainInfo chain, long nowNs) {
    for (Member member : chain.state().members()) {
      if (sighting(member.targetId(), chain.state().version()) == Sighting.GONE) {
        awaySinceNs.putIfAbsent(member.targetId(), nowNs);
      } else {
        awaySinceNs.remove(member.targetId());
      }
    }
  }

  private final class Wanted implements Repair.View {
    private final Spares spares;
    private final long nowNs;

    Wanted(Spares spares, long nowNs) {
      this.spares = spares;
      this.nowNs = nowNs;
    }

    @Override
    public boolean mayStay(long targetId) {
      TargetInfo target = state.targets().get(targetId);
      NodeInfo node = target == null ? null : state.nodes().get(target.nodeId());
      return target != null && node != null && !target.retiring() && !node.isDraining();
    }

    @Override
    public boolean isLost(long targetId) {
      Long since = awaySinceNs.get(targetId);
      return since != null && nowNs - since >= config.get(MgmtdKeys.SPARE_AFTER);
    }

    @Override
    public int nodeOf(long targetId) {
      return Primary.this.nodeOf(targetId);
    }

    @Override
    public long choose(ChainInfo chain, List<Member> beside) {
      return spares.take(chain, beside);
    }
  }

  /** Makes a decision durable, then known (I2). */
  void commit(Draft draft) throws DeposedException {
    ClusterState next = store.commit(draft, epoch);
    long was = state.routingVersion();
    boolean configured = next.header().configVersion() != state.header().configVersion();
    state = next;
    if (next.routingVersion() != was) {
      history.add(next.routing());
    }
    if (configured) {
      config = config.applying(configOf(next));
    }
  }

  /** An operator's decision, and the chains that it makes look different. */
  void commit(Draft draft, Collection<Integer> chains) throws DeposedException {
    commit(draft);
    dirty.addAll(chains);
  }

  /** A node has left for good, with its targets: none of them is in a chain. */
  void forget(int nodeId) throws DeposedException {
    assert !leases.mayHold(nodeId) : "who may serve is remembered: " + nodeId;
    Draft draft = state.draft();
    for (TargetInfo target : state.targets().values()) {
      if (target.nodeId() == nodeId) {
        assert state.isFree(target.id()) : "it was drained: " + target;
        draft.removeTarget(target.id());
      }
    }
    draft.removeNode(nodeId);
    commit(draft);
    leases.forget(nodeId);
    reports.forget(nodeId);
  }

  private void forgetThoseThatLeft() throws DeposedException {
    for (NodeInfo node : List.copyOf(state.nodes().values())) {
      if (node.isLeaving() && !leases.mayHold(node.id())) {
        LOG.info("node {} has left", node.id());
        forget(node.id());
      }
    }
  }

  // ---------------------------------------------------------------- configuration

  static final String CLUSTER_LAYER = "cluster";

  /** What this process is told by its own configuration. */
  ConfigLayer ownLayer() {
    return new ConfigLayer("this manager", 0, options.settings());
  }

  /** Settings as this manager sees them; what is stored was verified. */
  private EffectiveConfig configOf(ClusterState of) {
    List<ConfigLayer> layers = new ArrayList<>();
    ConfigLayer cluster = of.layers().get(CLUSTER_LAYER);
    if (cluster != null) {
      layers.add(cluster);
    }
    layers.add(ownLayer());
    return switch (MgmtdKeys.registry().merge(layers)) {
      case Merged.Valid valid -> valid.config();
      case Merged.Invalid invalid ->
          throw new IllegalArgumentException(
              "settings of this manager are not valid: " + invalid.faults());
    };
  }
}
