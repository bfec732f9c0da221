package io.lampyris.chunkengine.service;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.CheckFinding;
import io.lampyris.chunkengine.check.CheckFinding.Code;
import io.lampyris.chunkengine.check.CheckFinding.Severity;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Flips bytes of a stopped target and expects exactly that to be found. */
final class TargetCheckerTest {
  private static final int KIB = 1 << 10;
  private static final int MIB = 1 << 20;
  private static final long INODE = 4711;
  private static final int CHUNKS = 6;

  @TempDir Path tmp;
  private Path dir = Path.of("");
  private Path device = Path.of("");

  @BeforeEach
  void fill() throws Exception {
    dir = tmp.resolve("t");
    device = dir.resolve("device");
    TargetOptions options =
        TargetOptions.defaults().withDurability(Durability.NONE).withLog(8 << 20, 4 << 20);
    TargetStore.format(dir, new TargetSpec(3, StorageRig.CHAIN, 17L << 20), options);
    try (StorageRig rig = new StorageRig(dir, options)) {
      StorageRig.Client client = rig.client(1);
      for (int i = 0; i < CHUNKS; i++) {
        assertEquals(length(i), client.write(INODE, i, MIB, 0, content(i)));
      }
      assertEquals(1, client.remove(INODE, CHUNKS - 1, 1));
      assertEquals(0, client.truncate(INODE, 99, MIB, 0, false));
    }
  }

  private static int length(int i) {
    return MIB - i * 100_000;
  }

  private static byte[] content(int i) {
    byte[] bytes = new byte[length(i)];
    new SplittableRandom(i).nextBytes(bytes);
    return bytes;
  }

  private CheckReport check() throws Exception {
    Map<Path, String> before = snapshot();
    CheckReport report = TargetChecker.check(dir, true, (done, total) -> {});
    assertEquals(before, snapshot(), "nothing has changed");
    return report;
  }

  private Map<Path, String> snapshot() throws IOException {
    Map<Path, String> all = new HashMap<>();
    try (Stream<Path> tree = Files.walk(dir)) {
      for (Path path : tree.toList()) {
        all.put(path, Files.size(path) + " bytes of " + Files.getLastModifiedTime(path));
      }
    }
    return all;
  }

  private static void flip(Path file, long at) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      ByteBuffer one = ByteBuffer.allocate(1);
      channel.read(one, at);
      one.put(0, (byte) (one.get(0) ^ 4)).flip();
      channel.write(one, at);
      channel.force(true);
    }
  }

  /** The one error that there is. */
  private static CheckFinding only(Code code, CheckReport report) {
    List<CheckFinding> errors =
        report.findings().stream().filter(f -> f.code().severity() == Severity.ERROR).toList();
    assertEquals(1, errors.size(), report.toString());
    assertEquals(1, report.errors());
    assertFalse(report.isClean());
    assertEquals(code, errors.getFirst().code(), report.toString());
    assertTrue(errors.getFirst().message().contains("observed="), report.toString());
    assertTrue(errors.getFirst().message().contains("limit="), report.toString());
    return errors.getFirst();
  }

  private Path openGeneration() throws IOException {
    try (Stream<Path> files = Files.walk(dir.resolve("log"))) {
      return files.filter(p -> p.toString().endsWith(".cq4")).max(Path::compareTo).orElseThrow();
    }
  }

  @Test
  void anIntactTargetIsCleanAndEverythingWasRead() throws Exception {
    CheckReport report = check();
    assertEquals(List.of(), report.findings());
    assertTrue(report.isClean());
    assertEquals(3, report.targetId());
    assertEquals(CHUNKS - 1, report.chunks());
    long bytes = 0;
    long units = 0;
    for (int i = 0; i < CHUNKS - 1; i++) {
      bytes += length(i);
      units += (length(i) + 64 * KIB - 1) / (64 * KIB);
    }
    assertEquals(bytes, report.dataBytes());
    assertEquals(bytes, report.readBytes());
    assertEquals(units, report.units());
    assertEquals(CHUNKS + 1, report.records());
  }

  @Test
  void everyByteOfASuperblockCountsAndTheOtherServes() throws Exception {
    for (long at : new long[] {0, 7, 8, 12, 16, 40, 63, 80, 84, 4095}) {
      for (long copy = 0; copy < 2; copy++) {
        long place = copy * (512 << 10) + at;
        flip(device, place);
        CheckFinding finding = only(Code.SUPERBLOCK_DAMAGED, check());
        assertEquals(copy * (512 << 10), finding.offset());
        assertEquals(device, finding.file());
        flip(device, place);
      }
    }
    flip(device, 5000);
    assertTrue(check().isClean(), "nothing lies between the superblocks");
  }

  @Test
  void withoutSuperblocksThatIsAllThatIsSaid() throws Exception {
    flip(device, 50);
    flip(device, (512 << 10) + 50);
    CheckReport report = check();
    assertEquals(3, report.errors());
    assertEquals(Code.SUPERBLOCKS_LOST, report.findings().getLast().code());
  }

  @Test
  void aFlippedBitOfAUnitIsNamedWithItsChunkAndPlace() throws Exception {
    long first = MIB;
    for (int i = 0; i < CHUNKS - 1; i++) {
      long block = blockOf(i);
      for (int at : new int[] {0, 70_000, length(i) - 1}) {
        flip(device, block + at);
        CheckFinding finding = only(Code.UNIT_DAMAGED, check());
        assertEquals(INODE, finding.inode());
        assertEquals(i, finding.chunkIndex());
        assertEquals(at / (64 * KIB), finding.unit());
        assertEquals(block + (at & -64L * KIB), finding.offset());
        flip(device, block + at);
      }
      if (length(i) < MIB) {
        flip(device, block + length(i));
        assertTrue(check().isClean(), "bytes behind the length mean nothing");
        flip(device, block + length(i));
      }
    }
    assertTrue(blockOf(0) >= first);
  }

  /** Where the device has a chunk. */
  private long blockOf(int i) throws IOException {
    byte[] needle = Arrays.copyOf(content(i), 4096);
    try (FileChannel channel = FileChannel.open(device)) {
      ByteBuffer block = ByteBuffer.allocate(4096);
      for (long at = MIB; at < channel.size(); at += 64 * KIB) {
        block.clear();
        channel.read(block, at);
        if (Arrays.equals(needle, block.array())) {
          return at;
        }
      }
    }
    throw new AssertionError("chunk " + i + " is not on the device");
  }

  @Test
  void withoutDataTheMetadataIsCheckedAlone() throws Exception {
    flip(device, blockOf(1) + 5);
    CheckReport report = TargetChecker.check(dir, false, (done, total) -> {});
    assertTrue(report.isClean());
    assertEquals(0, report.readBytes());
    assertEquals(Code.DATA_NOT_CHECKED, report.findings().getLast().code());
  }

  @Test
  void aFlippedBitAnywhereInTheLogsRecordsIsFoundWithItsPosition() throws Exception {
    Path file = openGeneration();
    byte[] all = Files.readAllBytes(file);
    int records = 0;
    for (int at = 0; at + 4 < all.length; at += 4) {
      if (all[at] == 'L' && all[at + 1] == 'C' && all[at + 2] == 'R' && all[at + 3] == '1') {
        records++;
        int length = ByteBuffer.wrap(all).order(java.nio.ByteOrder.LITTLE_ENDIAN).getInt(at + 8);
        for (int inside : new int[] {0, 5, 9, 12, 16, 24, length / 2, length - 1}) {
          flip(file, at + inside);
          CheckReport report = check();
          CheckFinding finding = only(Code.LOG_DAMAGED, report);
          assertEquals(file, finding.file());
          assertTrue(finding.offset() >= 0 && finding.offset() <= at, report.toString());
          assertTrue(at - finding.offset() <= 4, "the record's own position: " + report);
          assertEquals(Code.DATA_NOT_CHECKED, report.findings().getLast().code());
          flip(file, at + inside);
        }
      }
    }
    assertTrue(records > CHUNKS, "there are records in the log");
  }

  @Test
  void aFlippedBitOfCurrentIsFound() throws Exception {
    Path current = dir.resolve("log/CURRENT");
    for (int at = 0; at < Files.size(current); at += 7) {
      flip(current, at);
      assertEquals(current, only(Code.CURRENT_DAMAGED, check()).file());
      flip(current, at);
    }
    Files.move(current, tmp.resolve("elsewhere"));
    only(Code.CURRENT_DAMAGED, check());
  }

  @Test
  void aMissingGenerationIsFound() throws Exception {
    Path generation = openGeneration().getParent();
    Files.move(generation, tmp.resolve("elsewhere"));
    assertEquals(generation, only(Code.GENERATION_MISSING, check()).file());
  }

  @Test
  void strayFilesAndGenerationsAreNotes() throws Exception {
    Path stray = Files.createDirectory(dir.resolve("log/gen-000077"));
    Path file = Files.createFile(dir.resolve("log/CURRENT.tmp"));
    CheckReport report = check();
    assertTrue(report.isClean());
    assertEquals(2, report.notes());
    assertEquals(Code.STRAY_FILE, report.findings().get(0).code());
    assertEquals(file, report.findings().get(0).file());
    assertEquals(Code.STRAY_GENERATION, report.findings().get(1).code());
    assertEquals(stray, report.findings().get(1).file());
  }

  @Test
  void somethingBehindTheLastGroupIsATornTailAndNoDamage() throws Exception {
    Path file = openGeneration();
    byte[] all = Files.readAllBytes(file);
    int end = all.length;
    while (all[end - 1] == 0) {
      end--;
    }
    flip(file, (end + 7 & -4) + 8);
    CheckReport report = check();
    assertTrue(report.isClean(), report.toString());
    assertEquals(Code.TORN_TAIL, report.findings().getFirst().code());
    assertEquals(file, report.findings().getFirst().file());
    assertEquals(CHUNKS - 1, report.chunks());
  }

  @Test
  void aDeviceThatWasCutIsFoundWithTheChunksThatItLost() throws Exception {
    try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
      channel.truncate(blockOf(2) + 100_000);
    }
    CheckReport report = check();
    assertEquals(Code.DEVICE_SIZE, report.findings().getFirst().code());
    assertTrue(
        report.findings().stream()
            .anyMatch(f -> f.code() == Code.UNREADABLE && f.chunkIndex() == 2 && f.unit() == 1),
        report.toString());
  }

  @Test
  void aTargetThatIsOpenOrNoneIsRefused() throws Exception {
    try (TargetStore _ = TargetStore.open(dir, TargetOptions.defaults())) {
      StoreException e =
          assertThrows(
              StoreException.class, () -> TargetChecker.check(dir, true, (done, total) -> {}));
      assertEquals(StoreException.Reason.IN_USE, e.reason());
    }
    StoreException e =
        assertThrows(
            StoreException.class, () -> TargetChecker.check(tmp, true, (done, total) -> {}));
    assertEquals(StoreException.Reason.INVALID_ARGUMENT, e.reason());
  }
}
