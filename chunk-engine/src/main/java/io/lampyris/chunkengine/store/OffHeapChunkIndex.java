package io.lampyris.chunkengine.store;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Fixed-size entries in slabs outside the heap. Two hash tables of entry numbers lead to them: one
 * by (inode, index), one by inode to the root of that inode's treap, which orders its chunks. A
 * slot has the hash beside the number, so a look-up touches no entry but its own, and a table grows
 * without touching any. Memory is in huge pages where the kernel gives them: with millions of
 * chunks, a look-up waits for address translation as long as for the bytes.
 *
 * <p>A treap is a search tree by chunk index that is a heap by a hash of the key, so its shape does
 * not depend on the order of insertion and needs no balance field. One treap per inode keeps the
 * paths short and warm; a file of one chunk has a path of length 1.
 *
 * <p>Memory per chunk: 144 B entry, 12 … 24 B in the first table, at most 24 B in the second: 192
 * B.
 */
final class OffHeapChunkIndex implements ChunkIndex {
  private static final long INODE = 0;
  private static final long CLIENT_HIGH = 8;
  private static final long CLIENT_LOW = 16;
  private static final long SEQUENCE = 24;
  private static final long CHUNK_INDEX = 32;
  private static final long VERSION = 36;
  private static final long CHAIN_VERSION = 40;
  private static final long BLOCK = 44; // in units of 64 KiB; -1 without a block
  private static final long LENGTH = 48;
  private static final long CRC = 52;
  private static final long CHANNEL = 56;
  private static final long RESULT = 60;
  private static final long LEFT = 64; // of a free entry: the next free one
  private static final long RIGHT = 68;
  private static final long SIZE_CLASS = 72;
  private static final long CHUNK_SIZE_LOG = 73;
  private static final long USED = 74;
  private static final long UNIT_CRCS = 80;
  static final int ENTRY_BYTES = 144;

  /** Slabs of 18 MiB, a whole number of huge pages; what is not used of the last is not touched. */
  private static final int SLAB_SHIFT = 17;

  private static final int SLAB_ENTRIES = 1 << SLAB_SHIFT;
  private static final int NONE = -1;
  private static final int TABLE_MIN = 1 << 10;
  private static final long EMPTY = 0;

  private final Arena arena = Arena.ofShared();
  private MemorySegment[] slabs = new MemorySegment[0];
  private int freeHead = NONE;
  private int entriesUsed;
  private int count;

  private Table chunks = new Table(TABLE_MIN);
  private Table inodes = new Table(TABLE_MIN);
  private int inodeCount;

  /** Open addressing with linear probing and backward-shift deletion; slots are hash and number. */
  private static final class Table {
    final Arena arena = Arena.ofShared();

    /** Zeros for nothing, else the hash, then the entry's number plus one. */
    final MemorySegment slots;

    final int mask;

    Table(int size) {
      assert Integer.bitCount(size) == 1 : "a table's size is a power of two";
      long sizeBytes = (long) size * Long.BYTES;
      slots =
          sizeBytes < NativeMemory.HUGE_PAGE_BYTES
              ? arena.allocate(sizeBytes, 64)
              : NativeMemory.allocateHuge(sizeBytes, arena);
      mask = size - 1;
    }

    long at(int slot) {
      return slots.getAtIndex(JAVA_LONG, slot);
    }

    static int idOf(long entry) {
      return (int) entry - 1;
    }

    int idAt(int slot) {
      return idOf(at(slot));
    }

    void set(int slot, int hash, int id) {
      slots.setAtIndex(JAVA_LONG, slot, (long) hash << 32 | Integer.toUnsignedLong(id + 1));
    }

    boolean isFullWith(int entries) {
      return entries > (mask + 1L) * 2 / 3;
    }

    /** Puts an entry that is not there at its home or behind. */
    void place(long entry) {
      int slot = (int) (entry >>> 32) & mask;
      while (at(slot) != EMPTY) {
        slot = slot + 1 & mask;
      }
      slots.setAtIndex(JAVA_LONG, slot, entry);
    }

    /** All entries in a table of twice the size; about 50 ms for ten million. */
    Table grown() {
      Table larger = new Table((mask + 1) * 2);
      for (int i = 0; i <= mask; i++) {
        long entry = at(i);
        if (entry != EMPTY) {
          larger.place(entry);
        }
      }
      arena.close();
      return larger;
    }

    /** Moves later entries of the run back over the hole, so that probing never stops early. */
    void close(int slot) {
      int hole = slot;
      for (int at = slot + 1 & mask; at(at) != EMPTY; at = at + 1 & mask) {
        int home = (int) (at(at) >>> 32) & mask;
        if ((at - home & mask) >= (at - hole & mask)) {
          slots.setAtIndex(JAVA_LONG, hole, at(at));
          hole = at;
        }
      }
      slots.setAtIndex(JAVA_LONG, hole, EMPTY);
    }
  }

  private static int hash(long inode, int chunkIndex) {
    return mix(inode * 0x9E3779B97F4A7C15L + chunkIndex * 0xD1B54A32D192ED03L);
  }

  private static int mix(long key) {
    long h = key;
    h = (h ^ h >>> 32) * 0xD6E8FEB86659FD93L;
    h = (h ^ h >>> 32) * 0xD6E8FEB86659FD93L;
    return (int) (h ^ h >>> 32);
  }

  // ---- entries ----

  private MemorySegment slab(int id) {
    return slabs[id >>> SLAB_SHIFT];
  }

  private static long base(int id) {
    return (long) (id & SLAB_ENTRIES - 1) * ENTRY_BYTES;
  }

  private int intAt(int id, long field) {
    return slab(id).get(JAVA_INT, base(id) + field);
  }

  private void intAt(int id, long field, int value) {
    slab(id).set(JAVA_INT, base(id) + field, value);
  }

  private long inodeOf(int id) {
    return slab(id).get(JAVA_LONG, base(id) + INODE);
  }

  private int indexOf(int id) {
    return intAt(id, CHUNK_INDEX);
  }

  private int allocate() {
    int id = freeHead;
    if (id != NONE) {
      freeHead = intAt(id, LEFT);
      return id;
    }
    if (entriesUsed == slabs.length << SLAB_SHIFT) {
      slabs = Arrays.copyOf(slabs, slabs.length + 1);
      slabs[slabs.length - 1] = NativeMemory.allocateHuge((long) SLAB_ENTRIES * ENTRY_BYTES, arena);
    }
    return entriesUsed++;
  }

  private void free(int id) {
    slab(id).set(JAVA_BYTE, base(id) + USED, (byte) 0);
    intAt(id, LEFT, freeHead);
    freeHead = id;
  }

  private void write(int id, ChunkState from) {
    MemorySegment slab = slab(id);
    long at = base(id);
    slab.set(JAVA_LONG, at + INODE, from.inode);
    slab.set(JAVA_LONG, at + CLIENT_HIGH, from.clientHigh);
    slab.set(JAVA_LONG, at + CLIENT_LOW, from.clientLow);
    slab.set(JAVA_LONG, at + SEQUENCE, from.sequence);
    slab.set(JAVA_INT, at + CHUNK_INDEX, from.chunkIndex);
    slab.set(JAVA_INT, at + VERSION, from.version);
    slab.set(JAVA_INT, at + CHAIN_VERSION, from.chainVersion);
    slab.set(JAVA_INT, at + BLOCK, (int) (from.blockOffset >> Geometry.BLOCK_UNIT_SHIFT));
    slab.set(JAVA_INT, at + LENGTH, from.lengthBytes);
    slab.set(JAVA_INT, at + CRC, from.crc32c);
    slab.set(JAVA_INT, at + CHANNEL, from.channel);
    slab.set(JAVA_INT, at + RESULT, from.result);
    slab.set(JAVA_BYTE, at + SIZE_CLASS, (byte) from.sizeClass);
    slab.set(
        JAVA_BYTE, at + CHUNK_SIZE_LOG, (byte) Integer.numberOfTrailingZeros(from.chunkSizeBytes));
    slab.set(JAVA_BYTE, at + USED, (byte) 1);
    MemorySegment.copy(from.unitCrcs, 0, slab, JAVA_INT, at + UNIT_CRCS, Geometry.UNITS_MAX);
  }

  private void read(int id, ChunkState into) {
    MemorySegment slab = slab(id);
    long at = base(id);
    into.inode = slab.get(JAVA_LONG, at + INODE);
    into.clientHigh = slab.get(JAVA_LONG, at + CLIENT_HIGH);
    into.clientLow = slab.get(JAVA_LONG, at + CLIENT_LOW);
    into.sequence = slab.get(JAVA_LONG, at + SEQUENCE);
    into.chunkIndex = slab.get(JAVA_INT, at + CHUNK_INDEX);
    into.version = slab.get(JAVA_INT, at + VERSION);
    into.chainVersion = slab.get(JAVA_INT, at + CHAIN_VERSION);
    int block = slab.get(JAVA_INT, at + BLOCK);
    into.blockOffset = block < 0 ? ChunkState.NO_BLOCK : (long) block << Geometry.BLOCK_UNIT_SHIFT;
    into.lengthBytes = slab.get(JAVA_INT, at + LENGTH);
    into.crc32c = slab.get(JAVA_INT, at + CRC);
    into.channel = slab.get(JAVA_INT, at + CHANNEL);
    into.result = slab.get(JAVA_INT, at + RESULT);
    into.sizeClass = slab.get(JAVA_BYTE, at + SIZE_CLASS);
    into.chunkSizeBytes = 1 << slab.get(JAVA_BYTE, at + CHUNK_SIZE_LOG);
    MemorySegment.copy(slab, JAVA_INT, at + UNIT_CRCS, into.unitCrcs, 0, Geometry.UNITS_MAX);
  }

  // ---- lookup ----

  private int chunkSlot(int hash, long inode, int chunkIndex) {
    int slot = hash & chunks.mask;
    for (long entry; (entry = chunks.at(slot)) != EMPTY; slot = slot + 1 & chunks.mask) {
      int id = Table.idOf(entry);
      if ((int) (entry >>> 32) == hash && inodeOf(id) == inode && indexOf(id) == chunkIndex) {
        return slot;
      }
    }
    return ~slot;
  }

  private int inodeSlot(long inode) {
    int hash = mix(inode);
    int slot = hash & inodes.mask;
    for (long entry; (entry = inodes.at(slot)) != EMPTY; slot = slot + 1 & inodes.mask) {
      if ((int) (entry >>> 32) == hash && inodeOf(Table.idOf(entry)) == inode) {
        return slot;
      }
    }
    return ~slot;
  }

  @Override
  public boolean get(long inode, int chunkIndex, ChunkState into) {
    int slot = chunkSlot(hash(inode, chunkIndex), inode, chunkIndex);
    if (slot < 0) {
      return false;
    }
    read(chunks.idAt(slot), into);
    return true;
  }

  @Override
  public boolean ceiling(long inode, int fromIndex, ChunkState into) {
    int slot = inodeSlot(inode);
    int best = NONE;
    for (int id = slot < 0 ? NONE : inodes.idAt(slot); id != NONE; ) {
      if (Integer.compareUnsigned(indexOf(id), fromIndex) >= 0) {
        best = id;
        id = intAt(id, LEFT);
      } else {
        id = intAt(id, RIGHT);
      }
    }
    return readFound(best, into);
  }

  @Override
  public boolean last(long inode, ChunkState into) {
    int slot = inodeSlot(inode);
    int best = NONE;
    for (int id = slot < 0 ? NONE : inodes.idAt(slot); id != NONE; id = intAt(id, RIGHT)) {
      best = id;
    }
    return readFound(best, into);
  }

  private boolean readFound(int id, ChunkState into) {
    if (id == NONE) {
      return false;
    }
    read(id, into);
    return true;
  }

  // ---- change ----

  @Override
  public void put(ChunkState state) {
    int hash = hash(state.inode, state.chunkIndex);
    int slot = chunkSlot(hash, state.inode, state.chunkIndex);
    if (slot >= 0) {
      write(chunks.idAt(slot), state);
      return;
    }
    int id = allocate();
    write(id, state);
    chunks.set(~slot, hash, id);
    count++;
    link(id);
    if (chunks.isFullWith(count)) {
      chunks = chunks.grown();
    }
  }

  private void link(int id) {
    intAt(id, LEFT, NONE);
    intAt(id, RIGHT, NONE);
    long inode = inodeOf(id);
    int slot = inodeSlot(inode);
    if (slot < 0) {
      inodes.set(~slot, mix(inode), id);
      inodeCount++;
      if (inodes.isFullWith(inodeCount)) {
        inodes = inodes.grown();
      }
      return;
    }
    insertBelow(slot, id);
  }

  /** Descends to where the new entry's priority puts it and splits what is below by its key. */
  private void insertBelow(int rootSlot, int id) {
    int key = indexOf(id);
    int priority = priority(id);
    int parent = NONE;
    long side = LEFT;
    int at = inodes.idAt(rootSlot);
    while (at != NONE && Integer.compareUnsigned(priority(at), priority) >= 0) {
      parent = at;
      side = Integer.compareUnsigned(key, indexOf(at)) < 0 ? LEFT : RIGHT;
      at = intAt(at, side);
    }
    split(at, key, id);
    if (parent == NONE) {
      inodes.set(rootSlot, mix(inodeOf(id)), id);
    } else {
      intAt(parent, side, id);
    }
  }

  private int priority(int id) {
    return mix(indexOf(id) * 0x9E3779B97F4A7C15L + 0x632BE59BD9B4E019L);
  }

  /** Hangs what is below {@code key} left under {@code id}, the rest right. */
  private void split(int tree, int key, int id) {
    int leftHook = id;
    long leftSide = LEFT;
    int rightHook = id;
    long rightSide = RIGHT;
    for (int at = tree; at != NONE; ) {
      if (Integer.compareUnsigned(indexOf(at), key) < 0) {
        intAt(leftHook, leftSide, at);
        leftHook = at;
        leftSide = RIGHT;
        at = intAt(at, RIGHT);
      } else {
        intAt(rightHook, rightSide, at);
        rightHook = at;
        rightSide = LEFT;
        at = intAt(at, LEFT);
      }
    }
    intAt(leftHook, leftSide, NONE);
    intAt(rightHook, rightSide, NONE);
  }

  @Override
  public boolean remove(long inode, int chunkIndex) {
    int slot = chunkSlot(hash(inode, chunkIndex), inode, chunkIndex);
    if (slot < 0) {
      return false;
    }
    int id = chunks.idAt(slot);
    unlink(id);
    chunks.close(slot);
    free(id);
    count--;
    return true;
  }

  private void unlink(int id) {
    int rootSlot = inodeSlot(inodeOf(id));
    assert rootSlot >= 0 : "a chunk's inode has a root";
    int key = indexOf(id);
    int parent = NONE;
    long side = LEFT;
    int at = inodes.idAt(rootSlot);
    while (at != id) {
      parent = at;
      side = Integer.compareUnsigned(key, indexOf(at)) < 0 ? LEFT : RIGHT;
      at = intAt(at, side);
    }
    int merged = merge(intAt(id, LEFT), intAt(id, RIGHT));
    if (parent != NONE) {
      intAt(parent, side, merged);
    } else if (merged != NONE) {
      inodes.set(rootSlot, mix(inodeOf(id)), merged);
    } else {
      inodes.close(rootSlot);
      inodeCount--;
    }
  }

  /** Joins two trees of which all keys of the first are smaller. */
  private int merge(int left, int right) {
    int root = NONE;
    int hook = NONE;
    long side = LEFT;
    int a = left;
    int b = right;
    while (a != NONE || b != NONE) {
      boolean takeA =
          b == NONE || (a != NONE && Integer.compareUnsigned(priority(a), priority(b)) >= 0);
      int taken = takeA ? a : b;
      if (hook == NONE) {
        root = taken;
      } else {
        intAt(hook, side, taken);
      }
      hook = taken;
      side = takeA ? RIGHT : LEFT;
      if (takeA) {
        a = intAt(a, RIGHT);
      } else {
        b = intAt(b, LEFT);
      }
      if (a == NONE || b == NONE) {
        intAt(hook, side, a == NONE ? b : a);
        return root;
      }
    }
    return root;
  }

  @Override
  public long count() {
    return count;
  }

  @Override
  public long memoryBytes() {
    return (long) slabs.length * SLAB_ENTRIES * ENTRY_BYTES
        + (chunks.mask + 1L) * Long.BYTES
        + (inodes.mask + 1L) * Long.BYTES;
  }

  @Override
  public int slots() {
    return entriesUsed;
  }

  @Override
  public long blockAt(int slot) {
    MemorySegment slab = slab(slot);
    long at = base(slot);
    int block = slab.get(JAVA_INT, at + BLOCK);
    return block < 0 || slab.get(JAVA_BYTE, at + USED) == 0
        ? ChunkState.NO_BLOCK
        : (long) block << Geometry.BLOCK_UNIT_SHIFT;
  }

  @Override
  public boolean at(int slot, ChunkState into) {
    boolean isUsed = slab(slot).get(JAVA_BYTE, base(slot) + USED) != 0;
    if (isUsed) {
      read(slot, into);
    }
    return isUsed;
  }

  @Override
  public Cursor cursor() {
    return new Cursor() {
      private int id;
      private int stepped;

      @Override
      public int step(ChunkState into, int entriesMax) {
        int limit = (int) Math.min(entriesUsed, (long) id + entriesMax);
        int start = id;
        int found = limit == entriesUsed ? END : MORE;
        while (id < limit && found != FOUND) {
          if (slab(id).get(JAVA_BYTE, base(id) + USED) != 0) {
            read(id, into);
            found = FOUND;
          }
          id++;
        }
        stepped = id - start;
        return found;
      }

      @Override
      public int stepped() {
        return stepped;
      }
    };
  }

  @Override
  public void close() {
    chunks.arena.close();
    inodes.arena.close();
    arena.close();
  }
}
