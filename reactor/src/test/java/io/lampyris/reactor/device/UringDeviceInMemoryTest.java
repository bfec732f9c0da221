package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The same on tmpfs, where small transfers do not go through the ring. */
final class UringDeviceInMemoryTest extends UringDeviceTest {
  private static final Path MEMORY = Path.of("/dev/shm");
  private static final int SMALL = 4096;
  private static final int LARGE = 1 << 20;

  private Path made = MEMORY;

  @BeforeEach
  void make() throws IOException {
    assumeTrue(
        Libc.statfs(MEMORY.toString()).isTmpfs(),
        "no tmpfs at /dev/shm; remedy: mount -t tmpfs none /dev/shm");
    made = Files.createTempDirectory(MEMORY, "lampyris-device-");
  }

  @AfterEach
  void remove() throws IOException {
    if (!made.equals(MEMORY)) {
      for (String name : new String[] {"device", "full"}) {
        Files.deleteIfExists(made.resolve(name));
      }
      Files.delete(made);
    }
  }

  @Override
  Path dir() {
    return made;
  }

  @Test
  void smallTransfersSeeWhatLargeOnesWrote() throws Exception {
    MemorySegment from = NativeMemory.allocateAligned(LARGE);
    MemorySegment to = NativeMemory.allocateAligned(LARGE);
    for (int i = 0; i < LARGE; i += SMALL) {
      from.asSlice(i, SMALL).fill((byte) (i / SMALL + 1));
    }
    try (Rig rig = open(LARGE)) {
      assertEquals(LARGE, one(rig, IoRequest.Kind.WRITE, 0, from, LARGE));
      for (int i = 0; i < LARGE; i += SMALL) {
        assertEquals(SMALL, one(rig, IoRequest.Kind.READ, i, to.asSlice(i, SMALL), SMALL));
      }
      assertEquals(-1, from.mismatch(to));
      assertEquals(SMALL, one(rig, IoRequest.Kind.WRITE_FUA, SMALL, from, SMALL));
      assertEquals(LARGE, one(rig, IoRequest.Kind.READ, 0, to, LARGE));
      MemorySegment.copy(from, 0, from, SMALL, SMALL);
      assertEquals(-1, from.mismatch(to));
    }
    NativeMemory.unmap(from);
    NativeMemory.unmap(to);
  }

  @Test
  void memoryThatMayNotBeWrittenFailsItsTransferAlone() throws Exception {
    MemorySegment memory = NativeMemory.allocateAligned(SMALL);
    try (Rig rig = open(LARGE)) {
      int fd = Libc.open(made.resolve("device").toString(), Fcntl.O_RDWR | Fcntl.O_CLOEXEC, 0);
      MemorySegment closed = NativeMemory.map(fd, 0, SMALL, Fcntl.PROT_NONE, Fcntl.MAP_SHARED);
      assertEquals(Status.INVALID_ARGUMENT.code(), one(rig, IoRequest.Kind.READ, 0, closed, SMALL));
      assertEquals(SMALL, one(rig, IoRequest.Kind.READ, 0, memory, SMALL));
      NativeMemory.unmap(closed);
      Libc.close(fd);
    }
    NativeMemory.unmap(memory);
  }
}
