package io.lampyris.reactor;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.IoUring;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Memory that transfers use again and again, registered with the ring by regions of 1 MiB from its
 * beginning, each when a transfer first needs it: that pins its pages, which then need not be
 * looked up, 256 of them for each MiB. Without a free slot, or where the kernel refuses, transfers
 * go without. Owner: reactor.
 */
final class RegisteredMemory implements InboxTask {
  /** As many as the kernel allows: 16 GiB. */
  static final int SLOTS = 16_384;

  private static final int REGION_SHIFT = 20;

  /** Unpinning a region takes some microseconds. */
  private static final int CLEARED_PER_CYCLE = 16;

  private static final int NEW = 0;
  private static final int REFUSED = -1;

  private static final class Expected {
    final MemorySegment memory;
    final int transferMinBytes;

    /** For each region 1 + its slot, NEW or REFUSED. */
    final int[] regions;

    Expected(MemorySegment memory, int transferMinBytes) {
      this.memory = memory;
      this.transferMinBytes = transferMinBytes;
      regions = new int[Math.toIntExact(((memory.byteSize() - 1) >> REGION_SHIFT) + 1)];
    }
  }

  private final Reactor reactor;
  private final IoUring uring;
  private final int[] freeSlots = new int[SLOTS];
  private int freeCount;

  /** Slots whose memory was forgotten and is still pinned. */
  private final int[] stale = new int[SLOTS];

  private int staleCount;
  private boolean open;

  private final AddressMap<Expected> all = new AddressMap<>();
  private TransferMemory[] watchers = {};

  RegisteredMemory(Reactor reactor, IoUring uring) {
    this.reactor = reactor;
    this.uring = uring;
    for (int slot = SLOTS - 1; slot >= 0; slot--) {
      freeSlots[freeCount++] = slot;
    }
  }

  /** On the reactor's thread, once the ring is its own. */
  void open() {
    open = uring.registerBufferSlots(SLOTS) == 0;
  }

  /** How many regions are pinned. */
  int pinned() {
    return SLOTS - freeCount;
  }

  /**
   * @param transferMinBytes shorter transfers go without
   */
  void expect(MemorySegment memory, int transferMinBytes) {
    all.put(memory.address(), memory.byteSize(), new Expected(memory, transferMinBytes));
    for (TransferMemory watcher : watchers) {
      watcher.onExpected(memory);
    }
  }

  /** Tells of all that is expected, now and later. */
  void watch(TransferMemory watcher) {
    watchers = Arrays.copyOf(watchers, watchers.length + 1);
    watchers[watchers.length - 1] = watcher;
    for (Expected expected : all.values()) {
      watcher.onExpected(expected.memory);
    }
  }

  void unwatch(TransferMemory watcher) {
    watchers = Arrays.stream(watchers).filter(w -> w != watcher).toArray(TransferMemory[]::new);
  }

  /** Transfers that are under way keep what they need pinned. */
  void forget(MemorySegment memory) {
    boolean idle = staleCount == 0;
    for (int known : all.remove(memory.address()).regions) {
      if (known > NEW) {
        stale[staleCount++] = known - 1;
      }
    }
    for (TransferMemory watcher : watchers) {
      watcher.onForgotten(memory);
    }
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
    Expected memory = all.find(address, lengthBytes);
    if (memory == null || !open) {
      return Registered.NONE;
    }
    long offset = address - memory.memory.address();
    int region = (int) (offset >> REGION_SHIFT);
    if (lengthBytes < memory.transferMinBytes
        || (offset + lengthBytes - 1) >> REGION_SHIFT != region) {
      return Registered.NONE;
    }
    int known = memory.regions[region];
    if (known == NEW && freeCount > 0) {
      known = register(memory, region);
    }
    return known > NEW ? known - 1 : Registered.NONE;
  }

  private int register(Expected memory, int region) {
    long offset = (long) region << REGION_SHIFT;
    long start = memory.memory.address() + offset;
    long lengthBytes = Math.min(1L << REGION_SHIFT, memory.memory.byteSize() - offset);
    int slot = freeSlots[freeCount - 1];
    int result = uring.updateBuffer(slot, NativeMemory.ofAddress(start, lengthBytes));
    if (result == -Errno.ENOMEM) {
      // The limit of locked memory: then the others would not fit either.
      open = false;
      return NEW;
    }
    if (result == 0) {
      freeCount--;
    }
    memory.regions[region] = result < 0 ? REFUSED : slot + 1;
    return memory.regions[region];
  }
}
