package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.store.CommitOp;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.RemoveOp;
import io.lampyris.chunkengine.store.RollbackOp;
import io.lampyris.chunkengine.store.UpdateOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.TimerTask;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One update of one chunk at one member, from its turn to its answer. Owner: reactor.
 *
 * <pre>
 *   turn ─► (head: ask the tail about a version that was left pending)
 *        ─┬─ end of the chain: commit at once ─────────────────────────────────────► answer
 *         └─ else: pending ─► forward ─┬─► commit ─► answer
 *                              ▲       └─ no answer, another view: again, or commit
 *                              └─ send the whole chunk, when the successor lacks what is under it
 * </pre>
 *
 * <p>It ends only when everyone behind has the update, when it was refused, or when this member is
 * none of its chain any more: it tries for as long as its chain takes to do without who does not
 * answer.
 */
final class UpdateRun extends ChunkTask implements PeerCall.User, ChunkCopy.Owner, TimerTask {
  /** Who gets the answer; the run is its pool's again when this returns. */
  interface Owner {
    /** All that can go on without the chunk's turn; {@link UpdateRun#state} is what was made. */
    void onUpdated(UpdateRun run, long result);

    /** Nothing of it is under way any more. */
    void onEnded(UpdateRun run);

    /**
     * What it lies over cannot be read here, or went bad.
     *
     * @return whether it is taken from another member, once the chunk's turn is given back
     */
    boolean repairs(UpdateRun run);
  }

  /** What to do. */
  enum Kind {
    WRITE(ForwardMessage.WRITE),
    TRUNCATE(ForwardMessage.TRUNCATE),
    REMOVE(ForwardMessage.REMOVE),
    COPY(ForwardMessage.COPY);

    final short number;

    Kind(short number) {
      this.number = number;
    }
  }

  private enum Step {
    IDLE,
    TURN,
    ASKING,
    SETTLING,
    LOCAL,
    FORWARDING,
    PAUSED,
    REREADING,
    COPYING,
    VERIFYING,
    COMMITTING
  }

  /** In the answer that an update carries: the sender has made another version of it. */
  static final int DOUBTED = 1;

  Kind kind = Kind.WRITE;
  int chunkSizeBytes;
  int chunkOffset;
  int lengthBytes;

  /**
   * Of a client's removal of chunks from an index on: DONE or DONE_MORE when this is the last of
   * them, and all others are gone; else 0.
   */
  int doneVersion;

  /** Of the last one: where the removal began. */
  int doneIndex;

  /** Of the last one: how many were removed before it. */
  int doneBefore;

  /** From a client: what it asks for, usually 0. From a member: what the update makes. */
  int updateVersion;

  int payloadCrc32c;
  boolean extendOnly;
  long clientHigh;
  long clientLow;
  long sequence;
  int channel;
  int answer;
  MemorySegment payload = MemorySegment.NULL;
  long payloadOffset;
  boolean shrinkable;

  /** False when another member sent it. */
  boolean fromClient;

  // Of the member that sent it: the chunk before the update.
  int baseVersion;
  int baseLength;
  int baseCrc32c;
  int baseMaker;

  /** Under which it was admitted. */
  int viewVersion;

  long deadlineNs;

  /** What was made, or found. */
  final ChunkState state = new ChunkState();

  @Nullable UpdateRun older;
  @Nullable UpdateRun younger;

  private final Owner owner;
  private final ForwardMessage message = new ForwardMessage();
  private final Update update = new Update();
  private final Commit commit = new Commit();
  private final ChunkState base = new ChunkState();

  /** Whether it is remembered who made the base when there is another version. */
  private boolean remembersMaker;

  private @Nullable Remove remove;
  private @Nullable Rollback rollback;
  private @Nullable ChunkCopy copy;
  private @Nullable Reread reread;
  private @Nullable Buffer ownPayload;
  private @Nullable ChainTarget on;
  private Step step = Step.IDLE;
  private boolean answered;
  private boolean wantsWhole;
  private @Nullable Verify verify;
  private @Nullable Arena verified;

  /** Whom this version was sent to last. */
  private long sentTo;

  /** Who said that it has made another one of it, and is asked to look at its bytes; 0 for none. */
  private long doubted;

  /** Of a removal: whether there was something to remove when its turn came. */
  private boolean existed;

  private int made;
  private int attempts;
  private long order;
  private long timer;

  /** What the client is told when all have it. */
  private long result;

  UpdateRun(Owner owner) {
    this.owner = owner;
  }

  private final class Update extends UpdateOp {
    @Override
    protected void onComplete(long value) {
      payload = MemorySegment.NULL;
      onLocal(value);
    }
  }

  private final class Commit extends CommitOp {
    @Override
    protected void onComplete(long value) {
      onCommit(value);
    }
  }

  private final class Remove extends RemoveOp {
    @Override
    protected void onComplete(long value) {
      onCommit(value);
    }
  }

  private final class Rollback extends RollbackOp {
    @Override
    protected void onComplete(long value) {
      onRollback(value);
    }
  }

  /** The payload as it is here: the client's memory may have changed since. */
  private final class Reread extends ReadOp {
    @Override
    protected void onComplete(long value) {
      onReread(value);
    }
  }

  private final class Verify extends ReadOp {
    @Override
    protected void onComplete(long value) {
      onVerified(value);
    }
  }

  ChainTarget target() {
    ChainTarget current = on;
    assert current != null : "a run under way has its target";
    return current;
  }

  private ChainView view() {
    return target().view();
  }

  // ---- its turn ----

  /** Under the version of the chain that its message named. */
  void start(ChainTarget target, int chainVersion) {
    assert step == Step.IDLE : "a run is started once at a time: " + step;
    on = target;
    step = Step.TURN;
    answered = false;
    wantsWhole = false;
    doubted = 0;
    attempts = 0;
    viewVersion = chainVersion;
    target.begun(this);
    target.turns.take(this);
  }

  @Override
  void onGranted() {
    ChainTarget target = target();
    long refused = target.admits(viewVersion);
    if (refused == 0 && deadlineNs - target.context.nowNs() <= 0) {
      // Nobody waits for it, and its sender may have tried again.
      refused = Status.TIMEOUT.code();
    }
    if (refused == 0 && target.hasBareRemovals() && view().successor() != null) {
      // They take no turns, and would remove what is pending here.
      refused = Status.BUSY.code();
    }
    if (refused != 0) {
      end(refused);
      return;
    }
    findBase(target);
    if (fromClient) {
      beginAtHead();
    } else if (view().isSyncing()) {
      beginAtCopy();
    } else {
      beginBehindHead();
    }
  }

  private void findBase(ChainTarget target) {
    remembersMaker = false;
    if (!target.store.find(inode, chunkIndex, base)) {
      base.version = 0;
      return;
    }
    // What a member has that is being copied to, the chain need not have made.
    boolean known = view().isServing() || isLikeBaseOfSender();
    Session of = known ? target.sessions.remember(base) : target.sessions.of(base);
    remembersMaker = of != null;
  }

  /** The first one to see it: was it here before, and does anything stand in its way? */
  private void beginAtHead() {
    ChainTarget target = target();
    Session last = target.sessions.find(clientHigh, clientLow, channel);
    if (last != null && last.sequence > sequence) {
      end(Status.CHUNK_STALE_UPDATE.code());
      return;
    }
    if (last != null && isDone(last)) {
      answered = true;
      owner.onUpdated(this, 0);
      end(0);
      return;
    }
    if (last != null && isMine(last)) {
      target.counters.repeatedBySession++;
      state.version = last.version;
      state.lengthBytes = last.lengthBytes;
      state.crc32c = last.crc32c;
      result = last.result;
      end(result);
      return;
    }
    boolean left = target.store.findPending(inode, chunkIndex, state);
    if (left && !isMine(state)) {
      step = Step.ASKING;
      ask();
    } else {
      beginLocal(kind == Kind.REMOVE ? 0 : updateVersion);
    }
  }

  /** The removal of many that this is one of is done, as was said before its turn came. */
  private boolean isDone(Session last) {
    return kind == Kind.REMOVE && last.sequence == sequence && last.version < 0;
  }

  private boolean isMine(Session last) {
    return last.sequence == sequence && last.inode == inode && last.chunkIndex == chunkIndex;
  }

  private boolean isMine(ChunkState made) {
    return isNamed()
        && made.clientHigh == clientHigh
        && made.clientLow == clientLow
        && made.channel == channel
        && made.sequence == sequence;
  }

  private boolean isNamed() {
    return (clientHigh | clientLow) != 0;
  }

  /** Someone's update was given up while it was pending; the tail knows whether it is committed. */
  private void ask() {
    ChainTarget target = target();
    if (view().isTail()) {
      // What is pending here was refused behind: nobody has it.
      replace();
      return;
    }
    PeerCall call = target.peers.call();
    ChainView.Peer tail = view().tail();
    message.query(call, target, tail, inode, chunkIndex);
    target.counters.tailQueries++;
    target.peers.send(call, tail.nodeId(), this, target.options.forwardTimeoutNs());
  }

  private void onAsked(PeerCall call) {
    ChainTarget target = target();
    int version = message.version(call);
    if (version < 0) {
      end(Status.BUSY.code());
    } else if (version >= target.store.pendingVersion(inode, chunkIndex)) {
      step = Step.ASKING;
      commitVersion(target.store.pendingVersion(inode, chunkIndex));
    } else {
      replace();
    }
  }

  private void replace() {
    beginLocal(base.version + 1);
  }

  private void beginBehindHead() {
    if (kind == Kind.COPY) {
      end(Status.CHAIN_VERSION_MISMATCH.code());
    } else if (kind == Kind.REMOVE) {
      beginLocal(0);
    } else if (base.version == updateVersion) {
      // Sent again: everyone behind has it, or this member would not have committed it.
      state.copyFrom(base);
      result = base.result;
      if (answer == DOUBTED && base.lengthBytes > 0) {
        verify();
      } else {
        end(0);
      }
    } else if (base.version > updateVersion || base.version + 1 < updateVersion) {
      target()
          .leave(
              "version %d of inode %d chunk %d while its neighbour makes %d"
                  .formatted(base.version, inode, chunkIndex, updateVersion));
      end(Status.TARGET_OFFLINE.code());
    } else {
      beginLocal(updateVersion);
    }
  }

  private void beginAtCopy() {
    ChainTarget target = target();
    if (target.isSettling() || target.hasUpdatesOfOtherViews()) {
      end(Status.BUSY.code());
    } else if (mustSettle(target)) {
      settle(target);
    } else if (kind == Kind.COPY || kind == Kind.REMOVE) {
      beginLocal(updateVersion);
    } else if (base.version == updateVersion && (isMine(base) || !isNamed())) {
      state.copyFrom(base);
      result = base.result;
      end(0);
    } else if (base.version != baseVersion || (baseVersion != 0 && !isLikeBaseOfSender())) {
      end(Status.CHUNK_MISSING_UPDATE.code());
    } else {
      beginLocal(updateVersion);
    }
  }

  /** A removal ends what is pending too, and of a copy the parts before this one are. */
  private boolean mustSettle(ChainTarget target) {
    boolean isFirst = kind != Kind.COPY || chunkOffset == 0;
    return kind != Kind.REMOVE && isFirst && target.store.findPending(inode, chunkIndex, state);
  }

  /** What was left pending here is what the sender has, or is worth nothing. */
  private void settle(ChainTarget target) {
    step = Step.SETTLING;
    ChainTarget.Base has =
        kind == Kind.COPY
            ? null
            : new ChainTarget.Base(baseVersion, baseLength, baseCrc32c, baseMaker);
    if (target.isWorth(state, has)) {
      commitVersion(state.version);
      return;
    }
    Rollback op = rollback;
    if (op == null) {
      op = new Rollback();
      rollback = op;
    }
    op.inode = inode;
    op.chunkIndex = chunkIndex;
    target.store.submit(op);
  }

  private boolean isLikeBaseOfSender() {
    return base.isLike(baseVersion, baseLength, baseCrc32c, baseMaker);
  }

  // ---- here ----

  private void beginLocal(int version) {
    boolean last = view().successor() == null;
    step = Step.LOCAL;
    if (kind == Kind.REMOVE) {
      beginRemoval(last);
      return;
    }
    update.kind =
        switch (kind) {
          case WRITE -> UpdateOp.Kind.WRITE;
          case TRUNCATE -> UpdateOp.Kind.TRUNCATE;
          case COPY -> UpdateOp.Kind.REPLACE;
          case REMOVE -> throw new AssertionError("removals go their own way");
        };
    boolean pending = !last || (kind == Kind.COPY && chunkOffset + lengthBytes < baseLength);
    update.stage = pending ? UpdateOp.Stage.PENDING : UpdateOp.Stage.AT_ONCE;
    update.chunkSizeBytes = chunkSizeBytes;
    update.chunkOffset = chunkOffset;
    update.lengthBytes = lengthBytes;
    update.updateVersion = version;
    update.payloadCrc32c = payloadCrc32c;
    update.extendOnly = extendOnly;
    update.removal = false;
    update.copiedResult = answer;
    update.wholeBytes = kind == Kind.COPY ? baseLength : 0;
    update.wholeCrc32c = kind == Kind.COPY ? baseCrc32c : 0;
    update.payload = payload;
    update.payloadOffset = payloadOffset;
    update.shrinkable = shrinkable;
    submitUpdate();
  }

  private void submitUpdate() {
    update.inode = inode;
    update.chunkIndex = chunkIndex;
    update.chainVersion = view().version();
    update.clientHigh = clientHigh;
    update.clientLow = clientLow;
    update.sequence = sequence;
    update.channel = channel;
    update.remembersMaker = remembersMaker;
    target().store.submit(update);
  }

  /** A removal is pending as a version without bytes, so that it is not forgotten half-way. */
  private void beginRemoval(boolean last) {
    boolean exists = base.version != 0 || target().store.pendingVersion(inode, chunkIndex) != 0;
    existed = base.version != 0;
    if (last) {
      removeNow(exists);
    } else if (!exists) {
      made = 0;
      forward();
    } else {
      update.kind = UpdateOp.Kind.TRUNCATE;
      update.stage = UpdateOp.Stage.PENDING;
      update.chunkSizeBytes = sizeOfChunk();
      update.lengthBytes = 0;
      update.updateVersion = base.version + 1;
      update.extendOnly = false;
      update.removal = true;
      submitUpdate();
    }
  }

  private int sizeOfChunk() {
    if (base.version == 0) {
      boolean found = target().store.findPending(inode, chunkIndex, state);
      assert found : "what is removed exists";
      return state.chunkSizeBytes;
    }
    return base.chunkSizeBytes;
  }

  private void removeNow(boolean exists) {
    step = Step.COMMITTING;
    if (!exists) {
      onCommit(0);
      return;
    }
    Remove op = remove;
    if (op == null) {
      op = new Remove();
      remove = op;
    }
    op.inode = inode;
    op.fromIndex = chunkIndex;
    op.removeMax = 1;
    op.clientHigh = clientHigh;
    op.clientLow = clientLow;
    op.sequence = sequence;
    op.channel = channel;
    op.remembersMakers = remembersMaker;
    op.isRemembered = true;
    op.sessionIndex = doneVersion == 0 ? chunkIndex : doneIndex;
    op.sessionResult = (existed ? 1L : 0L) + doneBefore;
    op.sessionVersion = doneVersion;
    target().store.submit(op);
  }

  private void onLocal(long value) {
    ChainTarget target = target();
    if (value < 0) {
      end(isBadBase(value) && owner.repairs(this) ? Status.BUSY.code() : value);
      return;
    }
    state.copyFrom(update.state);
    result = value;
    made = state.version;
    int pending = target.store.pendingVersion(inode, chunkIndex);
    if (kind == Kind.COPY) {
      target.counters.partsPending += pending != 0 ? 1 : 0;
      end(value);
    } else if (pending == 0 || pending != made) {
      // At the end of the chain, or it was here before, or it changes nothing.
      end(value);
    } else {
      forward();
    }
  }

  /** A member that is copied to gets the whole chunk instead. */
  private boolean isBadBase(long status) {
    return (status == Status.DATA_CORRUPTION.code() || status == Status.DEVICE_ERROR.code())
        && (kind == Kind.WRITE || kind == Kind.TRUNCATE)
        && view().isServing();
  }

  // ---- to the others ----

  private void forward() {
    ChainTarget target = target();
    ChainView view = view();
    ChainView.Peer to = view.successor();
    if (target.isStopped() || !view.isServing() || target.store.isOffline()) {
      end(Status.TARGET_OFFLINE.code());
    } else if (to == null) {
      commit();
    } else if (wantsWhole && view.copiesToSuccessor()) {
      sendWhole(to);
    } else {
      step = Step.FORWARDING;
      PeerCall call = target.peers.call();
      order = target.forwards.begin();
      sentTo = to.targetId();
      int doubt = doubted == sentTo ? DOUBTED : 0;
      message.update(call, target, to, this, base, made, kind.number, doubt, order);
      if (kind == Kind.WRITE) {
        Buffer own = ownPayload;
        if (own == null) {
          call.payload(payload, payloadOffset, lengthBytes);
          call.shrinkable = shrinkable;
        } else {
          call.payload(own.segment(), 0, lengthBytes);
        }
      }
      target.counters.forwards++;
      target.peers.send(call, to.nodeId(), this, target.options.forwardTimeoutNs());
    }
  }

  @Override
  public void onPeerReply(PeerCall call) {
    if (step == Step.ASKING) {
      onAsked(call);
      return;
    }
    ChainTarget target = target();
    assert step == Step.FORWARDING : "an answer was awaited: " + step;
    target.forwards.end(order);
    if (call.result >= 0) {
      onForwarded(call);
    } else if (lacksBase(call.result) && view().copiesToSuccessor()) {
      wantsWhole = true;
      forward();
    } else if (call.result == Status.CHECKSUM_MISMATCH.code() && canReread()) {
      rereadPayload();
    } else if (isRefusal(call.result)) {
      // It stays pending here: the next update of the chunk finds out what became of it.
      end(call.result);
    } else {
      pause();
    }
  }

  /** What is under the update is not there, or its bytes went bad. */
  private boolean lacksBase(long status) {
    return status == Status.CHUNK_MISSING_UPDATE.code()
        || (status == Status.DATA_CORRUPTION.code() && kind != Kind.REMOVE);
  }

  private static boolean isRefusal(long status) {
    return status == Status.NO_SPACE.code()
        || status == Status.INVALID_ARGUMENT.code()
        || status == Status.CHUNK_SIZE_MISMATCH.code()
        || status == Status.NOT_IMPLEMENTED.code();
  }

  private void onForwarded(PeerCall call) {
    ChainTarget target = target();
    boolean same = kind == Kind.REMOVE ? message.version(call) == 0 : message.isLike(call, state);
    if (same) {
      commit();
    } else if (view().copiesToSuccessor() && kind != Kind.REMOVE) {
      wantsWhole = true;
      forward();
    } else if (doubted != sentTo) {
      doubted = sentTo;
      pause();
    } else {
      target.leave(
          "version %d of inode %d chunk %d is another one at its successor"
              .formatted(made, inode, chunkIndex));
      end(Status.TARGET_OFFLINE.code());
    }
  }

  private void pause() {
    ChainTarget target = target();
    step = Step.PAUSED;
    target.counters.forwardRetries++;
    long pauseNs =
        Math.min(
            target.options.retryMinNs() << Math.min(attempts, 16), target.options.retryMaxNs());
    attempts++;
    timer = target.context.timers().schedule(target.context.nowNs() + pauseNs, this);
  }

  @Override
  public void onTimer(long nowNs) {
    if (step == Step.PAUSED) {
      forward();
    }
  }

  /** The chain is another one: who could not be reached may not matter any more. */
  void onView() {
    if (step == Step.PAUSED) {
      target().context.timers().cancel(timer);
      attempts = 0;
      timer = target().context.timers().schedule(target().context.nowNs(), this);
    }
  }

  // ---- a payload that is not what it was ----

  private boolean canReread() {
    return kind == Kind.WRITE
        && ownPayload == null
        && lengthBytes <= target().context.buffers().sizeMaxBytes();
  }

  private void rereadPayload() {
    Buffer buffer = target().context.buffers().acquire(lengthBytes);
    if (buffer == null) {
      pause();
      return;
    }
    step = Step.REREADING;
    ownPayload = buffer;
    Reread op = reread;
    if (op == null) {
      op = new Reread();
      reread = op;
    }
    op.version = ReadOp.Version.PENDING;
    op.inode = inode;
    op.chunkIndex = chunkIndex;
    op.chunkOffset = chunkOffset;
    op.lengthBytes = lengthBytes;
    op.payload = buffer.segment();
    op.payloadOffset = 0;
    op.payloadCapacityBytes = buffer.capacityBytes();
    target().store.submit(op);
  }

  private void onReread(long value) {
    if (value == lengthBytes) {
      pause();
    } else {
      releasePayload();
      target().leave("read of a pending version failed: " + value);
      end(Status.TARGET_OFFLINE.code());
    }
  }

  private void releasePayload() {
    Buffer own = ownPayload;
    if (own != null) {
      ownPayload = null;
      own.release();
    }
  }

  // ---- bytes that went bad before an update of some of them ----

  /**
   * An overwrite of a part takes the old bytes out of the checksum unseen. Had they gone bad, the
   * new checksum is nobody else's, and not that of the bytes that are here: the member before
   * tells, and one of the two has to leave. Rare, so it allocates.
   */
  private void verify() {
    step = Step.VERIFYING;
    Arena own = Arena.ofShared();
    verified = own;
    Verify op = verify;
    if (op == null) {
      op = new Verify();
      verify = op;
    }
    op.version = ReadOp.Version.COMMITTED;
    op.inode = inode;
    op.chunkIndex = chunkIndex;
    op.chunkOffset = 0;
    op.lengthBytes = base.lengthBytes;
    op.payload = own.allocate(base.lengthBytes, 4096);
    op.payloadOffset = 0;
    op.payloadCapacityBytes = base.lengthBytes;
    target().store.submit(op);
  }

  private void onVerified(long value) {
    Arena own = verified;
    assert own != null : "memory to read into";
    verified = null;
    own.close();
    if (value == base.lengthBytes) {
      end(0);
    } else {
      target()
          .leave(
              "bytes of inode %d chunk %d went bad before an update of them: %d"
                  .formatted(inode, chunkIndex, value));
      end(Status.TARGET_OFFLINE.code());
    }
  }

  // ---- the whole chunk ----

  private void sendWhole(ChainView.Peer to) {
    ChunkCopy whole = copy;
    if (whole == null) {
      whole = new ChunkCopy(this);
      copy = whole;
    }
    if (!target().store.findPending(inode, chunkIndex, whole.version)) {
      throw new AssertionError("what is forwarded is pending");
    }
    step = Step.COPYING;
    target().counters.wholeForwards++;
    whole.start(target(), to, true);
  }

  @Override
  public void onCopied(ChunkCopy whole, long value) {
    if (value >= 0) {
      commit();
    } else if (isRefusal(value)) {
      end(value);
    } else if (value == Status.DATA_CORRUPTION.code()) {
      onBadBytes();
    } else {
      pause();
    }
  }

  /**
   * What the update lies over went bad here. Others that serve have it; alone, it stays pending,
   * and an update of the whole chunk may take its place.
   */
  private void onBadBytes() {
    if (view().hasOthers()) {
      target()
          .leave(
              "bytes of inode %d chunk %d went bad under an update".formatted(inode, chunkIndex));
      end(Status.TARGET_OFFLINE.code());
    } else {
      end(Status.DATA_CORRUPTION.code());
    }
  }

  // ---- committed ----

  private void commit() {
    if (kind == Kind.REMOVE) {
      forgetState();
    }
    if (!fromClient) {
      // Durably pending here and committed behind: whatever happens now, it is not undone.
      answer(0);
    }
    step = Step.COMMITTING;
    if (kind == Kind.REMOVE) {
      removeNow(target().store.pendingVersion(inode, chunkIndex) != 0);
    } else {
      commitVersion(made);
    }
  }

  private void commitVersion(int version) {
    commit.inode = inode;
    commit.chunkIndex = chunkIndex;
    commit.version = version;
    commit.chainVersion = view().version();
    target().store.submit(commit);
  }

  private void onCommit(long value) {
    if (value < 0) {
      end(value);
    } else if (step == Step.ASKING || step == Step.SETTLING) {
      if (step == Step.SETTLING) {
        target().counters.settled++;
      }
      // What was left pending is no more; now to what this is about.
      onGranted();
    } else {
      if (kind == Kind.REMOVE) {
        forgetState();
      }
      end(result);
    }
  }

  private void onRollback(long value) {
    if (value < 0) {
      end(value);
    } else {
      target().counters.rolledBack++;
      onGranted();
    }
  }

  /** The chunk is gone. */
  private void forgetState() {
    result = existed ? 1 : 0;
    state.version = 0;
    state.lengthBytes = 0;
    state.crc32c = 0;
  }

  // ---- the end ----

  private void answer(long value) {
    if (answered) {
      return;
    }
    answered = true;
    if (value >= 0 && kind != Kind.COPY) {
      Session last = target().sessions.record(clientHigh, clientLow, channel, sequence);
      if (last != null && kind == Kind.REMOVE && doneVersion != 0) {
        last.answer(inode, doneIndex, result + doneBefore, doneVersion, 0, 0);
      } else if (last != null) {
        last.answer(inode, chunkIndex, result, state.version, state.lengthBytes, state.crc32c);
      }
    }
    payload = MemorySegment.NULL;
    owner.onUpdated(this, value);
  }

  private void end(long value) {
    ChainTarget target = target();
    answer(value);
    releasePayload();
    step = Step.IDLE;
    target.ended(this);
    on = null;
    target.turns.giveBack(inode, chunkIndex);
    owner.onEnded(this);
  }
}
