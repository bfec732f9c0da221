package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.IdentityEncoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Connection;
import java.lang.foreign.MemorySegment;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * Turns {@link Operation}s into calls to storage and sees each call through: routing, identity,
 * retry, and order of completion. Owner: reactor.
 *
 * <pre>
 *   submit → queue → prepare → send ──► storage
 *                      ▲ room    │ reply
 *                      └── fold ◄┴─ BUSY, stale routing, unreachable: send again after a pause
 * </pre>
 *
 * <p>A service on the same reactor may answer inside {@code send}, and an owner may submit inside
 * its completion. Both only queue here while {@link #drain} runs, so the stack stays flat however
 * long such a chain is.
 */
final class ChunkClient {
  /** 16 operations with a full window, or a ring of 1024 small ones. */
  private static final int CALLS_MAX = 1024;

  /** Pieces of one operation under way: 64 MiB of 1 MiB chunks keeps any device busy. */
  private static final int WINDOW_MAX = 64;

  /** Steps of one drain before the reactor gets its turn. */
  private static final int DRAIN_MAX = 2048;

  private static final long BACKOFF_MIN_NS = 1_000_000;
  private static final int BACKOFF_DOUBLINGS_MAX = 7;

  private final ReactorContext context;
  private final Supplier<Routing> routing;
  private final RouteTable routes;
  private final ClientIdentity identity;
  private final ClientCounters counters;
  private final long retryNs;
  private final PayloadCrc payloadCrc = new PayloadCrc();
  private final Staging staging = new Staging();

  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final ReadChunkEncoder readEncoder = new ReadChunkEncoder();
  private final WriteChunkEncoder writeEncoder = new WriteChunkEncoder();
  private final TruncateChunkEncoder truncateEncoder = new TruncateChunkEncoder();
  private final RemoveChunksEncoder removeEncoder = new RemoveChunksEncoder();
  private final QueryChunksEncoder queryEncoder = new QueryChunksEncoder();

  private @Nullable ChunkCall freeCalls;
  private int callsMade;
  private @Nullable Operation queueHead;
  private @Nullable Operation queueTail;
  private @Nullable ChunkCall repliedHead;
  private @Nullable ChunkCall repliedTail;
  private boolean draining;
  private int inFlight;

  ChunkClient(
      ReactorContext context,
      Connector connector,
      Supplier<Routing> routing,
      ClientIdentity identity,
      ClientCounters counters,
      long retryNs) {
    this.context = context;
    this.routing = routing;
    this.routes = new RouteTable(connector);
    this.identity = identity;
    this.counters = counters;
    this.retryNs = retryNs;
  }

  ReactorContext context() {
    return context;
  }

  int inFlight() {
    return inFlight;
  }

  /** Whether a drain stopped at its bound. */
  boolean hasWork() {
    return repliedHead != null || (queueHead != null && callIsFree() && !staging.isExhausted());
  }

  void close() {
    staging.close();
  }

  /** How many chains hold chunks of a layout; 0 when routing does not know it. */
  int chainCount(FileLayout layout) {
    routes.follow(routing.get());
    RouteTable.Positions positions = routes.positions(layout);
    return positions == null ? 0 : Math.min(layout.stripeSize(), positions.count());
  }

  void submit(Operation operation) {
    assert context.inReactor() : "operations are submitted on their reactor";
    assert !operation.queued && operation.outstanding == 0 : "an operation runs once at a time";
    operation.deadlineNs = context.nowNs() + retryNs;
    inFlight++;
    enqueue(operation);
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
    if (isRetryable(call.result) && retryLater(call)) {
      return true;
    }
    complete(call);
    return true;
  }

  private static boolean isRetryable(long result) {
    return result == Status.BUSY.code()
        || result == Status.CHAIN_VERSION_MISMATCH.code()
        || result == Status.UNREACHABLE.code();
  }

  private boolean retryLater(ChunkCall call) {
    long delayNs = BACKOFF_MIN_NS << Math.min(call.attempts, BACKOFF_DOUBLINGS_MAX);
    long atNs = context.nowNs() + delayNs;
    if (atNs > call.deadlineNs) {
      return false;
    }
    call.attempts++;
    context.timers().schedule(atNs, call);
    return true;
  }

  private void complete(ChunkCall call) {
    Operation operation = call.owner;
    assert operation != null : "a call under way has an owner";
    operation.fold(call, call.result);
    operation.outstanding--;
    free(call);
    if (operation.hasMore()) {
      enqueue(operation);
    } else if (operation.outstanding == 0 && !operation.queued) {
      finish(operation);
    }
  }

  private void finish(Operation operation) {
    inFlight--;
    operation.finish();
  }

  private void enqueue(Operation operation) {
    if (operation.queued) {
      return;
    }
    operation.queued = true;
    operation.next = null;
    if (queueTail == null) {
      queueHead = operation;
    } else {
      queueTail.next = operation;
    }
    queueTail = operation;
  }

  private void dequeue(Operation operation) {
    assert operation == queueHead : "operations leave the queue at its head";
    queueHead = operation.next;
    operation.next = null;
    operation.queued = false;
    if (queueHead == null) {
      queueTail = null;
    }
  }

  /** Sends one piece of the operation at the head of the queue. */
  private boolean sendPiece() {
    Operation operation = queueHead;
    if (operation == null) {
      return false;
    }
    if (!operation.hasMore()) {
      dequeue(operation);
      if (operation.outstanding == 0) {
        finish(operation);
      }
      return true;
    }
    if (operation.outstanding >= WINDOW_MAX) {
      dequeue(operation);
      return true;
    }
    if (!callIsFree()) {
      return false;
    }
    int stagedBytes = operation.stagedBytes();
    Buffer buffer = stagedBytes > 0 ? staging.acquire(stagedBytes) : null;
    if (stagedBytes > 0 && buffer == null) {
      return false;
    }
    ChunkCall call = takeCall();
    operation.prepare(call);
    operation.outstanding++;
    start(operation, call, buffer);
    return true;
  }

  private void start(Operation operation, ChunkCall call, @Nullable Buffer buffer) {
    call.owner = operation;
    call.attempts = 0;
    call.deadlineNs = operation.deadlineNs;
    if (buffer != null && !staging.stage(call, buffer)) {
      answer(call, Status.MEMORY_FAULT);
      return;
    }
    if (call.isUpdate()) {
      call.sequence = identity.nextSequence();
    }
    if (call.kind == ChunkCall.Kind.WRITE) {
      call.crc32c = payloadCrc.compute(call.payload, call.payloadOffset, call.payloadLength);
    }
    counters.chunkCalls.increment();
    send(call);
  }

  private void send(ChunkCall call) {
    routes.follow(routing.get());
    RouteTable.Positions positions = routes.positions(call.layout);
    if (positions == null) {
      answer(call, Status.NO_ROUTE);
      return;
    }
    int at = call.layout.chainPosition(call.chunkIndex, positions.count());
    Connection to = call.kind == ChunkCall.Kind.READ ? positions.readers[at] : positions.heads[at];
    if (to == null) {
      answer(call, Status.NO_ROUTE);
      return;
    }
    call.requestLength = encode(call, positions.chainIds[at], positions.chainVersions[at]);
    to.send(call);
  }

  /** Not sent to anybody: answered as if by storage, with the same bounded recursion. */
  private void answer(ChunkCall call, Status status) {
    call.result = status.code();
    onReply(call);
  }

  private int encode(ChunkCall call, int chainId, int chainVersion) {
    int length =
        switch (call.kind) {
          case READ -> encodeRead(call, chainId, chainVersion);
          case WRITE -> encodeWrite(call, chainId, chainVersion);
          case TRUNCATE -> encodeTruncate(call, chainId, chainVersion);
          case REMOVE -> encodeRemove(call, chainId, chainVersion);
          case QUERY -> encodeQuery(call, chainId, chainVersion);
        };
    return length + MessageHeaderEncoder.ENCODED_LENGTH;
  }

  private int encodeRead(ChunkCall call, int chainId, int chainVersion) {
    readEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(readEncoder.chunk(), call, chainId, chainVersion);
    readEncoder.chunkOffset(call.chunkOffset).length(call.lengthBytes).flags(0);
    return readEncoder.encodedLength();
  }

  private int encodeWrite(ChunkCall call, int chainId, int chainVersion) {
    writeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(writeEncoder.chunk(), call, chainId, chainVersion);
    identify(writeEncoder.identity(), call);
    writeEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .chunkOffset(call.chunkOffset)
        .length(call.lengthBytes)
        .updateVersion(0)
        .payloadCrc32c(Integer.toUnsignedLong(call.crc32c))
        .flags(0);
    return writeEncoder.encodedLength();
  }

  private int encodeTruncate(ChunkCall call, int chainId, int chainVersion) {
    truncateEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(truncateEncoder.chunk(), call, chainId, chainVersion);
    identify(truncateEncoder.identity(), call);
    truncateEncoder
        .chunkSizeBytes(call.layout.chunkSizeBytes())
        .length(call.lengthBytes)
        .updateVersion(0)
        .flags(0);
    return truncateEncoder.encodedLength();
  }

  private int encodeRemove(ChunkCall call, int chainId, int chainVersion) {
    removeEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(removeEncoder.chunk(), call, chainId, chainVersion);
    removeEncoder.chunk().chunkIndex((int) call.removeFromIndex);
    identify(removeEncoder.identity(), call);
    removeEncoder.removeMax(call.removeMax);
    return removeEncoder.encodedLength();
  }

  private int encodeQuery(ChunkCall call, int chainId, int chainVersion) {
    queryEncoder.wrapAndApplyHeader(call.request, 0, header);
    address(queryEncoder.chunk(), call, chainId, chainVersion);
    return queryEncoder.encodedLength();
  }

  private static void address(
      ChunkAddressEncoder encoder, ChunkCall call, int chainId, int chainVersion) {
    encoder
        .inode(call.inode)
        .chunkIndex((int) call.chunkIndex)
        .chainId(chainId)
        .chainVersion(chainVersion);
  }

  private void identify(IdentityEncoder encoder, ChunkCall call) {
    encoder
        .clientHigh(identity.high())
        .clientLow(identity.low())
        .sequence(call.sequence)
        .channel(call.channel);
  }

  private boolean callIsFree() {
    return freeCalls != null || callsMade < CALLS_MAX;
  }

  private ChunkCall takeCall() {
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
    call.owner = null;
    staging.release(call);
    call.payload(MemorySegment.NULL, 0, 0);
    call.next = freeCalls;
    freeCalls = call;
  }
}
