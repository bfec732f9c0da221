package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.protocol.Status;

/**
 * Commits a chunk's pending version. The result is the chunk's committed version, which is the one
 * asked for or a later one; CHUNK_MISSING_UPDATE when there is no such version;
 * CHAIN_VERSION_MISMATCH when it was made by a later chain. Committing again is harmless. Owner:
 * reactor.
 */
public abstract non-sealed class CommitOp extends StoreOp {
  public long inode;
  public int chunkIndex;
  public int version;

  /** The chain that commits it. */
  public int chainVersion;

  /** The chunk as it is now; valid on successful completion. */
  public final ChunkState state = new ChunkState();

  @Override
  final void begin() {
    if (version <= 0) {
      complete(Status.INVALID_ARGUMENT.code());
    } else if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  @Override
  final void onLocked() {
    boolean exists = store().index().get(inode, chunkIndex, state);
    PendingVersions.Entry pending = store().pending().find(inode, chunkIndex);
    if (store().isOffline()) {
      unlockAndComplete(Status.TARGET_OFFLINE.code());
    } else if (exists && version <= state.version) {
      unlockAndComplete(state.version);
    } else if (pending == null
        || pending.state.version != version
        || pending.state.isPartOfCopy()) {
      unlockAndComplete(Status.CHUNK_MISSING_UPDATE.code());
    } else if (chainVersion < pending.state.chainVersion) {
      unlockAndComplete(Status.CHAIN_VERSION_MISMATCH.code());
    } else {
      state.copyFrom(pending.state);
      state.chainVersion = chainVersion;
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

  /** It may free a block, and it takes none: that it did when it became pending. */
  @Override
  final boolean isRemoval() {
    return true;
  }

  @Override
  final void appendTo(ChunkLog log) {
    log.committed(state, true);
    Redo redo = pending().redo;
    if (redo != null) {
      store().redos().appended(redo, log.lastSequence());
    }
  }

  @Override
  final void onCommitted() {
    TargetStore store = store();
    Redo redo = store.pending().remove(pending());
    store.install(state, redo);
    store.statistics().commits++;
    if (redo == null) {
      store.unlock(inode, chunkIndex);
    }
    complete(state.version);
    if (redo != null) {
      store.redos().wantsWrite(redo);
    }
  }

  /** The version stays pending. */
  @Override
  final void onAborted(long status) {
    unlockAndComplete(status);
  }

  @Override
  final void onBuffer() {
    throw new AssertionError("a commit moves no data");
  }
}
