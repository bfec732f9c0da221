package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/**
 * Removes an inode's chunks from an index on, at most so many, all in one group. The result is how
 * many were removed. Owner: reactor.
 */
public abstract non-sealed class RemoveOp extends StoreOp {
  /** More is done by calling again. */
  public static final int REMOVE_MAX = 1024;

  /** Of {@link #sessionResult}. */
  public static final long RESULT_OF_ITS_OWN = -1;

  public long inode;
  public int fromIndex;
  public int removeMax;

  /** Valid on completion: whether there are more chunks to remove. */
  public boolean more;

  // Who removes; recorded in the log.
  public long clientHigh;
  public long clientLow;
  public long sequence;
  public int channel;

  /** Whether it is remembered who made what is removed. */
  public boolean remembersMakers;

  /** Whether the removal itself is remembered, if it removes anything: with the next three. */
  public boolean isRemembered;

  public int sessionIndex;

  /** {@link #RESULT_OF_ITS_OWN}: how many are removed, and DONE. */
  public long sessionResult;

  /** {@link Session#version}: 0, or that a removal of many is DONE. */
  public int sessionVersion;

  private final ChunkState state = new ChunkState();

  /** What the log says of the removal; the table hears of it when that is durable. */
  private final Session own = new Session();

  private final int[] indices = new int[REMOVE_MAX];
  private int locked;
  private int waitingFor;

  @Override
  final void begin() {
    locked = 0;
    more = false;
    if (removeMax <= 0) {
      complete(Status.INVALID_ARGUMENT.code());
      return;
    }
    lockFrom(fromIndex);
  }

  /** Takes chunks in ascending order: two removals never wait for each other in a circle. */
  private void lockFrom(int index) {
    int limit = Math.min(removeMax, REMOVE_MAX);
    long next = nextFrom(index);
    while (next >= 0 && locked < limit) {
      int at = (int) next;
      if (!store().locks().acquire(inode, at, this)) {
        waitingFor = at;
        return;
      }
      indices[locked++] = at;
      next = at == -1 ? -1 : nextFrom(at + 1);
    }
    staged(next >= 0);
  }

  private void staged(boolean moreFollow) {
    more = moreFollow;
    if (locked == 0) {
      complete(0);
    } else if (store().isOffline()) {
      onAborted(Status.TARGET_OFFLINE.code());
    } else {
      store().commit().stage(this, false);
    }
  }

  /** The next chunk, committed or only pending; -1 without one. */
  private long nextFrom(int index) {
    return store().ceiling(inode, index, state);
  }

  private boolean exists(int index) {
    return store().index().get(inode, index, state) || store().pending().find(inode, index) != null;
  }

  @Override
  final void onLocked() {
    if (exists(waitingFor)) {
      indices[locked++] = waitingFor;
    } else {
      store().unlock(inode, waitingFor);
    }
    if (waitingFor == -1) {
      staged(false);
    } else {
      lockFrom(waitingFor + 1);
    }
  }

  @Override
  final int logRecords() {
    return (remembersMakers ? 2 * locked : locked) + (isRemembered ? 1 : 0);
  }

  @Override
  final boolean isRemoval() {
    return true;
  }

  @Override
  final void appendTo(ChunkLog log) {
    for (int i = 0; i < locked; i++) {
      if (!store().index().get(inode, indices[i], state)) {
        state.clear();
        state.inode = inode;
        state.chunkIndex = indices[i];
      } else if (remembersMakers && !isOwn(state)) {
        log.sessionOnce(store().sessions().remember(state));
      }
      state.version++;
      state.clientHigh = clientHigh;
      state.clientLow = clientLow;
      state.sequence = sequence;
      state.channel = channel;
      state.result = 0;
      log.removed(state);
    }
    if (isRemembered && describe(store().sessions().find(clientHigh, clientLow, channel))) {
      log.session(own);
    }
  }

  /** Its client has gone on since. */
  private boolean isOwn(ChunkState made) {
    return made.clientHigh == clientHigh
        && made.clientLow == clientLow
        && made.channel == channel
        && made.sequence <= sequence;
  }

  /** Whether there is something to remember: the channel has not gone on. */
  private boolean describe(@Nullable Session last) {
    boolean many = sessionResult == RESULT_OF_ITS_OWN;
    long result = many ? locked : sessionResult;
    int done = more ? Session.DONE_MORE : Session.DONE;
    own.name(clientHigh, clientLow, channel, sequence);
    own.answer(inode, sessionIndex, result, many ? done : sessionVersion, 0, 0);
    return own.isNamed() && (last == null || last.sequence <= sequence);
  }

  @Override
  final void onCommitted() {
    for (int i = 0; i < locked; i++) {
      store().uninstall(inode, indices[i], state);
    }
    Session known = isRemembered ? store().sessions().take(own) : null;
    if (known != null) {
      known.setLogged();
    }
    store().statistics().removes += locked;
    unlockAll();
    complete(locked);
  }

  @Override
  final void onAborted(long status) {
    unlockAll();
    complete(status);
  }

  private void unlockAll() {
    for (int i = 0; i < locked; i++) {
      store().unlock(inode, indices[i]);
    }
  }

  @Override
  final void onBuffer() {
    throw new AssertionError("removals move no data");
  }
}
