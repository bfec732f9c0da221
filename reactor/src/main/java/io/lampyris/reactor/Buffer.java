package io.lampyris.reactor;

import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Page-aligned memory from a {@link BufferPool}; has one owner, who releases it. Owner: reactor.
 */
public final class Buffer {
  private final BufferPool pool;
  private final MemorySegment segment;
  final int sizeClass;
  @Nullable Buffer next;
  boolean free = true;

  Buffer(BufferPool pool, MemorySegment segment, int sizeClass) {
    this.pool = pool;
    this.segment = segment;
    this.sizeClass = sizeClass;
  }

  public MemorySegment segment() {
    return segment;
  }

  public int capacityBytes() {
    return (int) segment.byteSize();
  }

  public void release() {
    pool.release(this);
  }
}
