package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.space.SpaceReport;
import io.lampyris.protocol.Status;
import java.util.concurrent.TimeUnit;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Reads everything that the target holds once within a period, chunk by chunk in the order of the
 * index, as evenly as that allows. Owner: reactor.
 *
 * <p>Where it was is not stored. Each start begins at another place, so that what a target that is
 * often restarted holds is found in the long run all the same.
 */
final class Scrubber {
  /** Bounds a slice's time on the reactor; about 10 µs. */
  private static final int SLOTS_PER_SLICE = 1024;

  private static final Logger LOGGER = LoggerFactory.getLogger(Scrubber.class);

  private final TargetStore store;
  private final ChunkIndex index;
  private final IntegrityOptions options;
  private final Pacer pacer = new Pacer();
  private final ScrubOp op = new ScrubOp(this);
  private final ChunkState chunk = new ChunkState();

  private boolean busy;
  private boolean passing;
  private int slot;
  private long slotsLeft;
  private long startedNs;

  private long passes;
  private long readBytes;
  private long badUnits;
  private long passBytes;
  private long passBadUnits;

  /**
   * A scrubber at rest.
   *
   * @param start any number: where the first pass begins
   */
  Scrubber(TargetStore store, IntegrityOptions options, long start) {
    this.store = store;
    this.index = store.index();
    this.options = options;
    this.slot = (int) Math.floorMod(start * 0x9E3779B97F4A7C15L, Math.max(1L, index.slots()));
  }

  int poll(long nowNs) {
    if (!mayGo(nowNs)) {
      return 0;
    }
    if (!passing) {
      startPass(nowNs);
    }
    if (slotsLeft == 0) {
      endPass();
    } else {
      scan(nowNs);
    }
    return 1;
  }

  private boolean mayGo(long nowNs) {
    return options.scrubPeriodNs() > 0
        && !busy
        && (passing || index.slots() > 0)
        && pacer.mayGo(nowNs);
  }

  /** Whether {@link #poll} would do something now. */
  boolean hasWork(long nowNs) {
    return mayGo(nowNs);
  }

  /** When {@link #poll} wants to be called without anything else happening. */
  long wakeNs() {
    return options.scrubPeriodNs() > 0 && !busy && (passing || index.slots() > 0)
        ? pacer.dueNs()
        : Long.MAX_VALUE;
  }

  private void startPass(long nowNs) {
    passing = true;
    startedNs = nowNs;
    slotsLeft = index.slots();
    passBytes = 0;
    passBadUnits = 0;
  }

  private void scan(long nowNs) {
    for (int i = 0; i < SLOTS_PER_SLICE && slotsLeft > 0; i++) {
      slotsLeft--;
      if (slot >= index.slots()) {
        slot = 0;
      }
      int at = slot++;
      if (index.blockAt(at) != ChunkState.NO_BLOCK && index.at(at, chunk)) {
        op.inode = chunk.inode;
        op.chunkIndex = chunk.chunkIndex;
        busy = true;
        pacer.took(nowNs, chunk.lengthBytes, bytesPerSecond());
        store.submit(op);
        return;
      }
    }
  }

  /** What is needed to be through within the period, but no more than allowed. */
  private long bytesPerSecond() {
    SpaceReport space = store.space();
    double used = (double) space.capacityBytes() - space.freeBytes();
    double needed = used * TimeUnit.SECONDS.toNanos(1) / options.scrubPeriodNs();
    return (long) Math.clamp(needed, 1, (double) options.scrubBytesPerSecond());
  }

  void onScrubbed(ScrubOp done, long result) {
    busy = false;
    badUnits += done.badUnits;
    passBadUnits += done.badUnits;
    if (result > 0) {
      readBytes += result;
      passBytes += result;
    } else if (result == Status.DEVICE_ERROR.code()) {
      // It was reported; an unreadable chunk is as bad as a wrong one.
      badUnits++;
      passBadUnits++;
    }
  }

  private void endPass() {
    passing = false;
    passes++;
    pacer.pause(startedNs + options.scrubPeriodNs());
    if (passBadUnits > 0) {
      LOGGER.error(
          "target {} was scrubbed; observed={} bad units in {} bytes, limit=0; remedy: replace or"
              + " remove the files of the chunks named above, and check the disk",
          store.targetId(),
          passBadUnits,
          passBytes);
    } else {
      LOGGER.info("target {} was scrubbed: {} bytes are intact", store.targetId(), passBytes);
    }
  }

  // ---- counters ----

  long passes() {
    return passes;
  }

  long readBytes() {
    return readBytes;
  }

  long badUnits() {
    return badUnits;
  }
}
