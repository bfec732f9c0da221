package io.lampyris.chunkengine.chain;

import io.lampyris.reactor.TimerTask;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Makes the member behind the tail like the tail: first what it has and should not, then what it
 * lacks or has otherwise, page by page; updates go on meanwhile and reach it too. Owner: reactor.
 *
 * <pre>
 *   updates of other views over ─► LISTING ⇄ REMOVING ─► COMPARING ⇄ COPYING ─► TELLING ─► FINISHING ─► DONE
 * </pre>
 *
 * A page that fails is asked for again; another version of the chain begins from the start, which
 * copies only what is different by then.
 */
final class Resync implements PeerCall.User, TimerTask {
  /** Copies of one chain under way at once. */
  private static final int WORKERS = 4;

  private static final long SECOND_NS = 1_000_000_000L;

  private enum Step {
    NONE,
    /** Updates that began under another view may still change what is compared. */
    WAITING,
    LISTING,
    REMOVING,
    COMPARING,
    COPYING,
    /** Clients may send again what was carried out before that member came. */
    TELLING,
    FINISHING,
    DONE
  }

  private final ChainTarget target;
  private final SyncMessage page = new SyncMessage();
  private final ArrayDeque<Worker> idle = new ArrayDeque<>();
  private Step step = Step.NONE;
  private int viewVersion;
  private boolean calling;
  private boolean timerSet;
  private int slot;
  private int nextSlot;
  private int at;
  private int told;
  private int working;
  private boolean pageFailed;
  private boolean starting;
  private int failures;
  private long dueNs;

  Resync(ChainTarget target) {
    this.target = target;
    for (int i = 0; i < WORKERS; i++) {
      idle.add(new Worker());
    }
  }

  int inFlight() {
    return working + (calling ? 1 : 0);
  }

  void onView() {
    viewVersion = target.view().version();
    step = target.view().copiesToSuccessor() && !target.isStopped() ? Step.WAITING : Step.NONE;
    slot = 0;
    failures = 0;
    if (step == Step.NONE) {
      return;
    }
    ChainCounters counters = target.counters;
    counters.copied = false;
    counters.slotsCompared = 0;
    counters.slotsToCompare = target.store.slots();
    counters.chunksCompared = 0;
    counters.chunksCopied = 0;
    counters.chunksRemoved = 0;
    counters.bytesCopied = 0;
  }

  /** Whether it can go on at once; what it waits for wakes the reactor by itself. */
  boolean hasWork() {
    return step == Step.WAITING && isReady();
  }

  private boolean isReady() {
    return !calling
        && working == 0
        && !timerSet
        && !target.isSettling()
        && !target.hasUpdatesOfOtherViews()
        && !target.hasBareRemovals();
  }

  int poll() {
    if (step != Step.WAITING || !isReady()) {
      return 0;
    }
    step = Step.LISTING;
    next();
    return 1;
  }

  private ChainView.@Nullable Peer successor() {
    return target.view().syncing();
  }

  private boolean isOver() {
    return step == Step.NONE
        || target.isStopped()
        || target.view().version() != viewVersion
        || successor() == null;
  }

  private void next() {
    ChainView.Peer to = successor();
    if (isOver() || to == null || step == Step.WAITING) {
      return;
    }
    switch (step) {
      case LISTING -> page.list(call(), target, to, slot);
      case COMPARING -> {
        nextSlot = page.compare(call(), target, to, slot);
        target.counters.chunksCompared += page.count;
      }
      case TELLING -> told = page.sessions(call(), target, to, at);
      case FINISHING -> page.finish(call(), target, to);
      case REMOVING, COPYING -> startWorkers();
      case NONE, WAITING, DONE -> throw new AssertionError("nothing follows: " + step);
    }
    send(to);
  }

  private @Nullable PeerCall made;

  private PeerCall call() {
    PeerCall call = target.peers.pageCall();
    made = call;
    return call;
  }

  private void send(ChainView.Peer to) {
    PeerCall call = made;
    if (call != null) {
      made = null;
      calling = true;
      target.peers.send(call, to.nodeId(), this, target.options.forwardTimeoutNs());
    }
  }

  @Override
  public void onPeerReply(PeerCall call) {
    calling = false;
    if (isOver() || step == Step.WAITING) {
      return;
    }
    if (call.result < 0) {
      again();
      return;
    }
    failures = 0;
    switch (step) {
      case LISTING -> {
        nextSlot = page.takeList(call);
        step = Step.REMOVING;
        startPage();
      }
      case COMPARING -> {
        page.takeDifferent(call);
        step = Step.COPYING;
        startPage();
      }
      case TELLING -> {
        at += told;
        tell();
      }
      case FINISHING -> {
        step = Step.DONE;
        target.counters.copied = true;
      }
      default -> throw new AssertionError("no answer was awaited: " + step);
    }
  }

  /** After a pause: the page, or the rest of it. */
  private void again() {
    target.counters.copyRetries++;
    long pauseNs =
        Math.min(
            target.options.retryMinNs() << Math.min(failures, 16), target.options.retryMaxNs());
    failures++;
    pause(target.context.nowNs() + pauseNs);
  }

  private void pause(long untilNs) {
    if (!timerSet) {
      timerSet = true;
      target.context.timers().schedule(untilNs, this);
    }
  }

  @Override
  public void onTimer(long nowNs) {
    timerSet = false;
    if (!calling && !isOver() && step != Step.DONE) {
      next();
    }
  }

  // ---- a page's chunks ----

  private void startPage() {
    at = 0;
    pageFailed = false;
    startWorkers();
  }

  private void startWorkers() {
    starting = true;
    startIdleWorkers();
    starting = false;
    if (at >= page.count && working == 0 && !isOver()) {
      onPageDone();
    }
  }

  private void startIdleWorkers() {
    while (at < page.count && !idle.isEmpty() && !isOver()) {
      long nowNs = target.context.nowNs();
      if (dueNs > nowNs) {
        pause(dueNs);
        return;
      }
      Worker worker = idle.pop();
      working++;
      int one = at++;
      worker.start(page.inodes[one], page.indices[one], step == Step.REMOVING);
    }
  }

  private void onPageDone() {
    if (pageFailed) {
      // What was copied is the same by now.
      step = step == Step.REMOVING ? Step.LISTING : Step.COMPARING;
      again();
      return;
    }
    if (step == Step.REMOVING) {
      slot = Math.max(0, nextSlot);
      step = nextSlot < 0 ? Step.COMPARING : Step.LISTING;
      slot = nextSlot < 0 ? 0 : nextSlot;
    } else {
      slot = nextSlot;
      target.counters.slotsCompared = slot;
      target.counters.slotsToCompare = target.store.slots();
      if (slot >= target.store.slots()) {
        at = 0;
        tell();
        return;
      }
      step = Step.COMPARING;
    }
    next();
  }

  /** Slot by slot: updates from now on pass through that member too. */
  private void tell() {
    step = at < target.sessions.count() ? Step.TELLING : Step.FINISHING;
    next();
  }

  private void workerDone(Worker worker, boolean failed) {
    idle.push(worker);
    working--;
    if (isOver() || step == Step.WAITING) {
      return;
    }
    pageFailed |= failed;
    if (!starting) {
      startWorkers();
    }
  }

  /** One chunk in its turn. */
  private final class Worker extends ChunkTask implements PeerCall.User, ChunkCopy.Owner {
    private final ChunkCopy copy = new ChunkCopy(this);
    private final ForwardMessage message = new ForwardMessage();
    private boolean removing;
    private long order;

    void start(long ofInode, int ofIndex, boolean remove) {
      inode = ofInode;
      chunkIndex = ofIndex;
      removing = remove;
      target.turns.take(this);
    }

    @Override
    void onGranted() {
      ChainView.Peer to = successor();
      boolean committed = target.store.find(inode, chunkIndex, copy.version);
      boolean exists = committed || target.store.pendingVersion(inode, chunkIndex) != 0;
      if (isOver() || to == null || step == Step.WAITING || exists == removing) {
        done(false);
      } else if (removing) {
        PeerCall call = target.peers.call();
        order = target.forwards.begin();
        message.removal(call, target, to, inode, chunkIndex, order);
        target.peers.send(call, to.nodeId(), this, target.options.forwardTimeoutNs());
      } else if (!committed) {
        // Made, and refused by that member: it has nothing of it.
        done(false);
      } else {
        long nowNs = target.context.nowNs();
        long bytes = Math.max(4096, copy.version.lengthBytes);
        dueNs =
            Math.max(dueNs, nowNs)
                + (long) ((double) bytes * SECOND_NS / target.options.copyBytesPerSecond());
        copy.start(target, to, false);
      }
    }

    @Override
    public void onPeerReply(PeerCall call) {
      target.forwards.end(order);
      target.counters.chunksRemoved += call.result >= 0 ? 1 : 0;
      done(call.result < 0);
    }

    @Override
    public void onCopied(ChunkCopy of, long result) {
      target.counters.chunksCopied += result >= 0 ? 1 : 0;
      done(result < 0);
    }

    private void done(boolean failed) {
      target.turns.giveBack(inode, chunkIndex);
      workerDone(this, failed);
    }
  }
}
