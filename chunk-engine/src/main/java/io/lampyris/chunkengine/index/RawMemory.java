package io.lampyris.chunkengine.index;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/**
 * Memory by address, checked for nothing: where an access is a few instructions, its checks would
 * be most of them. Whoever uses it vouches that the address is in memory that is mapped.
 */
final class RawMemory {
  private static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private static final MemorySegment ALL = NativeMemory.ofAddress(0, Long.MAX_VALUE);

  /** No program's address is above it. */
  private static final long ADDRESS_MAX = (1L << 57) - 1;

  private RawMemory() {}

  /**
   * The address itself, but of a range that the compiler knows: it leaves out the comparison with
   * the bounds for what is read at a constant distance from it.
   */
  static long known(long address) {
    return address & ADDRESS_MAX;
  }

  static int getInt(long address) {
    return ALL.get(INT, address);
  }

  static long getLong(long address) {
    return ALL.get(LONG, address);
  }

  static byte getByte(long address) {
    return ALL.get(JAVA_BYTE, address);
  }

  static void putInt(long address, int value) {
    ALL.set(INT, address, value);
  }

  static void putLong(long address, long value) {
    ALL.set(LONG, address, value);
  }

  static void putByte(long address, int value) {
    ALL.set(JAVA_BYTE, address, (byte) value);
  }

  static short getShort(long address) {
    return ALL.get(SHORT, address);
  }

  static void putShort(long address, int value) {
    ALL.set(SHORT, address, (short) value);
  }

  static void putInts(long address, int[] from) {
    MemorySegment.copy(from, 0, ALL, INT, address, from.length);
  }

  /** An even number of them. */
  static void getInts(long address, int[] into) {
    // A bulk copy is a call, which takes longer than this for a few.
    for (int i = 0; i < into.length; i += 2) {
      long two = getLong(address + i * 4L);
      into[i] = (int) two;
      into[i + 1] = (int) (two >>> Integer.SIZE);
    }
  }
}
