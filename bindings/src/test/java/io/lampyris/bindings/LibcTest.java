package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileStore;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

class LibcTest {
  private static final int CREATE = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_CLOEXEC;

  @Test
  void aFailingCallReturnsMinusErrnoAndThrowsNothing() {
    MemorySegment nothing = MemorySegment.NULL;
    assertEquals(-Errno.ENOENT, Libc.open("/no/such/file", Fcntl.O_RDONLY, 0));
    assertEquals(-Errno.EBADF, Libc.close(-1));
    assertEquals(-Errno.EBADF, Libc.pread(-1, nothing, 0, 0));
    assertEquals(-Errno.EBADF, Libc.pwrite(-1, nothing, 0, 0));
    assertEquals(-Errno.EBADF, Libc.read(-1, nothing, 0));
    assertEquals(-Errno.EBADF, Libc.write(-1, nothing, 0));
    assertEquals(-Errno.EBADF, Libc.fsync(-1));
    assertEquals(-Errno.EBADF, Libc.fdatasync(-1));
    assertEquals(-Errno.EBADF, Libc.ftruncate(-1, 0));
    assertEquals(-Errno.EBADF, Libc.fallocate(-1, 0, 0, 1));
    assertEquals(-Errno.EBADF, Libc.flock(-1, Fcntl.LOCK_EX));
    assertEquals(-Errno.EBADF, Libc.lseek(-1, 0, Fcntl.SEEK_SET));
    assertEquals(-Errno.EBADF, Libc.ioctl(-1, Fcntl.BLKGETSIZE64, nothing));
    assertEquals(-Errno.EBADF, Libc.fileSize(-1));
    assertEquals(-Errno.EBADF, Libc.isRegular(-1));
    assertEquals(-Errno.EBADF, Libc.blockDeviceSizeBytes(-1));
    assertEquals(-Errno.ENOENT, Libc.unlink("/no/such/file"));
    assertEquals(-Errno.ENOENT, Libc.chmod("/no/such/file", 0));
    assertEquals(-Errno.ENOENT, Libc.shmUnlink("/no-such-lampyris-object"));
    assertEquals(-Errno.ENOENT, Libc.shmOpen("/no-such-lampyris-object", Fcntl.O_RDWR, 0));
    assertTrue(Libc.umount2("/no/such/mount", Fcntl.MNT_DETACH) < 0);
    assertTrue(Libc.mount("none", "/no/such/mount", "no-such-type", 0, null) < 0);
    assertEquals(-Errno.EINVAL, Libc.kill((int) Libc.getpid(), 12345));
  }

  @Test
  void writesAndReadsAtOffsetsAndKnowsSizeKindAndHoles() {
    Path file = TestFiles.fresh("data");
    int fd = Libc.open(file.toString(), CREATE, 0600);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment text = arena.allocateFrom("firefly", StandardCharsets.US_ASCII);
      assertEquals(7, Libc.pwrite(fd, text, 7, 1 << 20));
      assertEquals((1 << 20) + 7, Libc.fileSize(fd));
      MemorySegment back = arena.allocate(16);
      assertEquals(7, Libc.pread(fd, back, 16, 1 << 20));
      assertArrayEquals(
          "firefly".getBytes(StandardCharsets.US_ASCII), back.asSlice(0, 7).toArray(JAVA_BYTE));
      assertEquals(0, Libc.pread(fd, back, 16, 2 << 20), "behind the end");
      assertEquals(1, Libc.isRegular(fd));
      assertEquals(0, Libc.isBlockDevice(fd));
      assertEquals(-Errno.ENOTTY, Libc.blockDeviceSizeBytes(fd));
      assertEquals(-Errno.ENOTTY, Libc.blockDeviceSectorBytes(fd));
      assertTrue(Libc.lseek(fd, 0, Fcntl.SEEK_DATA) > 0, "the file begins with a hole");
      assertEquals(0, Libc.fdatasync(fd));
      assertEquals(0, Libc.fsync(fd));
      assertEquals(0, Libc.ftruncate(fd, 3));
      assertEquals(3, Libc.fileSize(fd));
      assertEquals(0, Libc.fallocate(fd, 0, 0, 1 << 16));
      assertEquals(1 << 16, Libc.fileSize(fd));
      assertEquals(
          0,
          Libc.fallocate(fd, Fcntl.FALLOC_FL_KEEP_SIZE | Fcntl.FALLOC_FL_PUNCH_HOLE, 0, 1 << 16));
    }
    assertEquals(0, Libc.close(fd));
    assertEquals(-Errno.EEXIST, Libc.open(file.toString(), CREATE, 0600));
    assertEquals(0, Libc.unlink(file.toString()));
  }

  @Test
  void aLockHeldThroughOneDescriptorRefusesAnother() {
    String path = TestFiles.fresh("lock").toString();
    int first = Libc.open(path, CREATE, 0600);
    int second = Libc.open(path, Fcntl.O_RDWR, 0);
    assertEquals(0, Libc.flock(first, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    assertEquals(-Errno.EWOULDBLOCK, Libc.flock(second, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    Libc.close(first);
    assertEquals(0, Libc.flock(second, Fcntl.LOCK_EX | Fcntl.LOCK_NB));
    Libc.close(second);
  }

  @Test
  void anEventfdCountsWhatIsWritten() {
    int fd = Libc.eventfd(2, Fcntl.EFD_CLOEXEC | Fcntl.EFD_NONBLOCK);
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment value = arena.allocate(JAVA_LONG);
      value.set(JAVA_LONG, 0, 5);
      assertEquals(8, Libc.write(fd, value, 8));
      assertEquals(8, Libc.read(fd, value, 8));
      assertEquals(7, value.get(JAVA_LONG, 0));
      assertEquals(-Errno.EAGAIN, Libc.read(fd, value, 8));
    }
    Libc.close(fd);
  }

  @Test
  void oneOfThoseThatWaitWakesUpForEachEvent() throws Exception {
    int fd = Libc.eventfd(0, Fcntl.EFD_CLOEXEC | Fcntl.EFD_NONBLOCK | Fcntl.EFD_SEMAPHORE);
    AtomicInteger awake = new AtomicInteger();
    CountDownLatch all = new CountDownLatch(4);
    for (int i = 0; i < 4; i++) {
      Thread.ofPlatform()
          .start(() -> {
            try (Epoll epoll = new Epoll(fd);
                Arena arena = Arena.ofConfined()) {
              while (Libc.read(fd, arena.allocate(JAVA_LONG), 8) != 8) {
                epoll.await(-1);
              }
              awake.incrementAndGet();
              all.countDown();
            }
          });
    }
    try (Arena arena = Arena.ofConfined();
        Epoll nothing = new Epoll(Libc.eventfd(0, Fcntl.EFD_CLOEXEC))) {
      assertEquals(0, nothing.await(1));
      MemorySegment one = arena.allocateFrom(JAVA_LONG, 1L);
      for (int i = 0; i < 4; i++) {
        assertEquals(8, Libc.write(fd, one, 8));
      }
    }
    assertTrue(all.await(20, TimeUnit.SECONDS), () -> "awake: " + awake.get());
    Libc.close(fd);
  }

  @Test
  void sharedMemoryIsSeenThroughASecondMapping() {
    String name = "/lampyris-test-" + Libc.getpid();
    int fd = Libc.shmOpen(name, CREATE, 0600);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    try {
      assertEquals(0, Libc.ftruncate(fd, 4096));
      int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
      MemorySegment one = NativeMemory.map(fd, 0, 4096, prot, Fcntl.MAP_SHARED);
      MemorySegment two = NativeMemory.map(fd, 0, 4096, Fcntl.PROT_READ, Fcntl.MAP_SHARED);
      one.set(JAVA_LONG, 64, 0x1234_5678_9abcL);
      assertEquals(0x1234_5678_9abcL, two.get(JAVA_LONG, 64));
      NativeMemory.unmap(one);
      NativeMemory.unmap(two);
    } finally {
      assertEquals(0, Libc.shmUnlink(name));
      Libc.close(fd);
    }
  }

  @Test
  void statfsAgreesWithTheFileStoreOfJava() throws IOException {
    FileStore store = Files.getFileStore(Path.of("."));
    Libc.FsStats stats = Libc.statfs(".");
    assertEquals(store.getTotalSpace(), stats.totalBytes());
    assertTrue(stats.freeBytes() >= stats.availableBytes());
    assertEquals(store.getBlockSize(), stats.blockSize());
    NativeException e = assertThrows(NativeException.class, () -> Libc.statfs("/no/such"));
    assertEquals("statfs", e.call());
    assertEquals(Errno.ENOENT, e.errno());
  }

  @Test
  void knowsThisProcess() {
    assertEquals(ProcessHandle.current().pid(), Libc.getpid());
    assertEquals(0, Libc.kill((int) Libc.getpid(), 0));
    assertEquals(-Errno.ESRCH, Libc.kill(Integer.MAX_VALUE, 0));
    assertTrue(Libc.getuid() >= 0);
    assertTrue(Libc.getgid() >= 0);
  }

  @Test
  void aNameWithNulIsRefusedInsteadOfCutShort() {
    assertThrows(IllegalArgumentException.class, () -> Libc.unlink("a\0b"));
  }

  @Test
  void anErrnoHasNameNumberAndMeaning() {
    assertEquals("ENOSPC (28): No space left on device", Errno.describe(Errno.ENOSPC));
    assertEquals("EAGAIN", Errno.name(Errno.EWOULDBLOCK));
    assertEquals("EOPNOTSUPP", Errno.name(Errno.ENOTSUP));
    assertEquals("EDEADLK", Errno.name(Errno.EDEADLOCK));
    assertEquals("EREMOTEIO", Errno.name(121));
    assertEquals("errno-9999", Errno.name(9999));
    assertEquals("errno--1", Errno.name(-1));
    assertFalse(Errno.describe(9999).isBlank());
  }
}
