package io.lampyris.chunkengine.format;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableCrc32c;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.util.Objects;
import java.util.zip.CRC32C;
import org.jspecify.annotations.Nullable;

/**
 * CRC32C of memory, and the algebra to join checksums of neighbouring ranges. Owner: one thread.
 *
 * <p>A checksum is a polynomial over GF(2) modulo the Castagnoli polynomial, bits reflected: the
 * highest bit is {@code x^0}. Appending n bytes multiplies what came before by {@code x^(8 n)}.
 */
public class Crc32c {
  private static final int POLYNOMIAL = 0x82F63B78;

  /** {@code x^(2^k)} for k = 0 … 31; x has order 2^31 - 1 here, so the powers repeat after that. */
  private static final int[] SQUARES = squares();

  /** A checksum moved over a block of 4 KiB, byte by byte of the checksum. */
  private static final int[] SHIFT_BLOCK = shiftBlockTable();

  private static final int VIEWS = 8;

  /** Byte buffers end before 2 GiB: windows of 1 GiB at every half hold any range of up to half. */
  private static final int WINDOW_SHIFT = 29;

  private static final int WINDOWS = 64;

  /** The memory is not there any more. */
  public static final long GONE = ShrinkableCrc32c.GONE;

  private final CRC32C crc = new CRC32C();
  private final ShrinkableCrc32c shrinkableCrc = new ShrinkableCrc32c();

  // A byte buffer over a segment is an allocation. Heap segments come back, so keep the last views;
  // native memory is seen through windows on the address space, whatever segments lie in it.
  private final @Nullable MemorySegment[] viewed = new MemorySegment[VIEWS];
  private final @Nullable ByteBuffer[] views = new ByteBuffer[VIEWS];

  private final long[] windowNumbers = new long[WINDOWS];
  private final @Nullable ByteBuffer[] windows = new ByteBuffer[WINDOWS];

  private long shiftBytes;
  private int shift = 1 << 31;

  /** The checksum of {@code length} bytes of {@code memory} from {@code offset}. */
  public int of(MemorySegment memory, long offset, int length) {
    ByteBuffer view;
    int from;
    if (memory.isNative()) {
      long address = checkedAddress(memory, offset, length);
      view = window(address >>> WINDOW_SHIFT);
      from = (int) (address & (1L << WINDOW_SHIFT) - 1);
    } else {
      view = view(memory);
      from = (int) offset;
    }
    view.limit(from + length).position(from);
    crc.reset();
    crc.update(view);
    return (int) crc.getValue();
  }

  /**
   * As {@link #of}, of memory that others can shrink ({@link ShrinkableCrc32c}).
   *
   * @return the checksum as an unsigned number, or {@link #GONE}
   */
  public long ofShrinkable(MemorySegment memory, long offset, int length) {
    return shrinkableCrc.of(memory, offset, length);
  }

  /** The checksum of a followed by b, from theirs and b's length. */
  public int combine(int crcA, int crcB, long lengthB) {
    if (lengthB != shiftBytes) {
      shift = powerOfX(lengthB * 8);
      shiftBytes = lengthB;
    }
    return multiply(shift, crcA) ^ crcB;
  }

  /** {@link #combine} for a b of 4 KiB; some nanoseconds. */
  public int combineBlock(int crcA, int crcB) {
    return shiftBlock(crcA) ^ crcB;
  }

  private static int shiftBlock(int crc) {
    return SHIFT_BLOCK[crc & 0xFF]
        ^ SHIFT_BLOCK[256 + (crc >>> 8 & 0xFF)]
        ^ SHIFT_BLOCK[512 + (crc >>> 16 & 0xFF)]
        ^ SHIFT_BLOCK[768 + (crc >>> 24)];
  }

  /**
   * How a difference of checksums of a range moves to the end of what follows the range: {@code
   * combine(difference, 0, lengthBytes)}.
   */
  public int move(int difference, int lengthBytes) {
    if ((lengthBytes & 4095) != 0 || lengthBytes > 1 << 16) {
      return combine(difference, 0, lengthBytes);
    }
    int moved = difference;
    for (int blocks = lengthBytes >> 12; blocks > 0; blocks--) {
      moved = shiftBlock(moved);
    }
    return moved;
  }

  private static int[] shiftBlockTable() {
    int power = powerOfX(4096 * 8L);
    int[] table = new int[4 * 256];
    for (int i = 0; i < 4; i++) {
      for (int value = 0; value < 256; value++) {
        table[i * 256 + value] = multiply(power, value << (i * 8));
      }
    }
    return table;
  }

  /** The checksum of {@code length} zero bytes. */
  public int ofZeros(long length) {
    // The register starts as all ones and is inverted at the end: ones move on, zeros add nothing.
    return ~multiply(powerOfX(length * 8), ~0);
  }

  /** By identity: an equal segment may be of another arena, alive where this one is not. */
  @SuppressWarnings({"MemorySegmentReferenceEquality", "ReferenceEquality"})
  private ByteBuffer view(MemorySegment memory) {
    int slot = (int) memory.byteSize() >>> 3 & VIEWS - 1;
    ByteBuffer view = views[slot];
    if (view == null || viewed[slot] != memory) {
      view = memory.asByteBuffer();
      views[slot] = view;
      viewed[slot] = memory;
    }
    return view;
  }

  /** The checks that an access through the segment itself would have made. */
  private static long checkedAddress(MemorySegment memory, long offset, int length) {
    Objects.checkFromIndexSize(offset, length, memory.byteSize());
    assert length <= 1 << WINDOW_SHIFT : "longer than a window; observed=" + length;
    if (!memory.scope().isAlive()) {
      throw new IllegalStateException("checksum of memory that was given back; observed=" + memory);
    }
    return memory.address() + offset;
  }

  private ByteBuffer window(long number) {
    int slot = (int) number & WINDOWS - 1;
    ByteBuffer view = windows[slot];
    if (view == null || windowNumbers[slot] != number) {
      view = NativeMemory.ofAddress(number << WINDOW_SHIFT, 2L << WINDOW_SHIFT).asByteBuffer();
      windows[slot] = view;
      windowNumbers[slot] = number;
    }
    return view;
  }

  private static int powerOfX(long exponent) {
    int product = 1 << 31;
    int k = 0;
    for (long n = exponent; n != 0; n >>>= 1, k++) {
      if ((n & 1) != 0) {
        product = multiply(SQUARES[k & 31], product);
      }
    }
    return product;
  }

  private static int multiply(int a, int b) {
    int product = 0;
    int shifted = b;
    for (int rest = a; rest != 0; rest <<= 1) {
      if (rest < 0) {
        product ^= shifted;
      }
      shifted = (shifted >>> 1) ^ (POLYNOMIAL & -(shifted & 1));
    }
    return product;
  }

  private static int[] squares() {
    int[] squares = new int[32];
    squares[0] = 1 << 30;
    for (int k = 1; k < squares.length; k++) {
      squares[k] = multiply(squares[k - 1], squares[k - 1]);
    }
    return squares;
  }
}
