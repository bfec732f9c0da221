package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.log.ChunkLog;
import org.jspecify.annotations.Nullable;

/**
 * One operation on a target: a pooled state machine that its owner fills, gives to {@link
 * TargetStore#submit} and gets back in {@link #onComplete}. Owner: reactor.
 */
public abstract sealed class StoreOp
    permits ReadOp, UpdateOp, PendingOp, RemoveOp, RememberOp, CompactOp, ScrubOp {
  /** The queue that it waits in, if any. */
  @Nullable StoreOp next;

  private @Nullable TargetStore store;

  /**
   * The operation is done and its owner's again.
   *
   * @param result what the operation's class says, or a {@link io.lampyris.protocol.Status} code
   */
  protected abstract void onComplete(long result);

  /** Starts. */
  abstract void begin();

  /** A chunk that it waited for is its own now. */
  abstract void onLocked();

  /** There may be a buffer now. */
  abstract void onBuffer();

  /** How many log records it brings, at most. */
  abstract int logRecords();

  /** How many bytes of payload they carry in all. */
  int logPayloadBytes() {
    return 0;
  }

  /** Whether it makes space rather than taking some. */
  abstract boolean isRemoval();

  abstract void appendTo(ChunkLog log);

  /** Its records are as durable as the target promises: applies them and completes. */
  abstract void onCommitted();

  /** Cannot be committed: undoes what it holds and completes. */
  abstract void onAborted(long status);

  final TargetStore store() {
    TargetStore owner = store;
    assert owner != null : "only a submitted operation runs";
    return owner;
  }

  final void submittedTo(TargetStore owner) {
    assert store == null : "an operation is submitted once at a time";
    store = owner;
  }

  final void complete(long result) {
    store().completed();
    store = null;
    onComplete(result);
  }
}
