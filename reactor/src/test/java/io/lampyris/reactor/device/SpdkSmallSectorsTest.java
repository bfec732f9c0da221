package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.junit.jupiter.api.Test;

/** The same on a namespace of 512 bytes a sector, the second of its controller. */
class SpdkSmallSectorsTest extends SpdkNvmeDeviceTest {
  @Override
  int namespace() {
    return 2;
  }

  @Test
  void oneSectorOfEightIsWrittenAlone() throws Exception {
    MemorySegment memory = NativeMemory.allocateAligned(4096);
    memory.fill((byte) 7);
    try (Rig rig = open(1 << 20)) {
      assertEquals(512, rig.device().alignmentBytes());
      assertEquals(512, one(rig, IoRequest.Kind.WRITE, 1536, memory, 512));
      assertEquals(4096, one(rig, IoRequest.Kind.READ, 0, memory, 4096));
      for (int at = 0; at < 4096; at++) {
        int wanted = at >= 1536 && at < 2048 ? 7 : 0;
        assertEquals(wanted, memory.get(ValueLayout.JAVA_BYTE, at), "at " + at);
      }
    }
    NativeMemory.unmap(memory);
  }
}
