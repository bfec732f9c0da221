package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.CheckFinding;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.log.GroupJournal;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.space.PayloadJournal;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.device.IoRequest;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The journal on the device, on a real file: what only it has is there after a start, and damage to
 * it is named. A power cut that takes all of the log's file since the last flush is made by putting
 * the file back that was there before.
 */
final class JournalTest {
  private static final int MIB = 1 << 20;
  private static final long INODE = 7;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private StoreRig rig;
  private byte[] expected = new byte[0];

  @BeforeEach
  void start() throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, 2, 328L << 20));
    rig = new StoreRig(dir, TargetOptions.defaults());
    expected = random(MIB);
    assertEquals(MIB, rig.write(INODE, 0, 0, expected));
    reopen(dir);
  }

  @AfterEach
  void stop() {
    rig.close();
  }

  private void reopen(Path dir) throws StoreException {
    rig.close();
    rig = new StoreRig(dir, TargetOptions.defaults());
  }

  private byte[] random(int length) {
    byte[] bytes = new byte[length];
    random.nextBytes(bytes);
    return bytes;
  }

  private void overwrite(int offset, int length) {
    byte[] bytes = random(length);
    assertEquals(length, rig.write(INODE, 0, offset, bytes), "seed=" + seed);
    System.arraycopy(bytes, 0, expected, offset, length);
  }

  private static Path logFile(Path dir) throws IOException {
    try (var files = Files.walk(dir.resolve("log"))) {
      List<Path> all = files.filter(p -> p.toString().endsWith(".cq4")).sorted().toList();
      return all.getLast();
    }
  }

  private Path keepLogFile() throws IOException {
    Path kept = tmp.resolve("kept");
    return Files.copy(logFile(rig.store.directory()), kept, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What a power cut leaves that takes everything the log's file got since it was kept. */
  private Path cut(Path kept) throws IOException {
    Path copy = rig.killedCopy(tmp.resolve("cut"));
    Files.copy(kept, logFile(copy), StandardCopyOption.REPLACE_EXISTING);
    return copy;
  }

  private static boolean isInPlace(IoRequest request) {
    return request.kind == IoRequest.Kind.WRITE
        && request.deviceOffset >= Geometry.FIRST_EXTENT_OFFSET;
  }

  private static void flip(Path device, long at) throws IOException {
    try (RandomAccessFile file = new RandomAccessFile(device.toFile(), "rw")) {
      file.seek(at);
      int old = file.read();
      file.seek(at);
      file.write(old ^ 1);
    }
  }

  @Test
  void whatOnlyTheJournalHasIsThereAfterAStart() throws Exception {
    Path kept = keepLogFile();
    for (int i = 0; i < 50; i++) {
      overwrite(random.nextInt(MIB - 70_000), 1 + random.nextInt(70_000));
    }
    rig.write(INODE, 3, 0, Arrays.copyOf(expected, 100_000));
    rig.write(INODE, 4, 0, random(10));
    rig.remove(INODE, 4);
    Path copy = cut(kept);
    CheckReport report = TargetChecker.check(copy, true, (done, all) -> {});
    assertEquals(0, report.errors(), report.toString());
    reopen(copy);
    assertTrue(rig.store.openReport().journalGroups() >= 50);
    assertArrayEquals(expected, rig.read(INODE, 0), "seed=" + seed);
    assertArrayEquals(Arrays.copyOf(expected, 100_000), rig.read(INODE, 3));
    assertEquals(Status.CHUNK_NOT_FOUND.code(), rig.readResult(INODE, 4, ReadOp.Version.COMMITTED));
    reopen(rig.killedCopy(tmp.resolve("again")));
    assertEquals(0, rig.store.openReport().journalGroups(), "the log has them now");
    assertArrayEquals(expected, rig.read(INODE, 0), "seed=" + seed);
  }

  @Test
  void pendingVersionsComeBackFromTheJournal() throws Exception {
    Path kept = keepLogFile();
    byte[] bytes = random(8192);
    StoreRig.Update update = rig.prepareWrite(INODE, 0, 20_480, bytes);
    update.stage = UpdateOp.Stage.PENDING;
    update.updateVersion = 2;
    assertEquals(8192, rig.run(update));
    reopen(cut(kept));
    assertArrayEquals(expected, rig.read(INODE, 0));
    // Its payload is still where it was: others do not take its slots.
    for (int i = 0; i < 2 * PayloadJournal.SLOTS; i++) {
      assertEquals(4096, rig.write(INODE, 1 + i % 2, 0, random(4096)));
    }
    reopen(rig.killedCopy(tmp.resolve("again")));
    assertEquals(2, rig.commit(INODE, 0, 2));
    System.arraycopy(bytes, 0, expected, 20_480, 8192);
    assertArrayEquals(expected, rig.read(INODE, 0), "seed=" + seed);
  }

  @Test
  void aDamagedImageBeforeOthersStopsTheTarget() throws Exception {
    Path kept = keepLogFile();
    for (int i = 0; i < 5; i++) {
      overwrite(4096 * i, 4096);
    }
    Path copy = cut(kept);
    flip(copy.resolve("device"), Geometry.JOURNAL_OFFSET + 100);
    StoreException e =
        assertThrows(
            StoreException.class, () -> TargetStore.open(copy, TargetOptions.defaults()).close());
    assertEquals(StoreException.Reason.LOG_CORRUPT, e.reason());
    assertTrue(String.valueOf(e.getMessage()).contains("journal"), e.getMessage());
    CheckReport report = TargetChecker.check(copy, true, (done, all) -> {});
    assertTrue(
        report.findings().stream().anyMatch(f -> f.code() == CheckFinding.Code.LOG_DAMAGED),
        report.toString());
  }

  @Test
  void anImageWhosePayloadWasNotWrittenIsDroppedWhenItIsTheLast() throws Exception {
    Path kept = keepLogFile();
    overwrite(0, 4096);
    byte[] before = expected.clone();
    rig.park(JournalTest::isInPlace);
    overwrite(8192, 4096);
    Path copy = cut(kept);
    flip(copy.resolve("device"), Geometry.PAYLOADS_OFFSET + PayloadJournal.SLOT_BYTES + 7);
    rig.unpark();
    reopen(copy);
    assertArrayEquals(before, rig.read(INODE, 0), "seed=" + seed);
    overwrite(0, 10);
    System.arraycopy(expected, 0, before, 0, 10);
    assertArrayEquals(before, rig.read(INODE, 0));
  }

  @Test
  void aPayloadThatTheDeviceLostIsReportedAndNeverReadAsOldBytes() throws Exception {
    rig.write(INODE, 5, 0, random(10));
    rig.park(JournalTest::isInPlace);
    overwrite(8192, 4096);
    rig.remove(INODE, 5);
    Path copy = rig.killedCopy(tmp.resolve("copy"));
    flip(copy.resolve("device"), Geometry.PAYLOADS_OFFSET + 7);
    rig.unpark();
    CheckReport report = TargetChecker.check(copy, true, (done, all) -> {});
    assertTrue(
        report.findings().stream().anyMatch(f -> f.code() == CheckFinding.Code.PAYLOAD_LOST),
        report.toString());
    reopen(copy);
    assertEquals(1, rig.store.corruptions());
    StoreRig.Read small = rig.startRead(INODE, 0, 8192, 100, ReadOp.Version.COMMITTED);
    assertEquals(Status.DATA_CORRUPTION.code(), StoreRig.await(small.done));
    assertEquals(100, rig.read(INODE, 0, 200_000, 100, ReadOp.Version.COMMITTED).length);
  }

  @Test
  void bothRingsGoRoundAndSlotsComeBack() throws Exception {
    for (int i = 0; i < 3 * GroupJournal.SLOTS; i++) {
      overwrite(4096 * (i % 200), i % 7 == 0 ? 40_000 : 4096);
    }
    assertTrue(rig.becomes(() -> rig.store.redos().isEmpty()));
    overwrite(0, 1);
    overwrite(1, 1);
    overwrite(2, 1);
    assertTrue(
        rig.becomes(() -> rig.store.redos().journal().takenSlots() <= 1),
        rig.store.redos().journal().toString());
    reopen(rig.killedCopy(tmp.resolve("copy")));
    assertArrayEquals(expected, rig.read(INODE, 0), "seed=" + seed);
  }

  @Test
  void payloadsGoIntoTheirRecordsWhenTheJournalIsFull() throws Exception {
    byte[] bytes = random(700_000);
    for (int i = 1; i <= 8; i++) {
      StoreRig.Update whole = rig.prepareWrite(INODE, i, 0, new byte[MIB + MIB / 2]);
      whole.chunkSizeBytes = 2 * MIB;
      assertEquals(MIB + MIB / 2, rig.run(whole));
      StoreRig.Update update = rig.prepareWrite(INODE, i, 4096, bytes);
      update.chunkSizeBytes = 2 * MIB;
      update.stage = UpdateOp.Stage.PENDING;
      update.updateVersion = 2;
      assertEquals(bytes.length, rig.run(update));
    }
    assertTrue(rig.store.redos().journal().takenSlots() > PayloadJournal.SLOTS - 175);
    for (int i = 0; i < 20; i++) {
      overwrite(random.nextInt(MIB / 2), 300_000);
    }
    reopen(rig.killedCopy(tmp.resolve("copy")));
    assertArrayEquals(expected, rig.read(INODE, 0), "seed=" + seed);
    for (int i = 1; i <= 8; i++) {
      assertEquals(2, rig.commit(INODE, i, 2));
      assertArrayEquals(
          bytes, rig.read(INODE, i, 4096, bytes.length, ReadOp.Version.COMMITTED), "seed=" + seed);
    }
  }
}
