package io.lampyris.reactor;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.reactor.device.IoRequest;
import io.lampyris.reactor.device.UringDevice;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class RegisteredMemoryTest {
  private static final int MIB = 1 << 20;
  private static final int SIZE = 5 * MIB + 12288;

  @TempDir Path tmp;
  private Reactor reactor;
  private UringDevice device;
  private int fd;
  private MemorySegment memory;
  private boolean registers;

  @BeforeEach
  void start() throws Exception {
    reactor = Reactor.builder("test").start();
    Path path = tmp.resolve("device");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(2L * SIZE);
    }
    device = UringDevice.open(reactor, path, false);
    String name = "/lampyris-outside-%d".formatted(ProcessHandle.current().pid());
    fd = Libc.shmOpen(name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0600);
    Libc.shmUnlink(name);
    assertEquals(0, Libc.ftruncate(fd, SIZE));
    int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    memory = NativeMemory.map(fd, 0, SIZE, prot, Fcntl.MAP_SHARED);
    try (IoUring ring = IoUring.open(4)) {
      registers = ring.registerBufferSlots(1) == 0;
    }
    on(() -> {
      reactor.expectMemory(memory);
      return 0;
    });
  }

  @AfterEach
  void stop() {
    reactor.close();
    device.close();
    NativeMemory.unmap(memory);
    Libc.close(fd);
  }

  private <T> T on(Callable<T> work) throws Exception {
    CompletableFuture<T> answer = new CompletableFuture<>();
    reactor.offer(nowNs -> {
      try {
        answer.complete(work.call());
      } catch (Exception e) {
        answer.completeExceptionally(e);
      }
    });
    return answer.get();
  }

  private long transfer(boolean write, long at, int length) throws Exception {
    CompletableFuture<Long> done = new CompletableFuture<>();
    IoRequest request =
        new IoRequest() {
          @Override
          protected void onComplete(long result) {
            done.complete(result);
          }
        };
    IoRequest.Kind kind = write ? IoRequest.Kind.WRITE : IoRequest.Kind.READ;
    reactor.offer(nowNs -> device.submit(request.transfer(kind, at, memory, at, length)));
    return done.get();
  }

  private int slotOf(long at, int length) throws Exception {
    return on(() -> reactor.registered().bufferOf(memory.address() + at, length));
  }

  private int pinned() throws Exception {
    return on(() -> reactor.registered().memory().pinned());
  }

  private byte[] fill() {
    byte[] bytes = new byte[SIZE];
    new Random(1).nextBytes(bytes);
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, SIZE);
    return bytes;
  }

  /** Large, small, over a border, and the part of a region at the end. */
  private void writeAndReadAll() throws Exception {
    byte[] bytes = fill();
    for (boolean write : new boolean[] {true, false}) {
      for (int at = 0; at < SIZE; ) {
        int step = at < MIB ? MIB : at < 2 * MIB ? 4096 : at < 4 * MIB ? 300_000 : 65536;
        int length = Math.min(step, SIZE - at);
        assertEquals(length, transfer(write, at, length));
        at += length;
      }
      if (write) {
        memory.fill((byte) 0);
      }
    }
    assertArrayEquals(bytes, memory.toArray(ValueLayout.JAVA_BYTE));
  }

  @Test
  void regionsArePinnedWhenLargeTransfersNeedThemAndGivenBackWhenForgotten() throws Exception {
    assertEquals(0, pinned());
    assertEquals(4096, transfer(true, 0, 4096));
    assertEquals(0, pinned());
    writeAndReadAll();
    assertEquals(registers ? 4 : 0, pinned());
    on(() -> {
      reactor.forgetMemory(memory);
      return 0;
    });
    writeAndReadAll();
    while (pinned() > 0) {
      Thread.onSpinWait();
    }
    assertEquals(Registered.NONE, slotOf(0, MIB));
    on(() -> {
      reactor.expectMemory(memory);
      return 0;
    });
    writeAndReadAll();
    assertEquals(registers ? 4 : 0, pinned());
  }

  @Test
  void aRangeHasASlotOnlyIfOneRegionHoldsAllOfIt() throws Exception {
    int first = slotOf(0, MIB);
    assertEquals(registers, first != Registered.NONE);
    assertEquals(first, slotOf(MIB - 65536, 65536));
    assertEquals(Registered.NONE, slotOf(MIB - 4096, 65536));
    assertEquals(registers, slotOf(4L * MIB, 65536) != first);
    assertEquals(Registered.NONE, slotOf(-65536, 65536));
    assertEquals(Registered.NONE, slotOf(SIZE - 65536L, 65537));
    assertEquals(Registered.NONE, slotOf(0, Registered.TRANSFER_MIN_BYTES - 1));
  }

  @Test
  void manyMemoriesAreToldApart() throws Exception {
    MemorySegment all = NativeMemory.allocateAligned(64L << 18);
    for (int i : new int[] {1, 0, 63, 31, 30, 2}) {
      on(() -> {
        reactor.expectMemory(all.asSlice((long) i << 18, 1 << 18));
        return 0;
      });
    }
    for (int i = 0; i < 64; i++) {
      long address = all.address() + ((long) i << 18);
      boolean known = i <= 2 || i == 30 || i == 31 || i == 63;
      int slot = on(() -> reactor.registered().bufferOf(address, 1 << 18));
      assertEquals(known && registers, slot != Registered.NONE, "i=" + i);
      int over = on(() -> reactor.registered().bufferOf(address + 4096, 1 << 18));
      assertEquals(Registered.NONE, over);
    }
    assertEquals(registers ? 6 : 0, pinned());
    on(() -> {
      reactor.forgetMemory(all.asSlice(31L << 18, 1 << 18));
      return 0;
    });
    int gone = on(() -> reactor.registered().bufferOf(all.address() + (31L << 18), 1 << 18));
    assertEquals(Registered.NONE, gone);
    reactor.close();
    NativeMemory.unmap(all);
  }

  @Test
  void memoryThatIsShrunkFailsOnlyTransfersThatWereNotPinnedBefore() throws Exception {
    byte[] bytes = fill();
    assertEquals(MIB, transfer(true, 0, MIB));
    assertEquals(0, Libc.ftruncate(fd, 0));
    assertTrue(transfer(true, MIB, MIB) < 0);
    assertTrue(transfer(true, 3L * MIB + 4096, MIB) < 0);
    assertEquals(registers, transfer(true, 0, MIB) == MIB);
    assertEquals(0, Libc.ftruncate(fd, SIZE));
    assertEquals(MIB, transfer(true, MIB, MIB));
    assertEquals(SIZE, bytes.length);
    assertEquals(registers ? 1 : 0, pinned());
  }
}
