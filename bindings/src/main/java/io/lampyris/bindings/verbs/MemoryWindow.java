package io.lampyris.bindings.verbs;

import io.lampyris.bindings.verbs.abi.ibv_mw;
import java.lang.foreign.MemorySegment;

/**
 * What one peer may reach: a range of a region, bound to one queue pair, under a key that changes
 * with each binding. Opened and closed by operations of the queue pair.
 */
public final class MemoryWindow implements AutoCloseable {
  private static final int TAG_MASK = 0xff;

  private final VerbsDevice device;
  final MemorySegment struct;
  private int remoteKey;
  private boolean bound;

  MemoryWindow(VerbsDevice device, MemorySegment struct, int remoteKey) {
    this.device = device;
    this.struct = struct;
    this.remoteKey = remoteKey;
  }

  /** The key of the present binding, or of the last one. */
  public int remoteKey() {
    return remoteKey;
  }

  /** Whether a peer may hold a key that is good. */
  public boolean isBound() {
    return bound;
  }

  /** The next binding's key: an old one does not open it. */
  int nextKey() {
    assert !bound : "a window is bound once at a time";
    bound = true;
    // The provider takes the key of the binding before from here, and leaves it as it is.
    ibv_mw.rkey(struct, remoteKey);
    remoteKey = (remoteKey & ~TAG_MASK) | ((remoteKey + 1) & TAG_MASK);
    return remoteKey;
  }

  /** The key was taken back, by the peer's last message or by an operation of ours. */
  public void invalidated() {
    assert bound : "what is taken back was given";
    bound = false;
  }

  /** Takes it back for good, also when it is bound. */
  @Override
  public void close() {
    device.release(this);
  }
}
