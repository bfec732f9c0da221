package io.lampyris.bindings.uring;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.TestFiles;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import org.junit.jupiter.api.Test;

/** I3: what the data path calls allocates nothing once it is compiled. */
class NoAllocationTest {
  private static final int OPERATIONS = 20_000;
  private static final int ROUNDS_MAX = 50;

  /**
   * The measurement itself, and a compiler thread's odd hand-over, cost a little; one object per
   * operation is far more.
   */
  private static final long NOISE_BYTES = OPERATIONS / 4;

  private static volatile byte[] kept = {};

  private static void assertSettlesAtNothing(Runnable operation) {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long bytes = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS_MAX && bytes > NOISE_BYTES; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < OPERATIONS; i++) {
        operation.run();
      }
      bytes = threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertTrue(bytes <= NOISE_BYTES, bytes + " bytes in " + OPERATIONS + " operations");
  }

  @Test
  void preparingSubmittingAndPollingAllocateNothing() {
    Probe probe = Probe.run();
    assumeTrue(probe.available(), probe.reason());
    long[] sum = new long[1];
    try (IoUring ring = IoUring.open(8)) {
      CompletionHandler handler = (user, result, flags) -> sum[0] += user;
      assertSettlesAtNothing(() -> {
        ring.prepNop(1);
        ring.linkNext();
        ring.prepTimeout(0, 2);
        ring.submitAndWait(2, 1_000_000_000L);
        while (ring.inFlight() > 0) {
          ring.poll(handler, 8);
        }
      });
    }
    assertTrue(sum[0] > 0);
  }

  @Test
  void positionedReadsAndWritesAllocateNothing() {
    String path = TestFiles.fresh("file").toString();
    int fd = Libc.open(path, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_CLOEXEC, 0600);
    MemorySegment buf = NativeMemory.allocateAligned(4096);
    assertSettlesAtNothing(() -> {
      assertEquals(64, Libc.pwrite(fd, buf, 64, 0));
      assertEquals(64, Libc.pread(fd, buf, 64, 0));
    });
    NativeMemory.unmap(buf);
    Libc.close(fd);
  }

  /** Canary: the measurement must be able to fail. */
  @Test
  void anAllocationPerOperationIsNoticed() {
    assertThrows(AssertionError.class, () -> assertSettlesAtNothing(() -> kept = new byte[16]));
    assertEquals(16, kept.length);
  }
}
