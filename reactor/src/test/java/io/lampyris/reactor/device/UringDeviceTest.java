package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.Reactor;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Objects;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class UringDeviceTest extends DeviceConformance {
  private static final int BLOCK = 4096;

  @TempDir Path tmp;

  /** Where the devices are; each test has a fresh one. */
  Path dir() throws IOException {
    return tmp;
  }

  private Path file(long sizeBytes) throws IOException {
    Path path = dir().resolve("device");
    try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
      file.setLength(sizeBytes);
    }
    return path;
  }

  @Override
  Rig open(long sizeBytes) throws IOException {
    return new RealRig(file(sizeBytes));
  }

  private static final class RealRig extends ReactorRig {
    private final UringDevice device;

    RealRig(Path path) throws IOException {
      super(Reactor.builder("test").start());
      device = UringDevice.open(reactor, path, true);
    }

    @Override
    public Device device() {
      return device;
    }

    @Override
    public void close() {
      reactor.close();
      device.close();
    }
  }

  private static long one(Rig rig, Counted request) throws Exception {
    rig.run(() -> rig.device().submit(request));
    rig.await(request::isDone);
    return request.result;
  }

  @Test
  void aTransferThroughThePoolsMemoryKeepsItsBytesAndRegistersItsRegion() throws Exception {
    try (Reactor reactor = Reactor.builder("test").start()) {
      UringDevice device = UringDevice.open(reactor, file(1 << 20), true);
      long[] seen = new long[] {-1, -1};
      IoRequest[] last = new IoRequest[1];
      reactor.offer(nowNs -> {
        Buffer out = Objects.requireNonNull(reactor.buffers().acquire(BLOCK));
        Buffer in = Objects.requireNonNull(reactor.buffers().acquire(2 << 20));
        out.segment().set(ValueLayout.JAVA_LONG, BLOCK - 8, 0x1122334455667788L);
        IoRequest read =
            new IoRequest() {
              @Override
              protected void onComplete(long result) {
                seen[1] = reactor.registered().bufferOf(in.segment().address(), BLOCK);
                out.release();
                in.release();
                seen[0] = in.segment().get(ValueLayout.JAVA_LONG, BLOCK - 8);
              }
            };
        IoRequest write =
            new IoRequest() {
              @Override
              protected void onComplete(long result) {
                device.submit(read.transfer(Kind.READ, 8192, in.segment(), 0, BLOCK));
              }
            };
        last[0] = write.transfer(IoRequest.Kind.WRITE, 8192, out.segment(), 0, BLOCK);
        device.submit(last[0]);
      });
      while (seen[0] == -1) {
        LockSupport.parkNanos(100_000);
        VarHandle.fullFence();
      }
      assertEquals(0x1122334455667788L, seen[0]);
      assertTrue(seen[1] >= 0, "observed=" + seen[1]);
      reactor.offer(nowNs -> device.close());
    }
  }

  @Test
  void aDeviceThatShrankAnswersAnError() throws Exception {
    Path path = file(1 << 20);
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (Rig rig = new RealRig(path)) {
      try (RandomAccessFile file = new RandomAccessFile(path.toFile(), "rw")) {
        file.setLength(4096);
      }
      Counted request = new Counted();
      request.transfer(IoRequest.Kind.READ, 65536, memory, 0, BLOCK);
      assertEquals(Status.DEVICE_ERROR.code(), one(rig, request));
    }
    NativeMemory.unmap(memory);
  }

  @Test
  void aMissingFileIsNamedWithItsErrno() throws IOException {
    Path nowhere = dir().resolve("nowhere");
    try (Reactor reactor = Reactor.builder("test").start()) {
      IOException e =
          assertThrows(IOException.class, () -> UringDevice.open(reactor, nowhere, true).close());
      assertTrue(String.valueOf(e.getMessage()).contains("ENOENT"), e::toString);
    }
  }

  @Test
  void aDiscardedRangeOfAFileReadsAsZeros() throws Exception {
    Path path = dir().resolve("full");
    byte[] ones = new byte[1 << 20];
    Arrays.fill(ones, (byte) 1);
    Files.write(path, ones);
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (Rig rig = new RealRig(path)) {
      Counted discard = new Counted();
      discard.discard(65536, 65536);
      assertEquals(0, one(rig, discard));
      Counted read = new Counted();
      read.transfer(IoRequest.Kind.READ, 65536, memory, 0, BLOCK);
      one(rig, read);
    }
    assertEquals(0, memory.get(ValueLayout.JAVA_LONG, 0));
    NativeMemory.unmap(memory);
  }
}
