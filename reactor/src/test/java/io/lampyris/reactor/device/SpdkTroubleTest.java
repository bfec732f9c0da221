package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.testkit.SpdkTarget;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** What goes wrong with a controller in the middle of work, and what is refused beforehand. */
@Timeout(120)
class SpdkTroubleTest {
  private static final int BLOCK = 4096;
  private static final SpdkController.Patience SHORT =
      new SpdkController.Patience(TimeUnit.SECONDS.toNanos(1), TimeUnit.SECONDS.toNanos(8));

  @SuppressWarnings("NullAway.Init")
  private static SpdkEnvironment environment;

  @TempDir Path tmp;

  @SuppressWarnings("NullAway.Init")
  private SpdkTarget target;

  @BeforeAll
  static void load() throws IOException {
    environment = SpdkTarget.environment();
  }

  @BeforeEach
  void start() throws IOException {
    target = SpdkTarget.start(tmp, SpdkNvmeDeviceTest.freePort());
  }

  @AfterEach
  void stop() {
    target.close();
  }

  private SpdkRig open(boolean tcp) throws Exception {
    return new SpdkRig(environment, tcp ? target.overTcp() : target.overSharedMemory(), 1, SHORT);
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void whatAResetAbortsIsSentAgain(boolean tcp) throws Exception {
    try (SpdkRig rig = open(tcp)) {
      SpdkLoad load = new SpdkLoad(rig);
      for (int resets = 1; resets <= 3; resets++) {
        load.awaitMore(1_000);
        rig.controller.reset();
        int wanted = resets;
        rig.await(() -> rig.controller.resets() >= wanted);
      }
      load.awaitMore(1_000);
      load.end();
      assertEquals(0, load.errors.get());
      assertEquals(0, load.wrong.get());
      assertEquals(3, rig.controller.resets());
      assertTrue(rig.device.resent() > 0, "something was in flight");
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aPulledDeviceAnswersErrorsAndNothingHangs(boolean tcp) throws Exception {
    try (SpdkRig rig = open(tcp)) {
      SpdkLoad load = new SpdkLoad(rig);
      load.awaitMore(1_000);
      target.kill();
      rig.await(() -> load.running.get() == 0);
      assertEquals(SpdkLoad.BLOCKS, load.errors.get());
      assertEquals(0, load.wrong.get());
      MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
      assertEquals(
          Status.DEVICE_ERROR.code(),
          DeviceConformance.one(rig, IoRequest.Kind.READ, 0, memory, BLOCK));
      assertEquals(Status.DEVICE_ERROR.code(), DeviceConformance.flush(rig));
      NativeMemory.unmap(memory);
    }
  }

  @ParameterizedTest
  @ValueSource(booleans = {false, true})
  void aDeviceThatHangsForAWhileIsResetAndGoesOn(boolean tcp) throws Exception {
    try (SpdkRig rig = open(tcp)) {
      SpdkLoad load = new SpdkLoad(rig);
      load.awaitMore(1_000);
      target.hang();
      long untilNs = System.nanoTime() + SHORT.requestNs() * 2;
      rig.await(() -> System.nanoTime() > untilNs);
      target.goOn();
      load.awaitMore(1_000);
      load.end();
      assertEquals(0, load.errors.get());
      assertEquals(0, load.wrong.get());
      assertTrue(rig.controller.resets() > 0);
      assertTrue(rig.device.timeouts() > 0);
    }
  }

  @Test
  void whatAnotherHasWrittenIsNotOverwrittenUnlessToldTo() throws Exception {
    MemorySegment memory = NativeMemory.allocateAligned(BLOCK);
    try (SpdkRig rig = open(false)) {
      assertEquals("", rig.controller.contentOf(1).orElse(""), "the target begins with zeros");
      MemorySegment.copy(
          MemorySegment.ofArray("XFSB".getBytes(StandardCharsets.US_ASCII)), 0, memory, 0, 4);
      assertEquals(BLOCK, DeviceConformance.one(rig, IoRequest.Kind.WRITE, 0, memory, BLOCK));
      SpdkException e =
          assertThrows(
              SpdkException.class,
              () -> SpdkNvmeDevice.open(rig.reactor, rig.controller, 1, false).close());
      assertTrue(String.valueOf(e.getMessage()).contains("XFS"), e::toString);
      assertThrows(
          SpdkException.class,
          () -> SpdkNvmeDevice.open(rig.reactor, rig.controller, 9, true).close());
    }
    NativeMemory.unmap(memory);
  }

  @Test
  void nobodyListeningIsSaidWithTheAddress() {
    SpdkException e =
        assertThrows(
            SpdkException.class,
            () ->
                SpdkController.connect(
                        environment, "trtype:VFIOUSER traddr:/nowhere subnqn:nqn.x", SHORT)
                    .close());
    assertTrue(String.valueOf(e.getMessage()).contains("/nowhere"), e::toString);
    assertThrows(
        SpdkException.class,
        () -> SpdkController.connect(environment, "PCIe at somewhere", SHORT).close());
  }

  /** SPDK takes SIGBUS when it is loaded; memory that others shrink has to be survived still. */
  @Test
  void memoryThatShrinksIsStillFoundOut() throws Exception {
    Path file = tmp.resolve("shrinks");
    try (RandomAccessFile grown = new RandomAccessFile(file.toFile(), "rw")) {
      grown.setLength(2 * BLOCK);
      int fd = Libc.open(file.toString(), Fcntl.O_RDWR, 0);
      MemorySegment mapped = NativeMemory.map(fd, 0, 2 * BLOCK, Fcntl.PROT_READ, Fcntl.MAP_SHARED);
      MemorySegment to = NativeMemory.allocateAligned(2 * BLOCK);
      assertTrue(ShrinkableMemory.copy(mapped, 0, to, 0, 2 * BLOCK));
      grown.setLength(0);
      assertFalse(ShrinkableMemory.copy(mapped, 0, to, 0, 2 * BLOCK));
      NativeMemory.unmap(mapped);
      NativeMemory.unmap(to);
      Libc.close(fd);
    }
  }

  @Test
  void aWarmReadAllocatesNothingAndTakesLessThanACallEach() throws Exception {
    var threads = (com.sun.management.ThreadMXBean) ManagementFactory.getThreadMXBean();
    try (SpdkRig rig = open(false)) {
      AtomicLong bytes = new AtomicLong(-1);
      AtomicLong calls = new AtomicLong();
      int rounds = 200_000;
      class Reads extends IoRequest {
        @Override
        protected void onComplete(long result) {
          assertEquals(BLOCK, result);
          left--;
          if (left >= 32) {
            rig.device.submit(this);
          } else if (left == 0) {
            bytes.set(threads.getThreadAllocatedBytes(rig.reactor.threadId()) - from);
            calls.set(rig.device.nativeCalls() - callsFrom);
          }
        }

        static int left;
        static long from;
        static long callsFrom;
      }
      for (int warm = 0; warm < 2; warm++) {
        bytes.set(-1);
        rig.run(() -> {
          Reads.left = rounds;
          List<Reads> reads = new ArrayList<>();
          for (int i = 0; i < 32; i++) {
            Reads read = new Reads();
            read.transfer(IoRequest.Kind.READ, (long) i * BLOCK, rig.reactor.arena(), 0, BLOCK);
            reads.add(read);
          }
          Reads.from = threads.getThreadAllocatedBytes(rig.reactor.threadId());
          Reads.callsFrom = rig.device.nativeCalls();
          reads.forEach(rig.device::submit);
        });
        rig.await(() -> bytes.get() >= 0);
      }
      assertTrue(bytes.get() < 4096, "observed=" + bytes + " bytes for " + rounds);
      assertEquals(0, rig.device.bouncedBytes());
      assertTrue(calls.get() > 0);
    }
  }
}
