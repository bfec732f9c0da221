package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.protocol.Status;

/**
 * Gives up a chunk's pending version, durably: the committed one, if any, is what there is. The
 * result is 0, also when nothing is pending. Owner: reactor.
 */
public abstract non-sealed class RollbackOp extends PendingOp {
  @Override
  final void begin() {
    lock();
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

  @Override
  final void appendTo(ChunkLog log) {
    log.rolledBack(pending().state);
  }

  @Override
  final void onCommitted() {
    store().uninstallPending(pending());
    unlockAndComplete(0);
  }
}
