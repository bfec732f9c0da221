package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What holds for every device, real or simulated; a subclass says where one comes from. */
@Timeout(60)
abstract class DeviceConformance {
  private static final int BLOCK = 4096;
  private static final int BLOCKS = 2_000;
  private static final long SIZE = 16L << 20;

  /** A device with a reactor that runs. */
  interface Rig extends AutoCloseable {
    Device device();

    /** Runs something on the reactor, now or soon. */
    void run(Runnable work);

    /** Lets the reactor run until the condition holds, which is looked at on this thread. */
    void await(BooleanSupplier done);

    @Override
    void close();
  }

  /** A device whose first bytes, this many, are zeros. */
  abstract Rig open(long sizeBytes) throws Exception;

  /** How large it is. */
  long sizeBytes() {
    return SIZE;
  }

  private MemorySegment memory = MemorySegment.NULL;
  private MemorySegment back = MemorySegment.NULL;

  @BeforeEach
  void allocate() {
    memory = NativeMemory.allocateAligned((long) BLOCKS * BLOCK);
    back = NativeMemory.allocateAligned((long) BLOCKS * BLOCK);
    for (long i = 0; i < memory.byteSize(); i += 8) {
      memory.set(ValueLayout.JAVA_LONG, i, i * 0x9E3779B97F4A7C15L);
    }
  }

  @AfterEach
  void free() {
    NativeMemory.unmap(memory);
    NativeMemory.unmap(back);
  }

  /** A request that counts its completions. */
  static final class Counted extends IoRequest {
    final AtomicInteger completions = new AtomicInteger();
    volatile long result;
    Runnable then = () -> {};

    @Override
    protected void onComplete(long value) {
      result = value;
      completions.incrementAndGet();
      then.run();
    }

    boolean isDone() {
      return completions.get() > 0;
    }
  }

  static long one(Rig rig, IoRequest.Kind kind, long at, MemorySegment memory, int bytes)
      throws Exception {
    Counted request = new Counted();
    request.transfer(kind, at, memory, 0, bytes);
    rig.run(() -> rig.device().submit(request));
    rig.await(request::isDone);
    return request.result;
  }

  static long flush(Rig rig) throws Exception {
    Counted request = new Counted();
    rig.run(() -> rig.device().submit(request.flush()));
    rig.await(request::isDone);
    return request.result;
  }

  private static void transferAll(Rig rig, IoRequest.Kind kind, MemorySegment memory)
      throws Exception {
    List<Counted> requests = new ArrayList<>();
    for (int i = 0; i < BLOCKS; i++) {
      Counted request = new Counted();
      request.transfer(kind, (long) i * BLOCK, memory, (long) i * BLOCK, BLOCK);
      requests.add(request);
    }
    rig.run(() -> requests.forEach(rig.device()::submit));
    rig.await(() -> requests.stream().allMatch(Counted::isDone));
    for (Counted request : requests) {
      assertEquals(BLOCK, request.result);
      assertEquals(1, request.completions.get());
    }
  }

  @Test
  void moreRequestsThanTheQueueIsDeepAllCompleteOnceWithTheirBytes() throws Exception {
    try (Rig rig = open(SIZE)) {
      transferAll(rig, IoRequest.Kind.WRITE, memory);
      assertEquals(0, flush(rig));
      transferAll(rig, IoRequest.Kind.READ, back);
    }
    assertEquals(-1, memory.mismatch(back));
  }

  @Test
  void nothingCompletesInsideItsSubmission() throws Exception {
    try (Rig rig = open(SIZE)) {
      Counted write = new Counted();
      Counted flush = new Counted();
      AtomicInteger inside = new AtomicInteger(-1);
      rig.run(() -> {
        rig.device().submit(write.transfer(IoRequest.Kind.WRITE, 0, memory, 0, BLOCK));
        rig.device().submit(flush.flush());
        assertTrue(write.isInFlight());
        inside.set(write.completions.get() + flush.completions.get());
      });
      rig.await(() -> write.isDone() && flush.isDone());
      assertEquals(0, inside.get());
      assertFalse(write.isInFlight());
      assertFalse(flush.isInFlight());
      AtomicInteger left = new AtomicInteger(-1);
      rig.run(() -> left.set(rig.device().inFlight()));
      rig.await(() -> left.get() >= 0);
      assertEquals(0, left.get());
    }
  }

  @Test
  void aRequestMayBeSubmittedAgainFromItsCompletion() throws Exception {
    try (Rig rig = open(SIZE)) {
      Counted request = new Counted();
      request.then =
          () -> {
            if (request.completions.get() < 100) {
              rig.device().submit(request);
            }
          };
      rig.run(
          () -> rig.device().submit(request.transfer(IoRequest.Kind.WRITE, 0, memory, 0, BLOCK)));
      rig.await(() -> request.completions.get() == 100);
    }
  }

  @Test
  void aLargeTransferIsWhole() throws Exception {
    int bytes = 7 << 20;
    try (Rig rig = open(SIZE)) {
      assertEquals(bytes, one(rig, IoRequest.Kind.WRITE, 1 << 20, memory, bytes));
      assertEquals(bytes, one(rig, IoRequest.Kind.READ, 1 << 20, back, bytes));
      assertEquals(-1, memory.asSlice(0, bytes).mismatch(back.asSlice(0, bytes)));
      assertEquals(BLOCK, one(rig, IoRequest.Kind.READ, 0, back, BLOCK));
      assertEquals(0, back.get(ValueLayout.JAVA_LONG, 8), "nobody wrote here");
    }
  }

  @Test
  void aDurableWriteIsOneCompletion() throws Exception {
    try (Rig rig = open(SIZE)) {
      assertEquals(BLOCK, one(rig, IoRequest.Kind.WRITE_FUA, 8192, memory, BLOCK));
      assertEquals(BLOCK, one(rig, IoRequest.Kind.READ, 8192, back, BLOCK));
      assertEquals(-1, memory.asSlice(0, BLOCK).mismatch(back.asSlice(0, BLOCK)));
    }
  }

  @Test
  void theLastBlockIsThereAndWhatLiesBehindIsADefectOfTheCaller() throws Exception {
    try (Rig rig = open(SIZE)) {
      long size = sizeBytes();
      assertEquals(size, rig.device().sizeBytes());
      long last = size - BLOCK;
      assertEquals(BLOCK, one(rig, IoRequest.Kind.WRITE, last, memory, BLOCK));
      AtomicInteger refused = new AtomicInteger();
      rig.run(() -> {
        Counted behind = new Counted();
        Counted crooked = new Counted();
        assertThrows(
            AssertionError.class,
            () -> rig.device().submit(behind.transfer(IoRequest.Kind.READ, size, back, 0, BLOCK)));
        assertThrows(
            AssertionError.class,
            () -> rig.device().submit(crooked.transfer(IoRequest.Kind.READ, 100, back, 0, BLOCK)));
        refused.set(1);
      });
      rig.await(() -> refused.get() == 1);
    }
  }

  @Test
  void aDiscardedRangeReadsAsZerosOrAsItWasAndNothingElseChanges() throws Exception {
    int bytes = 1 << 20;
    try (Rig rig = open(SIZE)) {
      assertEquals(bytes, one(rig, IoRequest.Kind.WRITE, 0, memory, bytes));
      Counted discard = new Counted();
      rig.run(() -> rig.device().submit(discard.discard(65536, 65536)));
      rig.await(discard::isDone);
      assertEquals(0, discard.result);
      assertEquals(bytes, one(rig, IoRequest.Kind.READ, 0, back, bytes));
      for (int at = 0; at < bytes; at += 8) {
        long was = memory.get(ValueLayout.JAVA_LONG, at);
        long is = back.get(ValueLayout.JAVA_LONG, at);
        boolean discarded = at >= 65536 && at < 131072;
        assertTrue(is == was || (discarded && is == 0), "at " + at);
      }
    }
  }
}
