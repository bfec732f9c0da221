package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.TimerTask;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A linearizable read at any serving member. Owner: reactor.
 *
 * <pre>
 *   nothing pending ──────────────────────────────► committed version
 *   pending ─┬─ not the tail: ask it ─┬─ pending one ─► pending version
 *            │                        ├─ older        ─► committed version
 *            │                        └─ no answer    ─► again, then wait for the turn
 *            └─ the tail: wait for the chunk's turn ─► committed version
 * </pre>
 */
final class ReadRun extends ChunkTask implements PeerCall.User, TimerTask {
  /** Who gets the answer. */
  interface Owner {
    /** The run is its pool's again when this returns; {@link ReadRun#state} is what was read. */
    void onRead(ReadRun run, long result);

    /** What is here has bad bytes: true when the run will be started again later. */
    boolean repairs(ReadRun run);
  }

  private static final int QUERIES_MAX = 8;

  int chunkOffset;
  int lengthBytes;
  MemorySegment payload = MemorySegment.NULL;
  long payloadOffset;
  int payloadCapacityBytes;
  long deadlineNs;

  /** From another member: what is committed here, settled or not. */
  boolean asCommitted;

  /** Whether a repair was tried for it. */
  boolean repaired;

  final ChunkState state = new ChunkState();

  private final Owner owner;
  private final ForwardMessage message = new ForwardMessage();
  private final Read read = new Read();
  private @Nullable ChainTarget on;
  private boolean hasTurn;
  private int queries;
  private int viewVersion;
  private int wanted;

  ReadRun(Owner owner) {
    this.owner = owner;
  }

  private final class Read extends ReadOp {
    @Override
    protected void onComplete(long result) {
      payload = MemorySegment.NULL;
      onReadHere(result);
    }
  }

  ChainTarget target() {
    ChainTarget current = on;
    assert current != null : "a run under way has its target";
    return current;
  }

  void start(ChainTarget target) {
    on = target;
    queries = 0;
    viewVersion = target.view().version();
    if (asCommitted ? target.view().isPresent() : target.view().isServing()) {
      look();
    } else {
      // Its chain has dropped it while bad bytes were repaired.
      finish(Status.NO_ROUTE.code());
    }
  }

  private void look() {
    ChainTarget target = target();
    if (asCommitted || target.store.pendingVersion(inode, chunkIndex) == 0) {
      readHere(ReadOp.Version.COMMITTED, 0);
    } else if (target.view().isTail() || queries == QUERIES_MAX) {
      target.counters.readsQueued++;
      target.turns.take(this);
    } else {
      queries++;
      target.counters.tailQueries++;
      PeerCall call = target.peers.call();
      ChainView.Peer tail = target.view().tail();
      message.query(call, target, tail, inode, chunkIndex);
      target.peers.send(call, tail.nodeId(), this, target.options.forwardTimeoutNs());
    }
  }

  @Override
  public void onPeerReply(PeerCall call) {
    ChainTarget target = target();
    int version = message.version(call);
    int pending = target.store.pendingVersion(inode, chunkIndex);
    int committed = target.committedVersion(inode, chunkIndex);
    if (target.admits(viewVersion) != 0) {
      finish(target.admits(viewVersion));
    } else if (deadlineNs - target.context.nowNs() <= 0) {
      finish(Status.TIMEOUT.code());
    } else if (version < 0 || version > Math.max(pending, committed)) {
      target.context.timers().schedule(target.context.nowNs() + target.options.retryMinNs(), this);
    } else if (version == 0) {
      // Removed, or not made yet, as of this answer.
      finish(Status.CHUNK_NOT_FOUND.code());
    } else if (pending != 0 && version == pending) {
      readHere(ReadOp.Version.PENDING, pending);
    } else {
      readHere(ReadOp.Version.COMMITTED, 0);
    }
  }

  @Override
  public void onTimer(long nowNs) {
    long refused = target().admits(viewVersion);
    if (refused != 0) {
      finish(refused);
    } else {
      look();
    }
  }

  /** No update of the chunk is under way: what is committed here is what the chain has. */
  @Override
  void onGranted() {
    hasTurn = true;
    ChainTarget target = target();
    long refused = target.admits(viewVersion);
    if (refused == 0 && deadlineNs - target.context.nowNs() <= 0) {
      refused = Status.TIMEOUT.code();
    }
    if (refused == 0
        && target.store.pendingVersion(inode, chunkIndex) != 0
        && !target.view().isTail()) {
      // Left pending, and the tail does not say what became of it.
      refused = Status.BUSY.code();
    }
    if (refused != 0) {
      finish(refused);
    } else {
      readHere(ReadOp.Version.COMMITTED, 0);
    }
  }

  private void readHere(ReadOp.Version version, int only) {
    wanted = only;
    read.version = version;
    read.inode = inode;
    read.chunkIndex = chunkIndex;
    read.chunkOffset = chunkOffset;
    read.lengthBytes = lengthBytes;
    read.payload = payload;
    read.payloadOffset = payloadOffset;
    read.payloadCapacityBytes = payloadCapacityBytes;
    target().store.submit(read);
  }

  private void onReadHere(long result) {
    state.copyFrom(read.state);
    if (result >= 0 && wanted != 0 && state.version != wanted) {
      // Another version is pending by now, of which the tail said nothing.
      look();
      return;
    }
    if (result == Status.DATA_CORRUPTION.code() && !asCommitted && !repaired) {
      giveTurnBack();
      repaired = true;
      if (owner.repairs(this)) {
        return;
      }
    }
    finish(result);
  }

  private void giveTurnBack() {
    if (hasTurn) {
      hasTurn = false;
      target().turns.giveBack(inode, chunkIndex);
    }
  }

  private void finish(long result) {
    giveTurnBack();
    // A member that was dropped may have read before it knew, and serve again by the next view.
    long refused = asCommitted ? 0 : target().admits(viewVersion);
    on = null;
    repaired = false;
    payload = MemorySegment.NULL;
    owner.onRead(this, refused == 0 ? result : refused);
  }
}
