package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.session.Sessions;
import io.lampyris.chunkengine.store.CommitOp;
import io.lampyris.chunkengine.store.RemoveOp;
import io.lampyris.chunkengine.store.RollbackOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ForwardUpdateDecoder;
import io.lampyris.reactor.ReactorContext;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import org.agrona.collections.Long2LongHashMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One replica: a store, and the chain as it is known here. It knows its part, which updates are
 * under way, and what it may claim to its manager. Owner: reactor.
 */
public final class ChainTarget {
  private static final Logger LOGGER = LoggerFactory.getLogger(ChainTarget.class);

  final TargetStore store;
  final ReactorContext context;
  final ChainOptions options;
  final Peers peers;
  final ChunkTurns turns = new ChunkTurns();
  final Sessions sessions;
  final ChainCounters counters = new ChainCounters();
  final Forwards forwards = new Forwards();
  private final ServingRight right;
  private final Resync resync;
  private final ArrayDeque<Settle> settles = new ArrayDeque<>();
  private final ChunkState scratch = new ChunkState();

  private ChainView view = ChainView.NONE;
  private boolean routed;

  /** The last view in which it was a member. */
  private ChainView membership = ChainView.NONE;

  /** Of the chain that it comes into, once nothing of the one before is under way. */
  private @Nullable ChainView coming;

  /** Calls under way that look at the store without a turn. */
  private int looking;

  /** It has stopped, and takes part again only when routing has dropped it. */
  private boolean stopped;

  private boolean upToDate;
  private int settling;

  // Updates under way, oldest first.
  private @Nullable UpdateRun oldest;
  private @Nullable UpdateRun newest;

  ChainTarget(
      TargetStore store,
      ReactorContext context,
      Peers peers,
      ServingRight right,
      ChainOptions options) {
    this.store = store;
    this.sessions = store.sessions();
    this.context = context;
    this.peers = peers;
    this.right = right;
    this.options = options;
    this.resync = new Resync(this);
  }

  // ---- what its node asks ----

  public long targetId() {
    return store.targetId();
  }

  public TargetStore store() {
    return store;
  }

  /** The chain that it is in, as far as it goes by routing; meaningless when it is in none. */
  public int chainId() {
    return view.chainId();
  }

  /** The version of its chain that it goes by; 0 when it is no member. */
  public int chainVersion() {
    return view.version();
  }

  /** What it may claim, under {@link #chainVersion}. */
  public LocalState localState() {
    if (!routed || stopped || store.isOffline()) {
      return LocalState.OFFLINE;
    }
    boolean whole = view.isSyncing() ? upToDate : view.isServing();
    return whole ? LocalState.UP_TO_DATE : LocalState.ONLINE;
  }

  /** Whether it serves, as far as it knows. */
  public boolean isServing() {
    return view.isServing() && !stopped;
  }

  public ChainCounters counters() {
    return counters;
  }

  /** Stops to serve; takes part again once routing has dropped it. */
  public void stop() {
    if (view.takesUpdates()) {
      stopped = true;
    }
  }

  /** Updates under way and what else is not finished. */
  int inFlight() {
    return turns.held() + settling + bareRemovals + resync.inFlight();
  }

  // ---- its part ----

  ChainView view() {
    return view;
  }

  boolean isStopped() {
    return stopped;
  }

  boolean mayServe() {
    return !stopped && !store.isOffline() && right.mayServe(context.bootNs(), targetId());
  }

  /** Whether pending versions that nobody finishes are being committed, or rolled back. */
  boolean isSettling() {
    return settling > 0;
  }

  /** OK, or why a message under this chain version is not for it now. */
  long admits(int chainVersion) {
    if (view.version() == 0) {
      return Status.NO_ROUTE.code();
    }
    if (view.version() != chainVersion) {
      return Status.CHAIN_VERSION_MISMATCH.code();
    }
    return stopped || store.isOffline() ? Status.TARGET_OFFLINE.code() : 0;
  }

  /**
   * @param chain that it is a member of; null: none
   */
  void onRouting(Routing routing, Routing.@Nullable Chain chain) {
    ChainView next = ChainView.of(routing, chain, targetId());
    coming = null;
    if (next.isOfOtherChainThan(membership)) {
      // It was dropped by the one before the other took it, whether or not that was seen.
      take(ChainView.NONE);
      if (isBusy()) {
        coming = next;
        return;
      }
    }
    take(next);
  }

  private boolean isBusy() {
    return looking > 0 || inFlight() > 0;
  }

  /** Whether it waits to come into a chain and need not wait any more. */
  boolean mayCome() {
    return coming != null && !isBusy();
  }

  void come() {
    ChainView next = coming;
    assert next != null && mayCome() : "it waited for this";
    coming = null;
    take(next);
  }

  /** A read or a query has begun (1) or is over (-1). */
  void looks(int change) {
    looking += change;
    assert looking >= 0 : "what is over was begun";
  }

  private void take(ChainView next) {
    boolean first = !routed;
    routed = true;
    if (next.version() == view.version() && !next.isOfOtherChainThan(view)) {
      return;
    }
    ChainView before = view;
    view = next;
    membership = next.isMember() ? next : membership;
    upToDate = false;
    if (!next.takesUpdates()) {
      stopped = false;
    } else if (first && next.hasOthers() && !isBlank()) {
      // What was under way when the process ended is not known any more.
      stopped = true;
    } else if (next.isServing() && !next.isBehindNoOthersThan(before) && hasUnsettled()) {
      leave("others came before it while updates were under way");
    }
    if (!stopped && next.isTail()) {
      // A former tail may have answered reads with them.
      settleAll();
    }
    resync.onView();
    for (UpdateRun run = oldest; run != null; run = run.younger) {
      run.onView();
    }
  }

  private boolean isBlank() {
    return store.chunkCount() == 0 && store.pendingCount() == 0;
  }

  private boolean hasUnsettled() {
    return oldest != null || store.pendingCount() > 0;
  }

  /** It is not what its chain takes it for: the others copy to it anew. */
  void leave(String why) {
    if (!stopped) {
      stopped = true;
      counters.left++;
      LOGGER.error(
          "target {} leaves its chain; observed={}, limit=like its neighbours; remedy: none, it is"
              + " copied to again",
          targetId(),
          why);
    }
  }

  void onCopied(int chainVersion) {
    assert view.isSyncing() && view.version() == chainVersion : "of this very view";
    upToDate = true;
  }

  // ---- pending versions that nobody finishes any more ----

  /** What a member has committed of a chunk, as it tells who is copied to. */
  record Base(int version, int lengthBytes, int crc32c, int maker) {}

  /**
   * In a member that is being copied to: a pending version that its neighbour has is committed, any
   * other is rolled back. Until that is told, both it and the version before it are kept: either
   * may be the only good copy of what the neighbour has.
   *
   * @param base what the neighbour has of the chunk; null: nothing
   */
  void settle(long inode, int chunkIndex, @Nullable Base base) {
    Settle settle = settles.isEmpty() ? new Settle() : settles.pop();
    settle.inode = inode;
    settle.chunkIndex = chunkIndex;
    settle.base = base;
    settle.viewVersion = view.version();
    settling++;
    turns.take(settle);
  }

  /**
   * Commits what was left pending, in a tail; rolls it back in a member that is being copied to.
   *
   * @return whether there is any
   */
  boolean settleAll() {
    boolean[] any = {false};
    store.forEachPending(pending -> {
      if (isLeft(pending)) {
        any[0] = true;
        settle(pending.inode, pending.chunkIndex, null);
      }
    });
    return any[0];
  }

  /** Whether nobody finishes it: it is not a part of a copy that goes on. */
  boolean isLeft(ChunkState pending) {
    return !pending.isPartOfCopy() || pending.chainVersion != view.version();
  }

  /** Whether something was left pending of a chunk. */
  boolean hasLeft(long inode, int chunkIndex) {
    return store.findPending(inode, chunkIndex, scratch) && isLeft(scratch);
  }

  /** Whether a pending version is to be committed; else it is to be rolled back. */
  boolean isWorth(ChunkState pending, @Nullable Base base) {
    if (view.isServing()) {
      return !pending.isPartOfCopy();
    }
    return base != null
        && pending.chainVersion <= view.version()
        && !pending.isRemoval()
        && !pending.isPartOfCopy()
        && pending.isLike(base.version, base.lengthBytes, base.crc32c, base.maker);
  }

  /** A pending version in its chunk's turn. */
  private final class Settle extends ChunkTask {
    private final ChunkState pending = new ChunkState();
    private @Nullable Base base;
    private int viewVersion;

    private final CommitOp commit =
        new CommitOp() {
          @Override
          protected void onComplete(long result) {
            counters.settled += result >= 0 ? 1 : 0;
            done();
          }
        };
    private final RollbackOp rollback =
        new RollbackOp() {
          @Override
          protected void onComplete(long result) {
            counters.rolledBack += result >= 0 ? 1 : 0;
            done();
          }
        };
    private final RemoveOp remove =
        new RemoveOp() {
          @Override
          protected void onComplete(long result) {
            counters.settled += result >= 0 ? 1 : 0;
            done();
          }
        };

    @Override
    void onGranted() {
      boolean left = store.findPending(inode, chunkIndex, pending);
      if (!left || stopped || view.version() != viewVersion) {
        done();
      } else if (!isWorth(pending, base)) {
        rollback.inode = inode;
        rollback.chunkIndex = chunkIndex;
        store.submit(rollback);
      } else if (pending.isRemoval()) {
        remove.inode = inode;
        remove.fromIndex = chunkIndex;
        remove.removeMax = 1;
        remove.clientHigh = pending.clientHigh;
        remove.clientLow = pending.clientLow;
        remove.sequence = pending.sequence;
        remove.channel = pending.channel;
        // A chunk that is gone has no record of its own.
        remove.remembersMakers = true;
        remove.isRemembered = true;
        remove.sessionIndex = chunkIndex;
        remove.sessionResult = 1;
        remove.sessionVersion = 0;
        store.submit(remove);
      } else {
        commit.inode = inode;
        commit.chunkIndex = chunkIndex;
        commit.version = pending.version;
        commit.chainVersion = view.version();
        store.submit(commit);
      }
    }

    private void done() {
      settling--;
      settles.push(this);
      turns.giveBack(inode, chunkIndex);
    }
  }

  // ---- updates under way ----

  void begun(UpdateRun run) {
    run.older = newest;
    run.younger = null;
    if (newest == null) {
      oldest = run;
    } else {
      newest.younger = run;
    }
    newest = run;
  }

  void ended(UpdateRun run) {
    UpdateRun older = run.older;
    UpdateRun younger = run.younger;
    if (older == null) {
      oldest = younger;
    } else {
      older.younger = younger;
    }
    if (younger == null) {
      newest = older;
    } else {
      younger.older = older;
    }
    run.older = null;
    run.younger = null;
    boolean late = run.viewVersion != view.version() && view.isTail() && !stopped;
    if (late && store.pendingVersion(run.inode, run.chunkIndex) != 0) {
      // It became pending when the others had been settled.
      settle(run.inode, run.chunkIndex, null);
    }
  }

  /** Whether an update that began under another view may still commit something here. */
  boolean hasUpdatesOfOtherViews() {
    UpdateRun first = oldest;
    return first != null && first.viewVersion != view.version();
  }

  /** Removals of a chain of one member, which take no turns. */
  private int bareRemovals;

  void bareRemoval(int change) {
    bareRemovals += change;
  }

  /** Removals of clients that are under way. */
  final List<RemoveRun> removals = new ArrayList<>();

  /** Whether the same one is under way already. */
  boolean isRemoving(RemoveRun run) {
    for (RemoveRun other : removals) {
      if (other.isLike(run)) {
        return true;
      }
    }
    return false;
  }

  boolean hasBareRemovals() {
    return bareRemovals > 0;
  }

  /** A chunk's committed version, which may be asked for by others; 0 without one. */
  int committedVersion(long inode, int chunkIndex) {
    return store.find(inode, chunkIndex, scratch) ? scratch.version : 0;
  }

  int doWork() {
    return turns.poll() + resync.poll();
  }

  boolean hasWork() {
    return turns.hasGranted() || resync.hasWork() || mayCome();
  }

  // ---- attempts of others ----

  /** What is known of the member before this one. */
  private long senderTarget;

  private long senderStart;
  private long floor;

  /** When there are more, those below the floor are dropped. */
  private static final int ORDERS_MAX = 8192;

  /**
   * The newest attempt by chunk: its sender has one at a time under way, and the floor may be that
   * of another chunk. Two chunks that share a key cost a retry.
   */
  private final Long2LongHashMap orders = new Long2LongHashMap(-1);

  /** False for a copy of a message whose sender has been answered, or has given up on it. */
  boolean isFresh(ForwardUpdateDecoder message) {
    boolean known = senderTarget == message.senderTarget() && senderStart == message.senderStart();
    if (!known) {
      if (senderTarget == message.senderTarget() && message.senderStart() < senderStart) {
        counters.staleForwards++;
        return false;
      }
      senderTarget = message.senderTarget();
      senderStart = message.senderStart();
      floor = 0;
      orders.clear();
    }
    floor = Math.max(floor, message.floor());
    long chunk = message.chunk().inode() * 0x9E37_79B9_7F4A_7C15L + message.chunk().chunkIndex();
    if (message.order() < floor || message.order() <= orders.get(chunk)) {
      counters.staleForwards++;
      return false;
    }
    if (orders.size() >= ORDERS_MAX) {
      orders.values().removeIfLong(order -> order < floor);
    }
    orders.put(chunk, message.order());
    return true;
  }
}
