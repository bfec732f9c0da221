package io.lampyris.mgmtd.service;

import io.lampyris.mgmtd.config.MgmtdKeys;
import io.lampyris.mgmtd.state.DeposedException;
import io.lampyris.mgmtd.state.StateStore;
import io.lampyris.mgmtd.state.StateStore.Primacy;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminRequest;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.protocol.cluster.Heartbeat;
import io.lampyris.protocol.cluster.HeartbeatAnswer;
import io.lampyris.protocol.cluster.RoutingAnswer;
import io.lampyris.protocol.cluster.RoutingQuery;
import io.lampyris.protocol.sbe.AdminDecoder;
import io.lampyris.protocol.sbe.HeartbeatDecoder;
import io.lampyris.protocol.sbe.QueryRoutingDecoder;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Optional;
import org.agrona.ExpandableArrayBuffer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A cluster manager; see the package for who decides, and when. Owner: its reactor.
 *
 * <p>It is an agent of its reactor, and serves under {@link io.lampyris.protocol.Services#MGMTD} on
 * the node that its options name.
 */
public final class MgmtdService implements Agent, Service {
  private static final Logger LOG = LoggerFactory.getLogger(MgmtdService.class);

  /** A message of a call takes no more over any network. */
  private static final int MESSAGE_MAX_BYTES = 48 << 10;

  /** How often a primary renews, and a candidate looks, in a lease. */
  private static final int LOOKS_PER_LEASE = 4;

  /** How much any clock may gain or lose, for the sake of managers among each other. */
  private static final int DRIFT_DIVISOR = 50;

  private final ReactorContext context;
  private final MgmtdOptions options;
  private final StateStore store;
  private final TimerTask onTimer = this::onTimer;
  private final ExpandableArrayBuffer scratch = new ExpandableArrayBuffer();
  private @Nullable Primary primary;
  private @Nullable KvException failure;

  /** As a primary: mine, and when the transaction that wrote it began. */
  private Optional<Primacy> mine = Optional.empty();

  private long renewedNs;

  /** As a candidate: what was seen last, and since when it has looked so. */
  private Optional<Primacy> seen = Optional.empty();

  private long seenSinceNs;
  private boolean looked;
  private long timer;
  private boolean closed;

  /**
   * @param kv stays the caller's, who closes it after the reactor
   */
  public MgmtdService(ReactorContext context, Kv kv, MgmtdOptions options) {
    this.context = context;
    this.options = options;
    this.store = new StateStore(kv);
  }

  @Override
  public String roleName() {
    return "mgmtd";
  }

  /** Whether this manager may decide now (I1). */
  public boolean isPrimary() {
    return primary != null && mayAct();
  }

  /**
   * Whether this manager has decided that a target does not serve, or did not, whoever knows of it.
   * For watchers that see everything at once, as a simulation does.
   */
  public boolean hasDropped(long targetId) {
    Primary of = primary;
    return of != null && isPrimary() && !of.serves(targetId);
  }

  @Override
  public void onStart() {
    onTimer(context.nowNs());
  }

  @Override
  public int doWork(long nowNs) {
    if (failure != null) {
      throw failure;
    }
    Primary of = primary;
    if (of == null || !of.isDirty() || !mayAct()) {
      return 0;
    }
    guarded(of::decide);
    return 1;
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return failure == null && (primary == null || !primary.isDirty());
  }

  /** Stops to decide and to answer. */
  @Override
  public void onClose() {
    if (!closed) {
      closed = true;
      primary = null;
      context.timers().cancel(timer);
    }
  }

  // ---------------------------------------------------------------- primacy

  private boolean mayAct() {
    return options.exclusiveStore() || context.bootNs() - renewedNs < options.primaryLeaseNs();
  }

  private void onTimer(long nowNs) {
    if (closed) {
      return;
    }
    long lookEveryNs = options.primaryLeaseNs() / LOOKS_PER_LEASE;
    long nextNs = nowNs + lookEveryNs;
    try {
      guarded(() -> {
        if (primary == null) {
          campaign();
        } else {
          stay(lookEveryNs);
        }
      });
      Primary of = primary;
      if (of != null) {
        guarded(() -> of.tick(context.bootNs()));
        nextNs = nowNs + of.config().get(MgmtdKeys.LEASE_CHECK);
      }
    } finally {
      timer = context.timers().schedule(nextNs, onTimer);
    }
  }

  /** Takes over from who has shown no life for longer than it acts without. */
  private void campaign() throws DeposedException {
    Optional<Primacy> now = store.primacy();
    long nowNs = context.bootNs();
    if (!looked || !now.equals(seen)) {
      looked = true;
      seen = now;
      seenSinceNs = nowNs;
    }
    long waitNs = options.primaryLeaseNs() + options.primaryLeaseNs() / DRIFT_DIVISOR;
    boolean vacant = seen.isEmpty() || options.exclusiveStore() || nowNs - seenSinceNs > waitNs;
    if (!vacant) {
      return;
    }
    looked = false;
    mine = store.take(seen, options.nodeId());
    if (mine.isPresent()) {
      renewedNs = nowNs;
      primary = new Primary(options, store, mine.get().epoch(), nowNs);
      LOG.info("manager {} is primary, epoch {}", options.nodeId(), mine.get().epoch());
    }
  }

  private void stay(long everyNs) throws DeposedException {
    Primacy before = mine.orElseThrow();
    long nowNs = context.bootNs();
    if (options.exclusiveStore() || nowNs - renewedNs < everyNs) {
      return;
    }
    mine = store.beat(before);
    if (mine.isEmpty()) {
      throw new DeposedException(before.epoch());
    }
    renewedNs = nowNs;
  }

  private interface Step {
    void run() throws DeposedException;
  }

  /** Whether it was done; else this manager is not primary any more. */
  private boolean guarded(Step step) {
    try {
      step.run();
      return true;
    } catch (DeposedException e) {
      LOG.warn("manager {} is not primary any more: {}", options.nodeId(), e.getMessage());
    } catch (KvException e) {
      LOG.error("the store of manager {} failed", options.nodeId(), e);
      failure = e;
    }
    primary = null;
    mine = Optional.empty();
    return false;
  }

  // ---------------------------------------------------------------- calls

  @Override
  public void onCall(Call call) {
    call.replyLength = 0;
    Primary of = primary;
    if (of == null || closed || !mayAct()) {
      call.reply(Status.NOT_PRIMARY.code());
      return;
    }
    long[] result = {Status.NOT_PRIMARY.code()};
    boolean done = guarded(() -> result[0] = answer(of, call));
    if (!done) {
      call.replyLength = 0;
    }
    call.reply(done ? result[0] : Status.NOT_PRIMARY.code());
  }

  private long answer(Primary of, Call call) throws DeposedException {
    try {
      int template = ClusterCodec.templateOf(call.request, call.requestLength);
      return switch (template) {
        case HeartbeatDecoder.TEMPLATE_ID -> heartbeat(of, call);
        case QueryRoutingDecoder.TEMPLATE_ID -> routing(of, call);
        case AdminDecoder.TEMPLATE_ID -> admin(of, call);
        default -> Status.NOT_IMPLEMENTED.code();
      };
    } catch (IllegalArgumentException malformed) {
      LOG.warn("a call makes no sense: {}", malformed.getMessage());
      return Status.INVALID_ARGUMENT.code();
    }
  }

  private long heartbeat(Primary of, Call call) throws DeposedException {
    Heartbeat heartbeat = ClusterCodec.heartbeat(call.request, call.requestLength);
    HeartbeatAnswer answer = of.heartbeat(heartbeat, context.bootNs());
    if (!answer.reason().isEmpty()) {
      send(call, ClusterCodec.encode(answer, scratch), room(call, heartbeat.replyRoom()));
      return Status.REFUSED.code();
    }
    int delta = of.history().encode(heartbeat.knownVersion());
    int room = room(call, heartbeat.replyRoom());
    int length = ClusterCodec.encode(answer, scratch);
    if (delta > 0 && length + delta <= room) {
      length = ClusterCodec.encode(with(answer, delta), scratch);
      scratch.putBytes(length, of.history().bytes(), 0, delta);
      length += delta;
    }
    return send(call, length, room);
  }

  private static HeartbeatAnswer with(HeartbeatAnswer of, int deltaBytes) {
    return new HeartbeatAnswer(
        of.incarnation(),
        of.sequence(),
        of.grantVersion(),
        of.routingVersion(),
        of.configVersion(),
        deltaBytes,
        of.orders(),
        of.reason());
  }

  private long routing(Primary of, Call call) {
    RoutingQuery query = ClusterCodec.routingQuery(call.request, call.requestLength);
    if (query.isClient()) {
      of.clients().heard(query, context.bootNs());
    }
    int room = room(call, query.replyRoom());
    int delta = of.history().encode(query.knownVersion());
    boolean offered = call.payloadIsRoom && call.payloadLength >= delta;
    int length = encodeRouting(of, RoutingAnswer.Place.NONE_NEEDED, delta);
    if (delta == 0) {
      return send(call, length, room);
    }
    if (length + delta <= room) {
      length = encodeRouting(of, RoutingAnswer.Place.BEHIND_MESSAGE, delta);
      scratch.putBytes(length, of.history().bytes(), 0, delta);
      return send(call, length + delta, room);
    }
    if (!offered) {
      return send(call, encodeRouting(of, RoutingAnswer.Place.NEEDS_ROOM, delta), room);
    }
    byte[] bytes = of.history().bytes().byteArray();
    MemorySegment.copy(bytes, 0, call.payload, ValueLayout.JAVA_BYTE, call.payloadOffset, delta);
    long sent = send(call, encodeRouting(of, RoutingAnswer.Place.IN_PAYLOAD, delta), room);
    return sent < 0 ? sent : delta;
  }

  private int encodeRouting(Primary of, RoutingAnswer.Place place, int deltaBytes) {
    long version = of.state().routingVersion();
    long configVersion = of.state().header().configVersion();
    return ClusterCodec.encode(
        new RoutingAnswer(version, configVersion, place, deltaBytes), scratch);
  }

  private long admin(Primary of, Call call) throws DeposedException {
    AdminRequest request = ClusterCodec.adminRequest(call.request, call.requestLength);
    int room = room(call, request.replyRoom());
    try {
      AdminAnswer answer = new Admin(of, request.arguments()).run(request.command());
      int length = ClusterCodec.encode(answer, scratch);
      while (length > room && answer.rows().size() > 1) {
        answer = firstHalf(answer);
        length = ClusterCodec.encode(answer, scratch);
      }
      return send(call, length, room);
    } catch (RefusedException e) {
      send(call, ClusterCodec.encode(AdminAnswer.of(e.reason()), scratch), room);
      return e.status().code();
    }
  }

  private static AdminAnswer firstHalf(AdminAnswer of) {
    return new AdminAnswer(
        true, of.columns(), of.rows().subList(0, (of.rows().size() + 1) / 2), of.text());
  }

  /** Both sides must have it, and a network must carry it. */
  private static int room(Call call, int replyRoom) {
    return Math.min(Math.min(replyRoom, MESSAGE_MAX_BYTES), call.reply.capacity());
  }

  private long send(Call call, int length, int room) {
    if (length > room) {
      return Status.INVALID_ARGUMENT.code();
    }
    call.reply.putBytes(0, scratch, 0, length);
    call.replyLength = length;
    return 0;
  }
}
