package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.space.ExtentAllocator;
import io.lampyris.protocol.Status;
import java.util.ArrayDeque;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Makes free extents out of sparse ones: chooses victims, passes over the index in slices, and
 * moves each chunk that lies in a victim to a fuller extent of its class. Owner: reactor.
 *
 * <pre>
 *   when                                      │ victims
 *   fewer than a twentieth of extents are free │ up to seven eighths full
 *   a quarter of the device is holes           │ up to half full
 *   otherwise                                  │ none
 * </pre>
 *
 * A victim is chosen only while all of its blocks have room in other extents of their class, so
 * that each one that was emptied is one free extent more. A pass that could move nothing, or that
 * met a full log, is not repeated for a while.
 */
final class Compactor {
  /** Chunks that are moved at a time: one reads while others write and commit. */
  private static final int OPS_MAX = 4;

  /** Bounds a slice's time on the reactor; about 10 µs. */
  private static final int SLOTS_PER_SLICE = 1024;

  private static final int SHORT_PART = 20;
  private static final int SHORT_FULLNESS = 7;
  private static final int HOLES_PART = 4;
  private static final int HOLES_FULLNESS = 4;

  private static final long LOOK_NS = TimeUnit.MILLISECONDS.toNanos(100);
  private static final long BACK_OFF_NS = TimeUnit.SECONDS.toNanos(10);

  private static final Logger LOGGER = LoggerFactory.getLogger(Compactor.class);

  private final TargetStore store;
  private final ExtentAllocator allocator;
  private final ChunkIndex index;
  private final long bytesPerSecond;
  private final Pacer pacer = new Pacer();
  private final ArrayDeque<CompactOp> idle = new ArrayDeque<>(OPS_MAX);
  private final ChunkState chunk = new ChunkState();

  private boolean passing;
  private int slot;
  private int inFlight;
  private long passBytes;
  private boolean stopped;

  /** All is moved; waits until the old blocks are free. */
  private boolean isReleasing;

  private long releasingSync;
  private long nextLookNs = Long.MIN_VALUE;

  private long passes;
  private long movedChunks;
  private long movedBytes;
  private long emptiedExtents;
  private int freeExtentsBefore;

  Compactor(TargetStore store, long bytesPerSecond) {
    this.store = store;
    this.allocator = store.allocator();
    this.index = store.index();
    this.bytesPerSecond = bytesPerSecond;
    for (int i = 0; i < OPS_MAX; i++) {
      idle.add(new CompactOp(this));
    }
  }

  /** Goes on where it may; returns how much it did. */
  int poll(long nowNs) {
    if (bytesPerSecond == 0) {
      return 0;
    }
    if (!passing) {
      return nextLookNs <= nowNs ? look(nowNs) : 0;
    }
    if (mayScan(nowNs)) {
      scan(nowNs);
      return 1;
    }
    if (!isOver()) {
      return 0;
    }
    if (!isReleasing && !store.held().isEmpty()) {
      // Extents are empty, and taken for that, when their blocks are free.
      isReleasing = true;
      releasingSync = store.commit().requestSync();
    } else {
      endPass(nowNs);
    }
    return 1;
  }

  /** Whether {@link #poll} would do something now. */
  boolean hasWork(long nowNs) {
    return passing && (mayScan(nowNs) || isOver());
  }

  /** When {@link #poll} wants to be called without anything else happening. */
  long wakeNs() {
    return passing && !isScanned() && !idle.isEmpty() ? pacer.dueNs() : Long.MAX_VALUE;
  }

  private boolean isScanned() {
    return stopped || allocator.victimCount() == 0 || slot >= index.slots();
  }

  private boolean isOver() {
    return isScanned() && inFlight == 0 && (!isReleasing || isReleased());
  }

  /** Whether blocks that were emptied are free, as far as they will be. */
  private boolean isReleased() {
    return store.isOffline() || store.commit().syncs() >= releasingSync;
  }

  private boolean mayScan(long nowNs) {
    return !isScanned() && !idle.isEmpty() && pacer.mayGo(nowNs);
  }

  // ---- a pass ----

  private int look(long nowNs) {
    nextLookNs = nowNs + LOOK_NS;
    int extents = allocator.extents();
    int enough = Math.max(1, extents / SHORT_PART);
    boolean isShort = allocator.freeExtents() < enough;
    boolean hasHoles = allocator.fragmentedBytes() > allocator.capacityBytes() / HOLES_PART;
    if (!isShort && !hasHoles) {
      return 0;
    }
    int fullness = isShort ? SHORT_FULLNESS : HOLES_FULLNESS;
    freeExtentsBefore = allocator.freeExtents();
    int wanted = isShort ? 2 * enough : extents;
    while (allocator.freeExtents() + allocator.victimCount() < wanted
        && allocator.addVictim(fullness) != ExtentAllocator.NONE) {}
    if (allocator.victimCount() == 0) {
      return 0;
    }
    passing = true;
    stopped = false;
    isReleasing = false;
    slot = 0;
    passBytes = 0;
    LOGGER.info(
        "target {} empties {} extents of {} bytes; {} of {} extents are free",
        store.targetId(),
        allocator.victimCount(),
        allocator.victimBytes(),
        allocator.freeExtents(),
        extents);
    return 1;
  }

  private void scan(long nowNs) {
    int end = Math.min(index.slots(), slot + SLOTS_PER_SLICE);
    while (slot < end) {
      int at = slot++;
      long block = index.blockAt(at);
      if (block != ChunkState.NO_BLOCK && store.isEmptied(block) && index.at(at, chunk)) {
        move(nowNs);
        return;
      }
    }
  }

  private void move(long nowNs) {
    CompactOp op = idle.remove();
    op.inode = chunk.inode;
    op.chunkIndex = chunk.chunkIndex;
    inFlight++;
    pacer.took(nowNs, chunk.lengthBytes, bytesPerSecond);
    store.submit(op);
  }

  void onMoved(CompactOp op, long result) {
    inFlight--;
    idle.add(op);
    if (result > 0) {
      movedChunks++;
      movedBytes += result;
      passBytes += result;
    } else if (op.logIsFull || result == Status.TARGET_OFFLINE.code()) {
      stopped = true;
    }
  }

  private void endPass(long nowNs) {
    passing = false;
    passes++;
    int left = allocator.victimCount();
    allocator.spareVictims();
    emptiedExtents += Math.max(0, allocator.freeExtents() - freeExtentsBefore);
    LOGGER.info(
        "target {} moved {} bytes, {} extents could not be emptied; {} of {} extents are free",
        store.targetId(),
        passBytes,
        left,
        allocator.freeExtents(),
        allocator.extents());
    if (stopped || passBytes == 0 || left > 0) {
      nextLookNs = nowNs + BACK_OFF_NS;
    }
  }

  // ---- counters ----

  long passes() {
    return passes;
  }

  long movedChunks() {
    return movedChunks;
  }

  long movedBytes() {
    return movedBytes;
  }

  long emptiedExtents() {
    return emptiedExtents;
  }

  boolean isPassing() {
    return passing;
  }
}
