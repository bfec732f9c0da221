package io.lampyris.cli.sim;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/**
 * The bytes of cells: each says its value and its place in the chunk in every word, so that bytes
 * which are torn, mixed or in the wrong place are none of any cell. Owner: one thread.
 */
final class Cells {
  /** What {@link #decode} gives for bytes that nobody wrote. */
  static final int TORN = -1;

  private static final long STEP = 0x9E37_79B9_7F4A_7C15L;

  private final CRC32C crc = new CRC32C();

  private static long word(int value, int place, int at) {
    long x = ((long) value << 32 | (place & 0xFFFF_FFFFL)) + (at + 1) * STEP;
    x = (x ^ (x >>> 29)) * 0xBF58_476D_1CE4_E5B9L;
    return x ^ (x >>> 32);
  }

  private static ByteBuffer view(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  /** Fills cells from a place of the chunk on; the value is not 0. */
  static void encode(byte[] into, int place, int cells, int cellBytes, int value) {
    ByteBuffer view = view(into);
    for (int cell = 0; cell < cells; cell++) {
      int base = cell * cellBytes;
      view.putLong(base, value);
      for (int at = 8; at < cellBytes; at += 8) {
        view.putLong(base + at, word(value, place + cell, at));
      }
    }
  }

  /** The value of a cell, 0 for zeros, or {@link #TORN}. */
  static int decode(byte[] from, int base, int place, int cellBytes) {
    ByteBuffer view = view(from);
    long value = view.getLong(base);
    if (value != (int) value || value < 0) {
      return TORN;
    }
    for (int at = 8; at < cellBytes; at += 8) {
      long expected = value == 0 ? 0 : word((int) value, place, at);
      if (view.getLong(base + at) != expected) {
        return TORN;
      }
    }
    return (int) value;
  }

  long crc32c(byte[] bytes, int length) {
    crc.reset();
    crc.update(bytes, 0, length);
    return crc.getValue();
  }
}
