package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.store.RemoveOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Call;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Removes an inode's chunks from an index on, at the head: each as an update of its own, some at a
 * time, and the last one alone: where that is done, all is known to be done. A chain of one member
 * removes them in one group. Owner: reactor.
 */
final class RemoveRun implements UpdateRun.Owner {
  /** Who gets the answer. */
  interface Owner {
    /** The run is its pool's again when this returns. */
    void onRemoved(RemoveRun run, ChainTarget target, long result);
  }

  private static final int WINDOW = 16;

  long inode;
  int fromIndex;
  int removeMax;
  long clientHigh;
  long clientLow;
  long sequence;
  int channel;
  long deadlineNs;
  boolean more;
  @Nullable Call call;

  private final Owner owner;
  private final ArrayDeque<UpdateRun> idle = new ArrayDeque<>();
  private final ChunkState scratch = new ChunkState();
  private final Bare bare = new Bare();
  private @Nullable ChainTarget on;
  private int viewVersion;
  private long next;
  private int begun;
  private int outstanding;
  private long removed;
  private long failure;
  private boolean pumping;

  RemoveRun(Owner owner) {
    this.owner = owner;
  }

  private final class Bare extends RemoveOp {
    @Override
    protected void onComplete(long result) {
      target().bareRemoval(-1);
      RemoveRun.this.more = more;
      if (result < 0) {
        failure = result;
      } else {
        removed = result;
      }
      finish();
    }
  }

  ChainTarget target() {
    ChainTarget current = on;
    assert current != null : "a run under way has its target";
    return current;
  }

  void start(ChainTarget target) {
    on = target;
    viewVersion = target.view().version();
    next = Integer.toUnsignedLong(fromIndex);
    begun = 0;
    removed = 0;
    failure = 0;
    more = false;
    if (target.isRemoving(this)) {
      // How that one goes is not known yet, and where it takes no turns it could be done twice.
      failure = Status.BUSY.code();
      finish();
      return;
    }
    target.removals.add(this);
    Session last = target.sessions.find(clientHigh, clientLow, channel);
    if (isDone(last)) {
      target.counters.repeatedBySession++;
      finish();
    } else if (mayGoBare(target) && (last == null || last.sequence < sequence)) {
      removeBare(target);
    } else {
      pump();
    }
  }

  /** Alone, with no update pending that was begun when others were there. */
  private static boolean mayGoBare(ChainTarget target) {
    return target.view().successor() == null
        && !target.hasUpdatesOfOtherViews()
        && !target.isSettling();
  }

  private void removeBare(ChainTarget target) {
    bare.inode = inode;
    bare.fromIndex = fromIndex;
    bare.removeMax = removeMax;
    bare.clientHigh = clientHigh;
    bare.clientLow = clientLow;
    bare.sequence = sequence;
    bare.channel = channel;
    bare.remembersMakers = true;
    bare.isRemembered = true;
    bare.sessionIndex = fromIndex;
    bare.sessionResult = RemoveOp.RESULT_OF_ITS_OWN;
    target.bareRemoval(1);
    target.store.submit(bare);
  }

  private void pump() {
    if (pumping) {
      return;
    }
    pumping = true;
    int limit = Math.min(removeMax, RemoveOp.REMOVE_MAX);
    while (outstanding < WINDOW && failure == 0 && next >= 0) {
      long index = find(next);
      long after = index < 0 || index == 0xFFFF_FFFFL ? -1 : find(index + 1);
      boolean last = after < 0 || begun + 1 == limit;
      if (last && index >= 0 && outstanding > 0) {
        // It says at all members that the others are done.
        break;
      }
      more = after >= 0;
      next = last ? -1 : after;
      if (index >= 0) {
        begin((int) index, last);
      }
    }
    pumping = false;
    if (outstanding == 0 && (next < 0 || failure != 0)) {
      finish();
    }
  }

  private long find(long from) {
    return target().store.ceiling(inode, (int) from, scratch);
  }

  private void begin(int index, boolean last) {
    UpdateRun run = idle.isEmpty() ? new UpdateRun(this) : idle.pop();
    begun++;
    outstanding++;
    run.kind = UpdateRun.Kind.REMOVE;
    run.fromClient = true;
    run.inode = inode;
    run.chunkIndex = index;
    run.chunkSizeBytes = 0;
    run.chunkOffset = 0;
    run.lengthBytes = 0;
    run.updateVersion = 0;
    run.payloadCrc32c = 0;
    run.doneVersion = last ? doneVersion() : 0;
    run.doneIndex = last ? fromIndex : 0;
    run.doneBefore = last ? (int) removed : 0;
    run.clientHigh = clientHigh;
    run.clientLow = clientLow;
    run.sequence = sequence;
    run.channel = channel;
    run.deadlineNs = deadlineNs;
    run.start(target(), viewVersion);
  }

  private int doneVersion() {
    return more ? Session.DONE_MORE : Session.DONE;
  }

  @Override
  public void onUpdated(UpdateRun run, long result) {
    if (result < 0) {
      failure = failure == 0 ? result : failure;
    } else {
      removed += result;
    }
  }

  /** A removal lies over nothing that it would have to read. */
  @Override
  public boolean repairs(UpdateRun run) {
    return false;
  }

  @Override
  public void onEnded(UpdateRun run) {
    idle.push(run);
    outstanding--;
    pump();
  }

  boolean isLike(RemoveRun other) {
    return (clientHigh | clientLow) != 0
        && clientHigh == other.clientHigh
        && clientLow == other.clientLow
        && channel == other.channel
        && sequence == other.sequence;
  }

  /** Whether it is known to be done, and with what result. */
  private boolean isDone(@Nullable Session last) {
    return last != null && last.sequence == sequence && last.version < 0;
  }

  private void finish() {
    ChainTarget target = target();
    target.removals.remove(this);
    Session known = target.sessions.find(clientHigh, clientLow, channel);
    if (known != null && isDone(known)) {
      more = known.version == Session.DONE_MORE;
      removed = known.result;
      failure = 0;
    } else if (failure == 0) {
      Session last = target.sessions.record(clientHigh, clientLow, channel, sequence);
      if (last != null) {
        last.answer(inode, fromIndex, removed, doneVersion(), 0, 0);
      }
    }
    on = null;
    owner.onRemoved(this, target, failure == 0 ? removed : failure);
  }
}
