package io.lampyris.protocol;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.util.HashSet;
import java.util.Set;
import org.junit.jupiter.api.Test;

class FileLayoutTest {
  private static final FileLayout FOUR_WIDE = new FileLayout(1 << 20, 4, 1, 1, 5, 0);

  @Test
  void offsetsSplitIntoChunkIndexAndOffsetInside() {
    long offset = 7 * (1L << 20) + 12_345;
    assertEquals(7, FOUR_WIDE.chunkIndexAt(offset));
    assertEquals(12_345, FOUR_WIDE.offsetInChunk(offset));
  }

  @Test
  void chunksWalkTheStripeAndWrapInTheTable() {
    assertEquals(5, FOUR_WIDE.chainPosition(0, 6));
    assertEquals(0, FOUR_WIDE.chainPosition(1, 6));
    assertEquals(2, FOUR_WIDE.chainPosition(3, 6));
    assertEquals(5, FOUR_WIDE.chainPosition(4, 6));
  }

  @Test
  void aLayoutOfUnevenChunksIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> new FileLayout(100_000, 1, 1, 1, 0, 0));
    assertThrows(IllegalArgumentException.class, () -> new FileLayout(1 << 20, 0, 1, 1, 0, 0));
  }

  @Test
  void statusNumbersAreUniqueAndNegative() {
    Set<Integer> codes = new HashSet<>();
    for (Status status : Status.values()) {
      assertEquals(true, status.code() < 0 && codes.add(status.code()), status.name());
      assertEquals(status, Status.of(status.code()));
    }
  }
}
