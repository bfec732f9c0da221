package io.lampyris.cli.sim;

import io.lampyris.chunkengine.sim.ChunkOperation;
import io.lampyris.chunkengine.sim.ChunkOperation.Kind;
import io.lampyris.chunkengine.sim.ChunkOperation.Outcome;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.IdentityEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyDecoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A client process: workers, each of which does one operation after the other on random chunks,
 * tries each again under the same identity until it has a final answer, and records what it asked
 * and was told. Owner: the simulation's thread.
 */
final class SimClient {
  /** Of an answer that does not say how long the chunk is. */
  static final int LENGTH_UNKNOWN = -1;

  /** How long one attempt waits. */
  private static final long ATTEMPT_NS = 1_500_000_000L;

  private static final long ROUTING_TIMEOUT_NS = 500_000_000L;
  private static final int ONLOOKER_THINKS = 8;
  private static final int ONLOOKER_POLLS = 4;
  private static final long BACKOFF_MIN_NS = 1_000_000;
  private static final int BACKOFF_DOUBLINGS_MAX = 7;

  private final ClusterRun run;
  private final SimReactor reactor;
  private final SimNetwork network;
  private final Prng prng;
  private final RoutingClient routing;
  private final long id;
  private final boolean onlooker;
  private final Map<Integer, Connection> connections = new HashMap<>();
  private final List<Worker> workers = new ArrayList<>();
  private long sequence;

  /**
   * @param pollNs how often it asks for routing unless it is told that what it has is stale
   * @param onlooker it only reads, and so rarely that its routing may be old
   */
  SimClient(
      ClusterRun run,
      SimReactor reactor,
      SimNetwork network,
      long id,
      long pollNs,
      boolean onlooker) {
    this.run = run;
    this.onlooker = onlooker;
    this.reactor = reactor;
    this.network = network;
    this.prng = run.prng().split();
    this.id = id;
    RoutingClient.Options options =
        new RoutingClient.Options(
            run.managerIds(),
            pollNs * (onlooker ? ONLOOKER_POLLS : 1),
            ROUTING_TIMEOUT_NS,
            id,
            1,
            "client-" + id,
            id);
    routing = new RoutingClient(reactor, network, options, newer -> {});
    reactor.add(routing);
    for (int i = 0; i < run.options().workers(); i++) {
      workers.add(new Worker(i + 1));
    }
  }

  void start() {
    workers.forEach(Worker::pause);
  }

  /** Whether no operation is under way. */
  boolean isIdle() {
    return workers.stream().noneMatch(worker -> worker.busy);
  }

  /** Says what is under way. */
  void describe(StringBuilder text) {
    for (Worker worker : workers) {
      if (worker.busy) {
        text.append(
            "\n    client %d channel %d, attempt %d, last status %s: %s of %s"
                .formatted(
                    id,
                    worker.channel,
                    worker.attempts,
                    worker.result < 0 ? Status.of(worker.result) : "none",
                    worker.chunk.history.describe(worker.number),
                    worker.chunk));
      }
    }
  }

  void close() {
    routing.onClose();
    network.close();
    reactor.close();
  }

  SimNetwork network() {
    return network;
  }

  private Connection connection(int nodeId) {
    return connections.computeIfAbsent(nodeId, n -> network.connect(n, Services.STORAGE));
  }

  /** One operation at a time. */
  private final class Worker extends Call {
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
    private final WriteChunkEncoder write = new WriteChunkEncoder();
    private final TruncateChunkEncoder truncate = new TruncateChunkEncoder();
    private final RemoveChunksEncoder remove = new RemoveChunksEncoder();
    private final ReadChunkEncoder read = new ReadChunkEncoder();
    private final ChunkReplyDecoder chunkReply = new ChunkReplyDecoder();
    private final RemoveChunksReplyDecoder removeReply = new RemoveChunksReplyDecoder();
    private final Cells cells = new Cells();
    private final byte[] bytes = new byte[SimChunk.SIZE_BYTES];
    private final int channel;
    private SimChunk chunk;
    private ChunkOperation operation;
    private int number;
    private long ownSequence;
    private int attempts;
    private long payloadCrc;
    private long routingVersion;
    boolean busy;

    Worker(int channel) {
      super(reactor, 256, 256);
      this.channel = channel;
      this.chunk = run.chunks().getFirst();
      this.operation = new ChunkOperation(Kind.READ, 0, 0, 0, null);
    }

    void pause() {
      reactor.timers().schedule(reactor.nowNs() + prng.below(thinkNs()), nowNs -> begin());
    }

    private long thinkNs() {
      return run.options().thinkNs() * (onlooker ? ONLOOKER_THINKS : 1);
    }

    private void begin() {
      if (!run.isLoading()) {
        return;
      }
      boolean reads = onlooker || prng.below(100) < 40;
      chunk = run.anyChunk(prng);
      operation = reads ? wholeRead() : update();
      busy = true;
      attempts = 0;
      if (operation.kind() != Kind.READ) {
        ownSequence = ++sequence;
      }
      number = chunk.history.invoke(operation, run.nowNs());
      send();
    }

    private ChunkOperation wholeRead() {
      return new ChunkOperation(Kind.READ, 0, chunk.cells, 0, null);
    }

    private ChunkOperation update() {
      int from = prng.below(chunk.cells);
      int count = 1 + prng.below(chunk.cells - from);
      int dice = prng.below(100);
      if (dice < 85) {
        int value = run.newValue();
        boolean whole = dice < 15;
        return new ChunkOperation(
            Kind.WRITE, whole ? 0 : from, whole ? chunk.cells : count, value, null);
      }
      return dice < 94
          ? new ChunkOperation(Kind.TRUNCATE, from, 0, 0, null)
          : new ChunkOperation(Kind.REMOVE, 0, 0, 0, null);
    }

    private void send() {
      Routing known = routing.routing();
      routingVersion = known.version();
      Routing.Chain chain = known.chains().get(chunk.chainId);
      Routing.Target to = chain == null ? null : target(known, chain);
      if (chain == null || to == null) {
        retry();
        return;
      }
      deadlineNs = reactor.nowNs() + ATTEMPT_NS;
      requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encode(chain.version(), to.id());
      connection(to.nodeId()).send(this);
    }

    /** The head for updates, any serving member for reads; null when nobody serves. */
    private Routing.@Nullable Target target(Routing known, Routing.Chain chain) {
      List<Routing.Target> serving = new ArrayList<>();
      for (Long target : chain.targetIds()) {
        Routing.Target is = known.targets().get(target);
        if (is != null && is.state() == Routing.TargetState.SERVING) {
          serving.add(is);
        }
      }
      if (serving.isEmpty()) {
        return null;
      }
      boolean any = operation.kind() == Kind.READ;
      return serving.get(any ? prng.below(serving.size()) : 0);
    }

    private int encode(int chainVersion, long targetId) {
      int cellBytes = chunk.cellBytes;
      payload(MemorySegment.NULL, 0, 0);
      return switch (operation.kind()) {
        case WRITE -> {
          int length = operation.count() * cellBytes;
          Cells.encode(bytes, operation.from(), operation.count(), cellBytes, operation.value());
          payloadCrc = cells.crc32c(bytes, length);
          write.wrapAndApplyHeader(request, 0, header);
          address(write.chunk(), chainVersion, targetId);
          identify(write.identity());
          write
              .chunkSizeBytes(SimChunk.SIZE_BYTES)
              .chunkOffset(operation.from() * cellBytes)
              .length(length)
              .updateVersion(0)
              .payloadCrc32c(payloadCrc)
              .flags(0);
          payload(MemorySegment.ofArray(bytes), 0, length);
          yield write.encodedLength();
        }
        case TRUNCATE -> {
          truncate.wrapAndApplyHeader(request, 0, header);
          address(truncate.chunk(), chainVersion, targetId);
          identify(truncate.identity());
          truncate
              .chunkSizeBytes(SimChunk.SIZE_BYTES)
              .length(operation.from() * cellBytes)
              .updateVersion(0)
              .flags(0);
          yield truncate.encodedLength();
        }
        case REMOVE -> {
          remove.wrapAndApplyHeader(request, 0, header);
          address(remove.chunk(), chainVersion, targetId);
          identify(remove.identity());
          remove.removeMax(1);
          yield remove.encodedLength();
        }
        case READ -> {
          read.wrapAndApplyHeader(request, 0, header);
          address(read.chunk(), chainVersion, targetId);
          read.chunkOffset(operation.from() * cellBytes)
              .length(operation.count() * cellBytes)
              .flags(0);
          payloadRoom(MemorySegment.ofArray(bytes), 0, operation.count() * cellBytes);
          yield read.encodedLength();
        }
      };
    }

    private void address(ChunkAddressEncoder to, int chainVersion, long targetId) {
      to.inode(chunk.inode)
          .chunkIndex(chunk.index)
          .chainId(chunk.chainId)
          .chainVersion(chainVersion)
          .targetId(targetId);
    }

    private void identify(IdentityEncoder as) {
      as.clientHigh(id).clientLow(1).sequence(ownSequence).channel(channel);
    }

    @Override
    protected void onReply() {
      boolean missing = result == Status.CHUNK_NOT_FOUND.code() && operation.kind() == Kind.READ;
      if (result >= 0 || missing) {
        // How much a removal found is not remembered: a retry finds what the first left.
        boolean unclear = operation.kind() == Kind.REMOVE && attempts > 0;
        finish(unclear ? null : outcome(missing));
        return;
      }
      Status status = Status.of(result);
      switch (status) {
        case CHAIN_VERSION_MISMATCH, NO_ROUTE, TARGET_OFFLINE, UNREACHABLE, TIMEOUT -> {
          routing.refresh(routingVersion);
          retry();
        }
        case BUSY, CHECKSUM_MISMATCH, CANCELLED -> retry();
        default -> {
          boolean rotten = status == Status.DATA_CORRUPTION && run.shape().rots();
          run.expect(rotten, () -> "%s of %s: %s".formatted(operation, chunk, status));
          retry();
        }
      }
    }

    private void retry() {
      long delayNs = BACKOFF_MIN_NS << Math.min(attempts++, BACKOFF_DOUBLINGS_MAX);
      reactor.timers().schedule(reactor.nowNs() + delayNs, nowNs -> send());
    }

    private Outcome outcome(boolean missing) {
      if (missing) {
        return Outcome.of(false, -1, -1);
      }
      return switch (operation.kind()) {
        case REMOVE -> {
          removeReply.wrapAndApplyHeader(reply, 0, replyHeader);
          yield Outcome.of(result > 0, -1, -1);
        }
        case WRITE, TRUNCATE -> {
          chunkReply.wrapAndApplyHeader(reply, 0, replyHeader);
          run.expect(
              result == (operation.kind() == Kind.WRITE ? payloadLength : chunkReply.chunkLength()),
              () -> "an update says another length than it has: " + result + " " + operation);
          int version = chunkReply.committedVersion();
          yield Outcome.of(true, version == 0 ? -1 : version, length());
        }
        case READ -> {
          chunkReply.wrapAndApplyHeader(reply, 0, replyHeader);
          yield new Outcome(true, chunkReply.committedVersion(), length(), seen());
        }
      };
    }

    private int length() {
      int length = chunkReply.chunkLength();
      if (length == LENGTH_UNKNOWN) {
        return -1;
      }
      run.expect(
          length % chunk.cellBytes == 0,
          () -> "a length that nobody made: " + length + " " + chunk);
      return length / chunk.cellBytes;
    }

    private int[] seen() {
      int[] seen = new int[(int) result / chunk.cellBytes];
      for (int i = 0; i < seen.length; i++) {
        int place = operation.from() + i;
        seen[i] = Cells.decode(bytes, i * chunk.cellBytes, place, chunk.cellBytes);
        boolean torn = seen[i] == Cells.TORN;
        run.expect(!torn, () -> "bytes that nobody wrote: cell %d of %s".formatted(place, chunk));
      }
      return seen;
    }

    private void finish(@Nullable Outcome outcome) {
      operation = operation.with(outcome);
      chunk.history.respond(number, operation, run.nowNs());
      run.onOperation(result);
      end();
    }

    private void end() {
      busy = false;
      pause();
    }
  }
}
