package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Reactor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class UringDeviceTest {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 2_000;

  @TempDir Path dir;

  private Path file(long sizeBytes) throws IOException {
    Path path = dir.resolve("device");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    return path;
  }

  @Test
  void moreRequestsThanTheQueueIsDeepAllCompleteOnceWithTheirBytes() throws Exception {
    Path path = file((long) BLOCKS * BLOCK);
    MemorySegment memory = NativeMemory.allocateAligned((long) BLOCKS * BLOCK);
    MemorySegment back = NativeMemory.allocateAligned((long) BLOCKS * BLOCK);
    for (long i = 0; i < memory.byteSize(); i += 8) {
      memory.set(ValueLayout.JAVA_LONG, i, i * 0x9E3779B97F4A7C15L);
    }
    try (Reactor reactor = Reactor.builder("test").start();
        UringDevice device = UringDevice.open(reactor, path, true)) {
      transferAll(reactor, device, IoRequest.Kind.WRITE, memory);
      assertEquals(0, flush(reactor, device));
      transferAll(reactor, device, IoRequest.Kind.READ, back);
    }
    assertEquals(-1, memory.mismatch(back));
    NativeMemory.unmap(memory);
    NativeMemory.unmap(back);
  }

  private static void transferAll(
      Reactor reactor, Device device, IoRequest.Kind kind, MemorySegment memory)
      throws InterruptedException {
    CountDownLatch done = new CountDownLatch(BLOCKS);
    AtomicLong bytes = new AtomicLong();
    reactor.offer(nowNs -> {
      for (int i = 0; i < BLOCKS; i++) {
        long at = (long) i * BLOCK;
        device.submit(
            new IoRequest() {
              @Override
              protected void onComplete(long result) {
                bytes.addAndGet(result);
                done.countDown();
              }
            }.transfer(kind, at, memory, at, BLOCK));
      }
    });
    assertTrue(done.await(30, TimeUnit.SECONDS), "left: " + done.getCount());
    assertEquals((long) BLOCKS * BLOCK, bytes.get());
  }

  private static long flush(Reactor reactor, Device device) throws InterruptedException {
    return one(reactor, device, new Waiting(), IoRequest::flush);
  }

  private interface Fill {
    IoRequest apply(IoRequest request);
  }

  private static final class Waiting extends IoRequest {
    final CountDownLatch done = new CountDownLatch(1);
    volatile long result;

    @Override
    protected void onComplete(long value) {
      result = value;
      done.countDown();
    }
  }

  private static long one(Reactor reactor, Device device, Waiting request, Fill fill)
      throws InterruptedException {
    reactor.offer(nowNs -> device.submit(fill.apply(request)));
    assertTrue(request.done.await(10, TimeUnit.SECONDS));
    return request.result;
  }

  @Test
  void aDurableWriteIsTwoStepsAndOneCompletion() throws Exception {
    Path path = file(1 << 20);
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (Reactor reactor = Reactor.builder("test").start();
        UringDevice device = UringDevice.open(reactor, path, true)) {
      assertEquals(
          BLOCK,
          one(
              reactor,
              device,
              new Waiting(),
              r -> r.transfer(IoRequest.Kind.WRITE_FUA, 8192, memory, 0, BLOCK)));
    }
    NativeMemory.unmap(memory);
  }

  @Test
  void aDeviceThatShrankAnswersAnError() throws Exception {
    Path path = file(1 << 20);
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (Reactor reactor = Reactor.builder("test").start();
        UringDevice device = UringDevice.open(reactor, path, true)) {
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.setLength(4096);
      }
      Waiting request = new Waiting();
      assertEquals(
          Status.DEVICE_ERROR.code(),
          one(
              reactor,
              device,
              request,
              r -> r.transfer(IoRequest.Kind.READ, 65536, memory, 0, BLOCK)));
    }
    NativeMemory.unmap(memory);
  }

  @Test
  void aMissingFileIsNamedWithItsErrno() {
    try (Reactor reactor = Reactor.builder("test").start()) {
      IOException e =
          assertThrows(
              IOException.class,
              () -> UringDevice.open(reactor, dir.resolve("nowhere"), true).close());
      assertTrue(String.valueOf(e.getMessage()).contains("ENOENT"), e::toString);
    }
  }

  @Test
  void aDiscardedRangeReadsAsZeros() throws Exception {
    Path path = dir.resolve("full");
    byte[] ones = new byte[1 << 20];
    java.util.Arrays.fill(ones, (byte) 1);
    Files.write(path, ones);
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (Reactor reactor = Reactor.builder("test").start();
        UringDevice device = UringDevice.open(reactor, path, true)) {
      assertEquals(0, one(reactor, device, new Waiting(), r -> r.discard(65536, 65536)));
      one(
          reactor,
          device,
          new Waiting(),
          r -> r.transfer(IoRequest.Kind.READ, 65536, memory, 0, BLOCK));
    }
    assertEquals(0, memory.get(ValueLayout.JAVA_LONG, 0));
    NativeMemory.unmap(memory);
  }
}
