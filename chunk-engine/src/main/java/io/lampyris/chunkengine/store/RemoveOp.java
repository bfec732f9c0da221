package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;

/**
 * Removes an inode's chunks from an index on, at most so many, all in one group. The result is how
 * many were removed. Owner: reactor.
 */
public abstract non-sealed class RemoveOp extends StoreOp {
  /** More is done by calling again. */
  public static final int REMOVE_MAX = 1024;

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

  private final ChunkState state = new ChunkState();
  private final int[] indices = new int[REMOVE_MAX];
  private int locked;
  private int waitingFor;

  @Override
  final void begin() {
    locked = 0;
    more = false;
    if (removeMax <= 0) {
      complete(io.lampyris.protocol.Status.INVALID_ARGUMENT.code());
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
      onAborted(io.lampyris.protocol.Status.TARGET_OFFLINE.code());
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
    return locked;
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
      }
      state.version++;
      state.clientHigh = clientHigh;
      state.clientLow = clientLow;
      state.sequence = sequence;
      state.channel = channel;
      state.result = 0;
      log.removed(state);
    }
  }

  @Override
  final void onCommitted() {
    for (int i = 0; i < locked; i++) {
      store().uninstall(inode, indices[i], state);
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
