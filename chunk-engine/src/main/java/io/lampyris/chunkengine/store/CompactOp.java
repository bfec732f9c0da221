package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.space.BlockAllocator;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import org.jspecify.annotations.Nullable;

/**
 * Moves a chunk out of an extent that is being emptied: same version, same identity, another block.
 * The result is how many bytes were moved, 0 when there was nothing to move any more, NO_SPACE when
 * there was no place or no log for it, DATA_CORRUPTION when it cannot be moved. Owner: reactor.
 *
 * <pre>
 *   lock ─► (read piece, verify units that end in it, write piece) … ─► stage ─► commit
 *        ─► old block freed by its last reader ─► unlock
 * </pre>
 *
 * No unit is committed in its new place that was not verified in its old one. Whatever the
 * durability, the new place is durable before the record that names it, and the old one is not used
 * again before that record is: what was safe stays so.
 */
final class CompactOp extends StoreOp {
  long inode;
  int chunkIndex;

  /** Why it is so, for the compactor: the log has no room. */
  boolean logIsFull;

  private final Compactor compactor;
  private final ChunkState state = new ChunkState();
  private final UnitVerifier verifier = new UnitVerifier(false);
  private final Io io = new Io();
  private @Nullable Buffer piece;
  private long oldBlock;
  private long newBlock = ChunkState.NO_BLOCK;
  private int newClass;
  private int position;
  private int pieceEnd;

  CompactOp(Compactor compactor) {
    this.compactor = compactor;
  }

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result >= 0) {
        onTransferred(kind);
      } else if (kind == Kind.READ) {
        store().readFailed(this, state);
        abort(Status.DEVICE_ERROR.code());
      } else {
        store().goOffline("write of block at %d failed".formatted(deviceOffset), errno);
        abort(Status.DEVICE_ERROR.code());
      }
    }
  }

  @Override
  void begin() {
    logIsFull = false;
    if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  @Override
  void onLocked() {
    newBlock = ChunkState.NO_BLOCK;
    if (store().isOffline()) {
      finish(Status.TARGET_OFFLINE.code());
    } else if (!store().index().get(inode, chunkIndex, state)
        || !state.hasBlock()
        || !store().isEmptied(state.blockOffset)
        || store().hasPending(inode, chunkIndex)) {
      finish(0);
    } else {
      plan();
    }
  }

  private void plan() {
    oldBlock = state.blockOffset;
    int oldClass = state.sizeClass;
    int wanted = Math.min(oldClass, Geometry.classFor(state.lengthBytes));
    long allocated = store().allocator().allocateBeside(wanted, oldClass);
    if (allocated == BlockAllocator.NO_SPACE) {
      finish(Status.NO_SPACE.code());
      return;
    }
    newBlock = BlockAllocator.offsetOf(allocated);
    newClass = BlockAllocator.classOf(allocated);
    position = 0;
    onBuffer();
  }

  @Override
  void onBuffer() {
    piece = store().acquireBuffer(store().alignUp(state.lengthBytes), this);
    if (piece != null) {
      readPiece();
    }
  }

  private Buffer held() {
    Buffer mine = piece;
    assert mine != null : "pieces go through a buffer";
    return mine;
  }

  private void readPiece() {
    pieceEnd = Math.min(state.lengthBytes, position + store().alignDown(held().capacityBytes()));
    transfer(IoRequest.Kind.READ, oldBlock);
  }

  private void transfer(IoRequest.Kind direction, long block) {
    int bytes = store().alignUp(pieceEnd) - position;
    store().submit(io.transfer(direction, block + position, held().segment(), 0, bytes));
  }

  private void onTransferred(IoRequest.Kind direction) {
    if (direction == IoRequest.Kind.READ) {
      if (verifier.feed(store(), state, held().segment(), position, pieceEnd) != 0) {
        abort(Status.DATA_CORRUPTION.code());
      } else {
        transfer(IoRequest.Kind.WRITE, newBlock);
      }
    } else if (pieceEnd < state.lengthBytes) {
      position = pieceEnd;
      readPiece();
    } else {
      releaseBuffer();
      state.blockOffset = newBlock;
      state.sizeClass = newClass;
      store().commit().stageDurably(this);
    }
  }

  @Override
  int logRecords() {
    return 1;
  }

  /** It makes space, but not of the log's. */
  @Override
  boolean isRemoval() {
    return false;
  }

  @Override
  void appendTo(ChunkLog log) {
    log.committed(state, false);
  }

  @Override
  void onCommitted() {
    store().install(state, null);
    finish(state.lengthBytes);
  }

  @Override
  void onAborted(long status) {
    logIsFull = status == Status.NO_SPACE.code();
    abort(status);
  }

  private void abort(long status) {
    releaseBuffer();
    if (newBlock != ChunkState.NO_BLOCK) {
      store().allocator().free(newBlock, newClass);
    }
    finish(status);
  }

  private void releaseBuffer() {
    Buffer mine = piece;
    if (mine != null) {
      piece = null;
      mine.release();
    }
  }

  private void finish(long result) {
    store().unlock(inode, chunkIndex);
    complete(result);
  }

  @Override
  protected void onComplete(long result) {
    compactor.onMoved(this, result);
  }
}
