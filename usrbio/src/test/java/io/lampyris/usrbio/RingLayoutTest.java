package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Against the numbers that programs with their own copy of the library have built in. */
class RingLayoutTest {
  private static final ValueLayout.OfLong LONG = ValueLayout.JAVA_LONG;
  private static final ValueLayout.OfInt INT = ValueLayout.JAVA_INT;

  @ParameterizedTest
  @ValueSource(ints = {1, 2, 7, 8, 256, 4096, RingLayout.ENTRIES_MAX})
  void arraysFollowEachOtherAsTheTableSays(int entries) {
    int e = entries + 1;

    assertEquals(16 + 56L * (e - 1), RingLayout.argsAt(e - 1));
    assertEquals(16 + 56L * e, RingLayout.cqeAt(e, 0));
    assertEquals(16 + 56L * e + 24L * (e - 1), RingLayout.cqeAt(e, e - 1));
    assertEquals(16 + 80L * e, RingLayout.sqeAt(e, 0));
    assertEquals(16 + 80L * e + 16L * (e - 1), RingLayout.sqeAt(e, e - 1));
    assertEquals(16 + 96L * e, RingLayout.semaphoreAt(e));
    assertEquals(16 + 32 + 96L * e + 4096, RingLayout.sizeBytes(entries));
    assertEquals(entries, RingLayout.entries(RingLayout.sizeBytes(entries)));
    assertEquals(entries, RingLayout.entries(RingLayout.sizeBytes(entries) + 95));
    assertEquals(entries - 1, RingLayout.entries(RingLayout.sizeBytes(entries) - 1));
  }

  @ParameterizedTest
  @ValueSource(longs = {Long.MIN_VALUE / 2, -1, 0, 1, 4096, 4144, 4239, 4335})
  void whatIsTooSmallForOneEntryHasNone(long sizeBytes) {
    assertTrue(RingLayout.entries(sizeBytes) < 1);
  }

  @Test
  void fieldsAreWhereTheTableSays() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ring = arena.allocate(RingLayout.sizeBytes(3), 8);
      long args = RingLayout.argsAt(2);
      RingLayout.args(
          ring, args, new IovId(0x0102030405060708L, 0x090a0b0c0d0e0f10L), 11, 12, 13, 14, 15);
      for (int i = 0; i < 16; i++) {
        assertEquals(i + 1, ring.get(ValueLayout.JAVA_BYTE, args + i), "an id is its bytes");
      }
      for (int field = 0; field < 5; field++) {
        assertEquals(11 + field, ring.get(LONG, args + 16 + 8L * field));
      }
      assertEquals(0x0102030405060708L, RingLayout.idHigh(ring, args));
      assertEquals(0x090a0b0c0d0e0f10L, RingLayout.idLow(ring, args));
      assertEquals(11, RingLayout.iovOffset(ring, args));
      assertEquals(12, RingLayout.inode(ring, args));
      assertEquals(13, RingLayout.fileOffset(ring, args));
      assertEquals(14, RingLayout.length(ring, args));

      long cqe = RingLayout.cqeAt(4, 1);
      RingLayout.cqe(ring, cqe, 21, -22, 23);
      assertEquals(21, ring.get(INT, cqe));
      assertEquals(-22, ring.get(LONG, cqe + 8));
      assertEquals(23, ring.get(LONG, cqe + 16));

      long sqe = RingLayout.sqeAt(4, 1);
      RingLayout.sqe(ring, sqe, 31, 32);
      assertEquals(31, ring.get(INT, sqe));
      assertEquals(32, ring.get(LONG, sqe + 8));
      assertEquals(31, RingLayout.sqeSlot(ring, sqe));
      assertEquals(32, RingLayout.sqeUserdata(ring, sqe));
    }
  }

  @Test
  void indicesAreTheFirstFourInts() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment ring = arena.allocate(RingLayout.sizeBytes(1), 8);
      RingLayout.index(ring, RingLayout.SQE_HEAD_AT, 1);
      RingLayout.index(ring, RingLayout.SQE_TAIL_AT, 2);
      RingLayout.index(ring, RingLayout.CQE_HEAD_AT, 3);
      RingLayout.index(ring, RingLayout.CQE_TAIL_AT, 4);
      for (int i = 0; i < 4; i++) {
        assertEquals(i + 1, ring.getAtIndex(INT, i));
        assertEquals(i + 1, RingLayout.index(ring, 4L * i));
      }
    }
  }
}
