package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.client.FileSystemException;
import io.lampyris.usrbio.Program.Memory;
import io.lampyris.usrbio.Program.Ring;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What an I/O of a ring costs the collector: nothing, once what it needs has been made. */
@Timeout(300)
class RingAllocationTest {
  private static final long FILE = 1;
  private static final int ENTRIES = 64;
  private static final int ROUND_IOS = 200 * ENTRIES;

  /** An object for each I/O, however small, is at least as much. */
  private static final int OBJECT_BYTES = 16;

  /** The compiler may take its time; what it has not compiled may allocate. */
  private static final int ROUNDS_MAX = 100;

  @TempDir Path directory;

  @Test
  void anIoAllocatesNothing() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (Rig rig = new Rig(directory, RingServerConfig.DEFAULT)) {
      rig.files.create(FILE, true, 1 << 20).lengthBytes = 1 << 20;
      Program program = rig.program();
      Memory memory = program.new Memory(1 << 20, "");
      Ring reads = program.new Ring(ENTRIES, ".r0.t0");
      Ring writes = program.new Ring(ENTRIES, ".w0.t0");
      long[] reactor = new long[1];
      rig.onReactor(() -> reactor[0] = Thread.currentThread().threadId());
      long perRound = Long.MAX_VALUE;
      for (int round = 0; round < ROUNDS_MAX && perRound >= ROUND_IOS; round++) {
        long before = threads.getThreadAllocatedBytes(reactor[0]);
        for (int done = 0; done < ROUND_IOS; done += 2 * ENTRIES) {
          run(reads, memory);
          run(writes, memory);
        }
        perRound = threads.getThreadAllocatedBytes(reactor[0]) - before;
      }
      System.out.printf("bytes/IO=%.3f%n", (double) perRound / ROUND_IOS);
      assertTrue(perRound < (long) ROUND_IOS * OBJECT_BYTES, perRound + " bytes in a round");
    }
  }

  private static void run(Ring ring, Memory memory) throws FileSystemException {
    for (int i = 0; i < ENTRIES; i++) {
      assertTrue(ring.prepare(memory.id, i * 4096L, FILE, i * 4096L, 4096, i) >= 0);
    }
    ring.submit();
    assertEquals(ENTRIES, ring.await(ENTRIES).size());
  }
}
