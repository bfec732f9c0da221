package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class JobSizeTest {
  @ParameterizedTest(name = "depth {0}, {1} available, room for {2}, due {3}: {4}")
  @CsvSource({
    // Exactly as many as the depth says, or none.
    "4, 0, 8, true, 0",
    "4, 3, 8, true, 0",
    "4, 4, 8, false, 4",
    "4, 9, 8, false, 4",
    "4, 9, 4, false, 4",
    "4, 9, 3, false, 0",
    // Everything that is there.
    "0, 0, 8, true, 0",
    "0, 1, 8, false, 1",
    "0, 8, 8, false, 8",
    "0, 8, 3, false, 3",
    "0, 8, 0, false, 0",
    // At most the depth; fewer only when they have waited long enough.
    "-4, 0, 8, true, 0",
    "-4, 1, 8, false, 0",
    "-4, 1, 8, true, 1",
    "-4, 3, 8, false, 0",
    "-4, 4, 8, false, 4",
    "-4, 9, 8, false, 4",
    "-4, 9, 3, false, 3",
    "-4, 2, 1, true, 1",
    "-1, 1, 8, false, 1",
    // A program that lies about what it has reaped.
    "0, 8, -3, true, 0",
    "-4, 8, -3, true, 0",
    "4, 8, -3, true, 0",
  })
  void aJobHasTheSizeThatTheDepthAsksFor(
      int depth, int available, int room, boolean due, int expected) {
    assertEquals(expected, Ring.jobSize(depth, available, room, due));
  }

  @Test
  void noJobIsLargerThanWhatIsThereOrThanTheRoom() {
    for (int depth = -9; depth <= 9; depth++) {
      for (int available = 0; available <= 9; available++) {
        for (int room = -2; room <= 9; room++) {
          for (boolean due : new boolean[] {false, true}) {
            int size = Ring.jobSize(depth, available, room, due);
            assertTrue(size >= 0 && size <= available && size <= Math.max(0, room));
            assertTrue(depth <= 0 || size == 0 || size == depth);
            assertTrue(depth >= 0 || size <= -depth);
          }
        }
      }
    }
  }
}
