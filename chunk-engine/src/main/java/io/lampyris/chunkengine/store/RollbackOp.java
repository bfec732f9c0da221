package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.protocol.Status;

/**
 * Gives up a chunk's pending version, durably: the committed one, if any, is what there is. The
 * result is 0, also when nothing is pending. Owner: reactor.
 */
public abstract non-sealed class RollbackOp extends StoreOp {
  public long inode;
  public int chunkIndex;

  @Override
  final void begin() {
    if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  @Override
  final void onLocked() {
    if (store().isOffline()) {
      unlockAndComplete(Status.TARGET_OFFLINE.code());
    } else if (!store().hasPending(inode, chunkIndex)) {
      unlockAndComplete(0);
    } else {
      store().commit().stage(this, false);
    }
  }

  private void unlockAndComplete(long result) {
    store().unlock(inode, chunkIndex);
    complete(result);
  }

  private PendingVersions.Entry pending() {
    PendingVersions.Entry pending = store().pending().find(inode, chunkIndex);
    assert pending != null : "a locked chunk keeps its pending version";
    return pending;
  }

  @Override
  final int logRecords() {
    return 1;
  }

  @Override
  final boolean isRemoval() {
    return true;
  }

  @Override
  final void appendTo(ChunkLog log) {
    ChunkState state = pending().state;
    log.rolledBack(state);
  }

  @Override
  final void onCommitted() {
    store().uninstallPending(pending());
    unlockAndComplete(0);
  }

  /** The version stays pending. */
  @Override
  final void onAborted(long status) {
    unlockAndComplete(status);
  }

  @Override
  final void onBuffer() {
    throw new AssertionError("a rollback moves no data");
  }
}
