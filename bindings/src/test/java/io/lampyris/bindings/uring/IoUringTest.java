package io.lampyris.bindings.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.TestFiles;
import io.lampyris.bindings.linux.Linux;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class IoUringTest {
  private static final long SECOND_NS = 1_000_000_000L;
  private static final int BLOCK = 4096;

  record Completion(long userData, int result, int flags) {}

  @BeforeAll
  static void needsIoUring() {
    Probe probe = Probe.run();
    assumeTrue(probe.available(), probe.reason());
  }

  static List<Integer> rungs() {
    List<Integer> rungs = new ArrayList<>();
    for (int rung = 0; rung < UringSetup.RUNGS; rung++) {
      rungs.add(rung);
    }
    return rungs;
  }

  private static List<Completion> await(IoUring ring, int count) {
    List<Completion> seen = new ArrayList<>();
    long deadline = System.nanoTime() + 10 * SECOND_NS;
    while (seen.size() < count && System.nanoTime() - deadline < 0) {
      int result = ring.submitAndWait(1, SECOND_NS);
      assertTrue(result >= 0, () -> Errno.describe(-result));
      ring.poll((user, res, flags) -> seen.add(new Completion(user, res, flags)), 64);
    }
    assertEquals(count, seen.size(), seen::toString);
    return seen;
  }

  private static int openFile(String name, int extraFlags) {
    int flags = Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_CLOEXEC | extraFlags;
    int fd = Libc.open(TestFiles.fresh(name).toString(), flags, 0600);
    assertTrue(fd >= 0, () -> Errno.describe(-fd));
    return fd;
  }

  @ParameterizedTest
  @MethodSource("rungs")
  void directWritesFsyncAndReadsKeepTheBytesOnEveryRungOfFlags(int rung) {
    int fd = openFile("direct", Fcntl.O_DIRECT);
    int blocks = 32;
    MemorySegment out = NativeMemory.allocateAligned((long) blocks * BLOCK);
    MemorySegment in = NativeMemory.allocateAligned((long) blocks * BLOCK);
    fillRandom(out, 42 + rung);
    try (IoUring ring = IoUring.open(64, 0, false, rung)) {
      for (int i = 0; i < blocks; i++) {
        long at = (long) i * BLOCK;
        assertTrue(ring.prepWrite(fd, out.address() + at, BLOCK, at, i));
      }
      await(ring, blocks).forEach(c -> assertEquals(BLOCK, c.result()));
      assertTrue(ring.prepFsync(fd, true, 99));
      assertTrue(ring.prepFsync(fd, false, 98));
      await(ring, 2).forEach(c -> assertEquals(0, c.result()));
      for (int i = 0; i < blocks; i++) {
        long at = (long) i * BLOCK;
        assertTrue(ring.prepRead(fd, in.address() + at, BLOCK, at, i));
      }
      await(ring, blocks).forEach(c -> assertEquals(BLOCK, c.result()));
      assertEquals(-1, out.mismatch(in));
      assertEquals(0, ring.inFlight());
    }
    NativeMemory.unmap(out);
    NativeMemory.unmap(in);
    Libc.close(fd);
  }

  private static void fillRandom(MemorySegment memory, long seed) {
    Random random = new Random(seed);
    byte[] bytes = new byte[Math.toIntExact(memory.byteSize())];
    random.nextBytes(bytes);
    MemorySegment.copy(bytes, 0, memory, JAVA_BYTE, 0, bytes.length);
  }

  /** I5. */
  @ParameterizedTest
  @MethodSource("rungs")
  void aSpinLoopOfSubmitAndPollSeesCompletionsWithoutEverWaiting(int rung) {
    int fd = openFile("spin", Fcntl.O_DIRECT);
    MemorySegment block = NativeMemory.allocateAligned(BLOCK);
    int[] done = new int[1];
    try (IoUring ring = IoUring.open(8, 0, false, rung)) {
      for (int i = 0; i < 50; i++) {
        assertTrue(ring.prepWrite(fd, block.address(), BLOCK, (long) i * BLOCK, i));
        assertEquals(1, ring.submit());
        int before = done[0];
        long deadline = System.nanoTime() + 10 * SECOND_NS;
        while (done[0] == before && System.nanoTime() - deadline < 0) {
          ring.poll((user, result, flags) -> done[0] += result == BLOCK ? 1 : 1000, 8);
          Thread.onSpinWait();
        }
      }
      assertEquals(50, done[0]);
    }
    NativeMemory.unmap(block);
    Libc.close(fd);
  }

  /** I2. */
  @Test
  void aFullQueueRefusesAndTakesAgainAfterSubmit() {
    try (IoUring ring = IoUring.open(4)) {
      for (int i = 0; i < 4; i++) {
        assertEquals(4 - i, ring.sqSpace());
        assertTrue(ring.prepNop(i));
      }
      assertFalse(ring.prepNop(4));
      assertFalse(ring.prepTimeout(1, 5));
      assertEquals(4, ring.pending());
      assertEquals(4, ring.submit());
      assertEquals(0, ring.pending());
      assertTrue(ring.prepNop(4));
      List<Completion> seen = await(ring, 5);
      for (int i = 0; i < 5; i++) {
        assertEquals(i, seen.get(i).userData());
        assertEquals(0, seen.get(i).result());
      }
    }
  }

  /** I5: more completions than the queue holds are set aside by the kernel, not lost. */
  @ParameterizedTest
  @MethodSource("rungs")
  void completionsThatOverflowTheQueueAreAllSeen(int rung) {
    try (IoUring ring = IoUring.open(4, 4, false, rung)) {
      for (int i = 0; i < 40; i++) {
        assertTrue(ring.prepNop(i));
        int result = ring.submit();
        assertTrue(result == 1 || result == -Errno.EBUSY, () -> Errno.describe(-result));
        if (result < 0) {
          i = 40; // a kernel that refuses more until something is reaped
        }
      }
      int expected = ring.inFlight();
      int[] seen = new int[1];
      long deadline = System.nanoTime() + 10 * SECOND_NS;
      while (seen[0] < expected && System.nanoTime() - deadline < 0) {
        ring.poll((user, result, flags) -> seen[0]++, 3);
      }
      assertEquals(expected, seen[0]);
      assertTrue(expected >= 4);
    }
  }

  @Test
  void enteringSaysWhyItFailedWhenAskedAgain() {
    assertEquals(-1, UringSyscalls.enter(-1, 1, 0, 0, 0, 0));
    assertEquals(-Errno.EBADF, UringSyscalls.enterForErrno(-1, 1, 0));
  }

  @ParameterizedTest
  @MethodSource("rungs")
  void waitingEndsAtItsTimeout(int rung) {
    try (IoUring ring = IoUring.open(4, 0, false, rung)) {
      long start = System.nanoTime();
      assertEquals(0, ring.submitAndWait(1, 20_000_000));
      long tookNs = System.nanoTime() - start;
      assertTrue(tookNs >= 20_000_000, "took " + tookNs);
      assertEquals(0, ring.submitAndWait(1, 0));
      ring.prepTimeout(10_000_000, 5);
      assertEquals(1, ring.submitAndWait(1, -1));
      assertEquals(1, ring.poll((u, r, f) -> assertEquals(-Errno.ETIME, r), 4));
    }
  }

  @ParameterizedTest
  @MethodSource("rungs")
  void anEventfdWrittenByAnotherThreadWakesAWaiterEachTime(int rung) throws InterruptedException {
    int event = Libc.eventfd(0, Fcntl.EFD_CLOEXEC | Fcntl.EFD_NONBLOCK);
    try (Arena arena = Arena.ofShared();
        IoUring ring = IoUring.open(8, 0, false, rung)) {
      MemorySegment one = arena.allocate(JAVA_LONG);
      one.set(JAVA_LONG, 0, 1);
      MemorySegment value = arena.allocate(JAVA_LONG);
      assertTrue(ring.prepPollAdd(event, Fcntl.POLLIN, true, 7));
      assertEquals(1, ring.submit());
      for (int round = 0; round < 5; round++) {
        assertEquals(0, ring.poll((u, r, f) -> {}, 8));
        Thread waker = Thread.ofPlatform().start(() -> Libc.write(event, one, 8));
        Completion woken = await(ring, 1).getFirst();
        waker.join();
        assertEquals(7, woken.userData());
        assertTrue((woken.result() & Fcntl.POLLIN) != 0);
        assertTrue(IoUring.hasMore(woken.flags()), "multishot stays armed");
        assertEquals(8, Libc.read(event, value, 8));
      }
      assertEquals(1, ring.inFlight());
    }
    Libc.close(event);
  }

  @Test
  void aPollThatNothingAnswersIsCancelled() {
    int event = Libc.eventfd(0, Fcntl.EFD_CLOEXEC);
    try (IoUring ring = IoUring.open(8)) {
      ring.prepPollAdd(event, Fcntl.POLLIN, false, 1);
      ring.prepCancel(1, 2);
      ring.prepCancel(12345, 3);
      for (Completion c : await(ring, 3)) {
        int expected = c.userData() == 1 ? -Errno.ECANCELED : c.userData() == 2 ? 0 : -Errno.ENOENT;
        assertEquals(expected, c.result(), c::toString);
      }
    }
    Libc.close(event);
  }

  /** I6. */
  @Test
  void closeCancelsWhatIsInFlightAndDropsWhatWasNotSubmitted() {
    int event = Libc.eventfd(0, Fcntl.EFD_CLOEXEC);
    int fd = openFile("dropped", 0);
    IoUring ring = IoUring.open(8);
    ring.prepPollAdd(event, Fcntl.POLLIN, true, 1);
    ring.prepTimeout(3600 * SECOND_NS, 2);
    assertEquals(2, ring.submit());
    MemorySegment block = NativeMemory.allocateAligned(BLOCK);
    ring.prepWrite(fd, block.address(), BLOCK, 0, 3);
    ring.close();
    ring.close();
    assertEquals(0, ring.inFlight());
    assertEquals(0, Libc.fileSize(fd));
    NativeMemory.unmap(block);
    Libc.close(fd);
    Libc.close(event);
  }

  @Test
  void aLinkedFsyncIsCancelledWhenItsWriteFails() {
    int fd = openFile("linked", Fcntl.O_DIRECT);
    MemorySegment block = NativeMemory.allocateAligned(BLOCK);
    try (IoUring ring = IoUring.open(8)) {
      ring.prepWrite(fd, block.address(), BLOCK, 0, 1);
      ring.linkNext();
      ring.prepFsync(fd, true, 2);
      List<Completion> good = await(ring, 2);
      assertEquals(new Completion(1, BLOCK, 0), good.get(0));
      assertEquals(new Completion(2, 0, 0), good.get(1));
      ring.prepWrite(-1, block.address(), BLOCK, 0, 1);
      ring.linkNext();
      ring.prepFsync(fd, true, 2);
      for (Completion c : await(ring, 2)) {
        assertEquals(c.userData() == 1 ? -Errno.EBADF : -Errno.ECANCELED, c.result());
      }
    }
    NativeMemory.unmap(block);
    Libc.close(fd);
  }

  @Test
  void registeredBuffersAndFilesCarryTheSameBytes() {
    int fd = openFile("fixed", Fcntl.O_DIRECT);
    MemorySegment[] buffers = {
      NativeMemory.allocateAligned(2 * BLOCK), NativeMemory.allocateAligned(BLOCK)
    };
    fillRandom(buffers[0], 7);
    try (IoUring ring = IoUring.open(8)) {
      assertEquals(0, ring.registerBuffers(buffers));
      assertEquals(0, ring.registerFiles(-1, fd));
      ring.prepWriteFixed(1, buffers[0].address() + BLOCK, BLOCK, 0, 0, 1);
      ring.useRegisteredFile();
      assertEquals(BLOCK, await(ring, 1).getFirst().result());
      ring.prepReadFixed(fd, buffers[1].address(), BLOCK, 0, 1, 2);
      assertEquals(BLOCK, await(ring, 1).getFirst().result());
      assertEquals(-1, buffers[0].asSlice(BLOCK).mismatch(buffers[1]));
      ring.prepReadFixed(fd, buffers[0].address(), BLOCK, 0, 1, 3);
      assertEquals(-Errno.EFAULT, await(ring, 1).getFirst().result(), "outside of buffer 1");
      assertEquals(0, ring.unregisterFiles());
      assertEquals(0, ring.unregisterBuffers());
      assertEquals(-Errno.ENXIO, ring.unregisterBuffers());
    }
    NativeMemory.unmap(buffers[0]);
    NativeMemory.unmap(buffers[1]);
    Libc.close(fd);
  }

  @Test
  void fallocateExtendsTheFile() {
    int fd = openFile("fallocate", 0);
    try (IoUring ring = IoUring.open(8)) {
      ring.prepFallocate(fd, 0, 0, 1 << 20, 1);
      ring.forceAsync();
      assertEquals(0, await(ring, 1).getFirst().result());
    }
    assertEquals(1 << 20, Libc.fileSize(fd));
    Libc.close(fd);
  }

  @Test
  void aFailedOperationIsInItsCompletionAndDoesNotStopTheBatch() {
    try (IoUring ring = IoUring.open(8)) {
      ring.prepRead(-1, 0, 1, 0, 1);
      ring.prepNop(2);
      assertEquals(2, ring.submit());
      for (Completion c : await(ring, 2)) {
        assertEquals(c.userData() == 1 ? -Errno.EBADF : 0, c.result());
      }
    }
  }

  @Test
  void aHandlerThatThrowsDoesNotSeeItsCompletionAgain() {
    try (IoUring ring = IoUring.open(8)) {
      ring.prepNop(1);
      ring.prepNop(2);
      ring.submit();
      CompletionHandler bad =
          (user, result, flags) -> {
            throw new IllegalStateException("user " + user);
          };
      assertThrows(IllegalStateException.class, () -> ring.poll(bad, 8));
      assertEquals(2, await(ring, 1).getFirst().userData());
    }
  }

  @Test
  void aHandlerMayPrepareAndSubmit() {
    try (IoUring ring = IoUring.open(4)) {
      ring.prepNop(0);
      ring.submit();
      long[] last = new long[1];
      CompletionHandler next =
          (user, result, flags) -> {
            last[0] = user;
            assertTrue(ring.prepNop(user + 1));
            assertEquals(1, ring.submit());
          };
      while (last[0] < 1000) {
        ring.poll(next, 4);
      }
    }
  }

  @Test
  void aRingOpenedDisabledBelongsToTheThreadThatEnablesIt() throws InterruptedException {
    IoUring ring = IoUring.open(8, IoUring.Flag.DISABLED);
    AtomicReference<Throwable> failure = new AtomicReference<>();
    CountDownLatch end = new CountDownLatch(1);
    Thread owner =
        Thread.ofPlatform()
            .start(() -> {
              try {
                ring.enable();
                ring.prepNop(1);
                assertEquals(0, await(ring, 1).getFirst().result());
                end.await();
                ring.close();
              } catch (Throwable t) {
                failure.set(t);
              }
            });
    AssertionError refused =
        assertThrows(AssertionError.class, () -> ring.poll((u, r, f) -> {}, 1));
    assertTrue(String.valueOf(refused.getMessage()).length() > 0);
    end.countDown();
    owner.join();
    assertEquals(null, failure.get());
  }

  @Test
  void eachRungAsksForLessThanTheOneAboveAndTheKernelTakesIt() {
    int above = -1;
    for (int rung : rungs()) {
      try (IoUring ring = IoUring.open(4, 0, false, rung)) {
        assertTrue(Integer.bitCount(ring.setupFlags()) <= Integer.bitCount(above), ring.describe());
        assertEquals(0, ring.setupFlags() & ~above, "a flag that the rung above lacks");
        above = ring.setupFlags();
      }
    }
    assertEquals(0, Integer.bitCount(above & ~Linux.IORING_SETUP_CLAMP()), "the last is plain");
  }

  @Test
  void knowsOperationsAndNamesWhatItGot() {
    try (IoUring ring = IoUring.open(5, 64)) {
      assertEquals(8, ring.sqEntries());
      assertEquals(64, ring.cqEntries());
      assertTrue(ring.supports(Opcodes.READ));
      assertTrue(ring.supports(Opcodes.FALLOCATE));
      assertFalse(ring.supports(255));
      assertTrue(ring.fd() > 2);
      assertTrue(ring.describe().contains("sq=8 cq=64"), ring.describe());
      assertTrue(ring.features() != 0);
    }
  }

  @Test
  void anImpossibleSizeIsRefusedWithARemedy() {
    NativeException e = assertThrows(NativeException.class, () -> IoUring.open(0));
    assertEquals(Errno.EINVAL, e.errno());
    assertTrue(e.getMessage().contains("remedy: ask for 1 to 32768"), e.getMessage());
  }
}
