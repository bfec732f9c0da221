package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.index.InodeSummary;
import io.lampyris.chunkengine.service.StorageService;
import io.lampyris.chunkengine.space.BadChunk;
import io.lampyris.chunkengine.store.RememberOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkAddressDecoder;
import io.lampyris.protocol.sbe.ChunkReplyEncoder;
import io.lampyris.protocol.sbe.CompareChunksDecoder;
import io.lampyris.protocol.sbe.CopySessionsDecoder;
import io.lampyris.protocol.sbe.FinishSyncDecoder;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import io.lampyris.protocol.sbe.IdentityDecoder;
import io.lampyris.protocol.sbe.ListChunksDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryChunksDecoder;
import io.lampyris.protocol.sbe.QueryChunksReplyEncoder;
import io.lampyris.protocol.sbe.QueryVersionDecoder;
import io.lampyris.protocol.sbe.ReadChunkDecoder;
import io.lampyris.protocol.sbe.RemoveChunksDecoder;
import io.lampyris.protocol.sbe.RemoveChunksReplyEncoder;
import io.lampyris.protocol.sbe.TruncateChunkDecoder;
import io.lampyris.protocol.sbe.WriteChunkDecoder;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.agrona.collections.Long2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * The storage service of a node whose targets are members of chains: what clients send, and what
 * members send each other. Owner: reactor.
 */
public final class ChainService implements Service, Agent, TimerTask {
  /**
   * Updates under way that have so many members behind them: they wait for those that have one
   * less, at the end of a chain for nobody. Each number has a bound of its own, and so have those
   * of clients, so that no circle of nodes waits for itself.
   */
  private static final int UPDATES_MAX = 1024;

  /** Longer chains share the last bound. */
  private static final int BOUNDS = 16;

  private static final int READS_MAX = 4096;
  private static final int QUERIES_MAX = 1024;
  private static final int EXTEND_ONLY = 1;
  private static final int WANTS_CRC = 2;
  private static final long REPAIR_EVERY_NS = 1_000_000_000L;

  /** How many updates that wait for the same are under way. */
  private static final class Bound {
    int underWay;
  }

  private final ReactorContext context;
  private final StorageService local;
  private final Peers peers;
  private final List<ChainTarget> targets = new ArrayList<>();
  private final Long2ObjectHashMap<ChainTarget> byId = new Long2ObjectHashMap<>();
  private Routing routing = Routing.EMPTY;

  private final ArrayDeque<Update> updates = new ArrayDeque<>();
  private final ArrayDeque<Read> reads = new ArrayDeque<>();
  private final ArrayDeque<Ask> asks = new ArrayDeque<>();
  private final ArrayDeque<RemoveRun> removes = new ArrayDeque<>();
  private final ArrayDeque<Query> queries = new ArrayDeque<>();
  private final ArrayDeque<Query> querying = new ArrayDeque<>();
  private final Bound atHead = new Bound();
  private final Bound[] byMembersBehind = new Bound[BOUNDS];
  private int reading;
  private int removing;
  private int repairing;
  private boolean closed;

  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final ReadChunkDecoder readChunk = new ReadChunkDecoder();
  private final WriteChunkDecoder writeChunk = new WriteChunkDecoder();
  private final TruncateChunkDecoder truncateChunk = new TruncateChunkDecoder();
  private final RemoveChunksDecoder removeChunks = new RemoveChunksDecoder();
  private final QueryChunksDecoder queryChunks = new QueryChunksDecoder();
  private final ForwardUpdateDecoder forward = new ForwardUpdateDecoder();
  private final QueryVersionDecoder queryVersion = new QueryVersionDecoder();
  private final ListChunksDecoder listChunks = new ListChunksDecoder();
  private final CompareChunksDecoder compareChunks = new CompareChunksDecoder();
  private final CopySessionsDecoder copySessions = new CopySessionsDecoder();
  private final FinishSyncDecoder finishSync = new FinishSyncDecoder();
  private final ForwardMessage message = new ForwardMessage();
  private final SyncMessage page = new SyncMessage();

  private final MessageHeaderEncoder replyHeader = new MessageHeaderEncoder();
  private final ChunkReplyEncoder chunkReply = new ChunkReplyEncoder();
  private final Crc32c payloadCrc = new Crc32c();
  private final RemoveChunksReplyEncoder removeReply = new RemoveChunksReplyEncoder();
  private final QueryChunksReplyEncoder queryReply = new QueryChunksReplyEncoder();

  /**
   * Attaches the stores; on any thread before the reactor runs. Nothing is served before {@link
   * #onRouting}.
   *
   * @param stores whatever chains they were made for: which they are in says routing; they stay
   *     their opener's to close, after the reactor
   * @throws StoreException IO when a device cannot be opened
   */
  public ChainService(
      ReactorContext context,
      TargetStore.DeviceOpener devices,
      List<TargetStore> stores,
      Network network,
      ServingRight right,
      ChainOptions options)
      throws StoreException {
    this.context = context;
    peers = new Peers(context, network);
    Arrays.setAll(byMembersBehind, i -> new Bound());
    local =
        new StorageService(
            context,
            devices,
            stores.stream().map(store -> new StorageService.Hosted(store, -1)).toList());
    for (TargetStore store : stores) {
      ChainTarget target = new ChainTarget(store, context, peers, right, options);
      targets.add(target);
      ChainTarget twin = byId.put(store.targetId(), target);
      assert twin == null : "targets have numbers of their own: " + store.targetId();
    }
  }

  /** The targets of this node; what they claim goes to the manager. */
  public List<ChainTarget> targets() {
    return targets;
  }

  /** There is newer routing. */
  public void onRouting(Routing newer) {
    if (newer.version() < routing.version()) {
      return;
    }
    routing = newer;
    Long2ObjectHashMap<Routing.Chain> chains = new Long2ObjectHashMap<>();
    for (Routing.Chain chain : newer.chains().values()) {
      for (Long id : chain.targetIds()) {
        if (byId.containsKey((long) id)) {
          chains.put((long) id, chain);
        }
      }
    }
    for (ChainTarget target : targets) {
      target.onRouting(newer, chains.get(target.targetId()));
    }
  }

  private int bringIn(ChainTarget target) {
    if (!target.mayCome()) {
      return 0;
    }
    target.come();
    return 1;
  }

  /** A target is asked to stop; it says OFFLINE until routing has dropped it. */
  public void stop(long targetId) {
    for (ChainTarget target : targets) {
      if (target.targetId() == targetId) {
        target.stop();
      }
    }
  }

  /** What is under way: 0 before the reactor may be closed without loss of answers. */
  public int inFlight() {
    int all = peers.inFlight() + reading + removing + querying.size() + repairing;
    for (ChainTarget target : targets) {
      all += target.inFlight();
    }
    return all;
  }

  // ---- agent ----

  @Override
  public String roleName() {
    return "chains";
  }

  @Override
  public void onStart() {
    context.timers().schedule(context.nowNs() + REPAIR_EVERY_NS, this);
  }

  @Override
  public int doWork(long nowNs) {
    int work = local.doWork(nowNs) + advanceQueries();
    for (int i = 0; i < targets.size(); i++) {
      work += targets.get(i).doWork() + bringIn(targets.get(i));
    }
    return work;
  }

  @Override
  public boolean mayBlock(long nowNs) {
    if (!querying.isEmpty() || !local.mayBlock(nowNs)) {
      return false;
    }
    for (int i = 0; i < targets.size(); i++) {
      if (targets.get(i).hasWork()) {
        return false;
      }
    }
    return true;
  }

  @Override
  public void onClose() {
    closed = true;
    local.onClose();
  }

  // ---- service ----

  @Override
  public void onCall(Call call) {
    if (call.requestLength < MessageHeaderDecoder.ENCODED_LENGTH) {
      call.reply(Status.INVALID_ARGUMENT.code());
      return;
    }
    header.wrap(call.request, 0);
    switch (header.templateId()) {
      case ReadChunkDecoder.TEMPLATE_ID -> read(call);
      case WriteChunkDecoder.TEMPLATE_ID -> write(call);
      case TruncateChunkDecoder.TEMPLATE_ID -> truncate(call);
      case RemoveChunksDecoder.TEMPLATE_ID -> remove(call);
      case QueryChunksDecoder.TEMPLATE_ID -> query(call);
      case ForwardUpdateDecoder.TEMPLATE_ID -> forwarded(call);
      case QueryVersionDecoder.TEMPLATE_ID -> version(call);
      case ListChunksDecoder.TEMPLATE_ID -> list(call);
      case CompareChunksDecoder.TEMPLATE_ID -> compare(call);
      case CopySessionsDecoder.TEMPLATE_ID -> copySessions(call);
      case FinishSyncDecoder.TEMPLATE_ID -> finishSync(call);
      default -> local.onCall(call);
    }
  }

  /** The target that a message is for; answers the call when it is not for it now. */
  private @Nullable ChainTarget targetOf(Call call, ChunkAddressDecoder chunk) {
    ChainTarget target = byId.get(chunk.targetId());
    boolean mine = target != null && target.chainId() == chunk.chainId();
    long refused = mine ? target.admits(chunk.chainVersion()) : Status.NO_ROUTE.code();
    if (refused == 0 && chunk.chunkIndex() < 0) {
      refused = Status.INVALID_ARGUMENT.code();
    }
    if (refused != 0) {
      call.reply(refused);
      return null;
    }
    return target;
  }

  private @Nullable ChainTarget headOf(Call call, ChunkAddressDecoder chunk) {
    ChainTarget target = targetOf(call, chunk);
    if (target != null && !target.view().isHead()) {
      call.reply(Status.NO_ROUTE.code());
      return null;
    }
    return target;
  }

  private @Nullable ChainTarget syncingOf(Call call, ChunkAddressDecoder chunk) {
    ChainTarget target = targetOf(call, chunk);
    if (target == null) {
      return null;
    }
    if (!target.view().isSyncing()) {
      call.reply(Status.NO_ROUTE.code());
      return null;
    }
    if (target.isSettling() || target.hasUpdatesOfOtherViews()) {
      call.reply(Status.BUSY.code());
      return null;
    }
    return target;
  }

  // ---- updates ----

  /** One update, and who waits for it. */
  private final class Update implements UpdateRun.Owner {
    final UpdateRun run = new UpdateRun(this);
    @Nullable Call call;
    @Nullable ChainTarget target;
    Bound bound = atHead;

    @Override
    public void onUpdated(UpdateRun done, long result) {
      Call waiting = taken(call);
      call = null;
      ChainTarget on = target;
      assert on != null : "an update under way has its target";
      if (result < 0) {
        waiting.reply(result);
      } else if (!done.fromClient) {
        message.answer(waiting, done.state.version, done.state.lengthBytes, done.state.crc32c);
      } else if (on.mayServe()) {
        replyChunk(waiting, result, done.state.version, done.state.lengthBytes, done.state.crc32c);
      } else {
        waiting.reply(Status.TARGET_OFFLINE.code());
      }
    }

    @Override
    public boolean repairs(UpdateRun bad) {
      ChainTarget on = target;
      assert on != null : "an update under way has its target";
      return repair(on, bad.inode, bad.chunkIndex, (repair, result) -> {});
    }

    @Override
    public void onEnded(UpdateRun done) {
      target = null;
      bound.underWay--;
      updates.push(this);
    }
  }

  /** False when nobody has the chunk, or nothing begins any more. */
  private boolean repair(ChainTarget on, long inode, int chunkIndex, Repair.Owner owner) {
    if (closed || on.view().sources().isEmpty()) {
      return false;
    }
    repairing++;
    Repair.Owner told =
        (repair, result) -> {
          repairing--;
          owner.onRepaired(repair, result);
        };
    new Repair(on, told).start(inode, chunkIndex);
    return true;
  }

  private static Call taken(@Nullable Call call) {
    assert call != null : "an operation in flight has its call";
    return call;
  }

  /** Something to run an update with; answers the call when there is nothing. */
  private @Nullable Update begin(Call call, ChainTarget target, Bound bound) {
    if (bound.underWay == UPDATES_MAX) {
      call.reply(Status.BUSY.code());
      return null;
    }
    bound.underWay++;
    Update update = updates.isEmpty() ? new Update() : updates.pop();
    update.call = call;
    update.target = target;
    update.bound = bound;
    update.run.deadlineNs = call.deadlineNs;
    update.run.fromClient = bound == atHead;
    update.run.payload = call.payload;
    update.run.payloadOffset = call.payloadOffset;
    update.run.shrinkable = call.shrinkable;
    return update;
  }

  private static void identify(UpdateRun run, ChunkAddressDecoder chunk, IdentityDecoder identity) {
    run.inode = chunk.inode();
    run.chunkIndex = chunk.chunkIndex();
    run.clientHigh = identity.clientHigh();
    run.clientLow = identity.clientLow();
    run.sequence = identity.sequence();
    run.channel = identity.channel();
  }

  private void write(Call call) {
    writeChunk.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = headOf(call, writeChunk.chunk());
    Update update = target == null ? null : begin(call, target, atHead);
    if (target == null || update == null) {
      return;
    }
    UpdateRun run = update.run;
    identify(run, writeChunk.chunk(), writeChunk.identity());
    run.kind = UpdateRun.Kind.WRITE;
    run.chunkSizeBytes = writeChunk.chunkSizeBytes();
    run.chunkOffset = writeChunk.chunkOffset();
    run.lengthBytes =
        writeChunk.length() > call.payloadLength ? -1 : writeChunk.length(); // -1: malformed
    run.updateVersion = writeChunk.updateVersion();
    run.payloadCrc32c = (int) writeChunk.payloadCrc32c();
    run.start(target, writeChunk.chunk().chainVersion());
  }

  private void truncate(Call call) {
    truncateChunk.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = headOf(call, truncateChunk.chunk());
    Update update = target == null ? null : begin(call, target, atHead);
    if (target == null || update == null) {
      return;
    }
    UpdateRun run = update.run;
    identify(run, truncateChunk.chunk(), truncateChunk.identity());
    run.kind = UpdateRun.Kind.TRUNCATE;
    run.chunkSizeBytes = truncateChunk.chunkSizeBytes();
    run.chunkOffset = 0;
    run.lengthBytes = truncateChunk.length();
    run.updateVersion = truncateChunk.updateVersion();
    run.payloadCrc32c = 0;
    run.extendOnly = (truncateChunk.flags() & EXTEND_ONLY) != 0;
    run.start(target, truncateChunk.chunk().chainVersion());
  }

  private void forwarded(Call call) {
    forward.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = targetOf(call, forward.chunk());
    if (target == null) {
      return;
    }
    UpdateRun.Kind kind = kindOf(forward.kind());
    boolean mine = target.view().takesUpdates() && !target.view().isHead();
    if (kind == null || !mine || forward.length() > lengthMax(call, kind)) {
      call.reply(mine ? Status.INVALID_ARGUMENT.code() : Status.NO_ROUTE.code());
      return;
    }
    if (!target.isFresh(forward)) {
      call.reply(Status.CANCELLED.code());
      return;
    }
    int behind = target.view().membersBehind();
    Update update = begin(call, target, byMembersBehind[Math.min(behind, BOUNDS - 1)]);
    if (update == null) {
      return;
    }
    UpdateRun run = update.run;
    identify(run, forward.chunk(), forward.identity());
    run.kind = kind;
    run.chunkSizeBytes = forward.chunkSizeBytes();
    run.chunkOffset = forward.chunkOffset();
    run.lengthBytes = forward.length();
    run.updateVersion = forward.updateVersion();
    run.payloadCrc32c = (int) forward.payloadCrc32c();
    run.extendOnly = false;
    boolean removes = kind == UpdateRun.Kind.REMOVE;
    run.doneVersion = removes ? forward.length() : 0;
    run.doneIndex = removes ? forward.chunkOffset() : 0;
    run.doneBefore = removes ? (int) forward.payloadCrc32c() : 0;
    run.answer = forward.answer();
    run.baseVersion = forward.baseVersion();
    run.baseLength = forward.baseLength();
    run.baseCrc32c = (int) forward.baseCrc32c();
    run.baseMaker = (int) forward.baseMaker();
    run.start(target, forward.chunk().chainVersion());
  }

  private static int lengthMax(Call call, UpdateRun.Kind kind) {
    return kind == UpdateRun.Kind.TRUNCATE ? Integer.MAX_VALUE : call.payloadLength;
  }

  private static UpdateRun.@Nullable Kind kindOf(short number) {
    return switch (number) {
      case ForwardMessage.WRITE -> UpdateRun.Kind.WRITE;
      case ForwardMessage.TRUNCATE -> UpdateRun.Kind.TRUNCATE;
      case ForwardMessage.REMOVE -> UpdateRun.Kind.REMOVE;
      case ForwardMessage.COPY -> UpdateRun.Kind.COPY;
      default -> null;
    };
  }

  private void remove(Call call) {
    removeChunks.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = headOf(call, removeChunks.chunk());
    if (target == null) {
      return;
    }
    if (removing == UPDATES_MAX || removeChunks.removeMax() <= 0) {
      boolean busy = removeChunks.removeMax() > 0;
      call.reply(busy ? Status.BUSY.code() : Status.INVALID_ARGUMENT.code());
      return;
    }
    removing++;
    RemoveRun run = removes.isEmpty() ? new RemoveRun(this::removed) : removes.pop();
    IdentityDecoder identity = removeChunks.identity();
    run.call = call;
    run.inode = removeChunks.chunk().inode();
    run.fromIndex = removeChunks.chunk().chunkIndex();
    run.removeMax = removeChunks.removeMax();
    run.clientHigh = identity.clientHigh();
    run.clientLow = identity.clientLow();
    run.sequence = identity.sequence();
    run.channel = identity.channel();
    run.deadlineNs = call.deadlineNs;
    run.start(target);
  }

  private void removed(RemoveRun run, ChainTarget target, long result) {
    Call call = taken(run.call);
    run.call = null;
    removing--;
    removes.push(run);
    if (result < 0) {
      call.reply(result);
    } else if (!target.mayServe()) {
      call.reply(Status.TARGET_OFFLINE.code());
    } else {
      removeReply
          .wrapAndApplyHeader(call.reply, 0, replyHeader)
          .removed((int) result)
          .more((short) (run.more ? 1 : 0));
      call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + removeReply.encodedLength();
      call.reply(result);
    }
  }

  // ---- reads ----

  private void replyChunk(Call call, long result, int version, int lengthBytes, int crc32c) {
    reply(call, result, version, lengthBytes, crc32c, ChunkReplyEncoder.payloadCrc32cNullValue());
  }

  private void reply(
      Call call, long result, int version, int lengthBytes, int crc32c, long payloadCrc32c) {
    chunkReply
        .wrapAndApplyHeader(call.reply, 0, replyHeader)
        .committedVersion(version)
        .chunkLength(lengthBytes)
        .chunkCrc32c(Integer.toUnsignedLong(crc32c))
        .payloadCrc32c(payloadCrc32c);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + chunkReply.encodedLength();
    call.reply(result);
  }

  /** One read, and who waits for it. */
  private final class Read implements ReadRun.Owner, Repair.Owner {
    final ReadRun run = new ReadRun(this);
    boolean wantsCrc;
    @Nullable Call call;
    @Nullable ChainTarget target;

    private ChainTarget target() {
      ChainTarget current = target;
      assert current != null : "a read under way has its target";
      return current;
    }

    @Override
    public void onRead(ReadRun done, long result) {
      Call waiting = taken(call);
      ChainTarget on = target();
      call = null;
      target = null;
      on.looks(-1);
      reading--;
      reads.push(this);
      if (!on.mayServe()) {
        // Also that there is no such chunk is an answer.
        waiting.reply(Status.TARGET_OFFLINE.code());
      } else if (result < 0) {
        waiting.reply(result);
      } else {
        long payloadCrc32c =
            wantsCrc
                ? payloadCrc32c(done, waiting, result)
                : ChunkReplyEncoder.payloadCrc32cNullValue();
        reply(
            waiting,
            result,
            done.state.version,
            done.state.lengthBytes,
            done.state.crc32c,
            payloadCrc32c);
      }
    }

    @Override
    public boolean repairs(ReadRun bad) {
      return repair(target(), bad.inode, bad.chunkIndex, this);
    }

    @Override
    public void onRepaired(Repair repair, long result) {
      run.start(target());
    }
  }

  /** What the reader gets is what was verified here: it is known for a whole chunk. */
  private long payloadCrc32c(ReadRun read, Call call, long result) {
    if (read.chunkOffset == 0 && result == read.state.lengthBytes) {
      return Integer.toUnsignedLong(read.state.crc32c);
    }
    long crc = payloadCrc.ofShrinkable(call.payload, call.payloadOffset, (int) result);
    return crc == Crc32c.GONE ? ChunkReplyEncoder.payloadCrc32cNullValue() : crc;
  }

  private void read(Call call) {
    readChunk.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = targetOf(call, readChunk.chunk());
    if (target == null) {
      return;
    }
    boolean asCommitted = (readChunk.flags() & Repair.AS_COMMITTED) != 0;
    boolean mine = asCommitted ? target.view().isPresent() : target.view().isServing();
    if (!mine || reading == READS_MAX) {
      call.reply(mine ? Status.BUSY.code() : Status.NO_ROUTE.code());
      return;
    }
    reading++;
    target.looks(1);
    Read read = reads.isEmpty() ? new Read() : reads.pop();
    read.call = call;
    read.target = target;
    ReadRun run = read.run;
    run.inode = readChunk.chunk().inode();
    run.chunkIndex = readChunk.chunk().chunkIndex();
    run.chunkOffset = readChunk.chunkOffset();
    run.lengthBytes = readChunk.length();
    run.asCommitted = asCommitted;
    read.wantsCrc = (readChunk.flags() & WANTS_CRC) != 0;
    run.payload = call.payload;
    run.payloadOffset = call.payloadOffset;
    run.payloadCapacityBytes = call.payloadLength;
    run.deadlineNs = call.deadlineNs;
    run.start(target);
  }

  // ---- which version is committed ----

  /** A question to the tail about a chunk that is being updated. */
  private final class Ask extends ChunkTask {
    @Nullable Call call;
    @Nullable ChainTarget target;
    int viewVersion;

    @Override
    void onGranted() {
      Call waiting = taken(call);
      ChainTarget on = target;
      assert on != null : "a question under way has its target";
      call = null;
      target = null;
      long refused = on.admits(viewVersion);
      boolean stillPending =
          on.store.pendingVersion(inode, chunkIndex) != 0 && on.view().successor() == null;
      on.turns.giveBack(inode, chunkIndex);
      if (refused != 0) {
        waiting.reply(refused);
      } else if (stillPending || !on.mayServe()) {
        waiting.reply(Status.BUSY.code());
      } else {
        message.answer(waiting, on.committedVersion(inode, chunkIndex), 0, 0);
      }
      asks.push(this);
    }
  }

  private void version(Call call) {
    queryVersion.wrapAndApplyHeader(call.request, 0, header);
    ChunkAddressDecoder chunk = queryVersion.chunk();
    ChainTarget target = targetOf(call, chunk);
    if (target == null) {
      return;
    }
    if (!target.view().isTail()) {
      call.reply(Status.NO_ROUTE.code());
    } else if (!target.mayServe()) {
      call.reply(Status.TARGET_OFFLINE.code());
    } else if (target.store.pendingVersion(chunk.inode(), chunk.chunkIndex()) == 0) {
      message.answer(call, target.committedVersion(chunk.inode(), chunk.chunkIndex()), 0, 0);
    } else {
      Ask ask = asks.isEmpty() ? new Ask() : asks.pop();
      ask.call = call;
      ask.target = target;
      ask.inode = chunk.inode();
      ask.chunkIndex = chunk.chunkIndex();
      ask.viewVersion = chunk.chainVersion();
      target.turns.take(ask);
    }
  }

  // ---- being copied to ----

  private void list(Call call) {
    listChunks.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = syncingOf(call, listChunks.chunk());
    if (target != null) {
      page.answerList(call, listChunks, target.store);
    }
  }

  private void compare(Call call) {
    compareChunks.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = syncingOf(call, compareChunks.chunk());
    if (target == null) {
      return;
    }
    if (target.store.pendingCount() > 0 && SyncMessage.settle(compareChunks, target)) {
      call.reply(Status.BUSY.code());
      return;
    }
    compareChunks.sbeRewind();
    page.answerCompare(call, compareChunks, target.store);
  }

  private void copySessions(Call call) {
    copySessions.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = syncingOf(call, copySessions.chunk());
    if (target != null) {
      new Told(call, target).start();
    }
  }

  /** Sessions that become durable, as who told them may end. Rare, so it allocates. */
  private final class Told extends RememberOp {
    private final Call call;
    private final ChainTarget target;

    Told(Call call, ChainTarget target) {
      super(SyncMessage.PAGE_SESSIONS);
      this.call = call;
      this.target = target;
    }

    void start() {
      if (page.takeSessions(copySessions, this)) {
        target.looks(1);
        target.store.submit(this);
      } else {
        call.reply(Status.INVALID_ARGUMENT.code());
      }
    }

    @Override
    protected void onComplete(long result) {
      target.looks(-1);
      call.reply(Math.min(0, result));
    }
  }

  private void finishSync(Call call) {
    finishSync.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = syncingOf(call, finishSync.chunk());
    if (target == null) {
      return;
    }
    if (target.settleAll()) {
      // Of chunks that its neighbour does not have.
      call.reply(Status.BUSY.code());
    } else {
      target.onCopied(finishSync.chunk().chainVersion());
      call.reply(0);
    }
  }

  // ---- summaries ----

  /** A summary on its way; a large inode's takes many cycles. */
  private static final class Query {
    final InodeSummary summary = new InodeSummary();
    @Nullable Call call;
    @Nullable ChainTarget target;
    int viewVersion;
  }

  /** At the head: it has committed what it has acknowledged. */
  private void query(Call call) {
    queryChunks.wrapAndApplyHeader(call.request, 0, header);
    ChainTarget target = headOf(call, queryChunks.chunk());
    if (target == null) {
      return;
    }
    if (querying.size() == QUERIES_MAX) {
      call.reply(Status.BUSY.code());
      return;
    }
    Query query = queries.isEmpty() ? new Query() : queries.pop();
    query.call = call;
    query.target = target;
    query.viewVersion = target.view().version();
    target.looks(1);
    query.summary.begin(queryChunks.chunk().inode(), 0);
    if (!advance(query)) {
      querying.add(query);
    }
  }

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

  private boolean advance(Query query) {
    ChainTarget target = query.target;
    InodeSummary summary = query.summary;
    assert target != null : "a running query has its target";
    if (!target.store.summarise(summary)) {
      return false;
    }
    Call call = taken(query.call);
    query.call = null;
    query.target = null;
    target.looks(-1);
    queries.push(query);
    long refused = target.admits(query.viewVersion);
    if (refused != 0 || !target.mayServe()) {
      call.reply(refused != 0 ? refused : Status.TARGET_OFFLINE.code());
      return true;
    }
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

  // ---- what the scrubber found ----

  @Override
  public void onTimer(long nowNs) {
    if (closed) {
      return;
    }
    context.timers().schedule(nowNs + REPAIR_EVERY_NS, this);
    for (ChainTarget target : targets) {
      boolean can = target.view().isServing() && !target.isStopped();
      if (!can || repairing > 0) {
        continue;
      }
      for (BadChunk bad : target.store.quarantined(1)) {
        repair(target, bad.inode(), bad.chunkIndex(), (repair, result) -> {});
      }
    }
  }
}
