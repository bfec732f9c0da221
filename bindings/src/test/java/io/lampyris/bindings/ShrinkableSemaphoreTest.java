package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** libc is the other side of every semaphore here, through a mapping of its own. */
@Timeout(60)
class ShrinkableSemaphoreTest {
  private static final int PAGE = 4096;
  private static final long AT = 128;

  private final String name = "lampyris-test-shrinkable-" + Libc.getpid();
  private int fd;
  private MemorySegment ours;
  private MemorySegment theirs;

  @BeforeEach
  void mapTwice() {
    int flags = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL | Fcntl.O_CLOEXEC;
    fd = Libc.shmOpen("/" + name, flags, 0600);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    assertEquals(0, Libc.ftruncate(fd, PAGE));
    ours = map().asSlice(AT, ShrinkableSemaphore.SIZE_BYTES);
    theirs = map().asSlice(AT, Semaphores.SIZE_BYTES);
  }

  private MemorySegment map() {
    int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    return NativeMemory.map(fd, 0, PAGE, prot, Fcntl.MAP_SHARED);
  }

  @AfterEach
  void unmap() {
    NativeMemory.unmap(NativeMemory.ofAddress(ours.address() - AT, PAGE));
    NativeMemory.unmap(NativeMemory.ofAddress(theirs.address() - AT, PAGE));
    Libc.shmUnlink("/" + name);
    Libc.close(fd);
  }

  private static long soon() {
    return System.nanoTime() + 30_000_000_000L;
  }

  @Test
  void initLeavesWhatLibcsInitLeaves() {
    theirs.fill((byte) 0x55);
    assertEquals(0, Semaphores.init(theirs, true, 0));
    byte[] expected = theirs.asSlice(0, 12).toArray(JAVA_BYTE);
    ours.fill((byte) 0x55);
    ShrinkableSemaphore.init(ours);
    assertEquals(-1, MemorySegment.ofArray(expected).mismatch(ours.asSlice(0, 12)));
  }

  @Test
  void libcTakesWhatIsPosted() {
    ShrinkableSemaphore.init(ours);
    assertEquals(-Errno.EAGAIN, Semaphores.tryWait(theirs));
    assertEquals(-Errno.ETIMEDOUT, Semaphores.timedWait(theirs, 0));
    for (int n = 1; n <= 3; n++) {
      assertEquals(0, ShrinkableSemaphore.post(ours));
      assertEquals(n, Semaphores.value(theirs));
    }
    assertEquals(0, Semaphores.tryWait(theirs));
    assertEquals(0, Semaphores.timedWait(theirs, 0));
    assertEquals(0, Semaphores.wait(theirs));
    assertEquals(-Errno.EAGAIN, Semaphores.tryWait(theirs));
  }

  @Test
  void noPostIsLostBetweenLibcsWaitersAndOurPosts() throws InterruptedException {
    ShrinkableSemaphore.init(ours);
    int posts = 100_000;
    AtomicInteger taken = new AtomicInteger();
    Runnable take =
        () -> {
          for (int n = 0; n < posts / 2; n++) {
            assertEquals(0, Semaphores.wait(theirs));
            taken.incrementAndGet();
          }
        };
    Thread one = Thread.ofPlatform().start(take);
    Thread two = Thread.ofPlatform().start(take);
    for (int n = 0; n < posts; n++) {
      assertEquals(0, ShrinkableSemaphore.post(ours));
    }
    one.join();
    two.join();
    assertEquals(posts, taken.get());
    assertEquals(0, Semaphores.value(theirs));
    assertEquals(0, ours.get(JAVA_INT, 4), "nobody waits");
  }

  @Test
  void aValueAtItsMaximumStaysThere() {
    assertEquals(0, Semaphores.init(theirs, true, Integer.MAX_VALUE));
    assertEquals(-Errno.EOVERFLOW, ShrinkableSemaphore.post(ours));
    assertEquals(Integer.MAX_VALUE, Semaphores.value(theirs));
  }

  @Test
  void aWaiterTakesAllThatLibcPosted() {
    assertEquals(0, Semaphores.init(theirs, true, 3));
    try (var waiter = new ShrinkableSemaphore.Waiter(ours)) {
      assertEquals(0, waiter.await(soon()));
      assertEquals(0, Semaphores.value(theirs));
      long deadlineNs = System.nanoTime() + 1_000_000;
      assertEquals(-Errno.ETIMEDOUT, waiter.await(deadlineNs));
      assertTrue(System.nanoTime() >= deadlineNs);
    }
  }

  @Test
  void aWaiterSleepsUntilLibcPostsOrItIsStopped() throws InterruptedException {
    assertEquals(0, Semaphores.init(theirs, true, 0));
    try (var waiter = new ShrinkableSemaphore.Waiter(ours)) {
      AtomicInteger awaited = new AtomicInteger();
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; n < 1001; n++) {
                  assertEquals(0, waiter.await(soon()));
                  awaited.incrementAndGet();
                }
              });
      for (int n = 0; n < 1000; n++) {
        assertEquals(0, Semaphores.post(theirs));
        while (awaited.get() <= n) {
          Thread.onSpinWait();
        }
      }
      waiter.stop();
      thread.join();
      assertEquals(1001, awaited.get());
      assertEquals(0, waiter.await(soon()), "for ever");
      assertEquals(0L, ours.get(JAVA_LONG, 0));
    }
  }

  @Test
  void memoryThatIsGoneIsAnErrorAndMemoryThatComesBackServes() {
    ShrinkableSemaphore.init(ours);
    try (var waiter = new ShrinkableSemaphore.Waiter(ours)) {
      assertEquals(0, ShrinkableSemaphore.post(ours));
      assertEquals(0, Libc.ftruncate(fd, 0));
      assertThrows(InternalError.class, () -> ShrinkableSemaphore.post(ours));
      assertThrows(
          InternalError.class,
          () -> {
            ShrinkableSemaphore.init(ours);
            ShrinkableMemory.faultBarrier();
          });
      assertEquals(-Errno.EFAULT, Futex.operate(ours, 0, Futex.OP_ADD, 1, 1));
      assertEquals(-Errno.EFAULT, waiter.await(soon()));
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment fresh = arena.allocate(ShrinkableSemaphore.SIZE_BYTES, 8);
        ShrinkableSemaphore.init(fresh);
        assertEquals(fresh.byteSize(), Libc.pwrite(fd, fresh, fresh.byteSize(), AT));
      }
      assertEquals(0, Semaphores.post(theirs));
      assertEquals(0, waiter.await(soon()));
    }
  }

  @Test
  void aCProgramWaitsInEveryWayForWhatIsPosted() throws Exception {
    CProgram program =
        CProgram.compile(
            """
            #include <fcntl.h>
            #include <semaphore.h>
            #include <stdio.h>
            #include <sys/mman.h>
            #include <time.h>
            #include <errno.h>
            int main(int argc, char **argv) {
              int fd = argc == 2 ? shm_open(argv[1], O_RDWR, 0) : -1;
              if (fd < 0) return 1;
              char *page = mmap(0, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
              if (page == MAP_FAILED) return 2;
              sem_t *there = (sem_t *)(page + 128), *back = (sem_t *)(page + 256);
              struct timespec past = {0, 0}, late = {time(NULL) + 30, 0};
              if (sem_post(back) || sem_wait(there)) return 3;
              if (sem_post(back) || sem_timedwait(there, &late)) return 4;
              if (sem_trywait(there) != -1 || errno != EAGAIN) return 5;
              if (sem_timedwait(there, &past) != -1 || errno != ETIMEDOUT) return 6;
              if (sem_post(back)) return 7;
              while (sem_trywait(there)) if (errno != EAGAIN) return 8;
              puts("done");
              return 0;
            }
            """,
            "-pthread",
            "-lrt");
    MemorySegment back = NativeMemory.ofAddress(ours.address() + 128, Semaphores.SIZE_BYTES);
    ShrinkableSemaphore.init(ours);
    ShrinkableSemaphore.init(back);
    Thread poster =
        Thread.ofPlatform()
            .daemon()
            .start(() -> {
              for (int n = 0; n < 3; n++) {
                Semaphores.wait(back);
                ShrinkableSemaphore.post(ours);
              }
            });
    assertEquals("done", program.output("/" + name).strip());
    poster.join();
  }

  @Test
  void numbersAreThoseOfTheHeaders() throws Exception {
    CProgram program =
        CProgram.compile(
            """
            #include <linux/futex.h>
            #include <stdio.h>
            #include <stddef.h>
            #include <sys/syscall.h>
            int main(void) {
              printf("%d %d %d %d %d %d %d", __NR_futex, __NR_futex_waitv, FUTEX_WAKE,
                  FUTEX_WAKE_OP, FUTEX_PRIVATE_FLAG, FUTEX_OP_SET, FUTEX_OP_ADD);
              printf(" %d %d %d %d %d", FUTEX_32, (int)sizeof(struct futex_waitv),
                  (int)offsetof(struct futex_waitv, uaddr), (int)offsetof(struct futex_waitv, flags),
                  FUTEX_OP(FUTEX_OP_ADD, 1, 0, 0));
              return 0;
            }
            """);
    String ours =
        "%d %d %d %d %d %d %d %d %d 8 16 %d"
            .formatted(
                Futex.NR_FUTEX,
                Futex.NR_FUTEX_WAITV,
                Futex.WAKE,
                Futex.WAKE_OP,
                Futex.PRIVATE,
                Futex.OP_SET,
                Futex.OP_ADD,
                Futex.WAITV_U32,
                Futex.WAITV_BYTES,
                Futex.OP_ADD << 28 | 1 << 12);
    assertEquals(ours, program.output());
  }
}
