package io.lampyris.chunkengine.store;

import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.Zeros;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.space.BlockAllocator;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Writes into a chunk or sets its length: version v becomes v + 1, committed at once or pending
 * until a {@link CommitOp}. The result is the payload's length for a write, the chunk's length for
 * a truncate; what else it may be is in {@link Admission}. Owner: reactor.
 *
 * <pre>
 *   lock ─► admit ─► plan ─┬─ direct: payload memory ─► block ───────────────┐
 *                          ├─ pieces: (read old, verify) merge ─► block, … ──┤
 *                          ├─ redo: read old sectors, merge (, journal) ─────┤
 *                          └─ shrink: read what is kept of the last unit ────┴─► stage ─► commit
 * </pre>
 *
 * Which way it goes:
 *
 * <pre>
 *   everything new lies behind the committed length and fits    in place, behind it
 *   it begins before the committed length, fits, and is at      redo: the payload goes into the
 *     most half of that and at most one buffer                    journal or the log, and in its
 *                                                                 place after commit
 *   the rest                                                    a new block
 * </pre>
 *
 * With a redo the chunk stays locked until the payload is in its place, though the answer does not
 * wait for that: one overwrite at a time lies over a chunk.
 */
public abstract non-sealed class UpdateOp extends StoreOp {
  /** What to do. */
  public enum Kind {
    WRITE,
    TRUNCATE,
    /**
     * A copy from another replica, in parts that follow each other. All but the last stay PENDING;
     * with the last, AT_ONCE, it becomes the version that is asked for, whatever was there: until
     * then that is what there is.
     */
    REPLACE
  }

  /** How far it goes. */
  public enum Stage {
    AT_ONCE,
    /** Durable, and read only by who asks for pending versions, until a {@link CommitOp}. */
    PENDING
  }

  public Kind kind = Kind.WRITE;
  public Stage stage = Stage.AT_ONCE;
  public long inode;
  public int chunkIndex;
  public int chainVersion;
  public int chunkSizeBytes;

  /** Of a write. */
  public int chunkOffset;

  /** Of a write: the payload's length; of a truncate: the chunk's new length. */
  public int lengthBytes;

  /** Which version this is to be; 0: the next one. */
  public int updateVersion;

  /** Of a write: what the payload's checksum has to be, if {@link #checked}. */
  public int payloadCrc32c;

  /** Whether the payload's checksum is known. */
  public boolean checked = true;

  /** Of a truncate: leave a longer chunk alone. */
  public boolean extendOnly;

  /** Of a truncate to nothing that stays pending: the chunk is to be removed instead. */
  public boolean removal;

  /** Of a copy: how long the chunk is in the end, so that it gets a block that it fits into. */
  public int wholeBytes;

  /** Of a copy: what the chunk's checksum has to be in the end. */
  public int wholeCrc32c;

  /** Of a copy: what the version's client was answered. */
  public int copiedResult;

  // Who updates; all zeros for nobody, then a retry is not recognised.
  public long clientHigh;
  public long clientLow;
  public long sequence;
  public int channel;

  /** Whether it is remembered who made the version under it: the log has that before this. */
  public boolean remembersMaker;

  public MemorySegment payload = MemorySegment.NULL;
  public long payloadOffset;

  /**
   * Others can shrink the payload's memory, or change what is in it: then it is copied, and the
   * copy is what is checked and written.
   */
  public boolean shrinkable;

  /** The version that was made, or found; valid on successful completion. */
  public final ChunkState state = new ChunkState();

  /** Goes on; no result. */
  private static final long PROCEED = Long.MAX_VALUE;

  /** Goes on later, from the beginning; no result. */
  private static final long WAIT = Long.MAX_VALUE - 1;

  /** The second sync from now covers all that is held now. */
  private static final int SPACE_WAITS_MAX = 2;

  private enum Step {
    IDLE,
    DIRECT_WRITE,
    PIECE_READ,
    PIECE_WRITE,
    REDO_READ,
    JOURNAL_WRITE,
    SHRINK_READ
  }

  private final Io io = new Io();
  private final UnitCrcs units = new UnitCrcs();
  private Step step = Step.IDLE;
  private @Nullable Buffer piece;
  private @Nullable Redo redo;

  /** Of a redo: whether the old bytes have to be read, or are not needed as it is known of them. */
  private boolean needsOld;

  private boolean oldIsKnown;

  private @Nullable Session maker;
  private int spaceWaits;
  private boolean existed;

  /** Bytes of a version that this one takes the place of lie behind the committed length. */
  private boolean tailTaken;

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
  private int keptCrc;

  /** Of what was copied of the payload so far. */
  private int mergedCrc;

  private final class Io extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (step == Step.JOURNAL_WRITE) {
        store().redos().payloadDone();
      }
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
    spaceWaits = 0;
    if (!isWellFormed()) {
      complete(Status.INVALID_ARGUMENT.code());
    } else if (store().locks().acquire(inode, chunkIndex, this)) {
      onLocked();
    }
  }

  private boolean isWellFormed() {
    long end = hasPayload() ? (long) chunkOffset + lengthBytes : lengthBytes;
    return FileLayout.isChunkSize(chunkSizeBytes)
        && chunkOffset >= 0
        && lengthBytes >= (kind == Kind.WRITE ? 1 : 0)
        && end <= chunkSizeBytes
        && (!hasPayload() || payload.byteSize() - payloadOffset >= lengthBytes)
        && (kind != Kind.REPLACE || isWellFormedCopy(end));
  }

  private boolean isWellFormedCopy(long end) {
    return updateVersion > 0
        && wholeBytes <= chunkSizeBytes
        && (stage == Stage.PENDING ? lengthBytes > 0 && end < wholeBytes : end == wholeBytes);
  }

  private boolean hasPayload() {
    return kind != Kind.TRUNCATE;
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
    // One whose client sends this has gone on.
    boolean own = Admission.isFromSameSource(this, state) && state.sequence <= sequence;
    maker = existed && remembersMaker && !own ? store().sessions().remember(state) : null;
    block = ChunkState.NO_BLOCK;
    inPlace = false;
    long early = store().isOffline() ? Status.TARGET_OFFLINE.code() : admit();
    if (early == PROCEED) {
      early = plan();
    }
    if (early == WAIT) {
      // What it needs may be on its way to be free; it plans again then.
      store().held().await(this);
    } else if (early != PROCEED) {
      unlockAndComplete(early);
    }
  }

  private long admit() {
    PendingVersions.Entry pending = store().pending().find(inode, chunkIndex);
    if (kind == Kind.REPLACE) {
      return admitCopy(pending);
    }
    Admission row =
        Admission.of(this, existed ? state : null, pending == null ? null : pending.state);
    tailTaken =
        pending != null
            && pending.redo == null
            && pending.state.hasBlock()
            && pending.state.blockOffset == state.blockOffset
            && pending.state.lengthBytes > state.lengthBytes;
    if (row == Admission.REPEAT_PENDING && pending != null) {
      state.copyFrom(pending.state);
    }
    return switch (row) {
      case PROCEED, REPLACE_PENDING -> PROCEED;
      case REPEAT_COMMITTED, REPEAT_PENDING -> state.result;
      case UNCHANGED -> state.lengthBytes;
      case STALE, SIZE_MISMATCH, CHAIN_MISMATCH, ADVANCED, COMMITTED_ALREADY, MISSING -> row.status;
    };
  }

  private long admitCopy(PendingVersions.@Nullable Entry pending) {
    tailTaken = false;
    if (chunkOffset == 0) {
      // A new block, and the old one dies as a whole.
      existed = false;
      state.clear();
      state.inode = inode;
      state.chunkIndex = chunkIndex;
      state.chunkSizeBytes = chunkSizeBytes;
      boolean later = pending != null && pending.state.version > updateVersion;
      // Replay would take it for the later one.
      return later ? Status.CHUNK_ADVANCE_UPDATE.code() : PROCEED;
    }
    if (pending == null || !isPartBefore(pending.state)) {
      return Status.CHUNK_MISSING_UPDATE.code();
    }
    existed = true;
    state.copyFrom(pending.state);
    return PROCEED;
  }

  private boolean isPartBefore(ChunkState pending) {
    return pending.isPartOfCopy()
        && pending.version == updateVersion
        && pending.chunkSizeBytes == chunkSizeBytes
        && pending.lengthBytes == chunkOffset
        && pending.clientHigh == clientHigh
        && pending.clientLow == clientLow
        && pending.channel == channel
        && pending.sequence == sequence;
  }

  // ---- planning ----

  private long plan() {
    oldLength = state.lengthBytes;
    oldBlock = state.blockOffset;
    oldClass = state.sizeClass;
    unitBytes = state.unitBytes();
    units.start(state);
    if (kind == Kind.TRUNCATE && lengthBytes <= oldLength) {
      newLength = extendOnly ? oldLength : lengthBytes;
      planShrink();
      return PROCEED;
    }
    from = hasPayload() ? chunkOffset : lengthBytes;
    to = hasPayload() ? chunkOffset + lengthBytes : lengthBytes;
    newLength = Math.max(oldLength, to);
    if (newLength == 0) {
      planShrink();
      return PROCEED;
    }
    if (isRedo()) {
      return planRedo();
    }
    boolean direct = isDirect();
    if (!chooseBlock()) {
      return store().held().isEmpty() || ++spaceWaits > SPACE_WAITS_MAX
          ? Status.NO_SPACE.code()
          : WAIT;
    }
    return direct ? planDirect() : planPieces();
  }

  private boolean fitsBehind() {
    return existed
        && from >= oldLength
        && state.hasBlock()
        && newLength <= Geometry.classBytes(oldClass)
        && !tailTaken;
  }

  private boolean isRedo() {
    if (kind != Kind.WRITE
        || from >= oldLength
        || lengthBytes > oldLength / 2
        || to > Geometry.classBytes(oldClass)) {
      return false;
    }
    int bytes = store().alignUp(to) - store().alignDown(from);
    return bytes <= store().redoMaxBytes()
        && (stage == Stage.AT_ONCE || store().pending().takesRedo(bytes));
  }

  /** Straight from the payload: it replaces the chunk, or follows it without a partial sector. */
  private boolean isDirect() {
    int start = fitsBehind() ? oldLength : 0;
    return hasPayload()
        && from == start
        && to == newLength
        && store().isAligned(from)
        && store().isAligned(to)
        && !shrinkable
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
    int wanted =
        Geometry.classFor(kind == Kind.REPLACE ? Math.max(newLength, wholeBytes) : newLength);
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

  private boolean isRight(int payloadCrc) {
    return !checked || payloadCrc == payloadCrc32c;
  }

  private long planDirect() {
    int crc = units.append(store().crc(), store().blockCrcs(), payload, payloadOffset, from, to);
    if (!isRight(crc)) {
      releaseNewBlock();
      return Status.CHECKSUM_MISMATCH.code();
    }
    transfer(
        Step.DIRECT_WRITE, IoRequest.Kind.WRITE, block + from, payload, payloadOffset, lengthBytes);
    return PROCEED;
  }

  private long planPieces() {
    readsOld = existed && oldLength > 0 && (inPlace || from > 0 || to < oldLength);
    mergedCrc = 0;
    position = inPlace ? store().alignDown(oldLength) : 0;
    step = Step.PIECE_READ;
    onBuffer();
    return PROCEED;
  }

  private long planRedo() {
    block = oldBlock;
    sizeClass = oldClass;
    inPlace = true;
    position = store().alignDown(from);
    step = Step.REDO_READ;
    onBuffer();
    return PROCEED;
  }

  private void planShrink() {
    block = newLength == 0 ? ChunkState.NO_BLOCK : oldBlock;
    sizeClass = newLength == 0 ? 0 : oldClass;
    inPlace = newLength > 0;
    int partial = newLength % unitBytes;
    if (partial == 0 || newLength == oldLength) {
      stage(false);
    } else {
      position = newLength - partial;
      keptCrc = 0;
      step = Step.SHRINK_READ;
      onBuffer();
    }
  }

  // ---- moving bytes ----

  @Override
  final void onBuffer() {
    piece = store().acquireBuffer(store().alignUp(lastByte()) - position, this);
    if (piece == null) {
      return;
    }
    if (step == Step.REDO_READ) {
      readRedo(piece);
    } else {
      nextPiece(piece);
    }
  }

  /** Behind the last byte that goes through buffers. */
  private int lastByte() {
    return switch (step) {
      case REDO_READ -> to;
      case SHRINK_READ -> shrinkReadEnd();
      case IDLE, DIRECT_WRITE, PIECE_READ, PIECE_WRITE, JOURNAL_WRITE -> newLength;
    };
  }

  private int shrinkReadEnd() {
    return Math.min(oldLength, (newLength / unitBytes + 1) * unitBytes);
  }

  private void nextPiece(Buffer into) {
    pieceEnd = Math.min(lastByte(), position + store().alignDown(into.capacityBytes()));
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
    store().submit(io.transfer(direction, deviceOffset, memory, memoryOffset, bytes));
  }

  private void onTransferred() {
    switch (step) {
      case DIRECT_WRITE -> stage(true);
      // The flush that makes the group durable covers it.
      case JOURNAL_WRITE -> stage(false);
      case PIECE_READ -> onPieceRead();
      case PIECE_WRITE -> onPieceWritten();
      case REDO_READ -> onRedoRead();
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

  /** Looks at old bytes in the buffer; false when a unit that ends is wrong. */
  private boolean isOldIntact(int start, int end) {
    int bad = units.verify(store().crc(), held().segment(), state, oldLength, start, end);
    if (bad >= 0) {
      store().corruptionFound(state, bad, units.observed());
    }
    return bad < 0;
  }

  /** The buffer has the old bytes of the piece: adds zeros and payload, writes it. */
  private void writePiece(Buffer with) {
    MemorySegment memory = with.segment();
    int start = position;
    int padded = store().alignUp(pieceEnd) - start;
    int oldBytes = readsOld ? Math.max(0, Math.min(pieceEnd, oldLength) - start) : 0;
    Zeros.fill(memory, oldBytes, padded);
    int copyFrom = Math.max(from, start);
    int copyTo = Math.min(to, pieceEnd);
    if (copyFrom < copyTo && !merge(memory, copyFrom - start, copyFrom, copyTo)) {
      abort(Status.MEMORY_FAULT.code());
      return;
    }
    int fresh = inPlace ? Math.max(start, oldLength) : start;
    units.append(store().crc(), store().blockCrcs(), memory, fresh - start, fresh, pieceEnd);
    transfer(Step.PIECE_WRITE, IoRequest.Kind.WRITE, block + start, memory, 0, padded);
  }

  /** Copies chunk bytes of the payload; false when they are not there any more. */
  private boolean merge(MemorySegment into, long offset, int first, int last) {
    int bytes = last - first;
    if (!ShrinkableMemory.copy(payload, payloadOffset + first - from, into, offset, bytes)) {
      return false;
    }
    store().statistics().copiedBytes += bytes;
    if (checked) {
      Crc32c crc = store().crc();
      mergedCrc = crc.combine(mergedCrc, crc.of(into, offset, bytes), bytes);
    }
    return true;
  }

  private void onPieceWritten() {
    position = pieceEnd;
    if (position == newLength && hasPayload() && !isRight(mergedCrc)) {
      abort(Status.CHECKSUM_MISMATCH.code());
    } else if (position == newLength) {
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
      units.set(newLength / unitBytes, keptCrc);
      stage(false);
    }
  }

  // ---- overwriting ----

  private int redoReadEnd() {
    return store().alignUp(Math.min(to, oldLength));
  }

  /** Needs the old bytes, unless all of their units are replaced whole. */
  private void readRedo(Buffer into) {
    oldIsKnown = false;
    if (units.coversUnits(from, to, oldLength)) {
      needsOld = false;
    } else {
      oldIsKnown = units.knowsOld(store().blockCrcs(), from, to, oldLength);
      needsOld = !oldIsKnown;
    }
    if (!needsOld) {
      onRedoRead();
    } else {
      store().statistics().redoReads++;
      int bytes = redoReadEnd() - position;
      transfer(Step.REDO_READ, IoRequest.Kind.READ, oldBlock + position, into.segment(), 0, bytes);
    }
  }

  /** The buffer has the old sectors: merges the payload, in memory that nobody else can change. */
  private void onRedoRead() {
    Buffer sectors = held();
    MemorySegment memory = sectors.segment();
    Crc32c crc = store().crc();
    int oldEnd = Math.min(to, oldLength);
    int start = position;
    int end = store().alignUp(to);
    if (needsOld) {
      units.takeOut(crc, memory, from - start, from, oldEnd, oldLength);
    }
    int known = needsOld ? redoReadEnd() : to;
    if (known < end) {
      Zeros.fill(memory, known - start, end - start);
    }
    if (!ShrinkableMemory.copy(payload, payloadOffset, memory, from - start, lengthBytes)) {
      abort(Status.MEMORY_FAULT.code());
      return;
    }
    store().statistics().copiedBytes += lengthBytes;
    int all =
        oldIsKnown
            ? units.exchange(crc, store().blockCrcs(), memory, from - start, from, to, oldLength)
            : units.putIn(crc, memory, from - start, from, oldEnd, oldLength);
    if (to > oldLength) {
      int tail = units.append(crc, store().blockCrcs(), memory, oldEnd - start, oldEnd, to);
      all = crc.combine(all, tail, to - oldEnd);
    }
    if (!isRight(all)) {
      abort(Status.CHECKSUM_MISMATCH.code());
      return;
    }
    if (!oldIsKnown) {
      units.remember(crc, store().blockCrcs(), state, memory, from - start, from, to, oldLength);
    }
    piece = null;
    Redo made = store().redos().make(state, sectors, memory, start, end);
    made.from = from;
    made.to = to;
    made.payloadCrc = all;
    redo = made;
    if (store().redos().journal(made)) {
      store().redos().payloadStarted();
      transfer(Step.JOURNAL_WRITE, IoRequest.Kind.WRITE, made.slot, memory, 0, end - start);
    } else {
      stage(false);
    }
  }

  // ---- committing ----

  private void stage(boolean wrote) {
    releaseBuffer();
    step = Step.IDLE;
    state.version = kind == Kind.REPLACE ? updateVersion : state.version + 1;
    state.chainVersion = chainVersion;
    state.lengthBytes = newLength;
    state.blockOffset = block;
    state.sizeClass = sizeClass;
    int result =
        switch (kind) {
          case WRITE -> lengthBytes;
          case TRUNCATE -> removal ? ChunkState.REMOVAL : newLength;
          case REPLACE -> stage == Stage.PENDING ? ChunkState.PART_OF_COPY : copiedResult;
        };
    state.updatedBy(clientHigh, clientLow, channel, sequence, result);
    units.finish(state, store().crc());
    if (kind == Kind.REPLACE && stage == Stage.AT_ONCE && state.crc32c != wholeCrc32c) {
      abort(Status.CHECKSUM_MISMATCH.code());
    } else {
      store().commit().stage(this, wrote);
    }
  }

  @Override
  final int logRecords() {
    return maker == null ? 1 : 2;
  }

  @Override
  final int logPayloadBytes() {
    Redo overwrite = redo;
    return overwrite == null || overwrite.isJournaled() ? 0 : lengthBytes;
  }

  @Override
  final boolean isRemoval() {
    return newLength < oldLength;
  }

  @Override
  final void appendTo(ChunkLog log) {
    log.sessionOnce(maker);
    boolean pending = stage == Stage.PENDING;
    Redo overwrite = redo;
    if (overwrite != null) {
      overwrite.appendTo(log, state, pending);
      if (!pending) {
        store().redos().appended(overwrite, log.lastSequence());
      }
    } else if (pending) {
      log.pending(state);
    } else {
      log.committed(state, false);
    }
  }

  @Override
  final void onCommitted() {
    TargetStore store = store();
    Redo overwrite = redo;
    redo = null;
    count(store.statistics(), overwrite != null);
    if (stage == Stage.PENDING) {
      store.installPending(state, overwrite);
      unlockAndComplete(state.result);
      return;
    }
    store.install(state, overwrite);
    if (overwrite == null) {
      unlockAndComplete(state.result);
    } else {
      complete(state.result);
      store.redos().wantsWrite(overwrite);
    }
  }

  private void count(TargetStatistics statistics, boolean redone) {
    if (hasPayload()) {
      statistics.writes++;
      statistics.writeBytes += lengthBytes;
    } else {
      statistics.truncates++;
    }
    if (redone) {
      statistics.redoUpdates++;
    } else if (kind == Kind.TRUNCATE && newLength <= oldLength) {
      statistics.metadataUpdates++;
    } else if (inPlace) {
      statistics.appendUpdates++;
    } else {
      statistics.copyUpdates++;
    }
  }

  @Override
  final void onAborted(long status) {
    abort(status);
  }

  private void abort(long status) {
    releaseBuffer();
    Redo overwrite = redo;
    if (overwrite != null) {
      redo = null;
      store().redos().drop(overwrite);
    }
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
