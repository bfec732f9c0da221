package io.lampyris.reactor;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.IoUring;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Memory outside the reactor's pool that large transfers use again and again, registered with the
 * ring by regions of 1 MiB from its beginning, each when a transfer first needs it: that pins its
 * pages, which then need not be looked up, 256 of them for each MiB. Without a free slot, or where
 * the kernel refuses, transfers go without. Owner: reactor.
 */
final class OutsideMemory implements InboxTask {
  /** 8 GiB; the kernel has 16,384 slots for all. */
  static final int REGIONS_MAX = 8192;

  /** For less than that a lookup gains nothing. */
  static final int TRANSFER_MIN_BYTES = 16 << 10;

  private static final int REGION_SHIFT = 20;

  /** Unpinning a region takes some microseconds. */
  private static final int CLEARED_PER_CYCLE = 16;

  private static final int NEW = 0;
  private static final int REFUSED = -1;

  private final Reactor reactor;
  private final IoUring uring;

  private final int[] freeSlots = new int[REGIONS_MAX];
  private int freeCount;

  /** Slots whose memory was forgotten and is still pinned. */
  private final int[] stale = new int[REGIONS_MAX];

  private int staleCount;
  private boolean open;

  // By address, without overlaps.
  private long[] addresses = new long[16];
  private long[] ends = new long[16];

  /** For each region 1 + its slot, NEW or REFUSED. */
  private int[][] regions = new int[16][];

  private int count;

  /**
   * @param firstSlot from which on {@link #REGIONS_MAX} slots are its own
   */
  OutsideMemory(Reactor reactor, IoUring uring, int firstSlot) {
    this.reactor = reactor;
    this.uring = uring;
    for (int slot = REGIONS_MAX - 1; slot >= 0; slot--) {
      freeSlots[freeCount++] = firstSlot + slot;
    }
  }

  /** There are slots. */
  void open() {
    open = true;
  }

  /** How many regions are pinned. */
  int pinned() {
    return REGIONS_MAX - freeCount;
  }

  void expect(MemorySegment memory) {
    int at = -1 - find(memory.address());
    assert at >= 0 : "memory is expected once";
    if (count == addresses.length) {
      addresses = Arrays.copyOf(addresses, 2 * count);
      ends = Arrays.copyOf(ends, 2 * count);
      regions = Arrays.copyOf(regions, 2 * count);
    }
    System.arraycopy(addresses, at, addresses, at + 1, count - at);
    System.arraycopy(ends, at, ends, at + 1, count - at);
    System.arraycopy(regions, at, regions, at + 1, count - at);
    addresses[at] = memory.address();
    ends[at] = memory.address() + memory.byteSize();
    regions[at] = new int[Math.toIntExact(((memory.byteSize() - 1) >> REGION_SHIFT) + 1)];
    count++;
  }

  /** Transfers that are under way keep what they need pinned. */
  void forget(MemorySegment memory) {
    int at = find(memory.address());
    assert at >= 0 : "what is forgotten was expected";
    boolean idle = staleCount == 0;
    for (int known : regions[at]) {
      if (known > NEW) {
        stale[staleCount++] = known - 1;
      }
    }
    count--;
    System.arraycopy(addresses, at + 1, addresses, at, count - at);
    System.arraycopy(ends, at + 1, ends, at, count - at);
    System.arraycopy(regions, at + 1, regions, at, count - at);
    if (idle && staleCount > 0) {
      reactor.offer(this);
    }
  }

  /** Gives pages back, some in each cycle. */
  @Override
  public void onReactor(long nowNs) {
    for (int left = CLEARED_PER_CYCLE; left > 0 && staleCount > 0; left--) {
      int slot = stale[--staleCount];
      uring.updateBuffer(slot, MemorySegment.NULL);
      freeSlots[freeCount++] = slot;
    }
    if (staleCount > 0) {
      reactor.offer(this);
    }
  }

  /** The slot of the region that holds a range; or {@link Registered#NONE}. */
  int slotOf(long address, int lengthBytes) {
    if (count == 0 || lengthBytes < TRANSFER_MIN_BYTES || !open) {
      return Registered.NONE;
    }
    int found = find(address);
    int at = found >= 0 ? found : -2 - found;
    if (at < 0 || address + lengthBytes > ends[at]) {
      return Registered.NONE;
    }
    long offset = address - addresses[at];
    int region = (int) (offset >> REGION_SHIFT);
    if ((offset + lengthBytes - 1) >> REGION_SHIFT != region) {
      return Registered.NONE;
    }
    int known = regions[at][region];
    if (known == NEW && freeCount > 0) {
      known = register(at, region);
    }
    return known > NEW ? known - 1 : Registered.NONE;
  }

  private int register(int at, int region) {
    long start = addresses[at] + ((long) region << REGION_SHIFT);
    long lengthBytes = Math.min(1L << REGION_SHIFT, ends[at] - start);
    int slot = freeSlots[freeCount - 1];
    MemorySegment memory = NativeMemory.ofAddress(start, lengthBytes);
    int result = uring.updateBuffer(slot, memory);
    if (result == -Errno.ENOMEM) {
      // The limit of locked memory: then the others would not fit either.
      open = false;
      return NEW;
    }
    if (result == 0) {
      freeCount--;
    }
    regions[at][region] = result < 0 ? REFUSED : slot + 1;
    return regions[at][region];
  }

  private int find(long address) {
    return Arrays.binarySearch(addresses, 0, count, address);
  }
}
