package io.lampyris.chunkengine.redo;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.space.PayloadJournal;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * The overwrites that are committed and not in their place yet, by chunk, and how far the log's
 * overwrites are in their place. Owner: reactor.
 *
 * <pre>
 *   make ─► appended ─► publish ─► wantsWrite ─► onWritten ─(a flush of the device)─► applied
 *            in the log  durable   in flight     the chunk is unlocked    not redone any more
 * </pre>
 */
public final class RedoTable {
  private static final int BUCKETS = 1 << 10;

  /** Shorter payloads ride in their records: a sector each would cost more. */
  private static final int IN_RECORD_MAX_BYTES = 512;

  /** The device is flushed when so much was written in place since the last flush, ... */
  private static final long UNFLUSHED_MAX_BYTES = 8 << 20;

  /** ... or this long after the first such write. Both bound what a start has to redo. */
  private static final long UNFLUSHED_MAX_NS = 1_000_000_000;

  /** The target that they are overwrites of. Owner: reactor. */
  public interface Owner {
    /** Sends a request to the device. */
    void submit(IoRequest request);

    /** An overwrite of this chunk, which was locked, is in its place. */
    void unlock(long inode, int chunkIndex);

    /** A write failed. */
    void goOffline(String what, int errno);

    boolean isOffline();

    /** The reactor that has the target. */
    ReactorContext context();
  }

  private final Owner owner;
  private final boolean journals;
  private final PayloadJournal journal;
  private final @Nullable Redo[] buckets = new Redo[BUCKETS];
  private int published;
  private @Nullable Redo pool;

  private @Nullable Redo oldest;
  private @Nullable Redo newest;

  private @Nullable Redo firstToWrite;
  private @Nullable Redo lastToWrite;
  private long payloadsStarted;
  private long payloadsDone;

  private long unflushedBytes;
  private final TimerTask timer = this::onTimer;
  private boolean timerSet;
  private boolean flushDue;

  /**
   * Makes an empty table.
   *
   * @param journals whether records follow a flush of the device, so that they may name the journal
   */
  public RedoTable(Owner owner, boolean journals, int payloadSlots) {
    this.journal = new PayloadJournal(payloadSlots);
    this.owner = owner;
    this.journals = journals;
  }

  public PayloadJournal journal() {
    return journal;
  }

  /** An overwrite with its memory, held by the caller. */
  public Redo make(
      ChunkState chunk, @Nullable Buffer pooled, MemorySegment memory, int start, int end) {
    Redo redo = pool;
    if (redo == null) {
      redo = new Redo(this);
    } else {
      pool = redo.link;
      redo.link = null;
    }
    redo.inode = chunk.inode;
    redo.chunkIndex = chunk.chunkIndex;
    redo.blockOffset = chunk.blockOffset;
    redo.pooled = pooled;
    redo.memory = memory;
    redo.start = start;
    redo.end = end;
    redo.slot = PayloadJournal.FULL;
    redo.sequence = 0;
    redo.inPlace = false;
    redo.holders = 1;
    return redo;
  }

  void recycle(Redo redo) {
    Buffer buffer = redo.pooled;
    if (buffer != null) {
      redo.pooled = null;
      buffer.release();
    }
    redo.memory = MemorySegment.NULL;
    redo.link = pool;
    pool = redo;
  }

  /**
   * Takes slots of the journal for what is in the redo's memory.
   *
   * @return false when there are none free, or it is not worth it: then the log takes the payload
   */
  public boolean journal(Redo redo) {
    if (!journals || redo.payloadBytes() <= IN_RECORD_MAX_BYTES) {
      return false;
    }
    redo.slot = journal.acquire(redo.memoryBytes());
    redo.slotBytes = redo.memoryBytes();
    redo.slotLead = redo.from - redo.start;
    return redo.isJournaled();
  }

  /** A payload is on its way to the journal. */
  public void payloadStarted() {
    payloadsStarted++;
  }

  /** One has arrived, or failed. */
  public void payloadDone() {
    payloadsDone++;
  }

  public long payloadsStarted() {
    return payloadsStarted;
  }

  public long payloadsDone() {
    return payloadsDone;
  }

  /** The record that commits it was appended. */
  public void appended(Redo redo, long sequence) {
    assert newest == null || newest.sequence < sequence : "the log has an order";
    redo.sequence = sequence;
    redo.hold();
    Redo last = newest;
    if (last == null) {
      oldest = redo;
    } else {
      last.nextInLog = redo;
    }
    newest = redo;
  }

  // ---- over the device ----

  private static int bucket(long inode, int chunkIndex) {
    long h = (inode * 0x9E3779B97F4A7C15L + chunkIndex) * 0xD6E8FEB86659FD93L;
    return (int) (h >>> 54);
  }

  /** What lies over a chunk's committed bytes, if anything. */
  public @Nullable Redo find(long inode, int chunkIndex) {
    if (published == 0) {
      return null;
    }
    Redo redo = buckets[bucket(inode, chunkIndex)];
    while (redo != null && (redo.inode != inode || redo.chunkIndex != chunkIndex)) {
      redo = redo.link;
    }
    return redo;
  }

  /** It is committed: reads find it from now on. The caller's hold becomes the table's. */
  public void publish(Redo redo) {
    assert find(redo.inode, redo.chunkIndex) == null : "one at a time lies over a chunk";
    int bucket = bucket(redo.inode, redo.chunkIndex);
    redo.link = buckets[bucket];
    buckets[bucket] = redo;
    published++;
  }

  private void unpublish(Redo redo) {
    int bucket = bucket(redo.inode, redo.chunkIndex);
    Redo at = buckets[bucket];
    if (at == redo) {
      buckets[bucket] = redo.link;
    } else {
      while (at != null && at.link != redo) {
        at = at.link;
      }
      assert at != null : "only what is published is taken back";
      at.link = redo.link;
    }
    redo.link = null;
    published--;
  }

  // ---- into the place ----

  /** A published one is to be written; its chunk stays locked until that is done. */
  public void wantsWrite(Redo redo) {
    Redo last = lastToWrite;
    if (last == null) {
      firstToWrite = redo;
    } else {
      last.nextToWrite = redo;
    }
    lastToWrite = redo;
  }

  /**
   * Writes those of a group, behind what the answers to it have submitted: payloads of the next
   * group then lie side by side in the device's queue, as they do in the journal, and are merged.
   */
  public void writeAll() {
    Redo redo = firstToWrite;
    firstToWrite = null;
    lastToWrite = null;
    while (redo != null) {
      Redo next = redo.nextToWrite;
      redo.nextToWrite = null;
      owner.submit(
          redo.transfer(
              IoRequest.Kind.WRITE,
              redo.blockOffset + redo.start,
              redo.memory,
              0,
              redo.memoryBytes()));
      redo = next;
    }
  }

  void onWritten(Redo redo, long result) {
    unpublish(redo);
    if (result < 0) {
      owner.goOffline("overwrite in place failed", redo.errno);
    } else {
      unflushedBytes += redo.memoryBytes();
      setTimer();
    }
    settle(redo);
    owner.unlock(redo.inode, redo.chunkIndex);
    redo.release();
  }

  /** It was not committed; the caller's hold ends. */
  public void drop(Redo redo) {
    if (redo.sequence != 0) {
      assert owner.isOffline() : "what was appended is committed, or nothing is any more";
      settle(redo);
    } else if (redo.isJournaled()) {
      journal.release(redo.slot, redo.slotBytes);
    }
    redo.release();
  }

  /** Nothing waits for it any more; of a target that is offline nobody asks what is in place. */
  private void settle(Redo redo) {
    redo.inPlace = true;
    for (Redo first = oldest; first != null && first.inPlace; first = oldest) {
      oldest = first.nextInLog;
      if (oldest == null) {
        newest = null;
      }
      first.nextInLog = null;
      if (first.isJournaled()) {
        journal.retire(first.slot, first.slotBytes, first.sequence);
      }
      first.release();
    }
  }

  private void setTimer() {
    if (!timerSet) {
      timerSet = true;
      var context = owner.context();
      context.timers().schedule(context.nowNs() + UNFLUSHED_MAX_NS, timer);
    }
  }

  private void onTimer(long nowNs) {
    timerSet = false;
    flushDue = unflushedBytes > 0;
  }

  // ---- durably ----

  /** Whether the device should be flushed for the overwrites' sake. */
  public boolean wantsFlush() {
    return flushDue || unflushedBytes >= UNFLUSHED_MAX_BYTES;
  }

  /**
   * The device is about to be flushed.
   *
   * @param lastSequence of the log
   * @return up to which record overwrites are in their place once the flush is done
   */
  public long flushing(long lastSequence) {
    unflushedBytes = 0;
    flushDue = false;
    Redo first = oldest;
    return first == null ? lastSequence : first.sequence - 1;
  }

  /** Whether nothing that was appended waits to be written in place. */
  public boolean isEmpty() {
    return oldest == null;
  }
}
