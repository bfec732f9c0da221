package io.lampyris.chunkengine.store;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Writes into a chunk or sets its length: version v becomes v + 1. The result is the payload's
 * length for a write, the chunk's length for a truncate. Owner: reactor.
 *
 * <pre>
 *   lock ─► plan ─┬─ direct: payload memory ─► block ───────────────┐
 *                 ├─ pieces: (read old, verify) merge ─► block, … ──┤
 *                 └─ shrink: read what is kept of the last unit ────┴─► stage ─► commit ─► unlock
 * </pre>
 *
 * The block is a new one, unless everything new lies behind the committed length and fits: then it
 * is the chunk's own.
 */
public abstract non-sealed class UpdateOp extends StoreOp {
  /** What to do. */
  public enum Kind {
    WRITE,
    TRUNCATE
  }

  public Kind kind = Kind.WRITE;
  public long inode;
  public int chunkIndex;
  public int chainVersion;
  public int chunkSizeBytes;

  /** Of a write. */
  public int chunkOffset;

  /** Of a write: the payload's length; of a truncate: the chunk's new length. */
  public int lengthBytes;

  /** 0: the next one. */
  public int updateVersion;

  /** Of a write: what the payload's checksum has to be. */
  public int payloadCrc32c;

  /** Of a truncate: leave a longer chunk alone. */
  public boolean extendOnly;

  // Who updates; all zeros for nobody, then a retry is not recognised.
  public long clientHigh;
  public long clientLow;
  public long sequence;
  public int channel;

  public MemorySegment payload = MemorySegment.NULL;
  public long payloadOffset;

  /** The chunk as it is now; valid on successful completion. */
  public final ChunkState state = new ChunkState();

  private static final long PROCEED = Long.MAX_VALUE;

  private enum Step {
    IDLE,
    DIRECT_WRITE,
    PIECE_READ,
    PIECE_WRITE,
    SHRINK_READ
  }

  private final Io io = new Io();
  private final int[] units = new int[Geometry.UNITS_MAX];
  private Step step = Step.IDLE;
  private @Nullable Buffer piece;

  private boolean existed;
  private int oldLength;
  private long oldBlock;
  private int oldClass;

  private int newLength;
  private long block;
  private int sizeClass;
  private boolean inPlace;
  private boolean readsOld;

  /** The payload's place in the chunk; empty for a truncate. */
  private int from;

  private int to;

  private int unitBytes;
  private int position;
  private int pieceEnd;
  private int runningCrc;
  private int keptCrc;

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result >= 0) {
        onTransferred();
      } else if (kind == IoRequest.Kind.READ) {
        store().readFailed(this, state);
        abort(Status.DEVICE_ERROR.code());
      } else {
        store().goOffline("write of block at %d failed".formatted(deviceOffset), errno);
        abort(Status.DEVICE_ERROR.code());
      }
    }
  }

  // ---- admission ----

  @Override
  final void begin() {
    if (!isWellFormed()) {
      complete(Status.INVALID_ARGUMENT.code());
    } else if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  private boolean isWellFormed() {
    long end = kind == Kind.WRITE ? (long) chunkOffset + lengthBytes : lengthBytes;
    return FileLayout.isChunkSize(chunkSizeBytes)
        && chunkOffset >= 0
        && lengthBytes >= (kind == Kind.WRITE ? 1 : 0)
        && end <= chunkSizeBytes
        && (kind != Kind.WRITE || payload.byteSize() - payloadOffset >= lengthBytes);
  }

  @Override
  final void onLocked() {
    existed = store().index().get(inode, chunkIndex, state);
    if (!existed) {
      state.clear();
      state.inode = inode;
      state.chunkIndex = chunkIndex;
      state.chunkSizeBytes = chunkSizeBytes;
    }
    block = ChunkState.NO_BLOCK;
    inPlace = false;
    long early = store().isOffline() ? Status.TARGET_OFFLINE.code() : admit();
    if (early == PROCEED) {
      early = plan();
    }
    if (early != PROCEED) {
      unlockAndComplete(early);
    }
  }

  private long admit() {
    if (!existed) {
      boolean nothing = kind == Kind.TRUNCATE && lengthBytes == 0;
      return nothing ? 0 : updateVersion > 1 ? Status.CHUNK_MISSING_UPDATE.code() : PROCEED;
    }
    boolean sameSource =
        (clientHigh | clientLow) != 0
            && state.clientHigh == clientHigh
            && state.clientLow == clientLow
            && state.channel == channel;
    if (sameSource && state.sequence == sequence) {
      return state.result;
    }
    if (sameSource && channel != 0 && sequence < state.sequence) {
      return Status.CHUNK_STALE_UPDATE.code();
    }
    if (state.chunkSizeBytes != chunkSizeBytes) {
      return Status.CHUNK_SIZE_MISMATCH.code();
    }
    if (updateVersion != 0 && updateVersion <= state.version) {
      return Status.CHUNK_COMMITTED_UPDATE.code();
    }
    if (updateVersion > state.version + 1) {
      return Status.CHUNK_MISSING_UPDATE.code();
    }
    boolean unchanged =
        kind == Kind.TRUNCATE
            && (lengthBytes == state.lengthBytes
                || (extendOnly && lengthBytes < state.lengthBytes));
    return unchanged ? state.lengthBytes : PROCEED;
  }

  // ---- planning ----

  private long plan() {
    oldLength = state.lengthBytes;
    oldBlock = state.blockOffset;
    oldClass = state.sizeClass;
    unitBytes = state.unitBytes();
    if (kind == Kind.TRUNCATE && lengthBytes < oldLength) {
      newLength = lengthBytes;
      planShrink();
      return PROCEED;
    }
    from = kind == Kind.WRITE ? chunkOffset : lengthBytes;
    to = kind == Kind.WRITE ? chunkOffset + lengthBytes : lengthBytes;
    newLength = Math.max(oldLength, to);
    boolean direct = isDirect();
    if (kind == Kind.WRITE && !direct && payloadCrc() != payloadCrc32c) {
      return Status.CHECKSUM_MISMATCH.code();
    }
    if (!chooseBlock()) {
      return Status.NO_SPACE.code();
    }
    System.arraycopy(state.unitCrcs, 0, units, 0, units.length);
    return direct ? planDirect() : planPieces();
  }

  private boolean fitsBehind() {
    return existed
        && from >= oldLength
        && state.hasBlock()
        && newLength <= Geometry.classBytes(oldClass)
        && !(state.shrunk && store().references().isReferenced(oldBlock));
  }

  /** Straight from the payload: it replaces the chunk, or follows it without a partial sector. */
  private boolean isDirect() {
    int start = fitsBehind() ? oldLength : 0;
    return kind == Kind.WRITE
        && from == start
        && to == newLength
        && store().isAligned(from)
        && store().isAligned(to)
        && payload.isNative()
        && store().isAligned(payload.address() + payloadOffset);
  }

  private boolean chooseBlock() {
    inPlace = fitsBehind();
    if (inPlace) {
      block = oldBlock;
      sizeClass = oldClass;
      return true;
    }
    int wanted = Geometry.classFor(newLength);
    // The block that it replaces comes free: what is there can be overwritten to the last.
    boolean neutral = state.hasBlock() && wanted <= oldClass;
    long allocated =
        neutral
            ? store().allocator().allocateReserved(wanted)
            : store().allocator().allocate(wanted);
    if (allocated == BlockAllocator.NO_SPACE) {
      return false;
    }
    block = BlockAllocator.offsetOf(allocated);
    sizeClass = BlockAllocator.classOf(allocated);
    return true;
  }

  private int payloadCrc() {
    return store().crc().of(payload, payloadOffset, lengthBytes);
  }

  private long planDirect() {
    if (addToUnits(payload, payloadOffset, from, to) != payloadCrc32c) {
      releaseNewBlock();
      return Status.CHECKSUM_MISMATCH.code();
    }
    transfer(
        Step.DIRECT_WRITE, IoRequest.Kind.WRITE, block + from, payload, payloadOffset, lengthBytes);
    return PROCEED;
  }

  private long planPieces() {
    readsOld = existed && oldLength > 0 && (inPlace || from > 0 || to < oldLength);
    position = inPlace ? store().alignDown(oldLength) : 0;
    step = Step.PIECE_READ;
    onBuffer();
    return PROCEED;
  }

  private void planShrink() {
    block = newLength == 0 ? ChunkState.NO_BLOCK : oldBlock;
    sizeClass = newLength == 0 ? 0 : oldClass;
    inPlace = newLength > 0;
    System.arraycopy(state.unitCrcs, 0, units, 0, units.length);
    int partial = newLength % unitBytes;
    if (partial == 0) {
      stage(false);
    } else {
      position = newLength - partial;
      runningCrc = 0;
      keptCrc = 0;
      step = Step.SHRINK_READ;
      onBuffer();
    }
  }

  // ---- moving bytes ----

  @Override
  final void onBuffer() {
    int until = step == Step.SHRINK_READ ? shrinkReadEnd() : newLength;
    piece = store().acquireBuffer(store().alignUp(until) - position, this);
    if (piece != null) {
      nextPiece(piece);
    }
  }

  private int shrinkReadEnd() {
    return Math.min(oldLength, (newLength / unitBytes + 1) * unitBytes);
  }

  private void nextPiece(Buffer into) {
    int until = step == Step.SHRINK_READ ? shrinkReadEnd() : newLength;
    pieceEnd = Math.min(until, position + store().alignDown(into.capacityBytes()));
    int oldEnd = Math.min(pieceEnd, oldLength);
    if (step == Step.SHRINK_READ || (readsOld && position < oldEnd)) {
      int bytes = store().alignUp(oldEnd) - position;
      transfer(step, IoRequest.Kind.READ, oldBlock + position, into.segment(), 0, bytes);
    } else {
      writePiece(into);
    }
  }

  private void transfer(
      Step next,
      IoRequest.Kind direction,
      long deviceOffset,
      MemorySegment memory,
      long memoryOffset,
      int bytes) {
    step = next;
    store().device().submit(io.transfer(direction, deviceOffset, memory, memoryOffset, bytes));
  }

  private void onTransferred() {
    switch (step) {
      case DIRECT_WRITE -> stage(true);
      case PIECE_READ -> onPieceRead();
      case PIECE_WRITE -> onPieceWritten();
      case SHRINK_READ -> onShrinkRead();
      case IDLE -> throw new AssertionError("an idle operation moves nothing");
    }
  }

  private Buffer held() {
    Buffer mine = piece;
    assert mine != null : "pieces go through a buffer";
    return mine;
  }

  private void onPieceRead() {
    int oldEnd = Math.min(pieceEnd, oldLength);
    if (!inPlace && !isOldIntact(position, oldEnd)) {
      abort(Status.DATA_CORRUPTION.code());
    } else {
      writePiece(held());
    }
  }

  /**
   * Feeds old bytes to the running checksum of their unit; false when a unit that ends is wrong.
   */
  private boolean isOldIntact(int start, int end) {
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = Math.min((unit + 1) * unitBytes, oldLength);
      int bytes = Math.min(end, unitEnd) - at;
      int crc = store().crc().of(held().segment(), at - start, bytes);
      runningCrc = at % unitBytes == 0 ? crc : store().crc().combine(runningCrc, crc, bytes);
      at += bytes;
      if (at == unitEnd && runningCrc != state.unitCrcs[unit]) {
        store().corruptionFound(state, unit, runningCrc);
        return false;
      }
    }
    return true;
  }

  /** The buffer has the old bytes of the piece: adds zeros and payload, writes it. */
  private void writePiece(Buffer with) {
    MemorySegment memory = with.segment();
    int start = position;
    int padded = store().alignUp(pieceEnd) - start;
    int oldBytes = readsOld ? Math.max(0, Math.min(pieceEnd, oldLength) - start) : 0;
    memory.asSlice(oldBytes, padded - oldBytes).fill((byte) 0);
    int copyFrom = Math.max(from, start);
    int copyTo = Math.min(to, pieceEnd);
    if (copyFrom < copyTo) {
      MemorySegment.copy(
          payload, payloadOffset + copyFrom - from, memory, copyFrom - start, copyTo - copyFrom);
    }
    int fresh = inPlace ? Math.max(start, oldLength) : start;
    addToUnits(memory, fresh - start, fresh, pieceEnd);
    transfer(Step.PIECE_WRITE, IoRequest.Kind.WRITE, block + start, memory, 0, padded);
  }

  private void onPieceWritten() {
    position = pieceEnd;
    if (position == newLength) {
      stage(true);
    } else {
      step = Step.PIECE_READ;
      nextPiece(held());
    }
  }

  private void onShrinkRead() {
    int keptEnd = Math.min(pieceEnd, newLength);
    int start = position;
    if (start < keptEnd) {
      int crc = store().crc().of(held().segment(), 0, keptEnd - start);
      keptCrc = start % unitBytes == 0 ? crc : store().crc().combine(keptCrc, crc, keptEnd - start);
    }
    if (!isOldIntact(start, pieceEnd)) {
      abort(Status.DATA_CORRUPTION.code());
    } else if (pieceEnd < shrinkReadEnd()) {
      position = pieceEnd;
      nextPiece(held());
    } else {
      units[newLength / unitBytes] = keptCrc;
      stage(false);
    }
  }

  /**
   * Extends the new version's unit checksums by chunk bytes {@code start … end} that lie in memory.
   *
   * @return the checksum of these bytes
   */
  private int addToUnits(MemorySegment memory, long offset, int start, int end) {
    Crc32c crc = store().crc();
    int all = 0;
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int bytes = Math.min(end, (unit + 1) * unitBytes) - at;
      int part = crc.of(memory, offset + at - start, bytes);
      units[unit] = at % unitBytes == 0 ? part : crc.combine(units[unit], part, bytes);
      all = at == start ? part : crc.combine(all, part, bytes);
      at += bytes;
    }
    return all;
  }

  // ---- committing ----

  private void stage(boolean wrote) {
    releaseBuffer();
    step = Step.IDLE;
    boolean shrank = newLength < oldLength;
    state.version++;
    state.chainVersion = chainVersion;
    state.lengthBytes = newLength;
    state.blockOffset = block;
    state.sizeClass = sizeClass;
    state.clientHigh = clientHigh;
    state.clientLow = clientLow;
    state.sequence = sequence;
    state.channel = channel;
    state.result = lengthBytes;
    state.shrunk = shrank && newLength > 0;
    int unitCount = state.unitCount();
    for (int unit = 0; unit < units.length; unit++) {
      state.unitCrcs[unit] = unit < unitCount ? units[unit] : 0;
    }
    state.combineUnits(store().crc());
    store().commit().stage(this, wrote);
  }

  @Override
  final int logRecords() {
    return 1;
  }

  @Override
  final boolean isRemoval() {
    return newLength < oldLength;
  }

  @Override
  final void appendTo(ChunkLog log) {
    log.committed(state, false);
  }

  @Override
  final void onCommitted() {
    store().index().put(state);
    if (state.shrunk) {
      store().quarantine().truncated(state.blockOffset, state.unitCount());
    }
    if (!inPlace && existed && oldBlock != ChunkState.NO_BLOCK) {
      store().references().kill(oldBlock, oldClass);
    }
    unlockAndComplete(state.result);
  }

  @Override
  final void onAborted(long status) {
    abort(status);
  }

  private void abort(long status) {
    releaseBuffer();
    step = Step.IDLE;
    releaseNewBlock();
    unlockAndComplete(status);
  }

  private void releaseNewBlock() {
    if (!inPlace && block != ChunkState.NO_BLOCK) {
      store().allocator().free(block, sizeClass);
      block = ChunkState.NO_BLOCK;
    }
  }

  private void releaseBuffer() {
    Buffer mine = piece;
    if (mine != null) {
      piece = null;
      mine.release();
    }
  }

  private void unlockAndComplete(long result) {
    store().unlock(inode, chunkIndex);
    complete(result);
  }
}
