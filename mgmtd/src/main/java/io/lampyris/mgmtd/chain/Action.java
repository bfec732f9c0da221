package io.lampyris.mgmtd.chain;

import java.util.List;

/** What an update asks others to do. Actions follow from the chain: repeating one is harmless. */
public sealed interface Action {
  /** A serving member copies to the one that is syncing. */
  record Resync(long fromTargetId, long toTargetId) implements Action {}

  /** A live member is asked to stop; the chain drops it once it says so (I5). */
  record Stop(long targetId) implements Action {}

  /** Nobody serves: the chain waits for any of these to return. */
  record Await(List<Long> targetIds) implements Action {
    public Await {
      targetIds = List.copyOf(targetIds);
    }
  }

  /** Nobody serves and nobody who could lead is left: an operator must decide. */
  record AskOperator(Loss loss) implements Action {}

  /** A target has left the chain; its space can be used again. */
  record Release(long targetId) implements Action {}
}
