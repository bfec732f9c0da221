package io.lampyris.bindings;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Instant;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

class SemaphoresTest {
  private static final long MILLI_NS = 1_000_000L;
  private static final int PAGE = 4096;
  private static final long AT = 128;

  private final String name = "lampyris-test-" + Libc.getpid();
  private MemorySegment one;
  private MemorySegment two;

  /** The same semaphore through two mappings, as two processes have it. */
  @BeforeEach
  void mapTwice() {
    int flags = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_CLOEXEC;
    int fd = Libc.shmOpen("/" + name, flags, 0600);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    assertEquals(0, Libc.shmUnlink("/" + name));
    assertEquals(0, Libc.ftruncate(fd, PAGE));
    int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    one = NativeMemory.map(fd, 0, PAGE, prot, Fcntl.MAP_SHARED);
    two = NativeMemory.map(fd, 0, PAGE, prot, Fcntl.MAP_SHARED);
    Libc.close(fd);
  }

  @AfterEach
  void unmap() {
    NativeMemory.unmap(one);
    NativeMemory.unmap(two);
    Semaphores.unlinkNamed(name);
  }

  private static MemorySegment sem(MemorySegment mapping) {
    return mapping.asSlice(AT, Semaphores.SIZE_BYTES);
  }

  private static long nowNs() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  @Test
  void whatIsPostedThroughOneMappingIsTakenThroughTheOther() {
    assertEquals(0, Semaphores.init(sem(one), true, 1));
    assertEquals(0, Semaphores.post(sem(two)));
    assertEquals(2, Semaphores.value(sem(one)));
    assertEquals(0, Semaphores.tryWait(sem(two)));
    assertEquals(0, Semaphores.wait(sem(one)));
    assertEquals(-Errno.EAGAIN, Semaphores.tryWait(sem(one)));
    assertEquals(0, Semaphores.destroy(sem(one)));
  }

  @Test
  void aBlockedWaiterOnOneMappingWakesWhenTheOtherPosts() throws InterruptedException {
    assertEquals(0, Semaphores.init(sem(one), true, 0));
    AtomicInteger result = new AtomicInteger(1);
    Thread waiter = Thread.ofPlatform().start(() -> result.set(Semaphores.wait(sem(one))));
    assertEquals(0, Semaphores.post(sem(two)));
    waiter.join();
    assertEquals(0, result.get());
  }

  @Test
  void aTimedWaitEndsAtItsDeadlineOrWithThePost() {
    assertEquals(0, Semaphores.init(sem(one), true, 0));
    long deadline = nowNs() + 20 * MILLI_NS;
    assertEquals(-Errno.ETIMEDOUT, Semaphores.timedWait(sem(one), deadline));
    assertTrue(nowNs() >= deadline);
    assertEquals(-Errno.ETIMEDOUT, Semaphores.timedWait(sem(one), 0), "long past");
    assertEquals(0, Semaphores.post(sem(two)));
    assertEquals(0, Semaphores.timedWait(sem(one), deadline), "none to wait for");
  }

  @Test
  void aValueThatIsTooLargeIsRefused() {
    assertEquals(-Errno.EINVAL, Semaphores.init(sem(one), true, -1));
    assertEquals(0, Semaphores.init(sem(one), true, Integer.MAX_VALUE));
    assertEquals(-Errno.EOVERFLOW, Semaphores.post(sem(one)));
  }

  @Test
  void aNamedSemaphoreHasItsModeWhateverTheUmask() throws Exception {
    MemorySegment sem = Semaphores.createNamed(name, 0666, 3);
    Path file = Path.of("/dev/shm/sem." + name);
    assertEquals(PosixFilePermissions.fromString("rw-rw-rw-"), Files.getPosixFilePermissions(file));
    MemorySegment again = Semaphores.openNamed("/" + name);
    assertEquals(0, Semaphores.tryWait(again));
    assertEquals(2, Semaphores.value(sem));
    NativeException exists =
        assertThrows(NativeException.class, () -> Semaphores.createNamed(name, 0666, 0));
    assertEquals(Errno.EEXIST, exists.errno());
    assertEquals(0, Semaphores.unlinkNamed(name));
    assertEquals(0, Semaphores.post(sem), "lives on where it is mapped");
    assertEquals(0, Semaphores.closeNamed(again));
    assertEquals(0, Semaphores.closeNamed(sem));
    assertEquals(-Errno.ENOENT, Semaphores.unlinkNamed(name));
    NativeException gone = assertThrows(NativeException.class, () -> Semaphores.openNamed(name));
    assertEquals(Errno.ENOENT, gone.errno());
  }

  @Test
  void aCProgramPostsWhatJavaWaitsFor() throws Exception {
    CProgram poster =
        CProgram.compile(
            """
            #include <fcntl.h>
            #include <semaphore.h>
            int main(int argc, char **argv) {
              if (argc != 2) return 2;
              sem_t *sem = sem_open(argv[1], 0);
              return sem == SEM_FAILED ? 1 : sem_post(sem);
            }
            """,
            "-pthread");
    MemorySegment sem = Semaphores.createNamed(name, 0600, 0);
    poster.output("/" + name);
    assertEquals(0, Semaphores.timedWait(sem, nowNs() + 10_000 * MILLI_NS));
    assertEquals(0, Semaphores.value(sem));
    assertEquals(0, Semaphores.closeNamed(sem));
  }
}
