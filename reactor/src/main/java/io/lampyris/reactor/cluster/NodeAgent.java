package io.lampyris.reactor.cluster;

import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.protocol.cluster.Heartbeat;
import io.lampyris.protocol.cluster.HeartbeatAnswer;
import io.lampyris.protocol.cluster.RoutingQuery;
import io.lampyris.protocol.cluster.TargetOrder;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.protocol.lease.Grant;
import io.lampyris.protocol.lease.HeldLease;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Network;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.agrona.ExpandableArrayBuffer;
import org.agrona.collections.LongHashSet;

/**
 * A storage node's part in the cluster; see the package for the rules it keeps. Owner: reactor.
 *
 * <p>Heartbeats go out every {@code renewEveryNs}, whether or not the last one was answered, and at
 * once when {@link #report} says that something changed; after a failure the next one follows
 * sooner.
 */
public final class NodeAgent implements Agent {
  /** Unanswered at once: as many as fit into a lease, so that a slow manager costs none. */
  private static final int BEATS_MAX = 6;

  private static final int REQUEST_BYTES = 48 << 10;
  private static final int REPLY_BYTES = 32 << 10;

  private final ReactorContext context;
  private final NodeOptions options;
  private final NodeHost host;
  private final Managers managers;
  private final HeldLease lease;
  private final RoutingFollower follower = new RoutingFollower();
  private final RoutingFetch fetch;
  private final Beat[] beats = new Beat[BEATS_MAX];
  private final ExpandableArrayBuffer scratch = new ExpandableArrayBuffer();
  private final TimerTask onTimer = this::onTimer;

  /** Named by the last heartbeat, and not as OFFLINE (I1). */
  private final LongHashSet reported = new LongHashSet();

  /** Said OFFLINE, or nothing, while it took part (I3). */
  private final LongHashSet withheld = new LongHashSet();

  /** The first complete copies that were reported and are not known to have arrived (I5). */
  private final Map<Long, TargetReport> claimed = new HashMap<>();

  private long timer;
  private long timerAtNs = Long.MAX_VALUE;
  private long configVersion;
  private long granted;
  private String refusal = "";
  private boolean closed;

  /** The agent beats as soon as it is started. */
  public NodeAgent(ReactorContext context, Network network, NodeOptions options, NodeHost host) {
    this.context = context;
    this.options = options;
    this.host = host;
    managers = new Managers(network, options.managers());
    lease = new HeldLease(options.terms(), options.incarnation());
    RoutingQuery self = new RoutingQuery(0, 0, 0, 0, "node " + options.nodeId());
    long timeoutNs = 2 * options.terms().renewEveryNs();
    fetch = new RoutingFetch(context, managers, follower, self, timeoutNs, new OnFetched());
    for (int i = 0; i < beats.length; i++) {
      beats[i] = new Beat();
    }
  }

  @Override
  public String roleName() {
    return "node-agent";
  }

  @Override
  public void onStart() {
    beat(context.nowNs());
  }

  @Override
  public int doWork(long nowNs) {
    return 0;
  }

  /** The newest routing that this node knows. */
  public Routing routing() {
    return follower.routing();
  }

  /** Whether the node may answer at {@code bootNs} (I1). Allocates nothing. */
  public boolean mayServe(long bootNs) {
    return lease.mayServe(bootNs, follower.routing().version());
  }

  /** Whether a target of the node may answer at {@code bootNs} (I1, I3). Allocates nothing. */
  public boolean mayServe(long bootNs, long targetId) {
    return mayServe(bootNs) && reported.contains(targetId) && !withheld.contains(targetId);
  }

  /** How long the node may serve if its lease is not made longer, in ns; 0 or less: not now. */
  public long leaseLeftNs() {
    return granted == 0 ? 0 : lease.endNs() - context.bootNs();
  }

  /** How often the lease was made longer. */
  public long grants() {
    return granted;
  }

  /** Why the manager refused the last heartbeat; empty when it did not. */
  public String refusal() {
    return refusal;
  }

  /** What the targets are has changed: the manager is told now. */
  public void report() {
    if (!closed) {
      beat(context.nowNs());
    }
  }

  /** Stops to beat. The lease runs out by itself. */
  @Override
  public void onClose() {
    if (!closed) {
      closed = true;
      fetch.close();
      if (timerAtNs != Long.MAX_VALUE) {
        context.timers().cancel(timer);
      }
    }
  }

  // ---------------------------------------------------------------- beating

  private void onTimer(long nowNs) {
    timerAtNs = Long.MAX_VALUE;
    beat(nowNs);
  }

  private void beatAt(long atNs) {
    if (closed || timerAtNs <= atNs) {
      return;
    }
    if (timerAtNs != Long.MAX_VALUE) {
      context.timers().cancel(timer);
    }
    timerAtNs = atNs;
    timer = context.timers().schedule(atNs, onTimer);
  }

  private void beat(long nowNs) {
    beatAt(nowNs + options.terms().renewEveryNs());
    for (Beat beat : beats) {
      if (!beat.isInFlight()) {
        send(beat, nowNs);
        return;
      }
    }
  }

  private void send(Beat beat, long nowNs) {
    List<TargetReport> reports = reports();
    beat.claims.clear();
    for (TargetReport report : reports) {
      if (report.state() == LocalState.UP_TO_DATE && !report.whole()) {
        beat.claims.add(report);
        claimed.put(report.targetId(), report);
      }
    }
    Heartbeat message =
        new Heartbeat(
            options.nodeId(),
            lease.incarnation(),
            lease.ask(context.bootNs()),
            options.terms().durationNs(),
            follower.knownVersion(),
            REPLY_BYTES,
            reports,
            options.address(),
            options.domain());
    beat.requestLength = ClusterCodec.encode(message, scratch);
    beat.request.putBytes(0, scratch, 0, beat.requestLength);
    beat.deadlineNs = nowNs + 2 * options.terms().renewEveryNs();
    beat.manager = managers.current();
    managers.connection(beat.manager).send(beat);
  }

  /** What the host says, as far as the rules let it be said. */
  private List<TargetReport> reports() {
    List<TargetReport> reports = new ArrayList<>();
    reported.clear();
    LongHashSet named = new LongHashSet();
    for (TargetReport raw : host.targets()) {
      TargetReport report = admissible(raw);
      reports.add(report);
      named.add(report.targetId());
      if (report.state() == LocalState.OFFLINE) {
        withholdIfItTakesPart(report.targetId());
      } else {
        reported.add(report.targetId());
      }
    }
    for (Target target : follower.routing().targets().values()) {
      if (target.nodeId() == options.nodeId() && !named.contains(target.id())) {
        withholdIfItTakesPart(target.id());
      }
    }
    return reports;
  }

  private TargetReport admissible(TargetReport report) {
    if (withheld.contains(report.targetId())) {
      return report.asOffline();
    }
    boolean claims = report.state() == LocalState.UP_TO_DATE;
    return claims && report.chainVersion() != chainVersionOf(report.targetId())
        ? report.asOnline()
        : report;
  }

  private void withholdIfItTakesPart(long targetId) {
    if (takesPart(targetId)) {
      withheld.add(targetId);
    }
  }

  private boolean takesPart(long targetId) {
    Target target = follower.routing().targets().get(targetId);
    return target != null
        && (target.state() == TargetState.SERVING || target.state() == TargetState.SYNCING);
  }

  /** The version of the chain that a target is in; -1: it is in none. */
  private int chainVersionOf(long targetId) {
    for (Chain chain : follower.routing().chains().values()) {
      if (chain.targetIds().contains(targetId)) {
        return chain.version();
      }
    }
    return -1;
  }

  // ---------------------------------------------------------------- answers

  private void onAnswer(Beat beat) {
    if (closed) {
      return;
    }
    HeartbeatAnswer answer;
    try {
      answer = ClusterCodec.heartbeatAnswer(beat.reply, beat.replyLength);
    } catch (IllegalArgumentException none) {
      managers.failed(beat.manager);
      onFailure("no answer, result " + beat.result);
      return;
    }
    if (beat.result < 0) {
      onFailure(answer.reason());
      return;
    }
    refusal = "";
    Grant grant =
        new Grant(options.nodeId(), answer.incarnation(), answer.sequence(), answer.grantVersion());
    granted += lease.onGrant(grant, context.bootNs()) ? 1 : 0;
    beat.claims.forEach(this::onTaken);
    if (answer.deltaBytes() > 0 && answer.deltaBytes() <= beat.replyLength) {
      int at = beat.replyLength - answer.deltaBytes();
      if (follower.onDelta(beat.reply, at, answer.deltaBytes())) {
        onRouting();
      }
    }
    follow(answer.orders());
    if (answer.configVersion() != configVersion) {
      configVersion = answer.configVersion();
      host.onConfigVersion(configVersion);
    }
    boolean behind = answer.routingVersion() > follower.routing().version();
    if ((behind || follower.knownVersion() == 0) && !fetch.isUnderWay()) {
      fetch.ask();
    }
  }

  private void onFailure(String reason) {
    refusal = reason;
    beatAt(context.nowNs() + options.terms().renewEveryNs() / 5);
  }

  private void follow(List<TargetOrder> orders) {
    for (TargetOrder order : orders) {
      switch (order.kind()) {
        case FOUND -> host.onWhole(order.targetId(), order.storeId());
        case STOP -> host.onStop(order.targetId());
        case LEAVE -> host.onLeave();
      }
    }
  }

  /** The report of a first complete copy has arrived (I5). */
  private void onTaken(TargetReport claim) {
    claimed.remove(claim.targetId());
    host.onWhole(claim.targetId(), claim.storeId());
  }

  private void onRouting() {
    for (Target target : follower.routing().targets().values()) {
      if (target.nodeId() != options.nodeId()) {
        continue;
      }
      long id = target.id();
      if (!takesPart(id)) {
        withheld.remove(id);
      } else if (!reported.contains(id)) {
        withheld.add(id);
      }
      TargetReport claim = claimed.get(id);
      boolean promoted = target.state() == TargetState.SERVING;
      if (claim != null && promoted && chainVersionOf(id) > claim.chainVersion()) {
        // Only that report can have made it serve, so it was taken though its answer was lost.
        onTaken(claim);
      }
    }
    host.onRouting(follower.routing());
  }

  private final class OnFetched implements RoutingFetch.Listener {
    @Override
    public void onRouting() {
      NodeAgent.this.onRouting();
    }

    @Override
    public void onDone(boolean answered) {
      // The next heartbeat's answer says whether there is more.
    }
  }

  private final class Beat extends Call {
    final List<TargetReport> claims = new ArrayList<>();
    int manager;

    Beat() {
      super(context, REQUEST_BYTES, REPLY_BYTES);
    }

    @Override
    protected void onReply() {
      onAnswer(this);
    }
  }
}
