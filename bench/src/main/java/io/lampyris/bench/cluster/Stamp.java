package io.lampyris.bench.cluster;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * What a block holds: bytes that say which generation of which block of which file they are, and of
 * which every word differs from those of every other block and generation. Any thread.
 */
final class Stamp {
  private static final long GOLDEN = 0x9E37_79B9_7F4A_7C15L;

  private Stamp() {}

  /** Fills all of {@code into}, whose size is a multiple of 8 bytes. */
  static void fill(MemorySegment into, long seed, int file, int block, long generation) {
    long state = mix(seed ^ mix(((long) file << 32) | block) ^ mix(generation));
    into.set(ValueLayout.JAVA_LONG, 0, generation);
    for (long at = Long.BYTES; at < into.byteSize(); at += Long.BYTES) {
      state += GOLDEN;
      into.set(ValueLayout.JAVA_LONG, at, mix(state));
    }
  }

  /** The generation that a block claims to be of. */
  static long claimed(MemorySegment block) {
    return block.get(ValueLayout.JAVA_LONG, 0);
  }

  /** The finalizer of splitmix64 (Steele, Lea and Flood, 2014). */
  private static long mix(long value) {
    long z = (value ^ (value >>> 30)) * 0xBF58_476D_1CE4_E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D0_49BB_1331_11EBL;
    return z ^ (z >>> 31);
  }
}
