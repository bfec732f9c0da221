package io.lampyris.chunkengine.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.space.SpaceReport;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.device.IoRequest.Kind;
import java.io.RandomAccessFile;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Scenarios of one target behind its service, on real files. */
final class StorageServiceTest {
  private static final int MIB = 1 << 20;
  private static final long INODE = 4711;

  @TempDir Path tmp;
  private Path dir = Path.of("");
  private StorageRig rig;
  private StorageRig.Client client;

  @BeforeEach
  void start() throws StoreException {
    dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, StorageRig.CHAIN, 168L << 20));
    rig = new StorageRig(dir, Durability.STRICT);
    client = rig.client(1);
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private void restart() throws StoreException {
    rig.close();
    rig = new StorageRig(dir, Durability.STRICT);
    StorageRig.Client before = client;
    client = rig.client(before.id);
    client.sequence = before.sequence;
  }

  private static byte[] filled(int length, int value) {
    byte[] bytes = new byte[length];
    Arrays.fill(bytes, (byte) value);
    return bytes;
  }

  @Test
  void aHoleIsNotFoundAndTheEndIsShort() {
    assertEquals(Status.CHUNK_NOT_FOUND.code(), client.read(INODE, 0, 0, 4096));
    assertEquals(1000, client.write(INODE, 0, MIB, 500, filled(1000, 7)));
    assertEquals(1500, client.read(INODE, 0, 0, MIB));
    assertArrayEquals(filled(500, 0), client.bytes(500));
    assertEquals(0, client.read(INODE, 0, 1500, 10));
    assertEquals(0, client.read(INODE, 0, MIB - 1, 1));
  }

  /** A MiB that begins without any pages. */
  private static final class Shrinking implements AutoCloseable {
    final MemorySegment memory;
    private final int fd;
    private final AtomicBoolean stop = new AtomicBoolean();
    private Thread shrinker = new Thread();

    Shrinking() {
      String name = "/lampyris-test-shrinks-" + Libc.getpid();
      fd = Libc.shmOpen(name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0600);
      assertEquals(0, Libc.shmUnlink(name));
      int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
      memory = NativeMemory.map(fd, 0, MIB, prot, Fcntl.MAP_SHARED);
    }

    void shrinkAgainAndAgain() {
      shrinker =
          Thread.ofPlatform()
              .start(() -> {
                for (int n = 0; !stop.get(); n++) {
                  Libc.ftruncate(fd, n % 2 == 0 ? MIB : n * 4096L % MIB);
                }
              });
    }

    void stayWhole() {
      stop.set(true);
      while (shrinker.isAlive()) {
        Thread.onSpinWait();
      }
      assertEquals(0, Libc.ftruncate(fd, MIB));
    }

    @Override
    public void close() {
      stayWhole();
      NativeMemory.unmap(memory);
      Libc.close(fd);
    }
  }

  @Test
  void memoryThatIsShrunkUnderAReadIsThatReadsFailureOnly() throws Exception {
    byte[] bytes = filled(MIB, 7);
    assertEquals(MIB, client.write(INODE, 0, MIB, 0, bytes));
    try (Shrinking shared = new Shrinking()) {
      MemorySegment memory = shared.memory;
      assertEquals(Status.MEMORY_FAULT.code(), client.readInto(memory, INODE, 0, 0, MIB));
      assertEquals(Status.MEMORY_FAULT.code(), client.readInto(memory, INODE, 0, 1, 1000));
      shared.shrinkAgainAndAgain();
      Set<Long> failures = Set.of(Status.MEMORY_FAULT.code() + 0L);
      for (int n = 0; n < 500; n++) {
        int offset = n % 3 == 0 ? 1 : 0;
        long result = client.readInto(memory, INODE, 0, offset, MIB - offset);
        assertTrue(result == MIB - offset || failures.contains(result), () -> "" + result);
      }
    }
    assertEquals(MIB, client.read(INODE, 0, 0, MIB));
    assertArrayEquals(bytes, client.bytes(MIB));
    assertEquals(0, rig.store.corruptions());
  }

  /** Direct, in pieces, behind what is there, and over a part of it: every way to the device. */
  private long writeSomehow(MemorySegment memory, int n) {
    return switch (n % 5) {
      case 0 -> client.writeFrom(memory, 0, INODE + n, MIB, 0, MIB);
      case 1 -> client.writeFrom(memory, 1, INODE + n, MIB, 0, MIB - 1);
      case 2 -> client.writeFrom(memory, 0, INODE, MIB, 0, MIB);
      case 3 -> client.writeFrom(memory, 8192, INODE, MIB, 65536, 4096);
      default -> client.writeFrom(memory, 4096, INODE + 1000, MIB, n * 4096 % MIB, 4096);
    };
  }

  /** Whatever was answered can be read, and nothing was taken for rot. */
  private void assertReadable(int writes) {
    for (int n = 0; n < writes; n++) {
      long found = client.read(INODE + n, 0, 0, MIB);
      assertTrue(found >= 0 || found == Status.CHUNK_NOT_FOUND.code(), "n=" + n + " " + found);
    }
    assertTrue(client.read(INODE + 1000, 0, 0, MIB) > 0);
    assertEquals(0, rig.store.corruptions());
    assertFalse(rig.store.isOffline());
  }

  @Test
  void memoryThatIsShrunkUnderAWriteIsThatWritesFailureOnly() throws Exception {
    int writes = 300;
    try (Shrinking shared = new Shrinking()) {
      MemorySegment memory = shared.memory;
      for (int n = 0; n < 5; n++) {
        assertEquals(Status.MEMORY_FAULT.code(), writeSomehow(memory, n));
      }
      shared.shrinkAgainAndAgain();
      int done = 0;
      Set<Long> failures =
          Set.of(Status.MEMORY_FAULT.code() + 0L, Status.CHECKSUM_MISMATCH.code() + 0L);
      for (int n = 0; n < writes; n++) {
        long result = writeSomehow(memory, n);
        assertTrue(result > 0 || failures.contains(result), () -> Status.of(result).name());
        done += result > 0 ? 1 : 0;
      }
      shared.stayWhole();
      assertTrue(done < writes, "none failed");
      for (int n = 0; n < 5; n++) {
        assertTrue(writeSomehow(memory, n) > 0);
      }
    }
    assertReadable(writes);
  }

  @Test
  void memoryThatIsWrittenUnderAWriteIsNeverStoredBehindAnotherChecksum() throws Exception {
    MemorySegment memory = Arena.ofShared().allocate(MIB, 4096);
    AtomicBoolean stop = new AtomicBoolean();
    Thread scribbler =
        Thread.ofPlatform()
            .start(() -> {
              for (int n = 0; !stop.get(); n++) {
                memory.set(ValueLayout.JAVA_INT, n * 4096L % MIB, n);
                if (n % 1024 == 0) {
                  LockSupport.parkNanos(50_000);
                }
              }
            });
    int writes = 300;
    int changed = 0;
    for (int n = 0; n < writes; n++) {
      client.unchecked = n % 3 == 0;
      long result = writeSomehow(memory, n);
      boolean mismatch = result == Status.CHECKSUM_MISMATCH.code() && !client.unchecked;
      assertTrue(result > 0 || mismatch, () -> Status.of(result).name());
      changed += mismatch ? 1 : 0;
    }
    client.unchecked = false;
    stop.set(true);
    scribbler.join();
    assertTrue(changed > 0, "none was changed meanwhile");
    for (int n = 0; n < 5; n++) {
      assertTrue(writeSomehow(memory, n) > 0);
    }
    assertReadable(writes);
  }

  @Test
  void memoryThatIsWrittenUnderAReadIsNotTakenForCorruptionButAFlippedBitIs() throws Exception {
    byte[] bytes = new byte[MIB];
    new java.util.SplittableRandom(2).nextBytes(bytes);
    assertEquals(MIB, client.write(INODE, 0, MIB, 0, bytes));
    MemorySegment memory = Arena.ofShared().allocate(MIB, 4096);
    AtomicBoolean stop = new AtomicBoolean();
    Thread scribbler =
        Thread.ofPlatform()
            .start(() -> {
              for (int n = 0; !stop.get(); n++) {
                memory.set(ValueLayout.JAVA_BYTE, n * 4096L % MIB, (byte) n);
              }
            });
    try {
      for (int n = 0; n < 200; n++) {
        int offset = n % 3 == 0 ? 1 : 0;
        assertEquals(MIB - offset, client.readInto(memory, INODE, 0, offset, MIB - offset));
      }
      assertEquals(0, rig.store.corruptions());
      flipOnDevice(Arrays.copyOf(bytes, 128 << 10));
      assertEquals(Status.DATA_CORRUPTION.code() + 0L, client.readInto(memory, INODE, 0, 0, MIB));
      assertEquals(1, rig.store.corruptions());
    } finally {
      stop.set(true);
      scribbler.join();
    }
  }

  @Test
  void versionsRiseByOneAndMustFit() {
    client.write(INODE, 0, MIB, 0, filled(10, 1));
    assertEquals(1, client.chunkReply.committedVersion());
    client.write(INODE, 0, MIB, 10, filled(10, 1));
    assertEquals(2, client.chunkReply.committedVersion());
    client.sequence++;
    assertEquals(Status.CHUNK_COMMITTED_UPDATE.code(), client.writeMemory(INODE, 0, MIB, 0, 10, 2));
    assertEquals(Status.CHUNK_MISSING_UPDATE.code(), client.writeMemory(INODE, 0, MIB, 0, 10, 4));
    assertEquals(10, client.writeMemory(INODE, 0, MIB, 0, 10, 3));
  }

  @Test
  void aRetryIsAnsweredAsTheFirstTimeEvenAfterARestart() throws Exception {
    client.write(INODE, 0, MIB, 0, filled(100, 1));
    assertEquals(100, client.writeAgain(INODE, 0, MIB, 0, filled(100, 2)));
    assertEquals(1, client.chunkReply.committedVersion());
    restart();
    assertEquals(100, client.writeAgain(INODE, 0, MIB, 0, filled(100, 2)));
    assertEquals(100, client.read(INODE, 0, 0, 100));
    assertArrayEquals(filled(100, 1), client.bytes(100));
    client.sequence--;
    assertEquals(
        Status.CHUNK_STALE_UPDATE.code(), client.writeAgain(INODE, 0, MIB, 0, filled(100, 3)));
  }

  @Test
  void aTargetThatWasRestartedUntilItsLogWasRewrittenStillTakesWrites() throws Exception {
    for (int i = 0; i < 20; i++) {
      assertEquals(100, client.write(INODE, i, MIB, 0, filled(100, i)), "write after start " + i);
      restart();
    }
    for (int i = 0; i < 20; i++) {
      assertEquals(100, client.read(INODE, i, 0, 100));
      assertArrayEquals(filled(100, i), client.bytes(100));
    }
  }

  @Test
  void wrongRequestsTouchNothing() {
    assertEquals(Status.INVALID_ARGUMENT.code(), client.write(INODE, 0, 12345, 0, filled(1, 1)));
    assertEquals(Status.INVALID_ARGUMENT.code(), client.write(INODE, 0, MIB, MIB, filled(1, 1)));
    assertEquals(Status.INVALID_ARGUMENT.code(), client.write(INODE, -1, MIB, 0, filled(1, 1)));
    client.chainVersion++;
    assertEquals(
        Status.CHAIN_VERSION_MISMATCH.code(), client.write(INODE, 0, MIB, 0, filled(1, 1)));
    client.chainVersion--;
    client.crcFlip = 1;
    assertEquals(Status.CHECKSUM_MISMATCH.code(), client.write(INODE, 0, MIB, 0, filled(1, 1)));
    assertEquals(Status.CHECKSUM_MISMATCH.code(), client.write(INODE, 0, MIB, 0, filled(MIB, 1)));
    client.crcFlip = 0;
    assertEquals(Status.NOT_IMPLEMENTED.code(), client.sendTemplate(999));
    client.space();
    assertEquals(client.spaceReply.capacityBytes(), client.spaceReply.freeBytes());
    client.write(INODE, 0, MIB, 0, filled(1, 1));
    assertEquals(
        Status.CHUNK_SIZE_MISMATCH.code(), client.write(INODE, 0, 2 * MIB, 0, filled(1, 1)));
  }

  @Test
  void shortChunksTakeSmallBlocksAndMoveWhenTheyGrow() {
    client.space();
    long free = client.spaceReply.freeBytes();
    client.write(INODE, 0, MIB, 0, filled(3, 1));
    client.space();
    assertEquals(free - (64 << 10), client.spaceReply.freeBytes());
    client.write(INODE, 0, MIB, 3, filled(64 << 10, 2));
    client.space();
    assertEquals(free - (128 << 10), client.spaceReply.freeBytes());
    assertEquals(3 + (64 << 10), client.read(INODE, 0, 0, MIB));
    assertEquals(0, client.truncate(INODE, 0, MIB, 0, false));
    client.space();
    assertEquals(free, client.spaceReply.freeBytes());
    client.query(INODE);
    assertEquals(1, client.queryReply.chunkCount());
    assertEquals(0, client.queryReply.lastChunkLength());
  }

  @Test
  void aShrunkChunkGrowsWithZerosAndNotWithItsOldBytes() throws Exception {
    client.write(INODE, 0, MIB, 0, filled(300_000, 9));
    assertEquals(100_001, client.truncate(INODE, 0, MIB, 100_001, false));
    restart();
    assertEquals(250_000, client.truncate(INODE, 0, MIB, 250_000, true));
    assertEquals(250_000, client.read(INODE, 0, 0, MIB));
    assertArrayEquals(filled(100_001, 9), client.bytes(100_001));
    assertArrayEquals(
        filled(149_999, 0), Arrays.copyOfRange(client.bytes(250_000), 100_001, 250_000));
  }

  private void flipOnDevice(byte[] needle) throws Exception {
    try (RandomAccessFile file = new RandomAccessFile(rig.store.deviceFile().toFile(), "rw")) {
      byte[] all = new byte[MIB];
      for (long at = MIB; at < file.length(); at += 64 << 10) {
        file.seek(at);
        file.readFully(all, 0, needle.length);
        if (Arrays.equals(all, 0, needle.length, needle, 0, needle.length)) {
          file.seek(at + needle.length / 2);
          file.write(needle[needle.length / 2] ^ 0x10);
          file.getFD().sync();
          return;
        }
      }
    }
    throw new AssertionError("the chunk's bytes are not on the device");
  }

  @Test
  void aBitThatFlippedOnTheDeviceIsNeverReturnedByAReadOfItsUnit() throws Exception {
    byte[] bytes = new byte[MIB];
    new java.util.SplittableRandom(1).nextBytes(bytes);
    client.write(INODE, 0, MIB, 0, bytes);
    flipOnDevice(Arrays.copyOf(bytes, 128 << 10));
    assertEquals(Status.DATA_CORRUPTION.code(), client.read(INODE, 0, 0, MIB));
    assertEquals(Status.DATA_CORRUPTION.code(), client.read(INODE, 0, 60_000, 200_000));
    assertEquals(5, client.write(INODE, 0, MIB, 100_000, filled(5, 1)), "reads a few sectors");
    assertEquals(Status.DATA_CORRUPTION.code(), client.read(INODE, 0, 64 << 10, 64 << 10));
    assertEquals(
        Status.DATA_CORRUPTION.code(),
        client.write(INODE, 0, MIB, 5, filled(600_000, 1)),
        "would copy them");
    assertEquals(64 << 10, client.read(INODE, 0, 0, 64 << 10), "units before it are fine");
    assertEquals(1, rig.store.corruptions(), "one bad unit, however often it is met");
    assertEquals(
        java.util.List.of(new io.lampyris.chunkengine.space.BadChunk(INODE, 0, 2)),
        rig.ask(() -> rig.store.quarantined(9)));
    assertFalse(rig.store.isOffline());
    assertEquals(MIB, client.write(INODE, 0, MIB, 0, bytes), "a full replace heals the chunk");
    assertEquals(MIB, client.read(INODE, 0, 0, MIB));
    assertArrayEquals(bytes, client.bytes(MIB));
  }

  @Test
  void aFullDeviceRefusesKeepsWhatItHasAndServesAgainAfterRemoval() throws Exception {
    int written = 0;
    byte[] bytes = filled(MIB, 3);
    long result;
    while ((result = client.write(INODE, written, MIB, 0, bytes)) == MIB) {
      written++;
    }
    assertEquals(160 - 4, written, "two percent stay free, in whole blocks");
    assertEquals(Status.NO_SPACE.code(), result);
    client.space();
    assertTrue(client.spaceReply.freeBytes() < MIB);
    long left = client.spaceReply.freeBytes();
    assertEquals(SpaceReport.Level.LOW, rig.store.space().level());
    assertEquals(MIB, client.write(INODE, 0, MIB, 0, bytes), "a replacement needs no more space");
    assertEquals(5, client.truncate(INODE, 10, MIB, 5, false), "shrinking needs no block");
    restart();
    for (int i = 0; i < written; i += 13) {
      assertEquals(i == 10 ? 5 : MIB, client.read(INODE, i, 0, MIB));
      assertArrayEquals(bytes, client.bytes(MIB));
    }
    assertEquals(100, client.remove(INODE, 20, 100));
    assertEquals(1, client.removeReply.more());
    client.space();
    assertEquals(left + 100L * MIB, client.spaceReply.freeBytes());
    for (int i = 0; i < 100; i++) {
      assertEquals(MIB, client.write(INODE + 1, i, MIB, 0, bytes));
    }
    assertEquals(Status.NO_SPACE.code(), client.write(INODE + 1, 100, MIB, 0, bytes));
  }

  @Test
  void removalGoesInStepsAndIsDurable() throws Exception {
    for (int i = 0; i < 10; i++) {
      client.write(INODE, i * 1000, MIB, 0, filled(10 + i, i));
    }
    client.query(INODE);
    assertEquals(10, client.queryReply.chunkCount());
    assertEquals(145, client.queryReply.totalLengthBytes());
    assertEquals(9000, client.queryReply.lastChunkIndex());
    assertEquals(19, client.queryReply.lastChunkLength());
    assertEquals(3, client.remove(INODE, 1001, 3));
    assertEquals(1, client.removeReply.more());
    restart();
    assertEquals(5, client.remove(INODE, 1001, 1000));
    assertEquals(0, client.removeReply.more());
    assertEquals(0, client.remove(INODE, 1001, 1000));
    restart();
    client.query(INODE);
    assertEquals(2, client.queryReply.chunkCount());
    assertEquals(1000, client.queryReply.lastChunkIndex());
  }

  @Test
  void concurrentReadsSeeOldOrNewVersionsWhole() throws Exception {
    client.write(INODE, 0, MIB, 0, filled(MIB, 0));
    AtomicBoolean done = new AtomicBoolean();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    List<Thread> readers = new ArrayList<>();
    for (int r = 0; r < 3; r++) {
      StorageRig.Client reader = rig.client(100 + r);
      reader.payloadOffset = r == 0 ? 0 : r;
      Thread thread =
          Thread.ofPlatform()
              .start(() -> {
                try {
                  while (!done.get()) {
                    readUniform(reader);
                  }
                } catch (Throwable t) {
                  failure.set(t);
                }
              });
      readers.add(thread);
    }
    for (int i = 1; i <= 60; i++) {
      // Replace whole, shrink, and grow again in place: each version is uniform.
      int length = i % 3 == 0 ? MIB : MIB / 2;
      assertEquals(length, client.truncate(INODE, 0, MIB, length, false) < 0 ? -1 : length);
      assertEquals(MIB, client.write(INODE, 0, MIB, 0, filled(MIB, i)));
    }
    done.set(true);
    for (Thread reader : readers) {
      reader.join();
    }
    if (failure.get() != null) {
      throw new AssertionError(failure.get());
    }
  }

  private static void readUniform(StorageRig.Client reader) {
    long result = reader.read(INODE, 0, 0, MIB);
    assertTrue(result == MIB || result == MIB / 2, "observed=" + result);
    byte[] bytes = reader.bytes((int) result);
    for (byte b : bytes) {
      assertEquals(bytes[0], b);
    }
  }

  @Test
  void manyWritersOfOneChunkAreServedOneByOne() throws Exception {
    List<Thread> writers = new ArrayList<>();
    AtomicReference<Throwable> failure = new AtomicReference<>();
    for (int w = 0; w < 4; w++) {
      StorageRig.Client writer = rig.client(200 + w);
      int at = w;
      writers.add(
          Thread.ofPlatform()
              .start(() -> {
                for (int i = 0; i < 20; i++) {
                  if (writer.write(INODE, 0, MIB, at * 1000, filled(1000, at + 1)) != 1000) {
                    failure.set(new AssertionError("write failed"));
                  }
                }
              }));
    }
    for (Thread writer : writers) {
      writer.join();
    }
    assertEquals(null, failure.get());
    assertEquals(4000, client.read(INODE, 0, 0, MIB));
    assertEquals(80, client.chunkReply.committedVersion());
    for (int w = 0; w < 4; w++) {
      assertArrayEquals(
          filled(1000, w + 1), Arrays.copyOfRange(client.bytes(4000), w * 1000, w * 1000 + 1000));
    }
  }

  @Test
  void aFailedFlushTakesTheTargetOfflineAndLosesNothingAcknowledged() throws Exception {
    failsAndComesBack(Set.of(Kind.FLUSH));
  }

  @Test
  void aFailedWriteTakesTheTargetOfflineAndLosesNothingAcknowledged() throws Exception {
    failsAndComesBack(Set.of(Kind.WRITE));
  }

  private void failsAndComesBack(Set<Kind> failing) throws Exception {
    client.write(INODE, 0, MIB, 0, filled(1000, 1));
    rig.failing = failing;
    assertEquals(Status.DEVICE_ERROR.code(), client.write(INODE, 0, MIB, 0, filled(2000, 2)));
    rig.failing = Set.of();
    assertTrue(rig.store.isOffline());
    assertEquals(Status.TARGET_OFFLINE.code(), client.write(INODE, 0, MIB, 0, filled(1, 2)));
    assertEquals(Status.TARGET_OFFLINE.code(), client.read(INODE, 0, 0, 1000));
    restart();
    assertEquals(1000, client.read(INODE, 0, 0, 1000));
    assertArrayEquals(filled(1000, 1), client.bytes(1000));
  }

  @Test
  void aFailedReadFailsThatReadAlone() {
    client.write(INODE, 0, MIB, 0, filled(1000, 1));
    rig.failing = Set.of(Kind.READ);
    assertEquals(Status.DEVICE_ERROR.code(), client.read(INODE, 0, 0, 1000));
    rig.failing = Set.of();
    assertEquals(1000, client.read(INODE, 0, 0, 1000));
  }
}
