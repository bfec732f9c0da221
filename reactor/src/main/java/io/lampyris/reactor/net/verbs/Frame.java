package io.lampyris.reactor.net.verbs;

import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;

/** The header of a message, as the package-info draws it. */
final class Frame {
  static final int VERSION = 1;
  static final int HEADER_BYTES = 72;

  static final byte REQUEST = 1;
  static final byte ANSWER = 2;
  static final byte CREDIT = 3;
  static final byte CANCEL = 4;

  static final short PAYLOAD_IS_ROOM = 1;
  static final int WINDOWS_MAX = 2;
  static final long BUDGET_NONE = 0xffff_ffffL;

  static final long KIND_AT = 0;
  static final long WINDOWS_AT = 1;
  static final long CREDITS_AT = 2;
  static final long MESSAGE_LENGTH_AT = 4;
  static final long MESSAGE_ROOM_AT = 6;
  static final long ID_AT = 8;
  static final long TRACE_ID_AT = 16;
  static final long BUDGET_AT = 24;
  static final long RESULT_AT = 24;
  static final long PAYLOAD_AT = 28;
  static final long NODE_ID_AT = 32;
  static final long SERVICE_ID_AT = 36;
  static final long FLAGS_AT = 38;
  private static final long FIRST_WINDOW_AT = 40;
  private static final int WINDOW_BYTES = 16;

  static final ValueLayout.OfByte BYTE = ValueLayout.JAVA_BYTE;
  static final ValueLayout.OfShort SHORT =
      ValueLayout.JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfInt INT =
      ValueLayout.JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  static final ValueLayout.OfLong LONG =
      ValueLayout.JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static {
    assert windowAt(WINDOWS_MAX) == HEADER_BYTES : "the windows fill the header";
  }

  private Frame() {}

  static long windowAt(int index) {
    return FIRST_WINDOW_AT + (long) index * WINDOW_BYTES;
  }

  static long windowLengthAt(int index) {
    return windowAt(index) + Long.BYTES;
  }

  static long windowKeyAt(int index) {
    return windowLengthAt(index) + Integer.BYTES;
  }
}
