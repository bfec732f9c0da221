package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.verbs.MemoryRegion;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.reactor.AddressMap;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.TransferMemory;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * Memory that the device has pinned: the reactor's buffers as one region, from the beginning, and
 * memory that the reactor is told to expect by blocks of 4 MiB, each when a transfer first needs
 * it. Owner: reactor.
 */
final class VerbsMemory implements TransferMemory, InboxTask {
  /** As large as the largest payload, which so lies in two blocks at most. */
  static final int BLOCK_SHIFT = 22;

  /** One expected piece of memory. */
  private final class Range {
    final MemorySegment memory;
    final @Nullable MemoryRegion[] blocks;
    boolean refused;
    boolean forgotten;
    int uses;

    Range(MemorySegment memory) {
      this.memory = memory;
      blocks = new MemoryRegion[Math.toIntExact(((memory.byteSize() - 1) >> BLOCK_SHIFT) + 1)];
    }

    @Nullable MemoryRegion block(int index) {
      MemoryRegion region = blocks[index];
      if (region == null && !refused) {
        long offset = (long) index << BLOCK_SHIFT;
        long size = Math.min(1L << BLOCK_SHIFT, memory.byteSize() - offset);
        try {
          region = device.register(memory.address() + offset, size);
          blocks[index] = region;
          registered.add(size);
        } catch (NativeException refusal) {
          // The limit of locked memory, or it was shrunk: its transfers are copied.
          refused = true;
          refusals.increment();
        }
      }
      return region;
    }
  }

  /** One transfer's memory: regions it lies in, kept until {@link #release}. */
  static final class Pinned {
    private @Nullable Range range;
    final @Nullable MemoryRegion[] regions = new MemoryRegion[Frame.WINDOWS_MAX];
    final long[] addresses = new long[Frame.WINDOWS_MAX];
    final int[] lengths = new int[Frame.WINDOWS_MAX];
    int count;

    MemoryRegion region(int index) {
      MemoryRegion region = regions[index];
      assert region != null && index < count : "one of them: " + index;
      return region;
    }

    private void add(MemoryRegion region, long address, int length) {
      regions[count] = region;
      addresses[count] = address;
      lengths[count] = length;
      count++;
    }

    /** The transfer is over. */
    void release(VerbsMemory of) {
      Range held = range;
      count = 0;
      if (held != null) {
        range = null;
        held.uses--;
        of.whenUnused(held);
      }
    }
  }

  private final Reactor reactor;
  private final VerbsDevice device;
  private final Counter registered;
  private final Counter refusals;
  private final AddressMap<Range> all = new AddressMap<>();
  private final ArrayDeque<Range> stale = new ArrayDeque<>();
  private @Nullable MemoryRegion pool;

  VerbsMemory(Reactor reactor, VerbsDevice device, Counter registered, Counter refusals) {
    this.reactor = reactor;
    this.device = device;
    this.registered = registered;
    this.refusals = refusals;
  }

  /** The reactor's buffers, which are told of first, are registered whole. */
  @Override
  public void onExpected(MemorySegment memory) {
    MemoryRegion buffers = pool;
    if (buffers == null || memory.address() != buffers.address) {
      all.put(memory.address(), memory.byteSize(), new Range(memory));
    }
  }

  /** Registers the reactor's buffers; any thread, once, before the reactor uses this. */
  void open(MemorySegment buffers) {
    pool = device.register(buffers.address(), buffers.byteSize());
    registered.add(buffers.byteSize());
  }

  @Override
  public void onForgotten(MemorySegment memory) {
    Range range = all.remove(memory.address());
    range.forgotten = true;
    whenUnused(range);
  }

  private void whenUnused(Range range) {
    if (range.forgotten && range.uses == 0) {
      if (stale.isEmpty()) {
        reactor.offer(this);
      }
      stale.add(range);
    }
  }

  /** Unpins one block in each cycle. */
  @Override
  public void onReactor(long nowNs) {
    Range range = stale.peek();
    if (range == null) {
      return;
    }
    int index = 0;
    while (index < range.blocks.length && range.blocks[index] == null) {
      index++;
    }
    if (index == range.blocks.length) {
      stale.remove();
    } else {
      unpin(range, index);
    }
    if (!stale.isEmpty()) {
      reactor.offer(this);
    }
  }

  private void unpin(Range range, int index) {
    MemoryRegion region = range.blocks[index];
    if (region != null) {
      range.blocks[index] = null;
      registered.add(-region.sizeBytes);
      region.close();
    }
  }

  /** Whether memory is the reactor's, or registered; then {@code into} says where. */
  boolean pin(long address, int lengthBytes, Pinned into) {
    assert into.count == 0 && into.range == null : "one transfer at a time";
    MemoryRegion buffers = pool;
    if (buffers != null
        && address >= buffers.address
        && address + lengthBytes <= buffers.address + buffers.sizeBytes) {
      into.add(buffers, address, lengthBytes);
      return true;
    }
    Range range = all.find(address, lengthBytes);
    if (range == null) {
      return false;
    }
    long offset = address - range.memory.address();
    int first = (int) (offset >> BLOCK_SHIFT);
    int last = (int) ((offset + lengthBytes - 1) >> BLOCK_SHIFT);
    if (last - first >= Frame.WINDOWS_MAX) {
      return false;
    }
    for (int index = first; index <= last; index++) {
      MemoryRegion region = range.block(index);
      if (region == null) {
        into.count = 0;
        return false;
      }
      long from = Math.max(address, region.address);
      long to = Math.min(address + lengthBytes, region.address + region.sizeBytes);
      into.add(region, from, (int) (to - from));
    }
    range.uses++;
    into.range = range;
    return true;
  }

  /** Nothing is under way any more. */
  void close() {
    for (Range range : all.values()) {
      unpinAll(range);
    }
    stale.forEach(this::unpinAll);
    stale.clear();
    MemoryRegion buffers = pool;
    if (buffers != null) {
      pool = null;
      registered.add(-buffers.sizeBytes);
      buffers.close();
    }
  }

  private void unpinAll(Range range) {
    for (int index = 0; index < range.blocks.length; index++) {
      unpin(range, index);
    }
  }
}
