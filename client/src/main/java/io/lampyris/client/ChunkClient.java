package io.lampyris.client;

import io.lampyris.client.RouteTable.Positions;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Turns {@link Operation}s into calls to storage and sees each call through: routing, identity,
 * retry, and order of completion. Owner: reactor.
 *
 * <pre>
 *   submit → queue → prepare → send ──► storage
 *                      ▲ room    │ reply
 *                      └── fold ◄┴─ {@link Failover}: send again, at once or after a pause
 * </pre>
 *
 * <p>A service on the same reactor may answer inside {@code send}, and an owner may submit inside
 * its completion. Both only queue here while {@link #drain} runs, so the stack stays flat however
 * long such a chain is.
 *
 * <p>While calls are under way, a timer looks after nodes: calls to one that says nothing, or whose
 * part another node has taken over, are taken back and sent to that one.
 *
 * <p>No node takes what others need: it holds at most a quarter of the calls. Operations whose next
 * piece is for a node that has so many wait for it by themselves, in their order.
 */
final class ChunkClient implements TimerTask {
  private static final Logger LOG = LoggerFactory.getLogger(ChunkClient.class);

  /** 16 operations with a full window, or a ring of 1024 small ones, to one node. */
  static final int NODE_CALLS_MAX = 1024;

  /** Three nodes may hang and leave room for others. */
  private static final int CALLS_MAX = 4 * NODE_CALLS_MAX;

  /** Pieces of one operation under way: 64 MiB of 1 MiB chunks keeps any device busy. */
  private static final int WINDOW_MAX = 64;

  /** Steps of one drain before the reactor gets its turn. */
  private static final int DRAIN_MAX = 2048;

  private static final long BACKOFF_MIN_NS = 1_000_000;
  private static final int BACKOFF_DOUBLINGS_MAX = 7;
  private static final long WATCH_EVERY_NS = 50_000_000;
  private static final long LOG_EVERY_NS = 1_000_000_000;

  private final ReactorContext context;
  private final Failover failover;
  private final RouteTable routes;
  private final ClientIdentity identity;
  private final ClientCounters counters;
  private final DataPathOptions options;
  private final ChunkMessages messages;
  private final ReadVerifier verifier;
  private final PayloadCrc payloadCrc = new PayloadCrc();

  /** Holds the calls whose chain nobody serves, or nobody knows. */
  private final StorageNode nowhere =
      new StorageNode(
          0,
          call -> {
            throw new AssertionError("nothing is sent nowhere");
          },
          false);

  private @Nullable ChunkCall freeCalls;
  private int callsMade;
  private int callsInUse;
  private final OperationQueue queue = new OperationQueue();

  /** They had their turn already, and waited for their node. */
  private final OperationQueue woken = new OperationQueue();

  private @Nullable ChunkCall repliedHead;
  private @Nullable ChunkCall repliedTail;
  private boolean draining;
  private int inFlight;
  private boolean watching;
  private long watchAtNs;
  private long watchedVersion;
  private boolean logged;
  private long loggedNs;

  ChunkClient(
      ReactorContext context,
      Connector connector,
      RouteSource source,
      ClientIdentity identity,
      ClientCounters counters,
      DataPathOptions options) {
    this.context = context;
    this.failover = new Failover(source, connector, options, counters);
    this.routes = failover.routes();
    this.identity = identity;
    this.counters = counters;
    this.options = options;
    this.messages = new ChunkMessages(identity, options.checksums());
    this.verifier = new ReadVerifier(payloadCrc);
  }

  ReactorContext context() {
    return context;
  }

  int inFlight() {
    return inFlight;
  }

  /** Whether a drain stopped at its bound. */
  boolean hasWork() {
    boolean queued = !woken.isEmpty() || !queue.isEmpty();
    return repliedHead != null || (queued && callIsFree());
  }

  /** How many chains hold chunks of a layout; 0 when routing does not know it. */
  int chainCount(FileLayout layout) {
    follow();
    Positions positions = routes.positions(layout);
    return positions == null ? 0 : Math.min(layout.stripeSize(), positions.count());
  }

  void submit(Operation operation) {
    assert context.inReactor() : "operations are submitted on their reactor";
    assert !operation.queued && operation.outstanding == 0 : "an operation runs once at a time";
    operation.deadlineNs = context.nowNs() + options.retryNs();
    inFlight++;
    queue.add(operation);
    drain();
  }

  /** Runs what can run; returns how many steps it took. */
  int drain() {
    if (draining) {
      return 0;
    }
    draining = true;
    int steps = 0;
    while (steps < DRAIN_MAX && (takeReply() || sendPiece())) {
      steps++;
    }
    draining = false;
    return steps;
  }

  // ---- answers ----

  void onReply(ChunkCall call) {
    if (repliedTail == null) {
      repliedHead = call;
    } else {
      repliedTail.next = call;
    }
    repliedTail = call;
    drain();
  }

  void resend(ChunkCall call) {
    counters.retries.increment();
    send(call);
    drain();
  }

  private boolean takeReply() {
    ChunkCall call = repliedHead;
    if (call == null) {
      return false;
    }
    repliedHead = call.next;
    call.next = null;
    if (repliedHead == null) {
      repliedTail = null;
    }
    StorageNode node = call.node;
    if (call.sent && node != null) {
      node.answered(call, context.nowNs());
    }
    if (options.checksums() && call.kind == ChunkCall.Kind.READ && call.result > 0) {
      call.result = verifier.verified(call);
    }
    if (call.result >= 0 || !tryAgain(call)) {
      complete(call);
    }
    return true;
  }

  private boolean tryAgain(ChunkCall call) {
    long nowNs = context.nowNs();
    switch (failover.next(call, nowNs)) {
      case AT_ONCE -> {
        counters.failovers.increment();
        counters.retries.increment();
        send(call);
        return true;
      }
      case AFTER_PAUSE -> {
        long delayNs = BACKOFF_MIN_NS << Math.min(call.rounds, BACKOFF_DOUBLINGS_MAX);
        if (nowNs + delayNs <= call.tryUntilNs) {
          call.rounds++;
          context.timers().schedule(nowNs + delayNs, call);
          return true;
        }
      }
      case FINAL -> {}
    }
    if (Failover.isPassing(call.result)) {
      logFailureSlow(call, nowNs);
    }
    return false;
  }

  private void logFailureSlow(ChunkCall call, long nowNs) {
    if (logged && nowNs - loggedNs < LOG_EVERY_NS) {
      return;
    }
    logged = true;
    loggedNs = nowNs;
    StorageNode node = call.node;
    LOG.warn(
        "{} of inode {} chunk {} failed; observed={} from {} in attempt {}, limit={} s of attempts;"
            + " remedy: see lampyris status",
        call.kind,
        call.inode,
        call.chunkIndex,
        Status.of(call.result),
        node == null || node == nowhere ? "routing, where nobody serves it" : "node " + node.id,
        call.attempts,
        options.retryNs() / 1_000_000_000);
  }

  private void complete(ChunkCall call) {
    Operation operation = call.owner;
    assert operation != null : "a call under way has an owner";
    operation.fold(call, call.result);
    operation.outstanding--;
    free(call);
    if (operation.queued) {
      return;
    }
    if (operation.hasMore()) {
      queue.add(operation);
    } else if (operation.outstanding == 0) {
      finish(operation);
    }
  }

  private void finish(Operation operation) {
    inFlight--;
    operation.finish();
  }

  // ---- pieces ----

  /** Sends one piece of the operation whose turn it is. */
  private boolean sendPiece() {
    OperationQueue from = woken.isEmpty() ? queue : woken;
    Operation operation = from.peek();
    if (operation == null) {
      return false;
    }
    if (!operation.hasMore()) {
      leave(from, operation);
      if (operation.outstanding == 0) {
        finish(operation);
      }
      return true;
    }
    if (operation.outstanding >= WINDOW_MAX) {
      leave(from, operation);
      return true;
    }
    StorageNode full = callsInUse >= NODE_CALLS_MAX ? fullNode(operation) : null;
    if (full != null) {
      block(from, operation, full);
      return true;
    }
    if (!callIsFree()) {
      return false;
    }
    ChunkCall call = takeCall();
    operation.prepare(call);
    operation.outstanding++;
    start(operation, call);
    return true;
  }

  private void leave(OperationQueue from, Operation operation) {
    Operation left = from.poll();
    assert left == operation : "operations leave the queue at its head";
    StorageNode node = operation.wokenFor;
    if (node != null) {
      operation.wokenFor = null;
      node.waking = false;
      wake(node);
    }
  }

  private void block(OperationQueue from, Operation operation, StorageNode full) {
    boolean first = operation.wokenFor == full;
    leave(from, operation);
    if (first) {
      full.blocked.addFirst(operation);
    } else {
      full.blocked.add(operation);
    }
  }

  /** The node that the next piece has to wait for; null when it need not. */
  private @Nullable StorageNode fullNode(Operation operation) {
    StorageNode[] members = routes.members(operation.layout(), operation.nextChunkIndex());
    if (members.length == 0) {
      return isFull(nowhere) ? nowhere : null;
    }
    if (!operation.isRead()) {
      return isFull(members[0]) ? members[0] : null;
    }
    for (StorageNode member : members) {
      if (!isFull(member)) {
        return null;
      }
    }
    return members[0];
  }

  private static boolean isFull(StorageNode node) {
    return node.held >= NODE_CALLS_MAX;
  }

  /** Lets one of those that wait for a node look again; what it finds decides about the next. */
  private void wake(StorageNode node) {
    if (node.blocked.isEmpty() || node.waking || isFull(node)) {
      return;
    }
    Operation operation = node.blocked.poll();
    assert operation != null : "there is one";
    operation.wokenFor = node;
    node.waking = true;
    woken.add(operation);
  }

  private void wakeAll(StorageNode node) {
    for (Operation one = node.blocked.poll(); one != null; one = node.blocked.poll()) {
      woken.add(one);
    }
  }

  private void start(Operation operation, ChunkCall call) {
    call.owner = operation;
    call.attempts = 0;
    call.rounds = 0;
    call.damages = 0;
    call.triedAll();
    call.tryUntilNs = operation.deadlineNs;
    if (call.isUpdate()) {
      call.sequence = identity.nextSequence();
    }
    counters.chunkCalls.increment();
    send(call);
  }

  // ---- sending ----

  private void follow() {
    if (failover.follow()) {
      onNewRoutingSlow();
    }
  }

  /** Who waits for a node may find another one. */
  private void onNewRoutingSlow() {
    wakeAll(nowhere);
    routes.nodes().forEach(this::wakeAll);
  }

  private void send(ChunkCall call) {
    follow();
    long nowNs = context.nowNs();
    call.sent = false;
    call.attempts++;
    call.routesVersion = routes.version();
    Positions positions = routes.positions(call.layout);
    int at = positions == null ? 0 : call.layout.chainPosition(call.chunkIndex, positions.count());
    StorageNode to = positions == null ? null : failover.choose(call, positions, at, nowNs);
    hold(call, to == null ? nowhere : to);
    if (to == null || positions == null) {
      answer(call, Status.NO_ROUTE);
      return;
    }
    boolean unsealed =
        call.kind == ChunkCall.Kind.WRITE && (call.attempts == 1 || call.damages > 0);
    if (options.checksums() && unsealed && !seal(call)) {
      answer(call, Status.MEMORY_FAULT);
      return;
    }
    call.chainVersion = positions.chainVersions[at];
    call.deadlineNs = failover.deadlineNs(call, positions.members[at].length, nowNs);
    call.requestLength =
        messages.encode(
            call, positions.chainIds[at], call.chainVersion, positions.targetOn(to, at));
    call.sent = true;
    call.givenUp = false;
    to.sent(call, nowNs);
    watch(nowNs);
    to.way.send(call);
  }

  /**
   * Gives an update the checksum of its bytes; false when they are not there any more. Bytes that
   * were changed since the last attempt are another update's.
   */
  private boolean seal(ChunkCall call) {
    long crc = payloadCrc.compute(call, call.payloadLength);
    if (call.attempts > 1 && (int) crc != call.crc32c) {
      call.sequence = identity.nextSequence();
    }
    call.crc32c = (int) crc;
    return crc != PayloadCrc.GONE;
  }

  /** Not sent to anybody: answered as if by storage, with the same bounded recursion. */
  private void answer(ChunkCall call, Status status) {
    call.sent = false;
    call.result = status.code();
    onReply(call);
  }

  /** The call counts against this node from now on. */
  private void hold(ChunkCall call, StorageNode node) {
    StorageNode before = call.node;
    if (before == node) {
      return;
    }
    call.node = node;
    node.held++;
    if (before != null) {
      letGo(before);
    }
  }

  private void letGo(StorageNode node) {
    node.held--;
    wake(node);
  }

  // ---- looking after nodes ----

  private void watch(long nowNs) {
    if (!watching) {
      watching = true;
      watchAtNs = nowNs + WATCH_EVERY_NS;
      context.timers().schedule(watchAtNs, this);
    }
  }

  @Override
  public void onTimer(long nowNs) {
    watching = false;
    follow();
    boolean stoodStill = nowNs - watchAtNs > 2 * WATCH_EVERY_NS;
    boolean moved = routes.version() != watchedVersion;
    watchedVersion = routes.version();
    boolean under = false;
    List<StorageNode> nodes = routes.nodes();
    for (int i = 0; i < nodes.size(); i++) {
      StorageNode node = nodes.get(i);
      under |= node.oldest != null;
      if (stoodStill) {
        node.excuse(nowNs);
      }
      boolean silent = node.silentNs(nowNs) >= options.silentNs();
      if (silent) {
        failover.refresh(routes.version(), nowNs);
      }
      if (silent || moved) {
        takeBackLost(node, nowNs);
      }
    }
    if (under) {
      watch(nowNs);
    }
    drain();
  }

  private void takeBackLost(StorageNode node, long nowNs) {
    boolean wasDraining = draining;
    // What is answered meanwhile stays in the node's list.
    draining = true;
    for (ChunkCall call = node.oldest; call != null; call = call.younger) {
      if (!call.givenUp && failover.isLost(call, node, nowNs)) {
        call.givenUp = true;
        node.way.cancel(call);
      }
    }
    draining = wasDraining;
  }

  // ---- calls ----

  private boolean callIsFree() {
    return freeCalls != null || callsMade < CALLS_MAX;
  }

  private ChunkCall takeCall() {
    callsInUse++;
    ChunkCall call = freeCalls;
    if (call == null) {
      callsMade++;
      return new ChunkCall(context, this, identity.newChannel());
    }
    freeCalls = call.next;
    call.next = null;
    return call;
  }

  private void free(ChunkCall call) {
    callsInUse--;
    call.owner = null;
    StorageNode node = call.node;
    if (node != null) {
      call.node = null;
      letGo(node);
    }
    call.payload(MemorySegment.NULL, 0, 0);
    call.next = freeCalls;
    freeCalls = call;
  }
}
