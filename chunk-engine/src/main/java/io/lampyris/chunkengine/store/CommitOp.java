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
public abstract non-sealed class CommitOp extends PendingOp {
  public int version;

  /** The chain that commits it. */
  public int chainVersion;

  /** The chunk as it is now; valid on successful completion. */
  public final ChunkState state = new ChunkState();

  @Override
  final void begin() {
    if (version <= 0) {
      complete(Status.INVALID_ARGUMENT.code());
    } else {
      lock();
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
}
