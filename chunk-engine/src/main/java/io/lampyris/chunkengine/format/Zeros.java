package io.lampyris.chunkengine.format;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/** Zeroes parts of memory without a slice, which is garbage until all around it is compiled. */
public final class Zeros {
  private static final long BLOCK_BYTES = 64 << 10;
  private static final MemorySegment BLOCK = Arena.global().allocate(BLOCK_BYTES);

  private Zeros() {}

  public static void fill(MemorySegment memory, long from, long to) {
    assert from >= 0 && from <= to && to <= memory.byteSize() : from + " to " + to;
    for (long at = from; at < to; at += BLOCK_BYTES) {
      MemorySegment.copy(BLOCK, 0, memory, at, Math.min(BLOCK_BYTES, to - at));
    }
  }
}
