package io.lampyris.client;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.BufferPool;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * Copies of what is written from memory that others can shrink, or change at will: storage gets,
 * checks and keeps the copy. Memory of its own and not the reactor's pool, for a storage service on
 * the same reactor needs that to finish the very writes that hold copies. Owner: reactor.
 */
final class Staging {
  /** The largest piece; larger chunks are written in several. */
  static final int PIECE_MAX_BYTES = 4 << 20;

  private @Nullable MemorySegment arena;
  private @Nullable BufferPool pool;

  /** Nothing is free: the next piece waits for the end of another. */
  private boolean exhausted;

  /** Whether {@link #acquire} failed and nothing was released since. */
  boolean isExhausted() {
    return exhausted;
  }

  @Nullable Buffer acquire(int sizeBytes) {
    Buffer buffer = pool().acquire(sizeBytes);
    exhausted = buffer == null;
    return buffer;
  }

  private BufferPool pool() {
    BufferPool made = pool;
    if (made == null) {
      // Costs address space until it is used.
      long sizeBytes = BufferPool.arenaBytes(BufferPool.DEFAULT_CLASSES);
      MemorySegment fresh = NativeMemory.allocateHuge(sizeBytes).segment();
      made = new BufferPool(fresh, BufferPool.DEFAULT_CLASSES);
      assert made.sizeMaxBytes() >= PIECE_MAX_BYTES : "a piece fits a buffer";
      arena = fresh;
      pool = made;
    }
    return made;
  }

  /** Makes the copy a call's payload; false when the original is not there any more. */
  boolean stage(ChunkCall call, Buffer into) {
    MemorySegment from = call.payload;
    MemorySegment all = arena;
    assert all != null : "a buffer was acquired";
    long offset = into.segment().address() - all.address();
    int length = call.payloadLength;
    call.staged = into;
    if (!ShrinkableMemory.copy(from, call.payloadOffset, all, offset, length)) {
      return false;
    }
    call.payload(all, offset, length);
    return true;
  }

  void release(ChunkCall call) {
    Buffer held = call.staged;
    if (held != null) {
      call.staged = null;
      held.release();
      exhausted = false;
    }
  }

  /** The reactor ends; what a call still holds stays, for it may be in use. */
  void close() {
    MemorySegment all = arena;
    BufferPool used = pool;
    if (all != null && used != null && used.acquired() == 0) {
      arena = null;
      pool = null;
      NativeMemory.unmap(all);
    }
  }
}
