package io.lampyris.chunkengine.service;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.index.InodeSummary;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.RemoveOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.chunkengine.store.UpdateOp;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkAddressDecoder;
import io.lampyris.protocol.sbe.ChunkReplyEncoder;
import io.lampyris.protocol.sbe.IdentityDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksDecoder;
import io.lampyris.protocol.sbe.QueryChunksReplyEncoder;
import io.lampyris.protocol.sbe.QuerySpaceDecoder;
import io.lampyris.protocol.sbe.QuerySpaceReplyEncoder;
import io.lampyris.protocol.sbe.ReadChunkDecoder;
import io.lampyris.protocol.sbe.RemoveChunksDecoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyEncoder;
import io.lampyris.protocol.sbe.TruncateChunkDecoder;
import io.lampyris.protocol.sbe.WriteChunkDecoder;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import java.util.List;
import org.agrona.collections.Int2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/** Serves the chunks of this node's targets. Owner: reactor. */
public final class StorageService implements Service, Agent {
  /** Operations of one kind in flight: four times a device's queue. */
  private static final int OPS_MAX = 1024;

  /** Calls that wait for an operation; each client has a bounded number of calls. */
  private static final int WAITING_MAX = 8192;

  private static final int EXTEND_ONLY = 1;

  /** Of a write: without a checksum. */
  private static final int UNCHECKED = 1;

  /**
   * A target and the version of its chain in the routing that this node has.
   *
   * @param chainVersion negative: its chunks are not asked for through this service
   */
  public record Hosted(TargetStore store, int chainVersion) {}

  private static final class Target {
    final TargetStore store;
    int chainVersion;

    Target(Hosted hosted) {
      store = hosted.store();
      chainVersion = hosted.chainVersion();
    }
  }

  private final List<Target> targets;
  private final Int2ObjectHashMap<Target> byChain = new Int2ObjectHashMap<>();

  private final ArrayDeque<Read> reads = new ArrayDeque<>();
  private final ArrayDeque<Update> updates = new ArrayDeque<>();
  private final ArrayDeque<Remove> removes = new ArrayDeque<>();
  private int readsMade;
  private int updatesMade;
  private int removesMade;
  private final ArrayDeque<Call> waiting = new ArrayDeque<>();

  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final ReadChunkDecoder readChunk = new ReadChunkDecoder();
  private final WriteChunkDecoder writeChunk = new WriteChunkDecoder();
  private final TruncateChunkDecoder truncateChunk = new TruncateChunkDecoder();
  private final RemoveChunksDecoder removeChunks = new RemoveChunksDecoder();
  private final QueryChunksDecoder queryChunks = new QueryChunksDecoder();

  private final MessageHeaderEncoder replyHeader = new MessageHeaderEncoder();
  private final ChunkReplyEncoder chunkReply = new ChunkReplyEncoder();
  private final RemoveChunksReplyEncoder removeReply = new RemoveChunksReplyEncoder();
  private final QueryChunksReplyEncoder queryReply = new QueryChunksReplyEncoder();
  private final QuerySpaceReplyEncoder spaceReply = new QuerySpaceReplyEncoder();

  /** A summary on its way; a large inode's takes many cycles. */
  private static final class Query {
    final InodeSummary summary = new InodeSummary();
    @Nullable Call call;
    @Nullable TargetStore store;
  }

  private final ArrayDeque<Query> queries = new ArrayDeque<>();
  private final ArrayDeque<Query> querying = new ArrayDeque<>();
  private int queriesMade;

  /**
   * Attaches the targets; on any thread before the reactor runs.
   *
   * @param hosted of distinct chains; they stay their opener's to close, after the reactor
   * @throws StoreException IO when a device cannot be opened
   */
  public StorageService(
      ReactorContext context, TargetStore.DeviceOpener devices, List<Hosted> hosted)
      throws StoreException {
    targets = hosted.stream().map(Target::new).toList();
    for (Target target : targets) {
      if (target.chainVersion >= 0) {
        Target other = byChain.put(target.store.chainId(), target);
        assert other == null : "a node holds one target of a chain: " + target.store.chainId();
      }
      target.store.attach(context, devices);
    }
  }

  /** Takes a chain's new version from routing; false when no target here is its member. */
  public boolean chainVersion(int chainId, int version) {
    Target target = byChain.get(chainId);
    if (target == null) {
      return false;
    }
    target.chainVersion = version;
    return true;
  }

  // ---- agent ----

  @Override
  public String roleName() {
    return "storage";
  }

  @Override
  public int doWork(long nowNs) {
    int work = admitWaiting() + advanceQueries();
    for (int i = 0; i < targets.size(); i++) {
      work += targets.get(i).store.doWork();
    }
    return work;
  }

  @Override
  public boolean mayBlock(long nowNs) {
    if (!querying.isEmpty()) {
      return false;
    }
    for (int i = 0; i < targets.size(); i++) {
      if (targets.get(i).store.hasWork()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void onClose() {
    targets.forEach(target -> target.store.stop());
  }

  // ---- service ----

  @Override
  public void onCall(Call call) {
    if (waiting.isEmpty()) {
      if (!dispatch(call)) {
        waiting.add(call);
      }
    } else if (waiting.size() < WAITING_MAX) {
      waiting.add(call);
    } else {
      call.reply(Status.BUSY.code());
    }
  }

  private int admitWaiting() {
    int work = 0;
    for (Call call = waiting.peek(); call != null && dispatch(call); call = waiting.peek()) {
      waiting.remove();
      work++;
    }
    return work;
  }

  /** Starts or answers a call; false when it has to wait for an operation. */
  private boolean dispatch(Call call) {
    if (call.requestLength < MessageHeaderDecoder.ENCODED_LENGTH) {
      call.reply(Status.INVALID_ARGUMENT.code());
      return true;
    }
    header.wrap(call.request, 0);
    return switch (header.templateId()) {
      case ReadChunkDecoder.TEMPLATE_ID -> read(call);
      case WriteChunkDecoder.TEMPLATE_ID -> write(call);
      case TruncateChunkDecoder.TEMPLATE_ID -> truncate(call);
      case RemoveChunksDecoder.TEMPLATE_ID -> remove(call);
      case QueryChunksDecoder.TEMPLATE_ID -> query(call);
      case QuerySpaceDecoder.TEMPLATE_ID -> space(call);
      default -> {
        call.reply(Status.NOT_IMPLEMENTED.code());
        yield true;
      }
    };
  }

  /** The target that serves this chunk now; answers the call when there is none. */
  private @Nullable Target targetOf(Call call, ChunkAddressDecoder chunk) {
    Target target = byChain.get(chunk.chainId());
    if (target == null) {
      call.reply(Status.NO_ROUTE.code());
    } else if (target.chainVersion != chunk.chainVersion()) {
      call.reply(Status.CHAIN_VERSION_MISMATCH.code());
    } else if (chunk.chunkIndex() < 0) {
      call.reply(Status.INVALID_ARGUMENT.code());
    } else {
      return target;
    }
    return null;
  }

  private boolean read(Call call) {
    Read op = reads.poll();
    if (op == null) {
      if (readsMade == OPS_MAX) {
        return false;
      }
      readsMade++;
      op = new Read();
    }
    readChunk.wrapAndApplyHeader(call.request, 0, header);
    Target target = targetOf(call, readChunk.chunk());
    if (target == null) {
      reads.push(op);
      return true;
    }
    op.start(call, target.store);
    return true;
  }

  private @Nullable Update takeUpdate() {
    Update op = updates.poll();
    if (op == null && updatesMade < OPS_MAX) {
      updatesMade++;
      op = new Update();
    }
    return op;
  }

  private boolean write(Call call) {
    Update op = takeUpdate();
    if (op == null) {
      return false;
    }
    writeChunk.wrapAndApplyHeader(call.request, 0, header);
    Target target = targetOf(call, writeChunk.chunk());
    if (target == null) {
      updates.push(op);
    } else {
      op.startWrite(call, target);
    }
    return true;
  }

  private boolean truncate(Call call) {
    Update op = takeUpdate();
    if (op == null) {
      return false;
    }
    truncateChunk.wrapAndApplyHeader(call.request, 0, header);
    Target target = targetOf(call, truncateChunk.chunk());
    if (target == null) {
      updates.push(op);
    } else {
      op.startTruncate(call, target);
    }
    return true;
  }

  private boolean remove(Call call) {
    Remove op = removes.poll();
    if (op == null) {
      if (removesMade == OPS_MAX) {
        return false;
      }
      removesMade++;
      op = new Remove();
    }
    removeChunks.wrapAndApplyHeader(call.request, 0, header);
    Target target = targetOf(call, removeChunks.chunk());
    if (target == null) {
      removes.push(op);
    } else {
      op.start(call, target.store);
    }
    return true;
  }

  private boolean query(Call call) {
    queryChunks.wrapAndApplyHeader(call.request, 0, header);
    ChunkAddressDecoder chunk = queryChunks.chunk();
    Target target = targetOf(call, chunk);
    if (target == null) {
      return true;
    }
    Query query = queries.poll();
    if (query == null) {
      if (queriesMade == OPS_MAX) {
        return false;
      }
      queriesMade++;
      query = new Query();
    }
    query.call = call;
    query.store = target.store;
    query.summary.begin(chunk.inode(), 0);
    if (!advance(query)) {
      querying.add(query);
    }
    return true;
  }

  /** One slice of the query that waits longest. */
  private int advanceQueries() {
    Query query = querying.poll();
    if (query == null) {
      return 0;
    }
    if (!advance(query)) {
      querying.add(query);
    }
    return 1;
  }

  /** Answers when the summary is through. */
  private boolean advance(Query query) {
    TargetStore store = query.store;
    InodeSummary summary = query.summary;
    assert store != null : "a running query has its target";
    if (!store.summarise(summary)) {
      return false;
    }
    Call call = taken(query.call);
    query.call = null;
    query.store = null;
    queries.push(query);
    queryReply
        .wrapAndApplyHeader(call.reply, 0, replyHeader)
        .chunkCount(summary.chunkCount)
        .totalLengthBytes(summary.totalLengthBytes)
        .lastChunkIndex(summary.lastChunkIndex)
        .lastChunkLength(summary.lastChunkLength);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + queryReply.encodedLength();
    call.reply(0);
    return true;
  }

  private boolean space(Call call) {
    long capacity = 0;
    long free = 0;
    long chunks = 0;
    for (int i = 0; i < targets.size(); i++) {
      TargetStore store = targets.get(i).store;
      capacity += store.capacityBytes();
      free += store.freeBytes();
      chunks += store.chunkCount();
    }
    spaceReply
        .wrapAndApplyHeader(call.reply, 0, replyHeader)
        .capacityBytes(capacity)
        .freeBytes(free)
        .chunkCount(chunks);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + spaceReply.encodedLength();
    call.reply(0);
    return true;
  }

  private void replyChunk(Call call, long result, ChunkState chunk) {
    if (result >= 0) {
      chunkReply
          .wrapAndApplyHeader(call.reply, 0, replyHeader)
          .committedVersion(chunk.version)
          .chunkLength(chunk.lengthBytes)
          .chunkCrc32c(Integer.toUnsignedLong(chunk.crc32c))
          .payloadCrc32c(ChunkReplyEncoder.payloadCrc32cNullValue());
      call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + chunkReply.encodedLength();
    }
    call.reply(result);
  }

  // ---- pooled operations ----

  private static Call taken(@Nullable Call call) {
    assert call != null : "an operation in flight has its call";
    return call;
  }

  private final class Read extends ReadOp {
    private @Nullable Call call;

    void start(Call from, TargetStore store) {
      call = from;
      ChunkAddressDecoder chunk = readChunk.chunk();
      inode = chunk.inode();
      chunkIndex = chunk.chunkIndex();
      chunkOffset = readChunk.chunkOffset();
      lengthBytes = readChunk.length();
      payload = from.payload;
      payloadOffset = from.payloadOffset;
      payloadCapacityBytes = from.payloadLength;
      store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      Call done = taken(call);
      call = null;
      payload = MemorySegment.NULL;
      reads.push(this);
      replyChunk(done, result, state);
    }
  }

  private final class Update extends UpdateOp {
    private @Nullable Call call;

    private void identify(ChunkAddressDecoder chunk, IdentityDecoder identity) {
      inode = chunk.inode();
      chunkIndex = chunk.chunkIndex();
      clientHigh = identity.clientHigh();
      clientLow = identity.clientLow();
      sequence = identity.sequence();
      channel = identity.channel();
    }

    void startWrite(Call from, Target target) {
      call = from;
      kind = Kind.WRITE;
      identify(writeChunk.chunk(), writeChunk.identity());
      chainVersion = target.chainVersion;
      chunkSizeBytes = writeChunk.chunkSizeBytes();
      chunkOffset = writeChunk.chunkOffset();
      lengthBytes = writeChunk.length();
      updateVersion = writeChunk.updateVersion();
      payloadCrc32c = (int) writeChunk.payloadCrc32c();
      checked = (writeChunk.flags() & UNCHECKED) == 0;
      payload = from.payload;
      payloadOffset = from.payloadOffset;
      shrinkable = from.shrinkable;
      if (lengthBytes > from.payloadLength) {
        lengthBytes = -1; // refused as malformed
      }
      target.store.submit(this);
    }

    void startTruncate(Call from, Target target) {
      call = from;
      kind = Kind.TRUNCATE;
      identify(truncateChunk.chunk(), truncateChunk.identity());
      chainVersion = target.chainVersion;
      chunkSizeBytes = truncateChunk.chunkSizeBytes();
      chunkOffset = 0;
      lengthBytes = truncateChunk.length();
      updateVersion = truncateChunk.updateVersion();
      extendOnly = (truncateChunk.flags() & EXTEND_ONLY) != 0;
      target.store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      Call done = taken(call);
      call = null;
      payload = MemorySegment.NULL;
      updates.push(this);
      replyChunk(done, result, state);
    }
  }

  private final class Remove extends RemoveOp {
    private @Nullable Call call;

    void start(Call from, TargetStore store) {
      call = from;
      ChunkAddressDecoder chunk = removeChunks.chunk();
      IdentityDecoder identity = removeChunks.identity();
      inode = chunk.inode();
      fromIndex = chunk.chunkIndex();
      removeMax = removeChunks.removeMax();
      clientHigh = identity.clientHigh();
      clientLow = identity.clientLow();
      sequence = identity.sequence();
      channel = identity.channel();
      store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      Call done = taken(call);
      call = null;
      removes.push(this);
      if (result >= 0) {
        removeReply
            .wrapAndApplyHeader(done.reply, 0, replyHeader)
            .removed((int) result)
            .more((short) (more ? 1 : 0));
        done.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + removeReply.encodedLength();
      }
      done.reply(result);
    }
  }
}
