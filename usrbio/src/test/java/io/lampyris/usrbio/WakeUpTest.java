package io.lampyris.usrbio;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.client.FileSystemException;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.usrbio.Program.Memory;
import io.lampyris.usrbio.Program.Ring;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.ValueSource;

/** When the reactor sleeps, what wakes it, and what serving costs. */
@Timeout(300)
@SuppressWarnings("ClassCanBeStatic")
class WakeUpTest {
  private static final long FILE = 4711;
  private static final int FILE_BYTES = 1 << 20;
  private static final long HOUR_NS = TimeUnit.HOURS.toNanos(1);
  private static final long MS = 1_000_000;
  private static final int ROUNDS = 10;

  @TempDir Path directory;

  private static RingServerConfig config(long spinNs, long activeNs, long idleNs, long afterNs) {
    return new RingServerConfig(spinNs, activeNs, idleNs, afterNs, 64, 4096, 64, 64);
  }

  private Rig rig(RingServerConfig config, IdlePolicy idle) throws IOException {
    Rig rig = new Rig(directory, config, idle);
    rig.files.create(FILE, true, FILE_BYTES).lengthBytes = FILE_BYTES;
    return rig;
  }

  private Rig rig(RingServerConfig config) throws IOException {
    return rig(config, IdlePolicy.BLOCK);
  }

  @ParameterizedTest
  @ValueSource(strings = {".r0.ph.t0", ".r0.t0", ".r0.pl.t0"})
  void aPostWakesASleepingReactorAgainAndAgain(String attributes) throws Exception {
    // No timer would come in time.
    try (Rig rig = rig(config(0, HOUR_NS, HOUR_NS, 0))) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, attributes);
      for (int n = 0; n < 50; n++) {
        rig.awaitSleep();
        ring.prepare(memory.id, 0, FILE, 0, 10, n);
        ring.submit();
        assertEquals(n, ring.await(1).getFirst().userdata());
      }
      assertTrue(rig.counter("data_0_sleeps") > 0);
    }
  }

  @Test
  void noPostIsLostHoweverItFallsBetweenPollingAndSleeping() throws Exception {
    try (Rig rig = rig(config(0, HOUR_NS, HOUR_NS, 0))) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, ".r0.t0");
      for (int n = 0; n < 5000; n++) {
        ring.prepare(memory.id, 0, FILE, 0, 10, n);
        ring.submit();
        assertEquals(1, ring.await(1).size());
        for (int spin = n % 500; spin > 0; spin--) {
          Thread.onSpinWait();
        }
      }
    }
  }

  @Test
  void aSubmitSemaphoreThatAProgramShrinksIsRestored() throws Exception {
    try (Rig rig = rig(config(0, HOUR_NS, HOUR_NS, 0))) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, ".r0.t0");
      for (int n = 0; n < 2; n++) {
        rig.awaitSleep();
        Path file = Path.of(ring.submitPath());
        Files.write(file, new byte[0], StandardOpenOption.TRUNCATE_EXISTING);
        // A post before that would be the end of this process: the program uses libc.
        Rig.await("memory", () -> file.toFile().length() > 0);
        ring.prepare(memory.id, 0, FILE, 0, 10, n);
        ring.submit();
        assertEquals(n, ring.await(1).getFirst().userdata());
      }
    }
  }

  /** I8. */
  @Test
  void anEntryThatNobodyAnnouncesIsNoticedByTheScanOfActiveTimes() throws Exception {
    noticeUnannounced(config(0, 10 * MS, HOUR_NS, HOUR_NS));
  }

  /** I8. */
  @Test
  void anEntryThatNobodyAnnouncesIsNoticedByTheScanOfIdleTimes() throws Exception {
    noticeUnannounced(config(0, 50 * MS, 50 * MS, 0));
  }

  /** Where the other scan is an hour apart or never used, it would not notice within the test. */
  private void noticeUnannounced(RingServerConfig config) throws Exception {
    try (Rig rig = rig(config)) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, ".r0.t0");
      rig.awaitSleep();
      ring.prepare(memory.id, 0, FILE, 0, 10, 1);
      assertEquals(1, ring.await(1).size());
    }
  }

  @Test
  void withoutRingsTheReactorStaysAsleep() throws Exception {
    try (Rig rig = rig(RingServerConfig.DEFAULT)) {
      Program program = rig.program();
      Ring ring = program.new Ring(4, ".r0.t0");
      ring.unregister();
      Rig.await("unmapping", () -> rig.registry.mapped() == 0);
      // A timer of the ring's time may be left.
      Rig.await(
          "half a second without a cycle",
          () -> {
            long before = rig.counter("data_0_cycles");
            LockSupport.parkNanos(500 * MS);
            return before == rig.counter("data_0_cycles");
          });
    }
  }

  @Test
  void anIdleRingCostsAFewLooksASecond() throws Exception {
    try (Rig rig = rig(config(0, 10 * MS, 200 * MS, 100 * MS))) {
      Program program = rig.program();
      program.new Ring(4, ".r0.t0");
      LockSupport.parkNanos(300 * MS);
      long before = rig.counter("data_0_sleeps");
      long startNs = System.nanoTime();
      LockSupport.parkNanos(1000 * MS);
      Rig.await("looks", () -> rig.counter("data_0_sleeps") >= before + 2);
      // Cycles say nothing: after each look the reactor polls for a while, as fast as it can.
      long looks = rig.counter("data_0_sleeps") - before;
      // Every 200 ms one; what is left of the active time comes on top.
      long limit = 20 + 30 * (System.nanoTime() - startNs) / (1000 * MS);
      assertTrue(looks < limit, "looks; observed=" + looks + ", limit=" + limit);
    }
  }

  @Test
  void aBatchThatWaitsForRoomDoesNotKeepTheReactorAwake() throws Exception {
    try (Rig rig = rig(config(0, HOUR_NS, HOUR_NS, 0))) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, ".r-8.t5");
      for (int n = 0; n < 4; n++) {
        ring.prepare(memory.id, 0, FILE, 0, 10, n);
      }
      ring.submit();
      Rig.await("completions", () -> ring.index(RingLayout.CQE_HEAD_AT) == 4);
      ring.prepare(memory.id, 0, FILE, 0, 10, 4);
      ring.submit();
      LockSupport.parkNanos(50 * MS);
      rig.awaitSleep();
      assertEquals(4, ring.reap().size());
      assertEquals(1, ring.await(1).size());
    }
  }

  @ParameterizedTest
  @EnumSource(IdlePolicy.class)
  void postsThatNobodyWaitsForDoNotPileUp(IdlePolicy idle) throws Exception {
    try (Rig rig = rig(RingServerConfig.DEFAULT, idle)) {
      Program program = rig.program();
      Memory memory = program.new Memory(4096, "");
      Ring ring = program.new Ring(4, ".r0.t0");
      for (int n = 0; n < 100_000; n++) {
        ring.submit();
      }
      ring.prepare(memory.id, 0, FILE, 0, 10, 1);
      ring.submit();
      assertEquals(1, ring.await(1).size());
      Rig.await("an empty semaphore", () -> ring.submitValue() <= 1);
    }
  }

  @Test
  void servingAllocatesNothingPerIo() throws IOException, FileSystemException {
    try (Rig rig = rig(RingServerConfig.DEFAULT)) {
      Program program = rig.program();
      Memory memory = program.new Memory(1 << 16, "");
      Ring ring = program.new Ring(64, ".r0.t0");
      long reactorThread = reactorThread();
      ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
      // Until the JIT compiler is done, method handles allocate: what counts is where it ends up.
      long[] perIo = new long[ROUNDS];
      for (int round = 0; round < ROUNDS; round++) {
        long before = threads.getThreadAllocatedBytes(reactorThread);
        run(ring, memory, 100_000);
        perIo[round] = (threads.getThreadAllocatedBytes(reactorThread) - before) / 100_000;
      }
      System.out.println("bytes per I/O by round: " + Arrays.toString(perIo));
      // Calls that capture errno (two per batch here) cost a slice of 48 bytes each where the
      // compiler happens not to inline them; an object per I/O would show above that.
      assertTrue(Arrays.stream(perIo).min().orElseThrow() < 32, () -> Arrays.toString(perIo));
    }
  }

  private static void run(Ring ring, Memory memory, int total) {
    int prepared = 0;
    int done = 0;
    while (done < total) {
      while (prepared < total && ring.prepare(memory.id, 0, FILE, 0, 64, prepared) >= 0) {
        prepared++;
      }
      ring.submit();
      done += ring.await(1, 5000).size();
    }
  }

  private static long reactorThread() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().equals("data-0") && thread.isAlive())
        .mapToLong(Thread::threadId)
        .max()
        .orElseThrow();
  }
}
