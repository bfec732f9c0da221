package io.lampyris.bindings.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import io.lampyris.bindings.NativeMemory;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Two queue pairs of one device, connected to each other; needs an RDMA device. */
@Timeout(60)
class QueuePairTest {
  private static final int BYTES = 1 << 16;
  private static final int RETRIES = 3;
  private static final int ACK_TIMEOUT = 14;
  private static final int ONE = 1000;
  private static final int OTHER = 2000;

  private VerbsDevice device;
  private CompletionQueue completions;
  private QueuePair one;
  private QueuePair other;
  private MemorySegment memory;
  private MemoryRegion region;

  @BeforeEach
  void connect() {
    device = RdmaDevice.orSkip();
    completions = new CompletionQueue(device, 256);
    one = new QueuePair(device, completions, 16, 16, 128);
    other = new QueuePair(device, completions, 16, 16, 128);
    one.connect(device.address(other.number(), 7), 5, ACK_TIMEOUT, RETRIES);
    other.connect(device.address(one.number(), 5), 7, ACK_TIMEOUT, RETRIES);
    memory = NativeMemory.allocateAligned(4 * BYTES);
    region = device.register(memory.address(), memory.byteSize());
  }

  @AfterEach
  void close() {
    if (device != null) {
      one.close();
      other.close();
      region.close();
      completions.close();
      device.close();
      NativeMemory.unmap(memory);
    }
  }

  private void fill(long at, int seed) {
    for (int i = 0; i < BYTES; i++) {
      memory.set(ValueLayout.JAVA_BYTE, at + i, (byte) (i * 31 + seed));
    }
  }

  private WcStatus completionOf(long id) {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (System.nanoTime() < endNs) {
      int count = completions.poll();
      assertTrue(count >= 0, () -> "poll: " + count);
      for (int i = 0; i < count; i++) {
        if (completions.id(i) == id) {
          found = i;
          return WcStatus.of(completions.status(i));
        }
      }
    }
    throw new AssertionError("no completion of " + id);
  }

  private int found;

  private void window(MemoryWindow window, long at, int length, boolean writable) {
    one.beginBind(0, ONE, window, region, memory.address() + at, length, writable);
    one.signal(0);
    assertEquals(0, one.post(0));
    assertEquals(WcStatus.SUCCESS, completionOf(ONE));
  }

  private WcStatus transfer(int opcode, long localAt, long remoteAt, int length, int key) {
    other.begin(0, OTHER, opcode, QueuePair.SIGNALED);
    other.local(0, memory.address() + localAt, length, region.localKey);
    other.remote(0, memory.address() + remoteAt, key);
    assertEquals(0, other.post(0));
    return completionOf(OTHER);
  }

  @Test
  void aMessageArrivesWhole() {
    fill(0, 1);
    other.receive(3, OTHER + 3, memory.address() + BYTES, BYTES, region.localKey);
    assertEquals(0, other.postReceives(3));
    one.begin(1, ONE, QueuePair.SEND, QueuePair.SIGNALED);
    one.local(1, memory.address(), 5000, region.localKey);
    assertEquals(0, one.post(1));
    assertEquals(WcStatus.SUCCESS, completionOf(OTHER + 3));
    assertEquals(5000, completions.lengthBytes(found));
    assertEquals(-1, memory.asSlice(0, 5000).mismatch(memory.asSlice(BYTES, 5000)));
  }

  @Test
  void aPeerReadsAndWritesThroughWindows() {
    try (MemoryWindow readable = device.window();
        MemoryWindow writable = device.window()) {
      fill(0, 2);
      window(readable, 0, BYTES, false);
      window(writable, BYTES, BYTES, true);
      int key = readable.remoteKey();
      assertEquals(WcStatus.SUCCESS, transfer(QueuePair.READ, 2 * BYTES, 0, BYTES, key));
      assertEquals(-1, memory.asSlice(0, BYTES).mismatch(memory.asSlice(2 * BYTES, BYTES)));
      fill(3 * BYTES, 3);
      key = writable.remoteKey();
      assertEquals(WcStatus.SUCCESS, transfer(QueuePair.WRITE, 3 * BYTES, BYTES, BYTES, key));
      assertEquals(-1, memory.asSlice(BYTES, BYTES).mismatch(memory.asSlice(3 * BYTES, BYTES)));
      one.toError();
      other.toError();
    }
  }

  @Test
  void aPeerDoesNotReachWhatLiesBehindTheRegion() {
    try (MemoryWindow writable = device.window()) {
      window(writable, 3 * BYTES, BYTES, true);
      WcStatus status = transfer(QueuePair.WRITE, 0, 4 * BYTES - 8, 16, writable.remoteKey());
      assertEquals(WcStatus.REM_ACCESS_ERR, status);
      one.toError();
    }
  }

  @Test
  void aPeerDoesNotReachWhatLiesBehindItsWindow() {
    assumeFalse(
        device.isSoftRoce,
        "soft-RoCE checks a region's bounds, not a window's; remedy: run it on an RDMA NIC");
    try (MemoryWindow writable = device.window()) {
      window(writable, BYTES, 4096, true);
      fill(0, 4);
      WcStatus status = transfer(QueuePair.WRITE, 0, BYTES, 4097, writable.remoteKey());
      assertEquals(WcStatus.REM_ACCESS_ERR, status);
      assertEquals(0, memory.get(ValueLayout.JAVA_BYTE, BYTES + 4096L));
      one.toError();
    }
  }

  @Test
  void aPeerDoesNotWriteWhatItMayRead() {
    try (MemoryWindow readable = device.window()) {
      window(readable, BYTES, 4096, false);
      fill(0, 5);
      WcStatus status = transfer(QueuePair.WRITE, 0, BYTES, 4096, readable.remoteKey());
      assertEquals(WcStatus.REM_ACCESS_ERR, status);
      assertEquals(-1, memory.asSlice(BYTES, 4096).mismatch(memory.asSlice(2 * BYTES, 4096)));
      one.toError();
    }
  }

  @Test
  void aKeyThatWasTakenBackOpensNothing() {
    try (MemoryWindow readable = device.window()) {
      window(readable, 0, BYTES, false);
      int old = readable.remoteKey();
      one.beginInvalidate(1, ONE + 1, QueuePair.SIGNALED, readable);
      assertEquals(0, one.post(1));
      assertEquals(WcStatus.SUCCESS, completionOf(ONE + 1));
      readable.invalidated();
      window(readable, 0, BYTES, false);
      assertTrue(old != readable.remoteKey(), "each binding has a key of its own");
      assertEquals(WcStatus.REM_ACCESS_ERR, transfer(QueuePair.READ, 2 * BYTES, 0, BYTES, old));
      one.toError();
    }
  }

  @Test
  void aMessageTakesBackAKeyOfItsReceiver() {
    try (MemoryWindow readable = device.window()) {
      window(readable, 0, BYTES, false);
      one.receive(0, ONE + 9, memory.address() + BYTES, BYTES, region.localKey);
      assertEquals(0, one.postReceives(0));
      other.begin(2, OTHER + 2, QueuePair.SEND_AND_INVALIDATE, QueuePair.SIGNALED);
      other.local(2, memory.address() + 2 * BYTES, 64, region.localKey);
      other.takesBack(2, readable.remoteKey());
      assertEquals(0, other.post(2));
      assertEquals(WcStatus.SUCCESS, completionOf(ONE + 9));
      assertTrue(completions.hasInvalidated(found));
      assertEquals(readable.remoteKey(), completions.invalidatedKey(found));
      readable.invalidated();
      assertEquals(
          WcStatus.REM_ACCESS_ERR,
          transfer(QueuePair.READ, 2 * BYTES, 0, 64, readable.remoteKey()));
    }
  }

  @Test
  void whatIsOutstandingCompletesInErrorWhenItEnds() {
    for (int i = 0; i < 4; i++) {
      one.receive(i, ONE + i, memory.address(), BYTES, region.localKey);
      one.linkReceive(i, i < 3 ? i + 1 : -1);
    }
    assertEquals(0, one.postReceives(0));
    one.toError();
    // Their completions may come in one batch: the last says that all are there.
    assertEquals(WcStatus.WR_FLUSH_ERR, completionOf(ONE + 3));
    for (int i = 0; i < found; i++) {
      assertEquals(WcStatus.WR_FLUSH_ERR, WcStatus.of(completions.status(i)));
    }
  }

  @Test
  void linkedOperationsTellOnceAtTheirEnd() {
    try (MemoryWindow writable = device.window()) {
      fill(0, 6);
      window(writable, BYTES, BYTES, true);
      for (int i = 0; i < 8; i++) {
        other.begin(i, OTHER + i, QueuePair.WRITE, 0);
        other.local(i, memory.address() + i * 8192L, 8192, region.localKey);
        other.remote(i, memory.address() + BYTES + i * 8192L, writable.remoteKey());
        if (i > 0) {
          other.link(i - 1, i);
        }
      }
      other.signal(7);
      assertEquals(0, other.post(0));
      assertEquals(WcStatus.SUCCESS, completionOf(OTHER + 7));
      assertEquals(0, found, "the others told nothing");
      assertEquals(-1, memory.asSlice(0, BYTES).mismatch(memory.asSlice(BYTES, BYTES)));
      one.toError();
    }
  }
}
