package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.store.FileTarget.Update;
import io.lampyris.protocol.Status;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.UUID;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log is rewritten under a running target, and whatever goes wrong, nothing is lost. */
final class GenerationSwitchTest {
  private static final int INODES = 40;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final FaultyHost faulty = new FaultyHost();

  /** The last acknowledged byte of each inode's chunk; 0 without one. */
  private final byte[] model = new byte[INODES];

  private Path dir;
  private FileTarget target;

  @BeforeEach
  void start() throws Exception {
    System.out.println("seed=" + seed);
    dir = tmp.resolve("target");
    FileTarget.format(dir);
    open();
  }

  private void open() throws StoreException {
    target = new FileTarget(dir, FileTarget.options().withHost(faulty.host), seed);
  }

  @AfterEach
  void stop() {
    target.close();
  }

  private void reopen() throws StoreException {
    target.close();
    open();
  }

  private Path log() {
    return dir.resolve(TargetFiles.LOG);
  }

  private int generationsOnDisk() throws Exception {
    try (var entries = Files.list(log())) {
      return (int) entries.filter(p -> p.getFileName().toString().startsWith("gen-")).count();
    }
  }

  /** A batch of updates in flight together, one for each chosen inode. */
  private void updateSome() {
    List<Update> updates = new ArrayList<>();
    for (int inode = 0; inode < INODES; inode++) {
      if (random.nextInt(3) == 0) {
        continue;
      }
      if (model[inode] != 0 && random.nextInt(10) == 0) {
        assertEquals(1, target.removeAndWait(inode));
        model[inode] = 0;
      } else {
        byte fill = (byte) (1 + random.nextInt(100));
        updates.add(target.write(inode, 0, fill));
        model[inode] = fill;
      }
    }
    for (Update update : updates) {
      target.simulation.runUntil(update::isAnswered);
      assertEquals(FileTarget.LENGTH, update.answer);
    }
  }

  private void updateUntilRewritten(long times) {
    for (int round = 0; target.store.logRewrites() < times; round++) {
      assertTrue(round < 5_000, "the log is rewritten some time");
      updateSome();
    }
  }

  private void checkModel() {
    for (int inode = 0; inode < INODES; inode++) {
      long expected = model[inode] == 0 ? Status.CHUNK_NOT_FOUND.code() : FileTarget.LENGTH;
      assertEquals(expected, target.readAndWait(inode, 0, model[inode]), "inode " + inode);
    }
  }

  @Test
  void aLogOfDeadRecordsIsRewrittenWhileUpdatesGoOn() throws Exception {
    updateUntilRewritten(3);
    checkModel();
    assertEquals(1, generationsOnDisk());
    assertEquals(1, LogCatalog.read(log()).generations().size());
    reopen();
    checkModel();
    assertEquals(1, target.store.openReport().generations());
    assertEquals(0, target.store.openReport().tornBytes());
  }

  @Test
  void everyStateOnDiskReplaysToWhatWasAcknowledged() throws Exception {
    UUID uuid =
        new TargetFiles(FileTarget.options())
            .readSuperblock(dir.resolve(TargetFiles.DEVICE))
            .uuid();
    target.keeperStuck = true;
    int looks = 0;
    for (int round = 0; target.store.logRewrites() < 1; round++) {
      assertTrue(round < 5_000, "the log is rewritten some time");
      updateSome();
      if (target.runJob() || !target.store.isLogSteady()) {
        looks++;
        checkReplay(uuid);
        updateSome();
        checkReplay(uuid);
      }
    }
    assertTrue(looks >= 2, "looks " + looks);
  }

  private void checkReplay(UUID uuid) throws StoreException {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      new LogFiles(FileTarget.options(), log(), uuid, index).replayOnly();
      checkAgainst(index);
    }
  }

  private void checkAgainst(ChunkIndex found) {
    ChunkState there = new ChunkState();
    ChunkState here = new ChunkState();
    for (int inode = 0; inode < INODES; inode++) {
      assertEquals(model[inode] != 0, found.get(inode, 0, there), "inode " + inode);
      if (model[inode] != 0) {
        assertTrue(target.store.index().get(inode, 0, here));
        assertEquals(here.version, there.version);
        assertEquals(here.blockOffset, there.blockOffset);
      }
    }
  }

  @Test
  void manyStartsEndInOneGeneration() throws Exception {
    for (int i = 0; i < 18; i++) {
      updateSome();
      reopen();
    }
    updateUntilRewritten(1);
    assertEquals(1, generationsOnDisk());
    reopen();
    checkModel();
  }

  @Test
  void aStopInTheMiddleOfARewriteLosesNothing() throws Exception {
    for (int round = 0; target.store.isLogSteady(); round++) {
      assertTrue(round < 5_000, "the log is rewritten some time");
      updateSome();
    }
    updateSome();
    reopen();
    checkModel();
    updateUntilRewritten(1);
    checkModel();
  }

  @Test
  void withoutRoomForANewGenerationTheOldOneGoesOn() throws Exception {
    faulty.failing.put("createDirectories", Reason.NO_SPACE);
    for (int round = 0; round < 500; round++) {
      updateSome();
    }
    assertEquals(0, target.store.logRewrites());
    assertFalse(target.store.isOffline());
    faulty.failing.clear();
    target.runForMs(11_000);
    updateUntilRewritten(1);
    reopen();
    checkModel();
  }

  @Test
  void aCurrentThatCannotBeReplacedKeepsTheOldGenerations() throws Exception {
    faulty.failing.put("replace", Reason.IO);
    for (int round = 0; round < 500; round++) {
      updateSome();
    }
    assertEquals(0, target.store.logRewrites());
    assertFalse(target.store.isOffline());
    faulty.failing.clear();
    reopen();
    checkModel();
    updateUntilRewritten(1);
    assertEquals(1, generationsOnDisk());
  }

  @Test
  void aSnapshotThatCannotBeMadeTheWholeLogIsTriedAgain() throws Exception {
    // The first one names the next generation, the second one takes the old ones out.
    faulty.failing.put("replace", Reason.IO);
    faulty.failingAfter.put("replace", new java.util.concurrent.atomic.AtomicInteger(1));
    for (int round = 0; round < 500; round++) {
      updateSome();
    }
    assertEquals(0, target.store.logRewrites());
    assertTrue(generationsOnDisk() > 1);
    faulty.failing.clear();
    target.runForMs(11_000);
    updateUntilRewritten(1);
    assertEquals(1, generationsOnDisk());
    reopen();
    checkModel();
  }

  @Test
  void onAFullHostUpdatesAreRefusedAndRemovalsAreNot() throws Exception {
    updateSome();
    faulty.failing.put("reserve", Reason.NO_SPACE);
    faulty.failing.put("createDirectories", Reason.NO_SPACE);
    long answer = 0;
    for (int i = 0; answer >= 0; i++) {
      assertTrue(i < 100_000, "the log is full some time");
      answer = target.writeAndWait(1_000, 0, (byte) 1);
    }
    assertEquals(Status.NO_SPACE.code(), answer);
    assertFalse(target.store.isOffline());
    checkModel();
    for (int inode = 0; inode < INODES; inode++) {
      assertEquals(model[inode] == 0 ? 0 : 1, target.removeAndWait(inode));
      model[inode] = 0;
    }
    faulty.failing.clear();
    target.runForMs(1_100);
    updateSome();
    reopen();
    checkModel();
  }

  /** The snapshot is longer than what a log has reserved by itself, and updates go on beside it. */
  @Test
  void aRewriteThatHasBegunEndsOnAHostThatIsFullSince() throws Exception {
    target.close();
    TargetOptions options = FileTarget.options().withHost(faulty.host);
    target = new FileTarget(dir, options.withLog(options.log().withSizes(5 << 18, 1 << 20)), seed);
    List<Update> chunks = new ArrayList<>();
    for (int i = 0; i < 2_000; i++) {
      chunks.add(target.write(1_000 + i, 0, (byte) 1));
    }
    target.simulation.runUntil(() -> chunks.stream().allMatch(Update::isAnswered));
    ChunkLog before = target.store.log();
    for (int i = 0; target.store.log() == before; i++) {
      assertTrue(i < 100_000, "the log is rewritten some time");
      Update update = target.write(1_000, 0, (byte) 1);
      target.simulation.runUntil(() -> update.isAnswered() || target.store.log() != before);
    }
    assertFalse(target.store.isLogSteady());
    faulty.failing.put("reserve", Reason.NO_SPACE);
    for (int i = 0; i < 1_000; i++) {
      target.writeAndWait(1_000 + i, 0, (byte) 1);
    }
    target.runForMs(3_000);
    assertEquals(1, target.store.logRewrites());
    assertEquals(1, generationsOnDisk());
    faulty.failing.clear();
    reopen();
    checkModel();
  }

  @Test
  void updatesWaitForSpaceThatIsBeingReserved() throws Exception {
    target.keeperStuck = true;
    Update last = null;
    for (int i = 0; last == null || last.isAnswered(); i++) {
      assertTrue(i < 100_000, "reserved space ends some time");
      last = target.write(1_000, 0, (byte) 1);
      target.runForMs(5);
    }
    assertFalse(last.isAnswered());
    target.keeperStuck = false;
    target.runJobs();
    target.simulation.runUntil(last::isAnswered);
    assertTrue(last.answer >= 0);
  }

  @Test
  void nothingIsAcknowledgedInALogThatWasDeleted() throws Exception {
    updateSome();
    Host.posix().deleteTree(log());
    assertTrue(target.writeAndWait(7, 0, (byte) 1) < 0);
    assertTrue(target.store.isOffline());
    assertEquals(Status.TARGET_OFFLINE.code(), target.writeAndWait(8, 0, (byte) 1));
    target.close();
    assertEquals(Reason.LOG_CORRUPT, assertThrows(StoreException.class, this::open).reason());
    Files.createDirectories(log());
    FileTarget.format(tmp.resolve("other"));
    dir = tmp.resolve("other");
    open();
  }

  @Test
  void anIdleTargetNoticesWithinTwoSecondsThatItsLogIsGone() throws Exception {
    for (String victim : List.of(LogCatalog.FILE, "gen-000002", "../device")) {
      updateSome();
      assertFalse(target.store.isOffline());
      Host.posix().deleteTree(log().resolve(victim).normalize());
      target.runForMs(2_100);
      assertTrue(target.store.isOffline(), victim);
      target.close();
      dir = tmp.resolve("target-" + victim.replace("../", ""));
      FileTarget.format(dir);
      open();
      java.util.Arrays.fill(model, (byte) 0);
    }
  }

  @Test
  void aTargetThatGoesOfflineInTheMiddleOfASnapshotRests() throws Exception {
    List<Update> chunks = new ArrayList<>();
    for (int i = 0; i < 300; i++) {
      chunks.add(target.write(1_000 + i, 0, (byte) 1));
    }
    target.simulation.runUntil(() -> chunks.stream().allMatch(Update::isAnswered));
    target.keeperStuck = true;
    for (int round = 0; target.store.isLogSteady(); round++) {
      assertTrue(round < 5_000, "the log is rewritten some time");
      updateSome();
      if (target.store.isLogSteady()) {
        target.runJobs();
      }
    }
    ChunkLog before = target.store.log();
    target.runJobs();
    target.simulation.runUntil(() -> target.store.log() != before);
    target.store.goOffline("a test's wish", 0);
    target.runForMs(1);
    assertFalse(target.store.hasWork());
    target.keeperStuck = false;
    reopen();
    checkModel();
  }

  @Test
  void aFailedFlushOfTheLogIsNotTriedAgain() throws Exception {
    updateSome();
    target.logFaults.flushErrorOneIn = 1;
    assertTrue(target.writeAndWait(7, 0, (byte) 1) > 0, "the journal has it");
    target.runForMs(3_000);
    assertTrue(target.store.isOffline());
    target.logFaults.flushErrorOneIn = 0;
    target.events.clear();
    target.runForMs(3_000);
    assertTrue(target.writeAndWait(7, 0, (byte) 1) < 0);
    assertFalse(target.events.contains("log flush"));
  }
}
