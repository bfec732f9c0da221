package io.lampyris.chunkengine.index;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * A hash table of numbers from 0 outside the heap; whose number it is, its user knows. A bucket is
 * one cache line of eight slots, filled from the first on; what a full one cannot take goes into
 * the next. The highest byte of each hash is beside those of the other slots, so that all eight are
 * compared at once.
 *
 * <pre>
 *   0  8 × u8   highest byte of the hash, not 0; 0 in an empty slot
 *   8  8 × u32  number
 *  40  8 × u16  lowest 16 bits of the hash
 *  56  8 × u8   the byte between
 * </pre>
 *
 * <p>A look-up waits for memory, and the processor begins those that follow meanwhile, as long as
 * it has room for what cannot be done before the wait is over, and as long as it guesses branches
 * right. So there are few instructions behind a load of the line, and no branch that goes one way
 * or the other by chance.
 *
 * <p>A table that is too full is replaced by one of twice the size. The hashes are in the slots, so
 * this touches nothing else. Owner: whoever owns the index.
 */
final class SlotTable implements AutoCloseable {
  /** There is no slot, or no number, with this hash. */
  static final int ABSENT = -1;

  /** Of {@link #probe}: none in the bucket, but those behind it have to be looked at. */
  static final int ELSEWHERE = -2;

  static final int BUCKET_SLOTS = 8;

  private static final int SLOTS_SHIFT = 3;
  private static final int LINE_SHIFT = 6;
  private static final long NUMBERS = 8;
  private static final long LOWS = 40;
  private static final long MIDDLES = 56;
  private static final int EMPTY = 0;
  private static final int TAG_SHIFT = 24;

  private static final long LOW_BITS = 0x0101_0101_0101_0101L;
  private static final long HIGH_BITS = 0x8080_8080_8080_8080L;

  private final Arena arena = Arena.ofShared();
  private final int bucketMask;
  private final int entriesMax;

  /** The address of the first line; 0 after {@link #close}. */
  private long lines;

  SlotTable(int slots) {
    assert Integer.bitCount(slots) == 1 && slots >= BUCKET_SLOTS : "observed=" + slots;
    bucketMask = (slots >>> SLOTS_SHIFT) - 1;
    entriesMax = (int) (slots * 2L / 3);
    MemorySegment memory =
        sizeBytes() < NativeMemory.HUGE_PAGE_BYTES
            ? arena.allocate(sizeBytes(), 1 << LINE_SHIFT)
            : NativeMemory.allocateHuge(sizeBytes(), arena);
    lines = memory.address();
  }

  /** A hash that a slot can have, of a key's bits. */
  static int hash(long key) {
    long h = key;
    h = (h ^ (h >>> 32)) * 0xD6E8FEB86659FD93L;
    h = (h ^ (h >>> 32)) * 0xD6E8FEB86659FD93L;
    int hash = (int) (h ^ (h >>> 32));
    return hash >>> TAG_SHIFT == EMPTY ? hash | 1 << TAG_SHIFT : hash;
  }

  private int slots() {
    return (bucketMask + 1) << SLOTS_SHIFT;
  }

  long sizeBytes() {
    return (bucketMask + 1L) << LINE_SHIFT;
  }

  boolean isTooFullWith(int entries) {
    return entries > entriesMax;
  }

  // ---- slots ----

  private long bucketLine(int bucket) {
    assert lines != 0 : "the table is open";
    return RawMemory.known(lines + ((long) bucket << LINE_SHIFT));
  }

  private static int inBucket(int slot) {
    return slot & (BUCKET_SLOTS - 1);
  }

  private long line(int slot) {
    return bucketLine(slot >>> SLOTS_SHIFT);
  }

  private boolean isEmpty(int slot) {
    return RawMemory.getByte(line(slot) + inBucket(slot)) == EMPTY;
  }

  /** Of a slot that is not empty. */
  private int hashAt(int slot) {
    long line = line(slot);
    int at = inBucket(slot);
    return RawMemory.getByte(line + at) << TAG_SHIFT
        | (RawMemory.getByte(line + MIDDLES + at) & 0xFF) << 16
        | (RawMemory.getShort(line + LOWS + 2L * at) & 0xFFFF);
  }

  /** Of a slot that is not empty. */
  int numberAt(int slot) {
    return RawMemory.getInt(line(slot) + NUMBERS + 4L * inBucket(slot));
  }

  /** Gives a slot's place to another number with the same hash. */
  void replace(int slot, int number) {
    assert !isEmpty(slot) : "a number is there";
    RawMemory.putInt(line(slot) + NUMBERS + 4L * inBucket(slot), number);
  }

  private void set(int slot, int hash, int number) {
    long line = line(slot);
    int at = inBucket(slot);
    RawMemory.putByte(line + at, hash >>> TAG_SHIFT);
    RawMemory.putByte(line + MIDDLES + at, hash >>> 16);
    RawMemory.putShort(line + LOWS + 2L * at, hash);
    RawMemory.putInt(line + NUMBERS + 4L * at, number);
  }

  private int home(int hash) {
    return hash & bucketMask;
  }

  private int nextBucket(int bucket) {
    return (bucket + 1) & bucketMask;
  }

  private static int firstSlot(int bucket) {
    return bucket << SLOTS_SHIFT;
  }

  private boolean isFull(int bucket) {
    return !isEmpty(firstSlot(bucket) + BUCKET_SLOTS - 1);
  }

  // ---- look-up ----

  /**
   * A number of the home bucket that may have a hash, {@link #ABSENT} or {@link #ELSEWHERE}. When
   * it is another key's, {@link #first} and {@link #next} lead over all.
   */
  int probe(int hash) {
    long line = bucketLine(home(hash));
    long tags = RawMemory.getLong(line);
    long difference = tags ^ (hash >>> TAG_SHIFT) * LOW_BITS;
    // The highest bit of each byte that is 0, and of a 1 behind one: the lowest is always right.
    long equal = (difference - LOW_BITS) & ~difference & HIGH_BITS;
    if (equal != 0) {
      // Bit 8 i + 7 is slot i's, whose number is 4 i behind the first.
      return RawMemory.getInt(line + NUMBERS - 3 + (Long.numberOfTrailingZeros(equal) >>> 1));
    }
    return tags >>> (Long.SIZE - Byte.SIZE) == EMPTY ? ABSENT : ELSEWHERE;
  }

  /** The first slot that has a hash; {@link #ABSENT} without. */
  int first(int hash) {
    return seek(hash, firstSlot(home(hash)));
  }

  /** The next slot that has a hash, behind one that has it; {@link #ABSENT} without. */
  int next(int hash, int slot) {
    return seek(hash, following(slot));
  }

  private int seek(int hash, int from) {
    for (int slot = from; !isEmpty(slot); slot = following(slot)) {
      if (hashAt(slot) == hash) {
        return slot;
      }
    }
    return ABSENT;
  }

  private int following(int slot) {
    return (slot + 1) & (slots() - 1);
  }

  // ---- change ----

  /** Adds a number, whether there are others with this hash or not. */
  void add(int hash, int number) {
    assert hash >>> TAG_SHIFT != EMPTY && number >= 0 : "observed=" + hash + ", " + number;
    set(free(hash), hash, number);
  }

  private int free(int hash) {
    int bucket = home(hash);
    while (isFull(bucket)) {
      bucket = nextBucket(bucket);
    }
    int slot = firstSlot(bucket);
    while (!isEmpty(slot)) {
      slot++;
    }
    return slot;
  }

  /** All numbers in a table of twice the size, which takes the place of this one. */
  SlotTable grown() {
    SlotTable larger = new SlotTable(Math.multiplyExact(slots(), 2));
    for (int slot = 0; slot < slots(); slot++) {
      if (!isEmpty(slot)) {
        larger.add(hashAt(slot), numberAt(slot));
      }
    }
    close();
    return larger;
  }

  /** Takes a number out; what an earlier bucket had no slot for moves up, so that it is found. */
  void remove(int slot) {
    int hole = slot >>> SLOTS_SHIFT;
    boolean wasFull = isFull(hole);
    takeOut(slot);
    for (int bucket = nextBucket(hole); wasFull; bucket = nextBucket(bucket)) {
      wasFull = isFull(bucket);
      int moving = movable(bucket, hole);
      if (moving >= 0) {
        copy(moving, firstSlot(hole) + BUCKET_SLOTS - 1);
        takeOut(moving);
        hole = bucket;
      }
    }
  }

  /** Keeps a bucket's slots together. */
  private void takeOut(int slot) {
    int last = firstSlot(slot >>> SLOTS_SHIFT) + BUCKET_SLOTS - 1;
    while (isEmpty(last)) {
      last--;
    }
    copy(last, slot);
    set(last, EMPTY, 0);
  }

  private void copy(int from, int to) {
    set(to, hashAt(from), numberAt(from));
  }

  /** A slot of a bucket that may be in an earlier one; negative without. */
  private int movable(int bucket, int hole) {
    int distance = (bucket - hole) & bucketMask;
    int end = firstSlot(bucket) + BUCKET_SLOTS;
    for (int slot = firstSlot(bucket); slot < end && !isEmpty(slot); slot++) {
      if (((bucket - home(hashAt(slot))) & bucketMask) >= distance) {
        return slot;
      }
    }
    return ABSENT;
  }

  @Override
  public void close() {
    lines = 0;
    arena.close();
  }
}
