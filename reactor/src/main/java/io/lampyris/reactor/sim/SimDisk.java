package io.lampyris.reactor.sim;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.Iterator;
import org.agrona.collections.LongHashSet;

/**
 * A disk with a volatile cache over a piece of memory, which shows what a reader sees. For every
 * write that is not durable it keeps what it overwrote, so that a cut can take it back, sector by
 * sector (I3). Owner: the simulation's thread.
 */
public final class SimDisk implements SimMedium {
  /** What a disk writes whole or not at all. */
  public static final int SECTOR_BYTES = 512;

  /** How much of a discarded range turns to zeros; the rest keeps its bytes, as disks may. */
  private static final int DISCARD_ZEROS_MAX = 1 << 20;

  /** What becomes of writes that were not flushed. */
  public enum CutMode {
    /** The cache is gone. */
    LOSE_ALL,
    /** The cache had just been written back. */
    KEEP_ALL,
    /** Every sector for itself. */
    TEAR_SECTORS,
    /** Every write whole or not at all: reordered, not torn. */
    REORDER_WRITES,
    /** Writes in order up to one that is torn. */
    TEAR_LAST
  }

  private static final class Unflushed {
    final long number;
    final long at;
    final byte[] before;

    Unflushed(long number, long at, byte[] before) {
      this.number = number;
      this.at = at;
      this.before = before;
    }
  }

  private final MemorySegment content;
  private final Prng prng;
  private final ArrayDeque<Unflushed> unflushed = new ArrayDeque<>();
  private long writes;

  /**
   * @param content a whole number of sectors
   */
  public SimDisk(MemorySegment content, Prng prng) {
    assert content.byteSize() % SECTOR_BYTES == 0 : "whole sectors: " + content.byteSize();
    this.content = content;
    this.prng = prng;
  }

  @Override
  public long sizeBytes() {
    return content.byteSize();
  }

  @Override
  public void read(long at, MemorySegment into, long offset, int sizeBytes) {
    MemorySegment.copy(content, at, into, offset, sizeBytes);
  }

  @Override
  public void write(long at, MemorySegment from, long offset, int sizeBytes) {
    remember(at, sizeBytes);
    MemorySegment.copy(from, offset, content, at, sizeBytes);
  }

  private void remember(long at, int sizeBytes) {
    assert at % SECTOR_BYTES == 0 && sizeBytes % SECTOR_BYTES == 0 : "whole sectors";
    byte[] before = new byte[sizeBytes];
    MemorySegment.copy(content, ValueLayout.JAVA_BYTE, at, before, 0, sizeBytes);
    unflushed.add(new Unflushed(writes++, at, before));
  }

  @Override
  public void discard(long at, long sizeBytes) {
    long pieces = Math.max(1, sizeBytes / DISCARD_ZEROS_MAX);
    long start = at + prng.below(pieces) * DISCARD_ZEROS_MAX;
    int zeros = (int) Math.min(DISCARD_ZEROS_MAX, at + sizeBytes - start) & -SECTOR_BYTES;
    remember(start, zeros);
    content.asSlice(start, zeros).fill((byte) 0);
  }

  @Override
  public long flushMark() {
    return writes;
  }

  @Override
  public void flushed(long mark) {
    while (!unflushed.isEmpty() && unflushed.peek().number < mark) {
      unflushed.remove();
    }
  }

  /** How many writes a cut could take back. */
  public int unflushedWrites() {
    return unflushed.size();
  }

  /** A bit rots where it lies. */
  public void flipBit(long at, int bit) {
    byte old = content.get(ValueLayout.JAVA_BYTE, at);
    content.set(ValueLayout.JAVA_BYTE, at, (byte) (old ^ 1 << bit));
  }

  /** Leaves what a power cut could, chosen by chance; all of it is durable then. */
  public CutMode powerCut() {
    CutMode mode = CutMode.values()[prng.below(CutMode.values().length)];
    powerCut(mode);
    return mode;
  }

  /** Leaves what a power cut of this kind could. */
  public void powerCut(CutMode mode) {
    long torn = unflushed.isEmpty() ? 0 : unflushed.peek().number + prng.below(unflushed.size());
    LongHashSet kept = new LongHashSet();
    for (Iterator<Unflushed> last = unflushed.descendingIterator(); last.hasNext(); ) {
      Unflushed write = last.next();
      boolean whole = prng.coin();
      for (int i = 0; i < write.before.length; i += SECTOR_BYTES) {
        long sector = (write.at + i) / SECTOR_BYTES;
        boolean keeps =
            switch (mode) {
              case LOSE_ALL -> false;
              case KEEP_ALL -> true;
              case TEAR_SECTORS -> prng.coin();
              case REORDER_WRITES -> whole;
              case TEAR_LAST -> write.number < torn || (write.number == torn && prng.coin());
            };
        // A sector that keeps a later version has lost this one already.
        if (!kept.contains(sector)) {
          if (keeps) {
            kept.add(sector);
          } else {
            MemorySegment.copy(
                write.before, i, content, ValueLayout.JAVA_BYTE, write.at + i, SECTOR_BYTES);
          }
        }
      }
    }
    unflushed.clear();
  }
}
