package io.lampyris.client;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.ConcurrentLinkedDeque;
import java.util.concurrent.Semaphore;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Page-aligned buffers of one size for the blocking side, one mapping that is touched as it is
 * used; the buffer given back last is taken first. Any thread; giving back never blocks, so a
 * reactor may.
 */
final class MemoryPool implements AutoCloseable {
  private final int bufferBytes;
  private final int count;
  private final MemorySegment memory;
  private final Semaphore free;
  private final ConcurrentLinkedDeque<MemorySegment> buffers = new ConcurrentLinkedDeque<>();

  MemoryPool(int bufferBytes, int count) {
    this.bufferBytes = bufferBytes;
    this.count = count;
    this.free = new Semaphore(count);
    this.memory = NativeMemory.allocateHuge((long) bufferBytes * count).segment();
    for (int i = count - 1; i >= 0; i--) {
      buffers.push(memory.asSlice((long) i * bufferBytes, bufferBytes));
    }
  }

  int bufferBytes() {
    return bufferBytes;
  }

  int available() {
    return free.availablePermits();
  }

  /** A buffer, or null when there is none now. */
  @Nullable MemorySegment tryTake() {
    return free.tryAcquire() ? buffers.pop() : null;
  }

  /** A buffer, or null when there was none for so long. */
  @Nullable MemorySegment take(long timeoutNs) {
    boolean interrupted = false;
    try {
      while (true) {
        try {
          return free.tryAcquire(timeoutNs, TimeUnit.NANOSECONDS) ? buffers.pop() : null;
        } catch (InterruptedException e) {
          interrupted = true;
        }
      }
    } finally {
      if (interrupted) {
        Thread.currentThread().interrupt();
      }
    }
  }

  void give(MemorySegment buffer) {
    assert buffer.byteSize() == bufferBytes : "a buffer comes back whole";
    buffers.push(buffer);
    free.release();
  }

  /** Unmaps, unless somebody kept a buffer: then the memory stays, for it may be in use. */
  @Override
  public void close() {
    if (free.tryAcquire(count)) {
      NativeMemory.unmap(memory);
    }
  }
}
