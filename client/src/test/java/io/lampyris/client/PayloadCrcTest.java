package io.lampyris.client;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.Random;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.Test;

class PayloadCrcTest {
  private final PayloadCrc crc = new PayloadCrc();

  private void check(MemorySegment memory, int offset, int length) {
    CRC32C expected = new CRC32C();
    expected.update(memory.asSlice(offset, length).toArray(ValueLayout.JAVA_BYTE));
    assertEquals((int) expected.getValue(), crc.compute(memory, offset, length));
  }

  @Test
  void memoryIsTakenAsLargeAsItIsNowAndNotAsItWasAtThisAddress() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(128 << 10);
      byte[] bytes = new byte[128 << 10];
      new Random(1).nextBytes(bytes);
      memory.copyFrom(MemorySegment.ofArray(bytes));
      for (int size : new int[] {100, 65536, 131072, 4096, 131072, 1}) {
        check(memory.asSlice(0, size), 0, size);
        check(memory, 131072 - size, size);
      }
    }
  }
}
