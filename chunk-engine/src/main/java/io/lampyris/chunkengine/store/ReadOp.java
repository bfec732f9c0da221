package io.lampyris.chunkengine.store;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Reads bytes of a chunk. The result is how many: fewer than asked only at the chunk's end, 0
 * behind it; CHUNK_NOT_FOUND for a hole; DATA_CORRUPTION when bytes do not have their checksum;
 * MEMORY_FAULT when others shrank the memory meanwhile. Owner: reactor.
 *
 * <p>A unit that is read whole has a checksum of its own. One that is read in part is verified by
 * the checksums of its blocks, if these are remembered ({@link BlockCrcs}); else it is read whole,
 * and they are remembered then. Without strict verification such a part is not verified.
 *
 * <p>Goes straight into the caller's memory when offset, length and address are aligned; a last
 * partial sector may come along when the memory has room for it, and is zeroed behind the chunk's
 * length. The memory may be shared with a program that writes into it or shrinks it at any moment:
 * a unit that does not have its checksum there says nothing about the device. It is read again into
 * a buffer of the store's own, and only what is found there counts.
 *
 * <p>Takes no lock. What overwrites were committed and are not in their place yet is laid over what
 * the device has, before that is verified. An overwrite that is committed while the read is in
 * flight may tear what it sees: then it begins again, with the new version, and after a few times
 * it waits for its turn on the chunk.
 */
public abstract non-sealed class ReadOp extends StoreOp {
  /** Which version to read. */
  public enum Version {
    COMMITTED,
    /** The pending one if there is one, else the committed one. */
    PENDING
  }

  /** So often a read begins before it takes the chunk's lock. */
  private static final int LOCKLESS_TRIES = 3;

  /** What {@link #verified} says of a unit that is not in the caller's memory as it was written. */
  private static final long DOUBTFUL = Long.MIN_VALUE;

  /** Longer than any sector. */
  private static final MemorySegment ZEROS = MemorySegment.ofArray(new byte[64 << 10]);

  public Version version = Version.COMMITTED;
  public long inode;
  public int chunkIndex;
  public int chunkOffset;
  public int lengthBytes;
  public MemorySegment payload = MemorySegment.NULL;
  public long payloadOffset;

  /** How much of the memory is the caller's; at least {@link #lengthBytes}. */
  public int payloadCapacityBytes;

  /**
   * The version that was read; valid on completion of a read that found its chunk. The units'
   * checksums are there only when a unit was verified, who made the version never.
   */
  public final ChunkState state = new ChunkState();

  private final Io io = new Io();
  private final UnitVerifier verifier = new UnitVerifier(true);
  private final int[] blocks = new int[BlockCrcs.BLOCKS];
  private @Nullable Buffer piece;
  private @Nullable Redo over;
  private long overwrites;
  private int tries;
  private boolean locked;

  /** The caller's memory had other bytes than were written: only the store's own memory counts. */
  private boolean doubtful;

  /** Behind the last byte that is answered. */
  private int end;

  /** The next byte to read in pieces, and behind the last one. */
  private int position;

  private int readEnd;
  private int deviceStart;
  private boolean verifying;

  /** The state says where the bytes are, but not what the units' checksums are. */
  private boolean headOnly;

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result < 0) {
        readFailed(this);
      } else if (store().references().overwrites(state.blockOffset) != overwrites) {
        beginAgain();
      } else if (piece == null) {
        onDirectRead();
      } else {
        onPieceRead(piece);
      }
    }
  }

  @Override
  final void begin() {
    tries = 0;
    locked = false;
    doubtful = false;
    if (chunkOffset < 0 || lengthBytes < 0 || payloadCapacityBytes < lengthBytes) {
      complete(Status.INVALID_ARGUMENT.code());
    } else {
      start();
    }
  }

  /** Memory that went during a direct transfer is the caller's failure, not the device's. */
  private void readFailed(IoRequest request) {
    if (piece == null && request.errno == Errno.EFAULT) {
      finish(Status.MEMORY_FAULT.code());
    } else {
      store().readFailed(request, state);
      finish(Status.DEVICE_ERROR.code());
    }
  }

  /** Once more, from the start, with what the chunk is now. */
  private void beginAgain() {
    releaseAll();
    store().statistics().readsRepeated++;
    tries++;
    if (tries < LOCKLESS_TRIES) {
      start();
    } else if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  /** Nothing changes the chunk until this read is done. */
  @Override
  final void onLocked() {
    locked = true;
    if (store().isOffline()) {
      answer(Status.TARGET_OFFLINE.code());
    } else {
      start();
    }
  }

  private void start() {
    if (!find()) {
      answer(Status.CHUNK_NOT_FOUND.code());
      return;
    }
    end = (int) Math.min((long) chunkOffset + lengthBytes, state.lengthBytes);
    if (end <= chunkOffset) {
      answer(0);
      return;
    }
    if (store().quarantine().holds(state, chunkOffset, end)) {
      answer(Status.DATA_CORRUPTION.code());
      return;
    }
    Redo redo = over;
    if (redo != null) {
      redo.hold();
    }
    overwrites = store().references().acquire(state.blockOffset);
    if (headOnly && (doubtful || coversAUnit())) {
      boolean found = store().index().get(inode, chunkIndex, state);
      assert found : "nothing came between";
    }
    verifying = doubtful || (store().verifiesStrictly() && !coversUnits() && !knowsPartsOfUnits());
    if (!verifying && isDirect()) {
      int bytes = store().alignUp(end - chunkOffset);
      submit(state.blockOffset + chunkOffset, payload, payloadOffset, bytes);
    } else {
      position = verifying ? chunkOffset / state.unitBytes() * state.unitBytes() : chunkOffset;
      readEnd = verifying ? unitEnd(end) : end;
      onBuffer();
    }
  }

  /** Whether any unit lies whole in what is read, and so is verified. */
  private boolean coversAUnit() {
    int unitBytes = state.unitBytes();
    int first = (chunkOffset + unitBytes - 1) / unitBytes * unitBytes;
    return first < end && Math.min(first + unitBytes, state.lengthBytes) <= end;
  }

  private boolean find() {
    PendingVersions.Entry pending =
        version == Version.PENDING ? store().pending().find(inode, chunkIndex) : null;
    headOnly = pending == null && !store().verifiesStrictly();
    if (pending != null) {
      state.copyFrom(pending.state);
      over = pending.redo;
      return true;
    }
    over = null;
    boolean found =
        headOnly
            ? store().index().getHead(inode, chunkIndex, state)
            : store().index().get(inode, chunkIndex, state);
    if (found) {
      over = store().redos().find(inode, chunkIndex);
    }
    return found;
  }

  private int unitEnd(int at) {
    int unitBytes = state.unitBytes();
    return Math.min((at + unitBytes - 1) / unitBytes * unitBytes, state.lengthBytes);
  }

  private boolean coversUnits() {
    return chunkOffset % state.unitBytes() == 0 && unitEnd(end) == end;
  }

  /** Whether what is read of the first and the last unit can be verified without the rest. */
  private boolean knowsPartsOfUnits() {
    int unitBytes = state.unitBytes();
    return BlockCrcs.holds(unitBytes)
        && knows(chunkOffset / unitBytes)
        && knows((end - 1) / unitBytes);
  }

  private boolean knows(int unit) {
    int unitStart = unit * state.unitBytes();
    int unitEnd = unitEnd(unitStart + 1);
    int from = Math.max(chunkOffset, unitStart);
    int to = Math.min(end, unitEnd);
    if (from == unitStart && to == unitEnd) {
      return true;
    }
    int first = (from - unitStart) / BlockCrcs.BLOCK_BYTES;
    return from % BlockCrcs.BLOCK_BYTES == 0
        && (to % BlockCrcs.BLOCK_BYTES == 0 || to == unitEnd)
        && store()
            .blockCrcs()
            .get(
                inode,
                chunkIndex,
                unit,
                state.unitCrcs[unit],
                first,
                BlockCrcs.blocksIn(to - from),
                blocks);
  }

  private boolean isDirect() {
    return payload.isNative()
        && store().isAligned(payload.address() + payloadOffset)
        && store().isAligned(chunkOffset)
        && store().alignUp(end - chunkOffset) <= payloadCapacityBytes;
  }

  private void submit(long deviceOffset, MemorySegment memory, long offset, int bytes) {
    store().submit(io.transfer(IoRequest.Kind.READ, deviceOffset, memory, offset, bytes));
  }

  private void onDirectRead() {
    Redo redo = over;
    boolean there = redo == null || redo.overlay(payload, payloadOffset, chunkOffset, end);
    if (there && zeroBehind(chunkOffset + io.lengthBytes)) {
      finishVerified();
    } else {
      finish(Status.MEMORY_FAULT.code());
    }
  }

  /** What a last partial sector brought along is not the caller's. */
  private boolean zeroBehind(int until) {
    return until <= end
        || ShrinkableMemory.copy(ZEROS, 0, payload, payloadOffset + end - chunkOffset, until - end);
  }

  // ---- pieces ----

  @Override
  final void onBuffer() {
    int wanted = store().alignUp(readEnd) - store().alignDown(position);
    piece = store().acquireBuffer(wanted, this);
    if (piece != null) {
      readPiece(piece);
    }
  }

  private void readPiece(Buffer into) {
    deviceStart = store().alignDown(position);
    int bytes =
        Math.min(store().alignDown(into.capacityBytes()), store().alignUp(readEnd) - deviceStart);
    submit(state.blockOffset + deviceStart, into.segment(), 0, bytes);
  }

  private void onPieceRead(Buffer from) {
    int until = Math.min(readEnd, deviceStart + io.lengthBytes);
    Redo redo = over;
    if (redo != null) {
      boolean there = redo.overlay(from.segment(), (long) position - deviceStart, position, until);
      assert there : "the store's own memory does not shrink";
    }
    if (verifying && verifier.feed(store(), state, from.segment(), position, until) != 0) {
      finish(Status.DATA_CORRUPTION.code());
      return;
    }
    if (!copyOut(from.segment(), until)) {
      finish(Status.MEMORY_FAULT.code());
      return;
    }
    position = until;
    if (position < readEnd) {
      readPiece(from);
    } else if (verifying) {
      finish((long) end - chunkOffset);
    } else {
      finishVerified();
    }
  }

  private boolean copyOut(MemorySegment memory, int until) {
    int first = Math.max(position, chunkOffset);
    int last = Math.min(until, end);
    store().statistics().copiedBytes += Math.max(0, last - first);
    return first >= last
        || ShrinkableMemory.copy(
            memory,
            (long) first - deviceStart,
            payload,
            payloadOffset + first - chunkOffset,
            (long) last - first);
  }

  private void finishVerified() {
    long result = verified();
    if (result == DOUBTFUL) {
      releaseAll();
      doubtful = true;
      start();
    } else {
      finish(result);
    }
  }

  /** Checks units and known parts of units, where the caller will find them. */
  private long verified() {
    int unitBytes = state.unitBytes();
    for (int at = chunkOffset; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = unitEnd(at + 1);
      int to = Math.min(end, unitEnd);
      long found = 0;
      if (at % unitBytes == 0 && to == unitEnd) {
        found = verified(at, to, state.unitCrcs[unit]);
      } else if (store().verifiesStrictly()) {
        // Else it was forgotten meanwhile.
        found = knows(unit) ? verifiedBlocks(at, to) : DOUBTFUL;
      }
      if (found < 0) {
        return found;
      }
      at = to;
    }
    return (long) end - chunkOffset;
  }

  private long verifiedBlocks(int from, int to) {
    long found = 0;
    for (int at = from, block = 0; at < to && found == 0; at += BlockCrcs.BLOCK_BYTES, block++) {
      found = verified(at, Math.min(at + BlockCrcs.BLOCK_BYTES, to), blocks[block]);
    }
    return found;
  }

  /** 0, or what is wrong. */
  private long verified(int from, int to, int expected) {
    long crc = store().crc().ofShrinkable(payload, payloadOffset + from - chunkOffset, to - from);
    if (crc == Crc32c.GONE) {
      return Status.MEMORY_FAULT.code();
    }
    return (int) crc == expected ? 0 : DOUBTFUL;
  }

  // ---- the end ----

  private void releaseAll() {
    Buffer held = piece;
    if (held != null) {
      piece = null;
      held.release();
    }
    Redo redo = over;
    if (redo != null) {
      over = null;
      redo.release();
    }
    store().references().release(state.blockOffset, state.sizeClass);
  }

  private void finish(long result) {
    releaseAll();
    answer(result);
  }

  private void answer(long result) {
    over = null;
    if (result > 0) {
      store().statistics().reads++;
      store().statistics().readBytes += result;
    }
    if (locked) {
      locked = false;
      store().unlock(inode, chunkIndex);
    }
    complete(result);
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
