package io.lampyris.reactor.net.tcp;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.zip.CRC32C;

/** The header of a frame, as the package-info draws it. */
final class FrameLayout {
  static final int MAGIC = 0x4652594c; // "LYRF"
  static final int VERSION = 1;
  static final int HEADER_BYTES = 64;

  static final int REQUEST = 1;
  static final int ANSWER = 2;

  /** The budget of a request without a deadline. */
  static final long BUDGET_NONE = 0xffff_ffffL;

  static final long MAGIC_AT = 0;
  static final long HEADER_CRC_AT = 4;
  static final long MESSAGE_LENGTH_AT = 8;
  static final long MESSAGE_ROOM_AT = 10;
  static final long PAYLOAD_LENGTH_AT = 12;
  static final long REQUEST_ID_AT = 16;
  static final long TRACE_ID_AT = 24;
  static final long RESULT_AT = 32;
  static final long BUDGET_AT = 40;
  static final long PAYLOAD_ROOM_AT = 44;
  static final long NODE_ID_AT = 48;
  static final long SERVICE_ID_AT = 52;
  static final long TEMPLATE_ID_AT = 54;
  static final long KIND_AT = 56;
  static final long FLAGS_AT = 57;
  static final long VERSION_AT = 58;
  static final long MESSAGE_CRC_AT = 60;

  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /** What is covered: all behind the checksum itself. */
  private static final int CHECKED_AT = 8;

  static {
    assert MESSAGE_CRC_AT + Integer.BYTES == HEADER_BYTES : "the fields fill the header";
    assert HEADER_CRC_AT + Integer.BYTES == CHECKED_AT : "the checksum covers what follows it";
  }

  private FrameLayout() {}

  /**
   * Sets all fields to 0; fill() wants a slice, which is an object where it is not compiled away.
   */
  static void clear(MemorySegment memory, long at) {
    for (int i = 0; i < HEADER_BYTES; i += Long.BYTES) {
      memory.set(LONG, at + i, 0);
    }
  }

  /** Writes the checksum; the last step of encoding. */
  static void seal(MemorySegment memory, long at, CRC32C crc, byte[] scratch) {
    memory.set(INT, at + MAGIC_AT, MAGIC);
    memory.set(INT, at + HEADER_CRC_AT, checksum(memory, at, crc, scratch));
  }

  /** Whether these {@link #HEADER_BYTES} are a header of this version as it was sealed. */
  static boolean isSealed(MemorySegment memory, long at, CRC32C crc, byte[] scratch) {
    return memory.get(INT, at + MAGIC_AT) == MAGIC
        && memory.get(SHORT, at + VERSION_AT) == VERSION
        && memory.get(INT, at + HEADER_CRC_AT) == checksum(memory, at, crc, scratch);
  }

  /** The checksum of a message as a header carries it. */
  static int messageChecksum(byte[] message, int length, CRC32C crc) {
    crc.reset();
    crc.update(message, 0, length);
    return (int) crc.getValue();
  }

  private static int checksum(MemorySegment memory, long at, CRC32C crc, byte[] scratch) {
    int length = HEADER_BYTES - CHECKED_AT;
    MemorySegment.copy(memory, ValueLayout.JAVA_BYTE, at + CHECKED_AT, scratch, 0, length);
    crc.reset();
    crc.update(scratch, 0, length);
    return (int) crc.getValue();
  }
}
