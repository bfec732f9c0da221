package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;

class NativeMemoryTest {
  @Test
  void alignedMemoryIsZeroedPageAlignedAndOpenToEveryThread() throws InterruptedException {
    MemorySegment memory = NativeMemory.allocateAligned(10_000);
    assertEquals(10_000, memory.byteSize());
    assertEquals(0, memory.address() % 4096);
    for (long at = 0; at < memory.byteSize(); at++) {
      assertEquals(0, memory.get(JAVA_BYTE, at));
    }
    memory.set(JAVA_LONG, 8, 42);
    AtomicLong seen = new AtomicLong();
    Thread other = Thread.ofPlatform().start(() -> seen.set(memory.get(JAVA_LONG, 8)));
    other.join();
    assertEquals(42, seen.get());
    NativeMemory.unmap(memory);
  }

  @Test
  void hugeMemoryIsRoundedUpAlignedAndTellsWhatItIs() {
    for (long sizeBytes : new long[] {1, 3L << 20, 4L << 20}) {
      NativeMemory.HugeAllocation huge = NativeMemory.allocateHuge(sizeBytes);
      MemorySegment memory = huge.segment();
      assertTrue(memory.byteSize() >= sizeBytes);
      assertEquals(0, memory.byteSize() % NativeMemory.HUGE_PAGE_BYTES);
      assertEquals(0, memory.address() % NativeMemory.HUGE_PAGE_BYTES, huge.backing().name());
      memory.set(JAVA_BYTE, memory.byteSize() - 1, (byte) 7);
      assertEquals(7, memory.get(JAVA_BYTE, memory.byteSize() - 1));
      NativeMemory.unmap(memory);
    }
  }

  @Test
  void aRefusedMappingSaysCallArgumentsAndErrno() {
    NativeException e =
        assertThrows(
            NativeException.class,
            () -> NativeMemory.map(-1, 0, 4096, Fcntl.PROT_READ, Fcntl.MAP_SHARED));
    assertEquals("mmap", e.call());
    assertEquals(Errno.EBADF, e.errno());
    assertTrue(e.getMessage().contains("sizeBytes=4096"), e.getMessage());
    assertTrue(e.getMessage().contains("EBADF (9)"), e.getMessage());
  }

  @Test
  void aSizeOfZeroIsRefused() {
    assertThrows(IllegalArgumentException.class, () -> NativeMemory.allocateAligned(0));
    assertThrows(IllegalArgumentException.class, () -> NativeMemory.allocateHuge(-1));
  }

  @Test
  void adviceIsTakenOrRefusedWithErrno() {
    MemorySegment memory = NativeMemory.allocateAligned(8192);
    memory.set(JAVA_BYTE, 0, (byte) 1);
    assertEquals(0, NativeMemory.madvise(memory, Fcntl.MADV_DONTNEED));
    assertEquals(0, memory.get(JAVA_BYTE, 0), "DONTNEED zeroes anonymous memory");
    assertEquals(-Errno.EINVAL, NativeMemory.madvise(memory, 9999));
    NativeMemory.unmap(memory);
  }

  @Test
  void aViewByAddressSeesTheSameBytes() {
    MemorySegment memory = NativeMemory.allocateAligned(4096);
    MemorySegment view = NativeMemory.ofAddress(memory.address() + 16, 8);
    memory.set(JAVA_LONG, 16, -5);
    assertEquals(-5, view.get(JAVA_LONG, 0));
    NativeMemory.unmap(memory);
  }
}
