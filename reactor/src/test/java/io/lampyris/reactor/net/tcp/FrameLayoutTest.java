package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class FrameLayoutTest {
  @Test
  void offsetsAreThoseOfThePackagesTable() {
    long[] offsets = {
      FrameLayout.MAGIC_AT,
      FrameLayout.HEADER_CRC_AT,
      FrameLayout.MESSAGE_LENGTH_AT,
      FrameLayout.MESSAGE_ROOM_AT,
      FrameLayout.PAYLOAD_LENGTH_AT,
      FrameLayout.REQUEST_ID_AT,
      FrameLayout.TRACE_ID_AT,
      FrameLayout.RESULT_AT,
      FrameLayout.BUDGET_AT,
      FrameLayout.PAYLOAD_ROOM_AT,
      FrameLayout.NODE_ID_AT,
      FrameLayout.SERVICE_ID_AT,
      FrameLayout.TEMPLATE_ID_AT,
      FrameLayout.KIND_AT,
      FrameLayout.FLAGS_AT,
      FrameLayout.VERSION_AT,
      FrameLayout.MESSAGE_CRC_AT
    };
    long[] table = {0, 4, 8, 10, 12, 16, 24, 32, 40, 44, 48, 52, 54, 56, 57, 58, 60};
    assertArrayEquals(table, offsets);
    assertEquals(64, FrameLayout.HEADER_BYTES);
    assertEquals("LYRF", text(FrameLayout.MAGIC));
    assertEquals("LYRH", text(Handshake.MAGIC));
    assertEquals(80, Handshake.BYTES);
  }

  private static String text(int magic) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < 4; i++) {
      text.append((char) ((magic >>> (8 * i)) & 0xff));
    }
    return text.toString();
  }
}
