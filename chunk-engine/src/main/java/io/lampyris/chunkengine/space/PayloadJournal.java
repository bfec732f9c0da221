package io.lampyris.chunkengine.space;

import io.lampyris.chunkengine.format.Geometry;

/**
 * The region of the device where payloads of small overwrites are made durable before their records
 * name them: which of its slots are taken. Owner: the loading thread, then the reactor.
 *
 * <pre>
 *   acquire ─► payload written, device flushed ─► record appended ─► … in its place ─► retire
 *                                                                                        │
 *   release (no durable record names it any more) ◄──────── appliedDurably (a durable group end
 *                                                            says that it need not be redone)
 * </pre>
 *
 * Slots are given away in the order of the device, so that payloads that are written together lie
 * behind each other and the block layer makes one request of them.
 */
public final class PayloadJournal {
  /** Of {@link #acquire}: no run of slots is free. */
  public static final long FULL = -1;

  public static final int SLOT_BYTES = 4096;
  public static final int SLOTS =
      (int) ((Geometry.FIRST_EXTENT_OFFSET - Geometry.PAYLOADS_OFFSET) / SLOT_BYTES);

  private final boolean[] taken;
  private int next;
  private int takenCount;

  /** Retired runs in the order of the log: a ring, which never has more entries than slots. */
  private final long[] sequences;

  private final long[] offsets;
  private final int[] lengths;
  private int oldest;
  private int retired;

  /**
   * Makes one with all slots free.
   *
   * @param slots how many are given away, at most {@link #SLOTS}
   */
  public PayloadJournal(int slots) {
    assert slots > 0 && slots <= SLOTS : "slots " + slots;
    taken = new boolean[slots];
    sequences = new long[slots];
    offsets = new long[slots];
    lengths = new int[slots];
  }

  private static int slotsOf(int bytes) {
    return (bytes + SLOT_BYTES - 1) / SLOT_BYTES;
  }

  private static int slotAt(long deviceOffset) {
    return (int) ((deviceOffset - Geometry.PAYLOADS_OFFSET) / SLOT_BYTES);
  }

  /** Whether these bytes of the device lie within the journal. */
  public static boolean holds(long deviceOffset, int bytes) {
    return deviceOffset >= Geometry.PAYLOADS_OFFSET
        && deviceOffset <= Geometry.FIRST_EXTENT_OFFSET - bytes;
  }

  /**
   * Takes a run of slots.
   *
   * @return its device offset, or {@link #FULL}
   */
  public long acquire(int bytes) {
    int wanted = slotsOf(bytes);
    if (takenCount + wanted > taken.length) {
      return FULL;
    }
    int first = run(next, taken.length, wanted);
    if (first < 0) {
      first = run(0, Math.min(taken.length, next + wanted - 1), wanted);
    }
    if (first < 0) {
      return FULL;
    }
    mark(first, wanted, true);
    next = first + wanted;
    return Geometry.PAYLOADS_OFFSET + (long) first * SLOT_BYTES;
  }

  /** The first of so many free slots in a range; -1 without. */
  private int run(int from, int to, int wanted) {
    int free = 0;
    for (int slot = from; slot < to; slot++) {
      free = taken[slot] ? 0 : free + 1;
      if (free == wanted) {
        return slot - wanted + 1;
      }
    }
    return -1;
  }

  private void mark(int first, int count, boolean value) {
    for (int slot = first; slot < first + count; slot++) {
      assert taken[slot] != value : "slot " + slot + " is " + (value ? "taken" : "free");
      taken[slot] = value;
    }
    takenCount += value ? count : -count;
  }

  /**
   * Takes the slots of a payload that a record found at the start names.
   *
   * @return the first one's device offset; {@link #FULL} when another record names one of them
   */
  public long take(long payloadOffset, int payloadBytes) {
    int first = slotAt(payloadOffset);
    int last = slotAt(payloadOffset + payloadBytes - 1);
    for (int slot = first; slot <= last; slot++) {
      if (slot >= taken.length || taken[slot]) {
        return FULL;
      }
    }
    mark(first, last - first + 1, true);
    return Geometry.PAYLOADS_OFFSET + (long) first * SLOT_BYTES;
  }

  /** Frees slots that no record names, or only records that a durable one has overtaken. */
  public void release(long deviceOffset, int bytes) {
    mark(slotAt(deviceOffset), slotsOf(bytes), false);
  }

  /** The payload is in its place; a record with this sequence number committed it. */
  public void retire(long deviceOffset, int bytes, long sequence) {
    assert retired < sequences.length : "each has a slot of its own";
    int entry = (oldest + retired) % sequences.length;
    assert retired == 0 || sequences[(entry + sequences.length - 1) % sequences.length] < sequence
        : "the log's order";
    sequences[entry] = sequence;
    offsets[entry] = deviceOffset;
    lengths[entry] = bytes;
    retired++;
  }

  /** A durable group end says that nothing up to a sequence number is redone any more. */
  public void appliedDurably(long sequence) {
    while (retired > 0 && sequences[oldest] <= sequence) {
      release(offsets[oldest], lengths[oldest]);
      oldest = (oldest + 1) % sequences.length;
      retired--;
    }
  }

  public int takenSlots() {
    return takenCount;
  }

  @Override
  public String toString() {
    return "payload journal, %d of %d slots taken, %d retired"
        .formatted(takenCount, taken.length, retired);
  }
}
