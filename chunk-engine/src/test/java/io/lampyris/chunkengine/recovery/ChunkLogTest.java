package io.lampyris.chunkengine.recovery;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChronicleChunkLog;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.options.TargetOptions;
import java.io.IOException;
import java.io.RandomAccessFile;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.SplittableRandom;
import java.util.TreeMap;
import java.util.UUID;
import java.util.concurrent.FutureTask;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The log through its files: what was appended comes back, and damage is cut or refused. */
final class ChunkLogTest {
  private static final UUID TARGET = UUID.randomUUID();
  private static final int GROUPS = 24;

  @TempDir Path tmp;

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final SplittableRandom random = new SplittableRandom(seed);
  private final ChunkState state = new ChunkState();

  /** Chunk key to version. */
  private final Map<Long, Integer> model = new TreeMap<>();

  /** The model after each group, the first being the one that only names the generation. */
  private final List<Map<Long, Integer>> after = new ArrayList<>();

  /** Where each of these groups ends in the file. */
  private final List<Long> ends = new ArrayList<>();

  private void appendGroup(ChunkLog log, boolean durable) {
    int records = 1 + random.nextInt(5);
    for (int i = 0; i < records; i++) {
      long key = random.nextInt(40);
      state.clear();
      state.inode = key / 8;
      state.chunkIndex = (int) (key % 8);
      state.version = model.getOrDefault(key, 0) + 1;
      if (model.containsKey(key) && random.nextInt(4) == 0) {
        log.removed(state);
        model.remove(key);
      } else {
        state.chunkSizeBytes = 1 << 20;
        state.lengthBytes = random.nextInt(1 << 20) + 1;
        state.blockOffset = (1 + key) << 20;
        state.sizeClass = 20;
        for (int unit = 0; unit < state.unitCount(); unit++) {
          state.unitCrcs[unit] = random.nextInt();
        }
        log.committed(state, false);
        model.put(key, state.version);
      }
    }
    long group = log.endGroup();
    if (durable) {
      log.durable(group);
    }
    after.add(new TreeMap<>(model));
    ends.add(log.positionBytes());
  }

  /** A log as a killed process leaves it. */
  private Path crashedLog(boolean durable) throws StoreException {
    Path dir = tmp.resolve("log");
    LogFiles.create(TargetOptions.defaults(), dir, TARGET);
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      LogFiles files = new LogFiles(TargetOptions.defaults(), dir, TARGET, index);
      files.replay();
      try (ChunkLog log = files.openNext()) {
        after.add(new TreeMap<>());
        ends.add(log.positionBytes());
        for (int i = 0; i < GROUPS; i++) {
          appendGroup(log, durable);
        }
      }
    }
    return dir;
  }

  /** Replays and opens; returns what the index has. */
  private static Map<Long, Integer> open(Path dir) throws StoreException {
    Map<Long, Integer> found = new TreeMap<>();
    ChunkState chunk = new ChunkState();
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      LogFiles files = new LogFiles(TargetOptions.defaults(), dir, TARGET, index);
      files.replay();
      files.openNext().close();
      for (ChunkIndex.Cursor cursor = index.cursor(); cursor.next(chunk); ) {
        found.put(chunk.inode * 8 + chunk.chunkIndex, chunk.version);
      }
    }
    return found;
  }

  private int copies;

  private Path copyOf(Path dir) throws IOException {
    Path copy = tmp.resolve("copy-" + copies++);
    // cp keeps holes; the queue's files are mostly holes.
    Process cp =
        new ProcessBuilder("cp", "-a", "--sparse=always", dir.toString(), copy.toString()).start();
    assertEquals(0, cp.onExit().join().exitValue());
    return copy;
  }

  private static Path onlyFile(Path dir) throws StoreException {
    LogCatalog catalog = assertReadable(dir);
    return assertFile(dir.resolve(catalog.generations().getLast().directory()));
  }

  private static LogCatalog assertReadable(Path dir) throws StoreException {
    return LogCatalog.read(dir);
  }

  private static Path assertFile(Path generation) throws StoreException {
    return ChronicleChunkLog.fileIn(generation);
  }

  /** A cut reads as zeros: a group whose cut bytes were zeros anyway is still whole. */
  private long intactAfterCut(Path file, long position) throws IOException {
    long intact = position;
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "r")) {
      for (long end : ends) {
        if (end > intact) {
          byte[] cut = new byte[(int) (end - intact)];
          f.seek(intact);
          f.readFully(cut);
          for (byte b : cut) {
            if (b != 0) {
              return intact;
            }
          }
          intact = end;
        }
      }
    }
    return intact;
  }

  private static void cutAt(Path file, long position) throws IOException {
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      long size = f.length();
      f.setLength(position);
      f.setLength(size);
    }
  }

  private void flip(Path file, long position) throws IOException {
    try (RandomAccessFile f = new RandomAccessFile(file.toFile(), "rw")) {
      f.seek(position);
      int old = f.read();
      f.seek(position);
      f.write(old ^ 1 << random.nextInt(8));
    }
  }

  private int groupsEndingBy(long position) {
    return (int) ends.stream().filter(end -> end <= position).count();
  }

  @Test
  void everythingComesBackInOnePass() throws Exception {
    Path dir = crashedLog(true);
    assertEquals(model, open(dir), "seed=" + seed);
    assertEquals(model, open(dir), "seed=" + seed);
  }

  @Test
  void aTailCutAnywhereIsCutAtTheLastWholeGroup() throws Exception {
    System.out.println("seed=" + seed);
    Path dir = crashedLog(true);
    long first = ends.getFirst();
    long last = ends.getLast();
    for (int round = 0; round < 24; round++) {
      long at =
          round % 3 == 0 ? ends.get(random.nextInt(ends.size())) : random.nextLong(first, last);
      Path copy = copyOf(dir);
      long intact = intactAfterCut(onlyFile(copy), at);
      cutAt(onlyFile(copy), at);
      Map<Long, Integer> expected = after.get(groupsEndingBy(intact) - 1);
      assertEquals(expected, open(copy), "seed=" + seed + " at=" + at);
      // The cut is for good: groups of the next generation do not revive what was behind it.
      assertEquals(expected, open(copy), "seed=" + seed + " at=" + at);
      Host.posix().deleteTree(copy);
    }
  }

  @Test
  void aFlippedBitIsCutInTheLastGroupAndRefusedBeforeIt() throws Exception {
    System.out.println("seed=" + seed);
    Path dir = crashedLog(true);
    long start = ends.getFirst();
    long lastStart = ends.get(ends.size() - 2);
    for (int round = 0; round < 48; round++) {
      long at = random.nextLong(start, round % 4 == 0 ? ends.getLast() : lastStart);
      if (round % 4 == 0) {
        at = random.nextLong(lastStart, ends.getLast());
      }
      Path copy = copyOf(dir);
      flip(onlyFile(copy), at);
      if (at >= lastStart) {
        assertEquals(after.get(after.size() - 2), open(copy), "seed=" + seed + " at=" + at);
      } else {
        StoreException e = assertThrows(StoreException.class, () -> open(copy), "seed=" + seed);
        assertEquals(Reason.LOG_CORRUPT, e.reason());
        assertTrue(String.valueOf(e.getMessage()).contains("position"), e.getMessage());
      }
      Host.posix().deleteTree(copy);
    }
  }

  @Test
  void damageToTheQueuesOwnPagesNeverLosesARecordSilently() throws Exception {
    System.out.println("seed=" + seed);
    Path dir = crashedLog(true);
    int refused = 0;
    for (int round = 0; round < 30; round++) {
      // The first four bytes are the length of the first excerpt: without it nothing is found.
      long inHead = round < 4 ? round : random.nextLong(256);
      long at = round < 15 ? inHead : random.nextLong(ends.getFirst());
      Path copy = copyOf(dir);
      flip(onlyFile(copy), at);
      try {
        assertEquals(model, open(copy), "seed=" + seed + " at=" + at);
      } catch (StoreException e) {
        assertEquals(Reason.LOG_CORRUPT, e.reason());
        refused++;
      }
      Host.posix().deleteTree(copy);
    }
    assertTrue(refused > 0, "lengths of the queue's own excerpts matter");
  }

  @Test
  void withoutFlushesAnyDamageIsATornTail() throws Exception {
    Path dir = crashedLog(false);
    for (int round = 0; round < 8; round++) {
      long at = random.nextLong(ends.getFirst(), ends.getLast());
      Path copy = copyOf(dir);
      flip(onlyFile(copy), at);
      Map<Long, Integer> expected = after.get(groupsEndingBy(at) - 1);
      assertEquals(expected, open(copy), "seed=" + seed + " at=" + at);
      Host.posix().deleteTree(copy);
    }
  }

  @Test
  void aCutOfAClosedLogIsRefused() throws Exception {
    Path dir = tmp.resolve("log");
    LogFiles.create(TargetOptions.defaults(), dir, TARGET);
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      LogFiles files = new LogFiles(TargetOptions.defaults(), dir, TARGET, index);
      files.replay();
      try (ChunkLog log = files.openNext()) {
        appendGroup(log, true);
        appendGroup(log, true);
        Host.posix().syncFile(log.file());
        files.closed(log);
      }
    }
    cutAt(onlyFile(dir), ends.getFirst());
    StoreException e = assertThrows(StoreException.class, () -> open(dir));
    assertEquals(Reason.LOG_CORRUPT, e.reason());
  }

  @Test
  void aMissingGenerationIsRefused() throws Exception {
    Path dir = crashedLog(true);
    Host.posix().deleteTree(HostFiles.directoryOf(onlyFile(dir)));
    assertEquals(Reason.LOG_CORRUPT, assertThrows(StoreException.class, () -> open(dir)).reason());
  }

  @Test
  void everyStartGoesOnInAGenerationOfItsOwn() throws Exception {
    Path dir = tmp.resolve("log");
    LogFiles.create(TargetOptions.defaults(), dir, TARGET);
    for (int start = 0; start < 20; start++) {
      try (ChunkIndex index = new OffHeapChunkIndex()) {
        LogFiles files = new LogFiles(TargetOptions.defaults(), dir, TARGET, index);
        files.replay();
        assertEquals(model.size(), index.count());
        try (ChunkLog log = files.openNext()) {
          onAnotherThread(() -> appendGroup(log, true));
        }
      }
    }
    assertEquals(20, assertReadable(dir).generations().size());
    assertEquals(model, open(dir), "seed=" + seed);
    assertEquals(model, open(dir), "an empty generation is dropped, seed=" + seed);
    assertEquals(21, assertReadable(dir).generations().size());
  }

  /** As a reactor goes on with what the loading thread has opened. */
  private static void onAnotherThread(Runnable work) throws Exception {
    FutureTask<Void> task = new FutureTask<>(work, null);
    Thread.ofPlatform().start(task).join();
    task.get();
  }
}
