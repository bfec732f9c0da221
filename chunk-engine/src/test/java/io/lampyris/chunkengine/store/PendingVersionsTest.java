package io.lampyris.chunkengine.store;

import static io.lampyris.chunkengine.store.StoreRig.MIB;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.ReadOp.Version;
import io.lampyris.chunkengine.store.UpdateOp.Stage;
import io.lampyris.protocol.Status;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Versions between durable and committed: who reads them, what ends them, what a restart does. */
final class PendingVersionsTest {
  private static final long INODE = 7;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private StoreRig rig;
  private int copies;

  @BeforeEach
  void start() throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, 2, 257L << 20));
    rig = new StoreRig(dir, TargetOptions.defaults());
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  /** As after a kill. */
  private void restart() throws Exception {
    Path copy = rig.killedCopy(tmp.resolve("copy" + copies++));
    rig.close();
    rig = new StoreRig(copy, TargetOptions.defaults());
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

  private byte[] pend(byte[] base, int offset, byte[] bytes, int version) {
    StoreRig.Update update = rig.prepareWrite(INODE, 0, offset, bytes);
    update.stage = Stage.PENDING;
    update.updateVersion = version;
    assertEquals(bytes.length, rig.run(update));
    assertEquals(version, update.state.version);
    return merged(base, offset, bytes);
  }

  private byte[] committed() {
    return rig.read(INODE, 0, 0, MIB, Version.COMMITTED);
  }

  private byte[] pending() {
    return rig.read(INODE, 0, 0, MIB, Version.PENDING);
  }

  private void both(byte[] committed, byte[] pending) {
    assertArrayEquals(committed, committed());
    assertArrayEquals(pending, pending());
  }

  private long usedBytes() {
    long[] used = new long[1];
    rig.on(() -> used[0] = rig.store.capacityBytes() - rig.store.freeBytes());
    return used[0];
  }

  /** Overwrite small, overwrite large, append, replace; each restarted before and after commit. */
  @Test
  void aPendingVersionIsReadByThoseWhoAskForItUntilItIsCommitted() throws Exception {
    byte[] now = random(300_000);
    assertEquals(now.length, rig.write(INODE, 0, 0, now));
    int[][] updates = {{1000, 5000}, {0, 280_000}, {300_000, 90_000}, {0, MIB}, {700_000, 65_536}};
    int version = 1;
    for (int[] update : updates) {
      byte[] next = pend(now, update[0], random(update[1]), ++version);
      both(now, next);
      restart();
      both(now, next);
      assertEquals(version, rig.commit(INODE, 0, version));
      both(next, next);
      restart();
      both(next, next);
      now = next;
    }
    assertEquals(version, rig.commit(INODE, 0, version), "again");
    assertEquals(version, rig.commit(INODE, 0, 1), "an old one");
    assertEquals(Status.CHUNK_MISSING_UPDATE.code(), rig.commit(INODE, 0, version + 1));
    assertEquals(MIB, usedBytes());
  }

  @Test
  void aChunkMayBeginPending() throws Exception {
    byte[] first = pend(new byte[0], 10, random(5000), 1);
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 0, Version.COMMITTED));
    assertArrayEquals(first, pending());
    restart();
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 0, Version.COMMITTED));
    assertArrayEquals(first, pending());
    assertEquals(1, rig.commit(INODE, 0, 1));
    restart();
    both(first, first);
  }

  @Test
  void aPendingTruncationTakesNothingAwayBeforeItIsCommitted() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    for (int length : new int[] {150_001, 0}) {
      StoreRig.Update update = rig.prepareTruncate(INODE, 0, length);
      update.stage = Stage.PENDING;
      assertEquals(length, rig.run(update));
      both(base, Arrays.copyOf(base, length));
      restart();
      both(base, Arrays.copyOf(base, length));
      assertEquals(update.state.version, rig.commit(INODE, 0, update.state.version));
      base = Arrays.copyOf(base, length);
      both(base, base);
    }
    assertEquals(0, usedBytes());
  }

  @Test
  void anotherUpdateOfTheSameVersionTakesItsPlace() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    byte[] last = base;
    int[][] updates = {
      {200_000, 10_000}, {200_000, 30_000}, {500, 3000}, {200_000, 50_000}, {0, 190_000}, {7, 9000}
    };
    for (int[] update : updates) {
      last = pend(base, update[0], random(update[1]), 2);
      both(base, last);
      restart();
      both(base, last);
    }
    assertEquals(2, rig.commit(INODE, 0, 2));
    both(last, last);
    restart();
    both(last, last);
    assertEquals(256 << 10, usedBytes(), "what was replaced is free");
    pend(last, 100, random(100), 3);
    StoreRig.Update atOnce = rig.prepareWrite(INODE, 0, 200_000, random(100));
    atOnce.updateVersion = 3;
    assertEquals(100, rig.run(atOnce));
    byte[] now = committed();
    both(now, now);
    restart();
    both(now, now);
    assertEquals(Status.CHUNK_MISSING_UPDATE.code(), rig.commit(INODE, 0, 4));
  }

  /** Overwrite small, overwrite large, append, remove; each restarted before and after. */
  @Test
  void aPendingVersionThatIsRolledBackLeavesWhatWasCommitted() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    long used = usedBytes();
    int[][] updates = {{500, 3000}, {0, 190_000}, {200_000, 10_000}, {200_000, 500_000}};
    for (int[] update : updates) {
      pend(base, update[0], random(update[1]), 2);
      if (random.nextBoolean()) {
        restart();
      }
      assertEquals(0, rig.rollBack(INODE, 0));
      both(base, base);
      assertEquals(used, usedBytes());
      restart();
      both(base, base);
      assertEquals(used, usedBytes());
    }
    StoreRig.Update removal = rig.prepareTruncate(INODE, 0, 0);
    removal.stage = Stage.PENDING;
    removal.removal = true;
    rig.run(removal);
    assertEquals(0, rig.rollBack(INODE, 0));
    assertEquals(0, rig.rollBack(INODE, 0), "again");
    // Where the bytes that were rolled back lie, others do now.
    byte[] next = merged(base, 200_000, random(7_000));
    StoreRig.Update append = rig.prepareWrite(INODE, 0, 200_000, tail(next, 200_000));
    assertEquals(7_000, rig.run(append));
    assertEquals(2, append.state.version);
    both(next, next);
    restart();
    both(next, next);
  }

  @Test
  void aChunkThatBeganPendingIsNoMoreWhenThatIsRolledBack() throws Exception {
    pend(new byte[0], 0, random(5000), 1);
    assertEquals(0, rig.rollBack(INODE, 0));
    assertEquals(0, usedBytes());
    restart();
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 0, Version.PENDING));
    assertEquals(0, usedBytes());
    byte[] first = pend(new byte[0], 0, random(100), 1);
    assertEquals(1, rig.commit(INODE, 0, 1));
    both(first, first);
  }

  @Test
  void aCopyTakesTheChunksPlaceWithItsLastPart() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    byte[] copy = random(700_001);
    int[] ends = {262_144, 400_001, 700_000, copy.length};
    int at = 0;
    for (int end : ends) {
      assertArrayEquals(base, committed());
      if (end == 700_000) {
        restart();
      }
      StoreRig.Update part = rig.prepareCopy(INODE, 0, copy, at, end, 9);
      assertTrue(rig.run(part) > 0);
      at = end;
    }
    both(copy, copy);
    assertEquals(MIB, usedBytes());
    restart();
    both(copy, copy);
    assertEquals(MIB, usedBytes());
    StoreRig.Update next = rig.prepareWrite(INODE, 0, 5, random(5));
    rig.run(next);
    assertEquals(10, next.state.version);
  }

  @Test
  void aCopyThatIsNotWholeOrHasOtherBytesChangesNothing() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    byte[] copy = random(300_000);
    assertTrue(rig.run(rig.prepareCopy(INODE, 0, copy, 0, 100_000, 2)) > 0);
    assertEquals(
        Status.CHUNK_MISSING_UPDATE.code(),
        rig.run(rig.prepareCopy(INODE, 0, copy, 150_000, copy.length, 2)));
    assertEquals(
        Status.CHUNK_MISSING_UPDATE.code(),
        rig.run(rig.prepareCopy(INODE, 0, copy, 100_000, copy.length, 3)));
    assertEquals(Status.CHUNK_MISSING_UPDATE.code(), rig.commit(INODE, 0, 2));
    byte[] other = copy.clone();
    other[5]++;
    assertEquals(
        Status.CHECKSUM_MISMATCH.code(),
        rig.run(rig.prepareCopy(INODE, 0, other, 100_000, copy.length, 2)));
    assertArrayEquals(base, committed());
    restart();
    assertArrayEquals(base, committed());
    assertEquals(0, rig.rollBack(INODE, 0));
    both(base, base);
    assertEquals(256 << 10, usedBytes());
  }

  private static byte[] tail(byte[] bytes, int from) {
    return Arrays.copyOfRange(bytes, from, bytes.length);
  }

  @Test
  void removalEndsPendingVersionsToo() throws Exception {
    byte[] base = random(200_000);
    rig.write(INODE, 0, 0, base);
    pend(base, 0, random(150_000), 2);
    StoreRig.Update alone = rig.prepareWrite(INODE, 5, 0, random(10));
    alone.stage = Stage.PENDING;
    assertEquals(10, rig.run(alone));
    assertEquals(2, rig.remove(INODE, 0));
    assertEquals(0, usedBytes());
    restart();
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 0, Version.PENDING));
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 5, Version.PENDING));
    assertEquals(0, usedBytes());
  }

  @Test
  void anOverwriteThatWasCommittedWhileItWaitedForItsPlaceIsRedone() throws Exception {
    byte[] base = random(MIB);
    rig.write(INODE, 0, 0, base);
    byte[] next = pend(base, 12_345, random(6000), 2);
    rig.park(request ->
        request.kind == io.lampyris.reactor.device.IoRequest.Kind.WRITE
            && request.deviceOffset >= Geometry.FIRST_EXTENT_OFFSET);
    assertEquals(2, rig.commit(INODE, 0, 2));
    both(next, next);
    restart();
    both(next, next);
  }

  @Test
  void overwritesThatWouldHoldTooMuchMemoryCopyTheirChunk() throws Exception {
    int chunks = 12;
    byte[] bytes = random(500_000);
    for (int i = 0; i < chunks; i++) {
      rig.write(INODE, i, 0, new byte[MIB]);
    }
    for (int i = 0; i < 3 * chunks; i++) {
      StoreRig.Update update = rig.prepareWrite(INODE, i % chunks, 4096, bytes);
      update.stage = Stage.PENDING;
      update.updateVersion = 2;
      assertEquals(bytes.length, rig.run(update));
    }
    assertTrue(rig.store.statistics().redoUpdates >= chunks);
    for (int i = 0; i < chunks; i++) {
      assertEquals(2, rig.commit(INODE, i, 2));
      byte[] now = rig.read(INODE, i);
      assertArrayEquals(bytes, Arrays.copyOfRange(now, 4096, 4096 + bytes.length));
    }
    assertEquals((long) chunks * MIB, usedBytes());
  }
}
