package io.lampyris.chunkengine.format;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.util.SplittableRandom;
import org.junit.jupiter.api.Test;

final class Crc32cTest {
  private final Crc32c crc = new Crc32c();

  @Test
  void theStandardCheckValueComesOut() {
    byte[] digits = "123456789".getBytes(StandardCharsets.US_ASCII);
    assertEquals(0xE3069283, crc.of(MemorySegment.ofArray(digits), 0, 9));
  }

  @Test
  void checksumsOfNeighboursCombineToTheirs() {
    long seed = Long.getLong("seed", System.nanoTime());
    SplittableRandom random = new SplittableRandom(seed);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(300_000);
      for (long i = 0; i < memory.byteSize(); i++) {
        memory.set(java.lang.foreign.ValueLayout.JAVA_BYTE, i, (byte) random.nextInt());
      }
      for (int round = 0; round < 300; round++) {
        int from = random.nextInt(1000);
        int first = random.nextInt(150_000);
        int second = random.nextInt(140_000);
        int joined =
            crc.combine(crc.of(memory, from, first), crc.of(memory, from + first, second), second);
        assertEquals(crc.of(memory, from, first + second), joined, "seed=" + seed);
      }
    }
  }

  @Test
  void checksumsOfZerosNeedNoZeros() {
    for (int length : new int[] {0, 1, 4, 511, 65536, 1 << 20}) {
      MemorySegment zeros = MemorySegment.ofArray(new byte[length]);
      assertEquals(crc.of(zeros, 0, length), crc.ofZeros(length));
    }
  }
}
