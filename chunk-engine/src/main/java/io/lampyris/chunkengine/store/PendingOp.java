package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.redo.PendingVersions;

/** Ends a chunk's pending version, one way or the other; moves no data. Owner: reactor. */
abstract sealed class PendingOp extends StoreOp permits CommitOp, RollbackOp {
  public long inode;
  public int chunkIndex;

  final void lock() {
    if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  final void unlockAndComplete(long result) {
    store().unlock(inode, chunkIndex);
    complete(result);
  }

  final PendingVersions.Entry pending() {
    PendingVersions.Entry pending = store().pending().find(inode, chunkIndex);
    assert pending != null : "a locked chunk keeps its pending version";
    return pending;
  }

  @Override
  final int logRecords() {
    return 1;
  }

  /** It may free a block, and it takes none: that it did when it became pending. */
  @Override
  final boolean isRemoval() {
    return true;
  }

  /** The version stays pending. */
  @Override
  final void onAborted(long status) {
    unlockAndComplete(status);
  }

  @Override
  final void onBuffer() {
    throw new AssertionError("the end of a pending version moves no data");
  }
}
