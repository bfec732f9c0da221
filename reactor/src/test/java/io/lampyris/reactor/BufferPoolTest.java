package io.lampyris.reactor;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotNull;
import static org.junit.jupiter.api.Assertions.assertNull;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.reactor.BufferPool.SizeClass;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.junit.jupiter.api.Test;

class BufferPoolTest {
  @Test
  void whoBeginsSomethingLeavesAQuarterToWhoFinishesIt() {
    List<SizeClass> classes = List.of(new SizeClass(4096, 8), new SizeClass(65536, 4));
    MemorySegment arena = NativeMemory.allocateAligned(BufferPool.arenaBytes(classes));
    BufferPool pool = new BufferPool(arena, classes);
    for (int i = 0; i < 6 + 3; i++) {
      assertNotNull(pool.acquireSparingly(100));
    }
    assertNull(pool.acquireSparingly(100));
    assertNull(pool.acquireSparingly(4097));
    Buffer large = pool.acquire(4097);
    assertNotNull(large);
    assertEquals(65536, large.capacityBytes());
    assertNull(pool.acquire(4097));
    assertNotNull(pool.acquire(1));
    assertNotNull(pool.acquire(1));
    assertNull(pool.acquire(1));
    large.release();
    assertNull(pool.acquireSparingly(1));
    NativeMemory.unmap(arena);
  }
}
