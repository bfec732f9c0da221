package io.lampyris.reactor;

import io.lampyris.bindings.uring.IoUring;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Files and transfer memory that the kernel has looked up once and for all, so that an operation
 * need not: files by slot, the buffer pool's arena and {@link OutsideMemory} in regions. A region
 * is registered when an operation first uses it, for registering pins its pages. Where the kernel
 * refuses (before Linux 5.19, or {@code ulimit -l} is low) operations go without. Owner: reactor.
 */
public final class Registered {
  /** Not registered. */
  public static final int NONE = -1;

  /** Buffers of the pool are powers of two, so none of up to 1 MiB lies across a border. */
  private static final int REGION_SHIFT = 20;

  private static final byte NEW = 0;
  private static final byte FIXED = 1;

  private final IoUring uring;
  private final MemorySegment arena;
  private final byte[] regions;
  private final OutsideMemory outside;
  private final int[] files;
  private boolean filesOpen;
  private boolean regionsOpen;

  Registered(Reactor reactor, IoUring uring, MemorySegment arena, int filesMax) {
    this.uring = uring;
    this.arena = arena;
    regions = new byte[(int) (arena.byteSize() >>> REGION_SHIFT)];
    outside = new OutsideMemory(reactor, uring, regions.length);
    files = new int[filesMax];
    Arrays.fill(files, NONE);
  }

  /** On the reactor's thread, once the ring is its own. */
  void open() {
    filesOpen = uring.registerFiles(files) == 0;
    regionsOpen = uring.registerBufferSlots(regions.length + OutsideMemory.REGIONS_MAX) == 0;
    if (regionsOpen) {
      outside.open();
    }
  }

  OutsideMemory outside() {
    return outside;
  }

  /** A slot for a file; or {@link #NONE}: use the descriptor. */
  public int addFile(int fd) {
    for (int slot = 0; filesOpen && slot < files.length; slot++) {
      if (files[slot] == NONE) {
        if (uring.updateFile(slot, fd) < 0) {
          return NONE;
        }
        files[slot] = fd;
        return slot;
      }
    }
    return NONE;
  }

  /** Gives a slot back; until then the kernel keeps the file open. */
  public void removeFile(int slot) {
    assert files[slot] != NONE : "a slot is given back once";
    files[slot] = NONE;
    uring.updateFile(slot, NONE);
  }

  /** The number of the registered buffer that holds a range of memory; or {@link #NONE}. */
  public int bufferOf(long address, int lengthBytes) {
    long offset = address - arena.address();
    if (offset < 0 || offset >= arena.byteSize()) {
      return outside.slotOf(address, lengthBytes);
    }
    int region = (int) (offset >> REGION_SHIFT);
    if (offset + lengthBytes > (long) regions.length << REGION_SHIFT
        || (offset + lengthBytes - 1) >> REGION_SHIFT != region
        || !regionsOpen) {
      return NONE;
    }
    return regions[region] == FIXED || register(region) ? region : NONE;
  }

  private boolean register(int region) {
    assert regions[region] == NEW : "a region is registered once";
    long at = (long) region << REGION_SHIFT;
    if (uring.updateBuffer(region, arena.asSlice(at, 1L << REGION_SHIFT)) < 0) {
      // Most likely the limit of locked memory: then the others would not fit either.
      regionsOpen = false;
      return false;
    }
    regions[region] = FIXED;
    return true;
  }
}
