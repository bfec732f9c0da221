package io.lampyris.chunkengine.index;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Geometry;
import java.lang.foreign.Arena;
import java.util.Arrays;

/**
 * Fixed-size entries in slabs outside the heap. Two hash tables of entry numbers lead to them: one
 * by (inode, index), one by inode to the root of that inode's treap, which orders its chunks.
 * Memory is in huge pages where the kernel gives them: with millions of chunks, a look-up waits for
 * address translation as long as for the bytes.
 *
 * <p>An entry is in two parts. The head is one cache line: the key, where the bytes are, and the
 * links of the treap. The tail has who made the version, and the units' checksums. A slab has all
 * heads before all tails, so a look-up of a head touches one line of the table and one of the slab,
 * and a walk through a treap one per chunk.
 *
 * <p>A treap is a search tree by chunk index that is a heap by a hash of the key, so its shape does
 * not depend on the order of insertion and needs no balance field. One treap per inode keeps the
 * paths short and warm; a file of one chunk has a path of length 1.
 *
 * <p>Memory per chunk: 144 B entry, 12 … 24 B in the first table, at most 24 B in the second: 192
 * B.
 */
public final class OffHeapChunkIndex implements ChunkIndex {
  // The head.
  private static final long INODE = 0;
  private static final long CHUNK_INDEX = 8;
  private static final long VERSION = 12;
  private static final long BLOCK = 16; // in units of 64 KiB; -1 without a block
  private static final long LENGTH = 20;
  private static final long CHAIN_VERSION = 24;
  private static final long CRC = 28;
  private static final long LEFT = 32; // of a free entry: the next free one
  private static final long RIGHT = 36;
  private static final long SEQUENCE = 40;
  private static final long CHANNEL = 48;
  private static final long RESULT = 52;
  private static final long SIZE_CLASS = 56;
  private static final long CHUNK_SIZE_LOG = 57;
  private static final long USED = 58;
  private static final long HEAD_BYTES = 64;

  // The tail.
  private static final long CLIENT_HIGH = 0;
  private static final long CLIENT_LOW = 8;
  private static final long UNIT_CRCS = 16;
  private static final long TAIL_BYTES = 80;

  /** Slabs of 18 MiB, a whole number of huge pages; what is not used of the last is not touched. */
  private static final int SLAB_SHIFT = 17;

  private static final int SLAB_ENTRIES = 1 << SLAB_SHIFT;
  private static final long SLAB_BYTES = SLAB_ENTRIES * (HEAD_BYTES + TAIL_BYTES);

  /** Of a slab: first all heads. */
  private static final long TAILS = SLAB_ENTRIES * HEAD_BYTES;

  private static final int NONE = -1;
  private static final int TABLE_MIN = 1 << 10;

  private final Arena arena = Arena.ofShared();
  private long[] slabs = new long[0];
  private int freeHead = NONE;
  private int entriesUsed;
  private int count;

  private SlotTable chunks = new SlotTable(TABLE_MIN);
  private SlotTable inodes = new SlotTable(TABLE_MIN);
  private int inodeCount;

  static int hash(long inode, int chunkIndex) {
    return SlotTable.hash(inode * 0x9E3779B97F4A7C15L + chunkIndex * 0xD1B54A32D192ED03L);
  }

  // ---- entries ----

  private long head(int id) {
    return RawMemory.known(slabs[id >>> SLAB_SHIFT] + (id & SLAB_ENTRIES - 1) * HEAD_BYTES);
  }

  private long tail(int id) {
    return RawMemory.known(slabs[id >>> SLAB_SHIFT] + TAILS + (id & SLAB_ENTRIES - 1) * TAIL_BYTES);
  }

  private int intAt(int id, long field) {
    return RawMemory.getInt(head(id) + field);
  }

  private void intAt(int id, long field, int value) {
    RawMemory.putInt(head(id) + field, value);
  }

  private long inodeOf(int id) {
    return RawMemory.getLong(head(id) + INODE);
  }

  private int indexOf(int id) {
    return intAt(id, CHUNK_INDEX);
  }

  private boolean isUsed(int id) {
    return RawMemory.getByte(head(id) + USED) != 0;
  }

  private int allocate() {
    int id = freeHead;
    if (id != NONE) {
      freeHead = intAt(id, LEFT);
      return id;
    }
    if (entriesUsed == slabs.length << SLAB_SHIFT) {
      slabs = Arrays.copyOf(slabs, slabs.length + 1);
      slabs[slabs.length - 1] = NativeMemory.allocateHuge(SLAB_BYTES, arena).address();
    }
    return entriesUsed++;
  }

  private void free(int id) {
    RawMemory.putByte(head(id) + USED, 0);
    intAt(id, LEFT, freeHead);
    freeHead = id;
  }

  private void write(int id, ChunkState from) {
    long head = head(id);
    RawMemory.putLong(head + INODE, from.inode);
    RawMemory.putInt(head + CHUNK_INDEX, from.chunkIndex);
    RawMemory.putInt(head + VERSION, from.version);
    RawMemory.putInt(head + BLOCK, (int) (from.blockOffset >> Geometry.BLOCK_UNIT_SHIFT));
    RawMemory.putInt(head + LENGTH, from.lengthBytes);
    RawMemory.putInt(head + CHAIN_VERSION, from.chainVersion);
    RawMemory.putInt(head + CRC, from.crc32c);
    RawMemory.putLong(head + SEQUENCE, from.sequence);
    RawMemory.putInt(head + CHANNEL, from.channel);
    RawMemory.putInt(head + RESULT, from.result);
    RawMemory.putByte(head + SIZE_CLASS, from.sizeClass);
    RawMemory.putByte(head + CHUNK_SIZE_LOG, Integer.numberOfTrailingZeros(from.chunkSizeBytes));
    RawMemory.putByte(head + USED, 1);
    long tail = tail(id);
    RawMemory.putLong(tail + CLIENT_HIGH, from.clientHigh);
    RawMemory.putLong(tail + CLIENT_LOW, from.clientLow);
    RawMemory.putInts(tail + UNIT_CRCS, from.unitCrcs);
  }

  private void read(int id, ChunkState into) {
    long head = head(id);
    readHead(head, into);
    into.inode = RawMemory.getLong(head + INODE);
    into.chunkIndex = RawMemory.getInt(head + CHUNK_INDEX);
    into.sequence = RawMemory.getLong(head + SEQUENCE);
    into.channel = RawMemory.getInt(head + CHANNEL);
    into.result = RawMemory.getInt(head + RESULT);
    long tail = tail(id);
    into.clientHigh = RawMemory.getLong(tail + CLIENT_HIGH);
    into.clientLow = RawMemory.getLong(tail + CLIENT_LOW);
    RawMemory.getInts(tail + UNIT_CRCS, into.unitCrcs);
  }

  private static void readHead(long head, ChunkState into) {
    into.version = RawMemory.getInt(head + VERSION);
    int block = RawMemory.getInt(head + BLOCK);
    into.blockOffset = block < 0 ? ChunkState.NO_BLOCK : (long) block << Geometry.BLOCK_UNIT_SHIFT;
    into.lengthBytes = RawMemory.getInt(head + LENGTH);
    into.chainVersion = RawMemory.getInt(head + CHAIN_VERSION);
    into.crc32c = RawMemory.getInt(head + CRC);
    into.sizeClass = RawMemory.getByte(head + SIZE_CLASS);
    into.chunkSizeBytes = 1 << RawMemory.getByte(head + CHUNK_SIZE_LOG);
  }

  // ---- lookup ----

  private boolean hasKey(int id, long inode, int chunkIndex) {
    long head = head(id);
    long difference = RawMemory.getLong(head + INODE) ^ inode;
    // One branch for both.
    return (difference | (RawMemory.getInt(head + CHUNK_INDEX) ^ chunkIndex)) == 0;
  }

  /** A chunk's entry; negative without. */
  private int find(int hash, long inode, int chunkIndex) {
    int id = chunks.probe(hash);
    return id == SlotTable.ABSENT || (id >= 0 && hasKey(id, inode, chunkIndex))
        ? id
        : findSlow(hash, inode, chunkIndex);
  }

  private int findSlow(int hash, long inode, int chunkIndex) {
    int slot = chunkSlot(hash, inode, chunkIndex);
    return slot < 0 ? NONE : chunks.numberAt(slot);
  }

  /** A chunk's slot; negative without. */
  private int chunkSlot(int hash, long inode, int chunkIndex) {
    int slot = chunks.first(hash);
    while (slot >= 0 && !hasKey(chunks.numberAt(slot), inode, chunkIndex)) {
      slot = chunks.next(hash, slot);
    }
    return slot;
  }

  /** The root of an inode's treap; negative without. */
  private int root(int hash, long inode) {
    int id = inodes.probe(hash);
    return id == SlotTable.ABSENT || (id >= 0 && inodeOf(id) == inode) ? id : rootSlow(hash, inode);
  }

  private int rootSlow(int hash, long inode) {
    int slot = rootSlot(hash, inode);
    return slot < 0 ? NONE : inodes.numberAt(slot);
  }

  /** The slot of an inode's root; negative without. */
  private int rootSlot(int hash, long inode) {
    int slot = inodes.first(hash);
    while (slot >= 0 && inodeOf(inodes.numberAt(slot)) != inode) {
      slot = inodes.next(hash, slot);
    }
    return slot;
  }

  @Override
  public boolean get(long inode, int chunkIndex, ChunkState into) {
    return readFound(find(hash(inode, chunkIndex), inode, chunkIndex), into);
  }

  @Override
  public boolean getHead(long inode, int chunkIndex, ChunkState into) {
    int id = find(hash(inode, chunkIndex), inode, chunkIndex);
    if (id < 0) {
      return false;
    }
    into.inode = inode;
    into.chunkIndex = chunkIndex;
    readHead(head(id), into);
    return true;
  }

  @Override
  public boolean ceiling(long inode, int fromIndex, ChunkState into) {
    int best = NONE;
    for (int id = root(SlotTable.hash(inode), inode); id != NONE; ) {
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
    int best = NONE;
    for (int id = root(SlotTable.hash(inode), inode); id != NONE; id = intAt(id, RIGHT)) {
      best = id;
    }
    return readFound(best, into);
  }

  private boolean readFound(int id, ChunkState into) {
    if (id < 0) {
      return false;
    }
    read(id, into);
    return true;
  }

  // ---- change ----

  @Override
  public void put(ChunkState state) {
    int hash = hash(state.inode, state.chunkIndex);
    int known = find(hash, state.inode, state.chunkIndex);
    if (known >= 0) {
      write(known, state);
      return;
    }
    int id = allocate();
    write(id, state);
    chunks.add(hash, id);
    count++;
    link(id);
    if (chunks.isTooFullWith(count)) {
      chunks = chunks.grown();
    }
  }

  private void link(int id) {
    intAt(id, LEFT, NONE);
    intAt(id, RIGHT, NONE);
    long inode = inodeOf(id);
    int hash = SlotTable.hash(inode);
    int root = root(hash, inode);
    if (root < 0) {
      inodes.add(hash, id);
      inodeCount++;
      if (inodes.isTooFullWith(inodeCount)) {
        inodes = inodes.grown();
      }
      return;
    }
    insertBelow(root, id);
  }

  /** Descends to where the new entry's priority puts it and splits what is below by its key. */
  private void insertBelow(int root, int id) {
    int key = indexOf(id);
    int priority = priority(id);
    int parent = NONE;
    long side = LEFT;
    int at = root;
    while (at != NONE && Integer.compareUnsigned(priority(at), priority) >= 0) {
      parent = at;
      side = Integer.compareUnsigned(key, indexOf(at)) < 0 ? LEFT : RIGHT;
      at = intAt(at, side);
    }
    split(at, key, id);
    if (parent == NONE) {
      long inode = inodeOf(id);
      inodes.replace(rootSlot(SlotTable.hash(inode), inode), id);
    } else {
      intAt(parent, side, id);
    }
  }

  private int priority(int id) {
    return SlotTable.hash(indexOf(id) * 0x9E3779B97F4A7C15L + 0x632BE59BD9B4E019L);
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
    int id = chunks.numberAt(slot);
    unlink(id);
    chunks.remove(slot);
    free(id);
    count--;
    return true;
  }

  private void unlink(int id) {
    long inode = inodeOf(id);
    int rootSlot = rootSlot(SlotTable.hash(inode), inode);
    assert rootSlot >= 0 : "a chunk's inode has a root";
    int key = indexOf(id);
    int parent = NONE;
    long side = LEFT;
    int at = inodes.numberAt(rootSlot);
    while (at != id) {
      parent = at;
      side = Integer.compareUnsigned(key, indexOf(at)) < 0 ? LEFT : RIGHT;
      at = intAt(at, side);
    }
    int merged = merge(intAt(id, LEFT), intAt(id, RIGHT));
    if (parent != NONE) {
      intAt(parent, side, merged);
    } else if (merged != NONE) {
      inodes.replace(rootSlot, merged);
    } else {
      inodes.remove(rootSlot);
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
    return slabs.length * SLAB_BYTES + chunks.sizeBytes() + inodes.sizeBytes();
  }

  @Override
  public int slots() {
    return entriesUsed;
  }

  @Override
  public long blockAt(int slot) {
    int block = intAt(slot, BLOCK);
    return block < 0 || !isUsed(slot)
        ? ChunkState.NO_BLOCK
        : (long) block << Geometry.BLOCK_UNIT_SHIFT;
  }

  @Override
  public boolean at(int slot, ChunkState into) {
    boolean used = isUsed(slot);
    if (used) {
      read(slot, into);
    }
    return used;
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
          if (isUsed(id)) {
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
    chunks.close();
    inodes.close();
    slabs = new long[0];
    arena.close();
  }
}
