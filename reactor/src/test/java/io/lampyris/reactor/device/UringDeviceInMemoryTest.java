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
  void memoryThatOthersShrankFailsItsTransferAlone() throws Exception {
    MemorySegment memory = NativeMemory.allocateAligned(SMALL);
    int fd = Libc.open(made.resolve("full").toString(), Fcntl.O_RDWR | Fcntl.O_CREAT, 0600);
    assertEquals(0, Libc.ftruncate(fd, SMALL));
    int protection = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    MemorySegment gone = NativeMemory.map(fd, 0, SMALL, protection, Fcntl.MAP_SHARED);
    assertEquals(0, Libc.ftruncate(fd, 0));
    try (Rig rig = open(LARGE)) {
      for (IoRequest.Kind kind : new IoRequest.Kind[] {IoRequest.Kind.READ, IoRequest.Kind.WRITE}) {
        assertEquals(Status.INVALID_ARGUMENT.code(), one(rig, kind, 0, gone, SMALL));
        assertEquals(SMALL, one(rig, kind, 0, memory, SMALL));
      }
    }
    Libc.close(fd);
    NativeMemory.unmap(gone);
    NativeMemory.unmap(memory);
  }
}
