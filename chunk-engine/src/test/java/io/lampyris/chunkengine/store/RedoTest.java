package io.lampyris.chunkengine.store;

import static io.lampyris.chunkengine.store.StoreRig.MIB;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.device.IoRequest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.CompletableFuture;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Overwrites that go through the log: before they are in their place, in it, and after a kill. */
final class RedoTest {
  private static final long INODE = 7;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private StoreRig rig;

  @BeforeEach
  void start() throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, 2, 321L << 20));
    rig = new StoreRig(dir, options());
  }

  private static TargetOptions options() {
    return TargetOptions.defaults();
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private byte[] random(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private static byte[] merged(byte[] old, int offset, byte[] bytes) {
    byte[] now = Arrays.copyOf(old, Math.max(old.length, offset + bytes.length));
    System.arraycopy(bytes, 0, now, offset, bytes.length);
    return now;
  }

  private byte[] writeBase(int length) {
    byte[] base = random(length);
    assertEquals(length, rig.write(INODE, 0, 0, base));
    return base;
  }

  private static boolean isWrite(IoRequest request) {
    return request.kind == IoRequest.Kind.WRITE
        && request.deviceOffset >= Geometry.FIRST_EXTENT_OFFSET;
  }

  @Test
  void aSmallOverwriteNeitherCopiesTheChunkNorWritesMuch() throws Exception {
    byte[] expected = writeBase(MIB);
    TargetStatistics statistics = rig.store.statistics();
    long deviceBefore = statistics.deviceWriteBytes;
    long logBefore = statistics.logBytes;
    List<CompletableFuture<Long>> writes = new ArrayList<>();
    for (int i = 0; i < 64; i++) {
      byte[] bytes = random(4096);
      int offset = i * 16384;
      expected = merged(expected, offset, bytes);
      writes.add(rig.start(rig.prepareWrite(INODE, 0, offset, bytes)));
    }
    writes.forEach(write -> assertEquals(4096L, StoreRig.await(write)));
    assertArrayEquals(expected, rig.read(INODE, 0));
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    assertEquals(64, statistics.redoUpdates);
    double written = (double) (statistics.deviceWriteBytes - deviceBefore) / (64 * 4096);
    assertTrue(
        written >= 2 && written <= 2 + statistics.groups * 4096.0 * 5 / (64 * 4096),
        "bytes to the device for each byte, payload, place and images: " + written);
    double logged = (double) (statistics.logBytes - logBefore) / (64 * 4096);
    assertTrue(logged < 0.1, "bytes to the log for each byte: " + logged);
  }

  @Test
  void readsSeeAnOverwriteBeforeItIsInItsPlaceAndAfterIt() {
    byte[] expected = writeBase(300_000);
    rig.park(RedoTest::isWrite);
    byte[] bytes = random(5000);
    assertEquals(5000, rig.write(INODE, 0, 99_000, bytes), "the answer does not wait");
    expected = merged(expected, 99_000, bytes);
    assertEquals(1, rig.parkedCount());
    assertArrayEquals(expected, rig.read(INODE, 0));
    assertArrayEquals(
        Arrays.copyOfRange(expected, 100_001, 103_001),
        rig.read(INODE, 0, 100_001, 3000, ReadOp.Version.COMMITTED));
    rig.unpark();
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    assertArrayEquals(expected, rig.read(INODE, 0));
  }

  @Test
  void anOverwriteMayReachBehindTheEnd() throws Exception {
    byte[] expected = writeBase(200_000);
    byte[] bytes = random(30_000);
    assertEquals(30_000, rig.write(INODE, 0, 190_001, bytes));
    expected = merged(expected, 190_001, bytes);
    assertEquals(1, rig.store.statistics().redoUpdates);
    assertArrayEquals(expected, rig.read(INODE, 0));
    reopen(rig.killedCopy(tmp.resolve("copy")));
    assertArrayEquals(expected, rig.read(INODE, 0));
  }

  private void reopen(Path dir) throws Exception {
    reopen(dir, options());
  }

  private void reopen(Path dir, TargetOptions with) throws Exception {
    rig.close();
    rig = new StoreRig(dir, with);
  }

  @Test
  void whatWasNotInItsPlaceIsRedoneAfterAKill() throws Exception {
    byte[] expected = writeBase(MIB);
    rig.park(RedoTest::isWrite);
    byte[] bytes = random(7000);
    rig.write(INODE, 0, 123_456, bytes);
    expected = merged(expected, 123_456, bytes);
    Path copy = rig.killedCopy(tmp.resolve("copy"));
    reopen(copy);
    assertArrayEquals(expected, rig.read(INODE, 0));
    Path again = rig.killedCopy(tmp.resolve("again"));
    reopen(again);
    assertArrayEquals(expected, rig.read(INODE, 0), "redone things stay");
  }

  @Test
  void anOverwriteThatWasTornInItsPlaceIsRepaired() throws Exception {
    byte[] expected = writeBase(MIB);
    byte[] bytes = random(20_000);
    rig.write(INODE, 0, 40_000, bytes);
    expected = merged(expected, 40_000, bytes);
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    Path copy = rig.killedCopy(tmp.resolve("copy"));
    try (RandomAccessFile file = new RandomAccessFile(copy.resolve("device").toFile(), "rw")) {
      file.seek(MIB + 45_056);
      file.write(new byte[8192]);
    }
    reopen(copy);
    assertArrayEquals(expected, rig.read(INODE, 0));
    assertEquals(0, rig.store.corruptions());
  }

  @Test
  void replayLeavesWhatCameAfterAnOverwriteAlone() throws Exception {
    byte[] expected = writeBase(500_000);
    byte[] first = random(9000);
    rig.write(INODE, 0, 100_000, first);
    rig.write(INODE, 0, 100_500, random(3000));
    rig.truncate(INODE, 0, 102_000);
    byte[] appended = random(60_000);
    rig.write(INODE, 0, 102_000, appended);
    byte[] tail = rig.read(INODE, 0);
    // Another chunk moves to a new block, and its old block goes to a third one.
    rig.write(INODE, 1, 0, random(60_000));
    rig.write(INODE, 1, 1000, random(2000));
    byte[] replaced = random(64_000);
    rig.write(INODE, 1, 0, replaced);
    byte[] third = random(65_536);
    rig.write(INODE, 2, 0, third);
    rig.write(INODE, 3, 0, random(60_000));
    rig.write(INODE, 3, 1000, random(2000));
    rig.remove(INODE, 3);
    byte[] fourth = random(65_536);
    rig.write(INODE, 4, 0, fourth);
    reopen(rig.killedCopy(tmp.resolve("copy")));
    assertArrayEquals(tail, rig.read(INODE, 0));
    assertArrayEquals(Arrays.copyOf(expected, 100_000), Arrays.copyOf(tail, 100_000));
    assertArrayEquals(appended, Arrays.copyOfRange(tail, 102_000, tail.length));
    assertArrayEquals(replaced, rig.read(INODE, 1));
    assertArrayEquals(third, rig.read(INODE, 2));
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 3, ReadOp.Version.COMMITTED));
    assertArrayEquals(fourth, rig.read(INODE, 4));
  }

  @Test
  void aFlushOfTheDeviceEndsWhatAStartRedoes() throws Exception {
    writeBase(MIB);
    rig.write(INODE, 0, 4096, random(4096));
    long flushes = rig.store.statistics().deviceFlushes;
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    assertTrue(
        rig.becomes(() -> rig.store.statistics().deviceFlushes > flushes),
        "an idle target flushes after a while");
    rig.write(INODE, 1, 0, random(100));
    Path copy = rig.killedCopy(tmp.resolve("copy"));
    try (OffHeapChunkIndex index = new OffHeapChunkIndex()) {
      Superblock superblock = new TargetFiles(options()).readSuperblock(copy.resolve("device"));
      LogFiles files = new LogFiles(options(), copy.resolve("log"), superblock.uuid(), index);
      files.findJournal(copy.resolve("device"));
      files.replay();
      assertEquals(2, index.count());
      assertEquals(List.of(), files.replayer().redos());
    }
  }

  @Test
  void aReadThatAnOverwriteTearsBeginsAgain() {
    byte[] base = writeBase(MIB);
    rig.park(request -> request.kind == IoRequest.Kind.READ && request.lengthBytes == MIB);
    StoreRig.Read read = rig.startRead(INODE, 0, 0, MIB, ReadOp.Version.COMMITTED);
    assertTrue(rig.becomes(() -> rig.parkedCountNow() == 1));
    byte[] bytes = random(4096);
    rig.write(INODE, 0, 8192, bytes);
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    assertFalse(read.done.isDone());
    rig.unpark();
    assertEquals(MIB, StoreRig.await(read.done));
    assertArrayEquals(merged(base, 8192, bytes), read.bytes());
    assertEquals(2, read.state.version);
    assertEquals(1, rig.store.statistics().readsRepeated);
    assertEquals(0, rig.store.corruptions());
  }

  @Test
  void aReadThatIsTornAgainAndAgainTakesItsTurn() {
    byte[] expected = writeBase(MIB);
    for (int round = 0; round < 2; round++) {
      rig.park(request -> request.kind == IoRequest.Kind.READ && request.lengthBytes == MIB);
      StoreRig.Read read = rig.startRead(INODE, 0, 0, MIB, ReadOp.Version.COMMITTED);
      for (int i = 0; i < 3; i++) {
        assertTrue(rig.becomes(() -> rig.parkedCountNow() == 1));
        byte[] bytes = random(4096);
        rig.write(INODE, 0, i * 50_000, bytes);
        expected = merged(expected, i * 50_000, bytes);
        rig.unparkOne();
      }
      assertTrue(rig.becomes(() -> rig.parkedCountNow() == 1));
      CompletableFuture<Long> late = rig.start(rig.prepareWrite(INODE, 0, 0, random(10)));
      assertEquals(1, rig.parkedCount());
      assertFalse(late.isDone(), "the read has the chunk");
      rig.unpark();
      assertEquals(MIB, StoreRig.await(read.done));
      assertArrayEquals(expected, read.bytes());
      assertEquals(10L, StoreRig.await(late));
      expected = rig.read(INODE, 0);
    }
  }

  @Test
  void aByteThatWentBadBesideAnOverwriteStaysBad() throws Exception {
    writeBase(MIB);
    flip(70_000);
    assertEquals(50, rig.write(INODE, 0, 69_990, random(50)), "over it");
    assertEquals(4096, rig.write(INODE, 0, 73_728, random(4096)), "beside it");
    assertEquals(Status.DATA_CORRUPTION.code(), rig.readResult(INODE, 0, ReadOp.Version.COMMITTED));
    assertEquals(65_536, rig.write(INODE, 0, 65_536, random(65_536)), "heals the whole unit");
    assertEquals(MIB, rig.readResult(INODE, 0, ReadOp.Version.COMMITTED));
  }

  private void flip(int at) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(rig.store.deviceFile().toFile(), "rw")) {
      file.seek(Geometry.FIRST_EXTENT_OFFSET + at);
      int old = file.read();
      file.seek(Geometry.FIRST_EXTENT_OFFSET + at);
      file.write(old ^ 4);
      file.getFD().sync();
    }
  }

  private long readBlock(int block) throws Exception {
    StoreRig.Read read = rig.startRead(INODE, 0, block * 4096, 4096, ReadOp.Version.COMMITTED);
    return StoreRig.await(read.done);
  }

  /** Block 17 is bad: of unit 1, as is block 16. */
  @Test
  void aPartOfAUnitIsVerifiedByTheBlocksThatWereWritten() throws Exception {
    byte[] base = writeBase(500_000);
    flip(70_000);
    assertEquals(4096, readBlock(16));
    byte[] both = rig.read(INODE, 0, 61_440, 8192, ReadOp.Version.COMMITTED);
    assertArrayEquals(Arrays.copyOfRange(base, 61_440, 69_632), both, "of two units");
    assertEquals(Status.DATA_CORRUPTION.code(), readBlock(17));
  }

  @Test
  void aUnitIsReadWholeOnceAndItsBlocksAreKnownThen() throws Exception {
    writeBase(500_000);
    reopen(tmp.resolve("t"));
    assertEquals(4096, readBlock(16));
    flip(70_000);
    assertEquals(4096, readBlock(16), "reads no other block");
    assertEquals(Status.DATA_CORRUPTION.code(), readBlock(17));
    reopen(tmp.resolve("t"));
    assertEquals(Status.DATA_CORRUPTION.code(), readBlock(16), "reads the unit");
  }

  @Test
  void withoutStrictVerificationAPartOfAUnitIsTakenAsItIs() throws Exception {
    writeBase(500_000);
    // What the scrubber has found is refused as well, so it must not come between.
    IntegrityOptions normal =
        IntegrityOptions.defaults().withVerify(IntegrityOptions.Verify.NORMAL).withScrub(0, 1);
    reopen(tmp.resolve("t"), options().withIntegrity(normal));
    flip(70_000);
    assertEquals(4096, readBlock(17));
    StoreRig.Read read = rig.startRead(INODE, 0, 65_536, 65_536, ReadOp.Version.COMMITTED);
    assertEquals(Status.DATA_CORRUPTION.code(), StoreRig.await(read.done));
  }

  @Test
  void readsVerifyEveryUnitThatTheyTouch() throws Exception {
    writeBase(500_000);
    rig.write(INODE, 0, 200_000, random(3000));
    byte[] expected = rig.read(INODE, 0);
    reopen(tmp.resolve("t"));
    for (int i = 0; i < 40; i++) {
      int offset = random.nextInt(500_000);
      int length = 1 + random.nextInt(200_000);
      byte[] part =
          Arrays.copyOfRange(expected, offset, Math.min(expected.length, offset + length));
      assertArrayEquals(part, rig.read(INODE, 0, offset, length, ReadOp.Version.COMMITTED));
    }
    flip(70_000);
    StoreRig.Read read = rig.startRead(INODE, 0, 120_000, 100, ReadOp.Version.COMMITTED);
    assertEquals(Status.DATA_CORRUPTION.code(), StoreRig.await(read.done), "of the same unit");
    assertEquals(
        100, rig.read(INODE, 0, 10, 100, ReadOp.Version.COMMITTED).length, "of another one");
  }

  @Test
  void aWrongPayloadChecksumChangesNothing() {
    byte[] base = writeBase(MIB);
    StoreRig.Update update = rig.prepareWrite(INODE, 0, 4096, random(4096));
    update.payloadCrc32c ^= 1;
    assertEquals(Status.CHECKSUM_MISMATCH.code(), rig.run(update));
    assertArrayEquals(base, rig.read(INODE, 0));
  }

  @Test
  void concurrentReadsSeeOnlyVersionsThatWereCommittedWhileTheyRan() throws Exception {
    System.out.println("seed=" + seed);
    for (int round = 0; round < 3; round++) {
      Overlapped overlapped = new Overlapped(rig, random.nextLong());
      overlapped.run(400);
      reopen(rig.killedCopy(tmp.resolve("round" + round)));
      overlapped.check(rig);
    }
  }

  /** Chains of updates to a few chunks, with reads of all kinds in between; on the reactor. */
  private static final class Overlapped {
    private static final int CHUNKS = 3;
    private static final int READERS = 6;

    private final StoreRig rig;
    private final SplittableRandom random;
    private final List<List<byte[]>> versions = new ArrayList<>();
    private final CompletableFuture<Void> done = new CompletableFuture<>();
    private int left;
    private int running;

    Overlapped(StoreRig rig, long seed) {
      this.rig = rig;
      this.random = new SplittableRandom(seed);
      for (int i = 0; i < CHUNKS; i++) {
        versions.add(new ArrayList<>());
      }
    }

    void run(int updates) {
      for (int i = 0; i < CHUNKS; i++) {
        rig.remove(INODE + i, 0);
        byte[] base = new byte[200_000];
        random.nextBytes(base);
        rig.write(INODE + i, 0, 0, base);
        versions.get(i).add(base);
      }
      rig.on(() -> {
        left = updates;
        for (int i = 0; i < CHUNKS; i++) {
          running++;
          update(i);
        }
        for (int i = 0; i < READERS; i++) {
          running++;
          read();
        }
      });
      StoreRig.await(done);
    }

    private void end() {
      if (--running == 0) {
        done.complete(null);
      }
    }

    /** A future swallows what its callbacks throw. */
    private void guarded(Runnable step) {
      try {
        step.run();
      } catch (Throwable failure) {
        done.completeExceptionally(failure);
      }
    }

    private void update(int chunk) {
      if (left-- <= 0) {
        end();
        return;
      }
      List<byte[]> history = versions.get(chunk);
      byte[] now = history.getLast();
      StoreRig.Update update;
      byte[] next;
      if (random.nextInt(8) == 0) {
        int length = random.nextInt(20_000, 300_000);
        next = Arrays.copyOf(now, length);
        update = rig.prepareTruncate(INODE + chunk, 0, length);
      } else {
        int offset = random.nextInt(4) == 0 ? now.length : random.nextInt(now.length);
        byte[] bytes = new byte[1 + random.nextInt(random.nextInt(10) == 0 ? 200_000 : 12_000)];
        random.nextBytes(bytes);
        next = merged(now, offset, bytes);
        update = rig.prepareWrite(INODE + chunk, 0, offset, bytes);
      }
      // It may be read from now on, before it is answered.
      history.add(next);
      update.then =
          result -> {
            if (result < 0) {
              done.completeExceptionally(new AssertionError("update failed: " + result));
            }
            guarded(() -> update(chunk));
          };
      rig.store.submit(update);
    }

    private void read() {
      if (left <= 0) {
        end();
        return;
      }
      int chunk = random.nextInt(CHUNKS);
      int first = versions.get(chunk).size() - 1;
      int offset = random.nextInt(3) == 0 ? 0 : random.nextInt(300_000);
      int length = random.nextInt(1, MIB);
      StoreRig.Read read = new StoreRig.Read();
      read.inode = INODE + chunk;
      read.chunkOffset = offset;
      read.lengthBytes = length;
      read.payload = java.lang.foreign.Arena.ofAuto().allocate(MIB + 4096, 4096);
      read.payloadOffset = random.nextInt(3) == 0 ? 13 : 0;
      read.payloadCapacityBytes = length;
      read.then =
          result -> {
            guarded(() -> {
              verify(read, Math.max(0, first - 1), versions.get(chunk), result);
              read();
            });
          };
      rig.store.submit(read);
    }

    private void verify(StoreRig.Read read, int first, List<byte[]> history, long result) {
      byte[] seen = Arrays.copyOfRange(read.bytes(), (int) read.payloadOffset, MIB);
      for (int i = first; i < history.size(); i++) {
        byte[] version = history.get(i);
        int end = Math.min(version.length, read.chunkOffset + read.lengthBytes);
        int length = Math.max(0, end - read.chunkOffset);
        boolean same = length == 0;
        if (result == length
            && (same
                || Arrays.equals(
                    seen, 0, length, version, read.chunkOffset, read.chunkOffset + length))) {
          return;
        }
      }
      done.completeExceptionally(
          new AssertionError(
              "read at %d of %d is no version; observed=%d"
                  .formatted(read.chunkOffset, read.lengthBytes, result)));
    }

    void check(StoreRig on) {
      for (int i = 0; i < CHUNKS; i++) {
        assertArrayEquals(versions.get(i).getLast(), on.read(INODE + i, 0));
      }
    }
  }
}
