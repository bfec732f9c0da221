package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.protocol.Status;

/**
 * Remembers what clients were answered elsewhere, as durably as the target promises. The result is
 * how many sessions it was given. Owner: reactor.
 */
public abstract non-sealed class RememberOp extends StoreOp {
  private final Session[] told;
  private int count;

  protected RememberOp(int sessionsMax) {
    told = new Session[sessionsMax];
  }

  /** Before anything is added. */
  public void clear() {
    count = 0;
  }

  public boolean isFull() {
    return count == told.length;
  }

  /** What to fill in for one more. */
  public Session add() {
    if (told[count] == null) {
      told[count] = new Session();
    }
    return told[count++];
  }

  @Override
  final void begin() {
    for (int i = 0; i < count; i++) {
      if (!told[i].isNamed()) {
        complete(Status.INVALID_ARGUMENT.code());
        return;
      }
    }
    store().commit().stage(this, false);
  }

  @Override
  final int logRecords() {
    return count;
  }

  @Override
  final boolean isRemoval() {
    return false;
  }

  @Override
  final void appendTo(ChunkLog log) {
    for (int i = 0; i < count; i++) {
      log.sessionOnce(store().sessions().take(told[i]));
    }
  }

  @Override
  final void onCommitted() {
    complete(count);
  }

  @Override
  final void onAborted(long status) {
    complete(status);
  }

  @Override
  final void onLocked() {
    throw new AssertionError("it is about no chunk");
  }

  @Override
  final void onBuffer() {
    throw new AssertionError("it moves no data");
  }
}
