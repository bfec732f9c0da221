package io.lampyris.chunkengine.store;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads committed bytes of a chunk. The result is how many: fewer than asked only at the chunk's
 * end, 0 behind it; CHUNK_NOT_FOUND for a hole; DATA_CORRUPTION when a unit that was read whole
 * does not have its checksum. Owner: reactor.
 *
 * <p>Goes straight into the caller's memory when offset, length and address are aligned; a last
 * partial sector may come along when the memory has room for it, and is zeroed behind the chunk's
 * length.
 */
public abstract non-sealed class ReadOp extends StoreOp {
  public long inode;
  public int chunkIndex;
  public int chunkOffset;
  public int lengthBytes;
  public MemorySegment payload = MemorySegment.NULL;
  public long payloadOffset;

  /** How much of the memory is the caller's; at least {@link #lengthBytes}. */
  public int payloadCapacityBytes;

  /** The version that was read; valid on completion of a read that found its chunk. */
  public final ChunkState state = new ChunkState();

  private final Io io = new Io();
  private @Nullable Buffer piece;
  private int end;
  private int position;
  private int deviceStart;

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result < 0) {
        store().readFailed(this, state);
        finish(Status.DEVICE_ERROR.code());
      } else if (piece == null) {
        zeroBehind(chunkOffset + lengthBytes);
        finish(verified());
      } else {
        copyOut();
      }
    }
  }

  /** What a last partial sector brought along is not the caller's. */
  private void zeroBehind(int readEnd) {
    if (readEnd > end) {
      payload.asSlice(payloadOffset + end - chunkOffset, readEnd - end).fill((byte) 0);
    }
  }

  @Override
  final void begin() {
    if (chunkOffset < 0 || lengthBytes < 0 || payloadCapacityBytes < lengthBytes) {
      complete(Status.INVALID_ARGUMENT.code());
      return;
    }
    if (!store().index().get(inode, chunkIndex, state)) {
      complete(Status.CHUNK_NOT_FOUND.code());
      return;
    }
    end = (int) Math.min((long) chunkOffset + lengthBytes, state.lengthBytes);
    if (end <= chunkOffset) {
      complete(0);
      return;
    }
    store().references().acquire(state.blockOffset);
    if (isDirect()) {
      int bytes = store().alignUp(end - chunkOffset);
      submit(state.blockOffset + chunkOffset, payload, payloadOffset, bytes);
    } else {
      position = chunkOffset;
      onBuffer();
    }
  }

  private boolean isDirect() {
    return payload.isNative()
        && store().isAligned(payload.address() + payloadOffset)
        && store().isAligned(chunkOffset)
        && store().alignUp(end - chunkOffset) <= payloadCapacityBytes;
  }

  private void submit(long deviceOffset, MemorySegment memory, long offset, int bytes) {
    store().device().submit(io.transfer(IoRequest.Kind.READ, deviceOffset, memory, offset, bytes));
  }

  @Override
  final void onBuffer() {
    int wanted = store().alignUp(end) - store().alignDown(position);
    piece = store().acquireBuffer(wanted, this);
    if (piece != null) {
      readPiece(piece);
    }
  }

  private void readPiece(Buffer into) {
    deviceStart = store().alignDown(position);
    int bytes =
        Math.min(store().alignDown(into.capacityBytes()), store().alignUp(end) - deviceStart);
    submit(state.blockOffset + deviceStart, into.segment(), 0, bytes);
  }

  private void copyOut() {
    Buffer from = piece;
    assert from != null : "a piece was read into a buffer";
    int until = Math.min(end, deviceStart + io.lengthBytes);
    MemorySegment.copy(
        from.segment(),
        position - deviceStart,
        payload,
        payloadOffset + position - chunkOffset,
        until - position);
    position = until;
    if (position < end) {
      readPiece(from);
    } else {
      finish(verified());
    }
  }

  /** Checks every unit that was read whole, where the caller will find it. */
  private long verified() {
    int unitBytes = state.unitBytes();
    int unit = (chunkOffset + unitBytes - 1) / unitBytes;
    for (int from = unit * unitBytes; from < end; from += unitBytes, unit++) {
      int to = Math.min(from + unitBytes, state.lengthBytes);
      if (to > end) {
        break;
      }
      int crc = store().crc().of(payload, payloadOffset + from - chunkOffset, to - from);
      if (crc != state.unitCrcs[unit]) {
        store().corruptionFound(state, unit, crc);
        return Status.DATA_CORRUPTION.code();
      }
    }
    return (long) end - chunkOffset;
  }

  private void finish(long result) {
    Buffer held = piece;
    if (held != null) {
      piece = null;
      held.release();
    }
    store().references().release(state.blockOffset, state.sizeClass);
    complete(result);
  }

  @Override
  final void onLocked() {
    throw new AssertionError("reads take no locks");
  }

  @Override
  final int logRecords() {
    return 0;
  }

  @Override
  final boolean isRemoval() {
    return false;
  }

  @Override
  final void appendTo(ChunkLog log) {
    throw new AssertionError("reads are not logged");
  }

  @Override
  final void onCommitted() {
    throw new AssertionError("reads are not logged");
  }

  /** While it waits for a buffer. */
  @Override
  final void onAborted(long status) {
    finish(status);
  }
}
