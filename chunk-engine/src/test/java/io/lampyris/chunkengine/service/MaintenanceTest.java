package io.lampyris.chunkengine.service;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.SpaceOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.space.BadChunk;
import io.lampyris.chunkengine.space.SpaceReport;
import io.lampyris.chunkengine.store.MaintenanceReport;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Status;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.List;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What a target does by itself, on real files: compaction, scrubbing, discarding. */
@Timeout(120)
final class MaintenanceTest {
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;

  /** Superblocks and journal. */
  private static final int HEAD_MIB = 8;

  private static final int EXTENTS = 5;
  private static final long FAST = 8L << 30;
  private static final long INODE = 4711;

  private static final TargetOptions QUIET =
      TargetOptions.defaults()
          .withDurability(Durability.NONE)
          .withSpace(SpaceOptions.defaults().withReserve(0, 0).withCompaction(0))
          .withIntegrity(IntegrityOptions.defaults().withScrub(0, 1));

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());

  private Path formatted(int extents) throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, StorageRig.CHAIN, (HEAD_MIB + 64L * extents) << 20));
    return dir;
  }

  private static TargetOptions compacting() {
    return QUIET.withSpace(QUIET.space().withCompaction(FAST));
  }

  private static TargetOptions scrubbing() {
    return QUIET.withIntegrity(
        IntegrityOptions.defaults().withScrub(TimeUnit.MILLISECONDS.toNanos(1), FAST));
  }

  private static byte[] content(long inode, int index, int length) {
    byte[] bytes = new byte[length];
    new SplittableRandom(inode << 32 | index).nextBytes(bytes);
    return bytes;
  }

  private static MaintenanceReport report(StorageRig rig) {
    return rig.ask(rig.store::maintenance);
  }

  /** Fills the device, then leaves every fourth chunk: each extent is a quarter full. */
  private static void makeSparse(StorageRig rig) {
    StorageRig.Client client = rig.client(1);
    for (int i = 0; i < EXTENTS * 64; i++) {
      assertEquals(MIB, client.write(INODE + i % 4, i / 4, MIB, 0, content(INODE, i, MIB)));
    }
    assertEquals(Status.NO_SPACE.code(), client.write(9, 9, MIB, 0, new byte[1]));
    for (int inode = 1; inode < 4; inode++) {
      assertEquals(EXTENTS * 16, client.remove(INODE + inode, 0, 1024));
    }
  }

  private static void checkSparse(StorageRig rig) {
    StorageRig.Client client = rig.client(2);
    for (int i = 0; i < EXTENTS * 64; i += 4) {
      assertEquals(MIB, client.read(INODE, i / 4, 0, MIB));
      assertArrayEquals(content(INODE, i, MIB), client.bytes(MIB));
      assertEquals(
          1, client.chunkReply.committedVersion(), "I10: a chunk that moves is no new version");
    }
  }

  @Test
  void sparseExtentsAreEmptiedAndEveryChunkIsStillThere() throws Exception {
    Path dir = formatted(EXTENTS);
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      makeSparse(rig);
      assertEquals(0, rig.ask(rig.store::space).freeExtents());
    }
    try (StorageRig rig = new StorageRig(dir, compacting())) {
      rig.await(() -> rig.store.space().freeExtents() == 3);
      rig.await(() -> rig.store.maintenance().compactionPasses() > 0);
      SpaceReport space = rig.ask(rig.store::space);
      assertEquals((2 * 64 - EXTENTS * 16) * (long) MIB, space.fragmentedBytes());
      assertEquals(3, report(rig).emptiedExtents());
      assertEquals(3 * 16 * (long) MIB, report(rig).compactedBytes());
      checkSparse(rig);
      assertEquals(64 * MIB, rig.client(3).truncate(8, 0, 64 * MIB, 64 * MIB, false), "room");
    }
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      checkSparse(rig);
      assertEquals(2, rig.ask(rig.store::space).freeExtents());
    }
  }

  @Test
  void aRetryOfAnUpdateIsAnsweredAsBeforeTheChunkMoved() throws Exception {
    Path dir = formatted(EXTENTS);
    long sequence;
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      makeSparse(rig);
      StorageRig.Client client = rig.client(77);
      for (int i = 0; i < EXTENTS * 16; i++) {
        assertEquals(MIB, client.write(INODE, i, MIB, 0, content(INODE, 4 * i, MIB)));
      }
      sequence = client.sequence;
    }
    try (StorageRig rig = new StorageRig(dir, compacting())) {
      rig.await(() -> rig.store.space().freeExtents() >= 3);
      StorageRig.Client client = rig.client(77);
      client.sequence = sequence;
      assertEquals(
          MIB,
          client.writeAgain(
              INODE, EXTENTS * 16 - 1, MIB, 0, content(INODE, EXTENTS * 64 - 4, MIB)));
      assertEquals(2, client.chunkReply.committedVersion());
    }
  }

  @Test
  void aChunkWithBadBytesIsNotMovedAndDoesNotKeepOthersFromIt() throws Exception {
    Path dir = formatted(EXTENTS);
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      makeSparse(rig);
    }
    flip(dir, content(INODE, 4, MIB));
    try (StorageRig rig = new StorageRig(dir, compacting())) {
      rig.await(() -> rig.store.maintenance().compactionPasses() > 0);
      assertTrue(rig.ask(rig.store::space).freeExtents() >= 2);
      StorageRig.Client client = rig.client(3);
      assertEquals(Status.DATA_CORRUPTION.code(), client.read(INODE, 1, 0, MIB));
      assertEquals(List.of(new BadChunk(INODE, 1, 1)), rig.ask(() -> rig.store.quarantined(9)));
      assertEquals(MIB, client.write(INODE, 1, MIB, 0, content(INODE, 4, MIB)));
      assertEquals(MIB, client.read(INODE, 1, 0, MIB));
      assertEquals(List.of(), rig.ask(() -> rig.store.quarantined(9)));
    }
  }

  @Test
  void compactionGoesOnUnderLoadAndNothingIsLost() throws Exception {
    System.out.println("seed=" + seed);
    Path dir = formatted(6);
    int threads = 3;
    List<NavigableMap<Integer, byte[]>> models =
        List.of(new TreeMap<>(), new TreeMap<>(), new TreeMap<>());
    try (StorageRig rig = new StorageRig(dir, compacting())) {
      AtomicReference<Throwable> failure = new AtomicReference<>();
      for (int round = 0;
          round < 40 && (round < 2 || report(rig).compactedChunks() < 50) && failure.get() == null;
          round++) {
        Thread[] running = new Thread[threads];
        for (int t = 0; t < threads; t++) {
          int number = t;
          SplittableRandom random = new SplittableRandom(seed + 31L * round + t);
          StorageRig.Client client = rig.client(100 + (long) round * threads + t);
          running[t] =
              Thread.ofPlatform()
                  .start(() -> {
                    try {
                      churn(client, number, models.get(number), random);
                    } catch (Throwable e) {
                      failure.compareAndSet(null, e);
                    }
                  });
        }
        for (Thread thread : running) {
          thread.join();
        }
      }
      if (failure.get() != null) {
        throw new AssertionError("seed=" + seed, failure.get());
      }
      assertTrue(report(rig).compactedChunks() > 0, "seed=" + seed + " " + report(rig));
      check(rig, models);
    }
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      check(rig, models);
    }
  }

  /** Fills, then empties in stripes, while it reads. */
  private static void churn(
      StorageRig.Client client,
      long inode,
      NavigableMap<Integer, byte[]> model,
      SplittableRandom random) {
    int chunks = 400;
    for (int i = 0; i < chunks; i++) {
      int length = (1 + random.nextInt(4)) * 64 * KIB - random.nextInt(2) * random.nextInt(KIB);
      byte[] bytes = new byte[length];
      random.nextBytes(bytes);
      if (client.write(inode, i, MIB, 0, bytes) == length) {
        byte[] old = model.getOrDefault(i, new byte[0]);
        byte[] now = Arrays.copyOf(bytes, Math.max(length, old.length));
        if (old.length > length) {
          System.arraycopy(old, length, now, length, old.length - length);
        }
        model.put(i, now);
      }
    }
    for (int i = 0; i < chunks; i++) {
      if (random.nextInt(5) != 0) {
        Integer first = model.ceilingKey(i);
        assertEquals(first == null ? 0 : 1, client.remove(inode, i, 1), "the first from there on");
        if (first != null) {
          model.remove(first);
        }
      } else if (model.containsKey(i)) {
        byte[] expected = model.get(i);
        assertEquals(expected.length, client.read(inode, i, 0, MIB));
        assertArrayEquals(expected, client.bytes(expected.length));
      }
    }
  }

  private static void check(StorageRig rig, List<NavigableMap<Integer, byte[]>> models) {
    StorageRig.Client client = rig.client(5);
    for (int inode = 0; inode < models.size(); inode++) {
      long number = inode;
      models
          .get(inode)
          .forEach((index, bytes) -> {
            assertEquals(bytes.length, client.read(number, index, 0, MIB));
            assertArrayEquals(bytes, client.bytes(bytes.length));
          });
    }
  }

  @Test
  void theScrubberFindsAFlippedBitAndAReplacedChunkIsHealed() throws Exception {
    Path dir = formatted(2);
    try (StorageRig rig = new StorageRig(dir, scrubbing())) {
      StorageRig.Client client = rig.client(1);
      for (int i = 0; i < 5; i++) {
        assertEquals(MIB - i, client.write(INODE, i, MIB, 0, content(INODE, i, MIB - i)));
      }
      assertEquals(9 * MIB, client.truncate(INODE, 7, 64 * MIB, 9 * MIB, false));
      long passes = report(rig).scrubPasses();
      rig.await(() -> rig.store.maintenance().scrubPasses() > passes + 1);
      assertEquals(0, report(rig).scrubBadUnits());
      assertTrue(report(rig).scrubbedBytes() >= 14 * MIB - 10);

      byte[] tail = Arrays.copyOfRange(content(INODE, 3, MIB - 3), 15 * 64 * KIB, MIB - 3);
      flip(dir, tail);
      rig.await(() -> rig.store.maintenance().quarantinedChunks() > 0);
      assertEquals(
          List.of(new BadChunk(INODE, 3, 1 << 15)), rig.ask(() -> rig.store.quarantined(9)));
      assertTrue(report(rig).scrubBadUnits() > 0);
      assertEquals(1, rig.ask(rig.store::corruptions), "one bad unit, however often it is found");

      assertEquals(MIB, client.write(INODE, 3, MIB, 0, content(INODE, 33, MIB)));
      assertEquals(0, report(rig).quarantinedChunks());
      assertEquals(MIB, client.read(INODE, 3, 0, MIB));
    }
  }

  @Test
  void aBadUnitThatIsCutOffOrIntactAgainLeavesTheQuarantine() throws Exception {
    Path dir = formatted(1);
    try (StorageRig rig = new StorageRig(dir, scrubbing())) {
      StorageRig.Client client = rig.client(1);
      byte[] bytes = content(INODE, 0, MIB);
      assertEquals(MIB, client.write(INODE, 0, MIB, 0, bytes));
      byte[] last = Arrays.copyOfRange(bytes, 15 * 64 * KIB, MIB);
      long at = flip(dir, last);
      rig.await(() -> rig.store.maintenance().quarantinedChunks() > 0);
      flipAt(dir, at);
      rig.await(() -> rig.store.maintenance().quarantinedChunks() == 0);
      flipAt(dir, at);
      rig.await(() -> rig.store.maintenance().quarantinedChunks() > 0);
      assertEquals(15 * 64 * KIB, client.truncate(INODE, 0, MIB, 15 * 64 * KIB, false));
      assertEquals(0, report(rig).quarantinedChunks());
    }
  }

  @Test
  void freeExtentsAreDiscardedOnceAndServeAgain() throws Exception {
    Path dir = formatted(3);
    // Blocks are free when the update that left them is durable, so it must be some time.
    TargetOptions discarding =
        QUIET
            .withDurability(Durability.interval(1))
            .withSpace(QUIET.space().withDiscard(SpaceOptions.Discard.ON));
    try (StorageRig rig = new StorageRig(dir, discarding)) {
      rig.await(() -> rig.store.maintenance().discardedExtents() == 3);
      StorageRig.Client client = rig.client(1);
      assertEquals(MIB, client.write(INODE, 0, MIB, 0, content(INODE, 0, MIB)));
      assertEquals(1, client.remove(INODE, 0, 1));
      rig.await(() -> rig.store.maintenance().discardedExtents() == 4);
      assertEquals(3, rig.ask(rig.store::space).freeExtents());
      assertEquals(MIB, client.write(INODE, 0, MIB, 0, content(INODE, 1, MIB)));
      assertEquals(MIB, client.read(INODE, 0, 0, MIB));
      assertArrayEquals(content(INODE, 1, MIB), client.bytes(MIB));
    }
  }

  @Test
  void aFileIsNotDiscardedUnlessAskedFor() throws Exception {
    Path dir = formatted(1);
    try (StorageRig rig = new StorageRig(dir, QUIET)) {
      StorageRig.Client client = rig.client(1);
      assertEquals(MIB, client.write(INODE, 0, MIB, 0, content(INODE, 0, MIB)));
      assertEquals(1, client.remove(INODE, 0, 1));
      assertFalse(report(rig).discardedExtents() > 0);
    }
  }

  /** Flips a bit of the place where the device has these bytes; returns where. */
  private static long flip(Path dir, byte[] needle) throws Exception {
    try (FileChannel device = FileChannel.open(dir.resolve("device"), StandardOpenOption.READ)) {
      ByteBuffer block = ByteBuffer.allocate(64 * KIB);
      for (long at = MIB; at < device.size(); at += block.capacity()) {
        block.clear();
        device.read(block, at);
        int length = Math.min(needle.length, block.capacity());
        if (Arrays.equals(needle, 0, length, block.array(), 0, length)) {
          flipAt(dir, at + 100);
          return at + 100;
        }
      }
    }
    throw new AssertionError("the device does not have these bytes");
  }

  private static void flipAt(Path dir, long at) throws Exception {
    try (FileChannel device =
        FileChannel.open(
            dir.resolve("device"), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      device.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 0x10)).flip();
      device.write(one, at);
      device.force(true);
    }
  }
}
