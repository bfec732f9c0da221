package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import org.jspecify.annotations.Nullable;

/**
 * Reads a chunk and verifies all of its units. The result is how many bytes were read, or why they
 * could not be. Owner: reactor.
 *
 * <p>Takes the chunk's lock, so that nothing is written in place meanwhile, for a span at a time:
 * an update waits for the reading of a MiB, or of one unit when that is more.
 */
final class ScrubOp extends StoreOp {
  private static final int SPAN_BYTES = 1 << 20;

  long inode;
  int chunkIndex;

  /** Valid on completion: how many units were bad. */
  int badUnits;

  private final Scrubber scrubber;
  private final ChunkState state = new ChunkState();
  private final UnitVerifier verifier = new UnitVerifier(false);
  private final Io io = new Io();
  private @Nullable Buffer piece;
  private int position;
  private int pieceEnd;
  private int spanEnd;

  ScrubOp(Scrubber scrubber) {
    this.scrubber = scrubber;
  }

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result < 0) {
        store().readFailed(this, state);
        finish(Status.DEVICE_ERROR.code());
      } else {
        onPieceRead();
      }
    }
  }

  @Override
  void begin() {
    badUnits = 0;
    position = 0;
    lock();
  }

  private void lock() {
    if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  @Override
  void onLocked() {
    if (store().isOffline() || store().isStopping()) {
      finish(Status.TARGET_OFFLINE.code());
    } else if (!store().index().get(inode, chunkIndex, state) || position >= state.lengthBytes) {
      // Removed, or cut short since the last span.
      finish(position);
    } else {
      int span = Math.max(SPAN_BYTES, state.unitBytes());
      spanEnd = (int) Math.min(state.lengthBytes, (long) position + span);
      onBuffer();
    }
  }

  @Override
  void onBuffer() {
    piece = store().acquireBuffer(store().alignUp(spanEnd) - position, this);
    if (piece != null) {
      readPiece(piece);
    }
  }

  private void readPiece(Buffer into) {
    pieceEnd = Math.min(spanEnd, position + store().alignDown(into.capacityBytes()));
    int bytes = store().alignUp(pieceEnd) - position;
    store()
        .submit(
            io.transfer(
                IoRequest.Kind.READ, state.blockOffset + position, into.segment(), 0, bytes));
  }

  private void onPieceRead() {
    Buffer from = piece;
    assert from != null : "a piece was read into a buffer";
    int bad = verifier.feed(store(), state, from.segment(), position, pieceEnd);
    badUnits += Integer.bitCount(bad);
    liftIntact(bad);
    position = pieceEnd;
    if (position < spanEnd) {
      readPiece(from);
      return;
    }
    releaseBuffer();
    if (position < state.lengthBytes) {
      store().unlock(inode, chunkIndex);
      lock();
    } else {
      finish(position);
    }
  }

  /** Of the units that ended in this piece. */
  private void liftIntact(int bad) {
    int unitBytes = state.unitBytes();
    int end = pieceEnd == state.lengthBytes ? state.unitCount() : pieceEnd / unitBytes;
    for (int unit = position / unitBytes; unit < end; unit++) {
      if ((bad & 1 << unit) == 0) {
        store().quarantine().lift(state.blockOffset, unit);
      }
    }
  }

  private void releaseBuffer() {
    Buffer mine = piece;
    if (mine != null) {
      piece = null;
      mine.release();
    }
  }

  private void finish(long result) {
    releaseBuffer();
    store().unlock(inode, chunkIndex);
    complete(result);
  }

  @Override
  protected void onComplete(long result) {
    scrubber.onScrubbed(this, result);
  }

  @Override
  int logRecords() {
    return 0;
  }

  @Override
  boolean isRemoval() {
    return false;
  }

  @Override
  void appendTo(ChunkLog log) {
    throw new AssertionError("scrubbing is not logged");
  }

  @Override
  void onCommitted() {
    throw new AssertionError("scrubbing is not logged");
  }

  /** While it waits for a buffer. */
  @Override
  void onAborted(long status) {
    finish(status);
  }
}
