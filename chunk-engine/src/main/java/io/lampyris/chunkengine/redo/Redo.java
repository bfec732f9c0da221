package io.lampyris.chunkengine.redo;

import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.space.PayloadJournal;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * An overwrite whose payload is in the log or the journal: whole sectors in memory that are written
 * in place once the record that commits them is durable, and until then lie over what reads of the
 * chunk find on the device. Pooled; lives while anyone holds it. Owner: reactor.
 */
public final class Redo extends IoRequest {
  private final RedoTable table;

  /** In the pool, or in the table's bucket. */
  @Nullable Redo link;

  /** The next one that is to be written in its place. */
  @Nullable Redo nextToWrite;

  /** The next one in the order of the log that may not be in its place. */
  @Nullable Redo nextInLog;

  long inode;
  int chunkIndex;
  long blockOffset;

  /** The payload's place in the chunk. */
  public int from;

  public int to;
  public int payloadCrc;

  /** What the memory holds of the chunk: whole sectors around the payload. */
  int start;

  int end;
  MemorySegment memory = MemorySegment.NULL;

  /** Null for memory of its own, when it was found at start. */
  @Nullable Buffer pooled;

  /** Its slots in the journal; {@link PayloadJournal#FULL} when the log has the payload. */
  public long slot = PayloadJournal.FULL;

  public int slotBytes;

  /** Where in them the payload begins. */
  public int slotLead;

  /** Of the record that committed it; 0 before that. */
  long sequence;

  boolean inPlace;
  int holders;

  Redo(RedoTable table) {
    this.table = table;
  }

  public int payloadBytes() {
    return to - from;
  }

  int memoryBytes() {
    return end - start;
  }

  public boolean isJournaled() {
    return slot != PayloadJournal.FULL;
  }

  public void appendTo(ChunkLog log, ChunkState state, boolean pending) {
    if (isJournaled()) {
      log.redoJournaled(state, pending, from, payloadBytes(), slot + slotLead, payloadCrc);
    } else {
      log.redo(state, pending, from, memory, from - start, payloadBytes(), payloadCrc);
    }
  }

  /**
   * Puts what it has of the chunk's bytes {@code begin … until} over them.
   *
   * @return false if others shrank the memory meanwhile
   */
  public boolean overlay(MemorySegment onto, long offset, int begin, int until) {
    int first = Math.max(from, begin);
    int last = Math.min(to, until);
    return first >= last
        || ShrinkableMemory.copy(memory, first - start, onto, offset + first - begin, last - first);
  }

  public void hold() {
    holders++;
  }

  /** One who held it leaves; the last one's leaving ends it. */
  public void release() {
    assert holders > 0 : "only who holds it leaves";
    if (--holders == 0) {
      table.recycle(this);
    }
  }

  @Override
  protected void onComplete(long result) {
    table.onWritten(this, result);
  }
}
