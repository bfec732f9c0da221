package io.lampyris.bindings.verbs;

import io.lampyris.bindings.verbs.abi.ibv_mr;
import java.lang.foreign.MemorySegment;

/** Memory that a device may transfer into and out of, pinned until it is closed. */
public final class MemoryRegion implements AutoCloseable {
  private final VerbsDevice device;
  final MemorySegment struct;
  public final long address;
  public final long sizeBytes;

  /** What local transfers name it by. */
  public final int localKey;

  MemoryRegion(VerbsDevice device, MemorySegment struct, long address, long sizeBytes) {
    this.device = device;
    this.struct = struct;
    this.address = address;
    this.sizeBytes = sizeBytes;
    localKey = ibv_mr.lkey(struct);
  }

  /** Gives the pages back; no window may be open in it. */
  @Override
  public void close() {
    device.deregister(struct);
  }
}
