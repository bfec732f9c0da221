package io.lampyris.client;

import io.lampyris.protocol.FileLayout;
import org.jspecify.annotations.Nullable;

/**
 * What a {@link ChunkClient} works on: a pooled state machine that hands out pieces, one chunk call
 * each, and folds their results into one. Owner: reactor.
 */
abstract class Operation {
  // The chunk client's own.
  @Nullable Operation next;
  boolean queued;
  int outstanding;
  long deadlineNs;
  @Nullable StorageNode wokenFor;

  /** Whether pieces remain to be sent; false after a failure. */
  abstract boolean hasMore();

  abstract FileLayout layout();

  /** Whose chain the next piece goes to. */
  abstract long nextChunkIndex();

  /** Whether any member of the chain will do. */
  boolean isRead() {
    return false;
  }

  /** Describes the next piece. */
  abstract void prepare(ChunkCall call);

  /** Takes the final result of one piece. */
  abstract void fold(ChunkCall call, long result);

  /** All pieces are folded: the operation is its owner's again. */
  abstract void finish();
}
