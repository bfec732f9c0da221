package io.lampyris.chunkengine.check;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.chunkengine.check.CheckFinding.Code;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChronicleChunkLog;
import io.lampyris.chunkengine.log.EarlierGroups;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.log.LogScanner;
import io.lampyris.chunkengine.recovery.JournalReplay;
import io.lampyris.chunkengine.recovery.Replayer;
import io.lampyris.chunkengine.recovery.TargetFiles;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Verifies a stopped target: superblocks, {@code CURRENT}, every record of the log, that blocks do
 * not overlap, and every unit of every chunk against its checksum. Takes the target's lock, reads,
 * and changes nothing, not even what the next start would repair. Blocks; any thread.
 */
public final class TargetChecker {
  /** Findings of one kind that are listed; all are counted. */
  private static final int LISTED_MAX = 1000;

  /** Hears how far the reading of data is. */
  @FunctionalInterface
  public interface Progress {
    /** Some of all the data was read. */
    void onRead(long doneBytes, long totalBytes);
  }

  private final Path dir;
  private final Host host;
  private final Path device;
  private final Path logDir;
  private final boolean readsData;
  private final Progress progress;

  private final List<CheckFinding> findings = new ArrayList<>();
  private final Map<Code, Integer> counts = new EnumMap<>(Code.class);
  private final Crc32c crc = new Crc32c();
  private final EarlierGroups earlier = new EarlierGroups();
  private final Map<Path, CheckFinding> tornTails = new LinkedHashMap<>();

  private @Nullable Superblock superblock;
  private int generations;
  private long records;
  private boolean logIsWhole = true;
  private long chunks;
  private long dataBytes;
  private long readBytes;
  private long units;

  private TargetChecker(Path dir, Host host, boolean readsData, Progress progress) {
    this.dir = dir;
    this.host = host;
    this.device = dir.resolve(TargetFiles.DEVICE);
    this.logDir = dir.resolve(TargetFiles.LOG);
    this.readsData = readsData;
    this.progress = progress;
  }

  /**
   * Checks a target.
   *
   * @param readsData whether chunks are read and verified, not only what describes them
   * @throws StoreException INVALID_ARGUMENT when there is no target, UNFINISHED, IN_USE, IO when it
   *     cannot be looked at
   */
  public static CheckReport check(Path dir, boolean readsData, Progress progress)
      throws StoreException {
    return check(dir, Host.posix(), readsData, progress);
  }

  /** As the other, of a target whose device another host reaches. */
  public static CheckReport check(Path dir, Host host, boolean readsData, Progress progress)
      throws StoreException {
    return new TargetChecker(dir, host, readsData, progress).run();
  }

  private CheckReport run() throws StoreException {
    if (!Files.exists(device) || Files.isDirectory(device)) {
      throw new StoreException(
          Reason.INVALID_ARGUMENT,
          "there is no target to check; observed=no %s, limit=a directory with device and log; remedy: name the directory of an instance or of a target"
              .formatted(device));
    }
    TargetFiles.checkFinished(host, dir);
    int lock = lock();
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      checkSuperblocks();
      Superblock found = superblock;
      if (found != null) {
        checkDeviceSize(found);
        Replayer replayer = new Replayer(index);
        checkLog(found, replayer);
        checkBlocks(found, index, replayer);
      }
    } finally {
      if (lock >= 0) {
        Libc.close(lock);
      }
    }
    return report();
  }

  /** Without creating the file: a target that was never opened has none. */
  private int lock() throws StoreException {
    Path file = dir.resolve(TargetFiles.LOCK);
    int fd = Libc.open(file.toString(), Fcntl.O_RDONLY | Fcntl.O_CLOEXEC, 0);
    if (fd == -Errno.ENOENT) {
      return -1;
    }
    int result = fd < 0 ? fd : Libc.flock(fd, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
    if (result >= 0) {
      return fd;
    }
    if (fd >= 0) {
      Libc.close(fd);
    }
    boolean inUse = result == -Errno.EWOULDBLOCK;
    throw new StoreException(
        inUse ? Reason.IN_USE : Reason.IO,
        inUse
            ? "the target is open; observed=%s is locked, limit=a stopped target; remedy: stop the process that has it open"
                .formatted(file)
            : "the target cannot be locked; observed=%s on %s, limit=success; remedy: look at its permissions"
                .formatted(Errno.describe(-result), file));
  }

  // ---- superblocks ----

  private void checkSuperblocks() throws StoreException {
    byte[][] sectors = new byte[2][Superblock.SIZE_BYTES];
    boolean[] intact = new boolean[2];
    for (int copy = 0; copy < 2; copy++) {
      String damage = damageOf(sectors[copy], copy);
      intact[copy] = damage.isEmpty();
      if (!intact[copy]) {
        add(
            CheckFinding.at(
                Code.SUPERBLOCK_DAMAGED,
                device,
                offset(copy),
                "superblock %s is damaged; %s".formatted(copy == 0 ? "A" : "B", damage)));
      }
    }
    if (!intact[0] && !intact[1]) {
      add(
          CheckFinding.at(
              Code.SUPERBLOCKS_LOST,
              device,
              0,
              "no superblock is intact; observed=none of two, limit=one; nothing else can be checked"));
      return;
    }
    byte[] chosen = sectors[intact[0] ? 0 : 1];
    if (intact[0] && intact[1] && !Arrays.equals(without(sectors[0]), without(sectors[1]))) {
      add(
          CheckFinding.at(
              Code.SUPERBLOCKS_DIFFER,
              device,
              Superblock.OFFSET_B,
              "the superblocks are intact and differ; observed=other fields in B, limit=those of A"));
    }
    try {
      superblock = Superblock.decode(MemorySegment.ofArray(chosen), device.toString());
    } catch (StoreException e) {
      add(CheckFinding.at(Code.OTHER_FORMAT, device, offset(intact[0] ? 0 : 1), text(e)));
    }
  }

  private static long offset(int copy) {
    return copy == 0 ? Superblock.OFFSET_A : Superblock.OFFSET_B;
  }

  /** Empty when a sector is intact; else what was seen and what should be. */
  private String damageOf(byte[] sector, int copy) throws StoreException {
    int read;
    try {
      read = host.read(device, offset(copy), MemorySegment.ofArray(sector));
    } catch (StoreException e) {
      return text(e);
    }
    if (read < sector.length) {
      return "observed=%d bytes there, limit=%d".formatted(read, sector.length);
    }
    return Superblock.damage(MemorySegment.ofArray(sector), copy);
  }

  /** What both copies have to have in common. */
  private static byte[] without(byte[] sector) {
    byte[] same = sector.clone();
    Arrays.fill(same, (int) Superblock.AT_CRC, (int) Superblock.AT_CRC + 4, (byte) 0);
    Arrays.fill(same, (int) Superblock.AT_COPY, (int) Superblock.AT_COPY + 4, (byte) 0);
    return same;
  }

  private void checkDeviceSize(Superblock found) throws StoreException {
    long observed = host.sizeBytes(device);
    if (observed != found.deviceSizeBytes()) {
      add(
          CheckFinding.at(
              Code.DEVICE_SIZE,
              device,
              -1,
              "the device does not have its size; observed=%d bytes, limit=%d"
                  .formatted(observed, found.deviceSizeBytes())));
    }
  }

  // ---- log ----

  private void checkLog(Superblock found, Replayer replayer) throws StoreException {
    JournalReplay journal = new JournalReplay(host, found.uuid(), replayer);
    journal.find(device);
    LogCatalog catalog;
    try {
      catalog = LogCatalog.read(logDir);
    } catch (StoreException e) {
      logIsWhole = false;
      add(CheckFinding.at(Code.CURRENT_DAMAGED, logDir.resolve(LogCatalog.FILE), -1, text(e)));
      return;
    }
    generations = catalog.generations().size();
    for (LogCatalog.Generation generation : catalog.generations()) {
      checkGeneration(found, generation, replayer, journal);
    }
    tornTails.values().forEach(this::add);
    findStrays(catalog);
    if (logIsWhole) {
      noteUnfinished(replayer);
      if (journal.groups() > 0) {
        add(
            CheckFinding.at(
                Code.JOURNALED_GROUPS,
                device,
                Geometry.JOURNAL_OFFSET,
                "the device's journal has groups that the log does not have; observed=%d, limit=the next start puts them there"
                    .formatted(journal.groups())));
      }
    }
  }

  private void checkGeneration(
      Superblock found,
      LogCatalog.Generation generation,
      Replayer replayer,
      JournalReplay journal) {
    Path directory = logDir.resolve(generation.directory());
    Path file;
    try {
      if (!Files.isDirectory(directory)) {
        throw new StoreException(
            Reason.LOG_CORRUPT,
            "a log generation is missing; observed=no %s, limit=every generation that CURRENT names"
                .formatted(directory));
      }
      file = ChronicleChunkLog.fileIn(directory);
    } catch (StoreException e) {
      logIsWhole = false;
      add(CheckFinding.at(Code.GENERATION_MISSING, directory, -1, text(e)));
      return;
    }
    try {
      LogScanner.Result result = new LogScanner(file, found.uuid(), generation, replayer).scan();
      records += result.records();
      if (result.torn()) {
        noteTorn(file, result);
      }
      EarlierGroups.Span damaged = earlier.add(generation, file, result);
      if (damaged != null) {
        logIsWhole = false;
        tornTails.remove(damaged.file());
        StoreException e = EarlierGroups.damaged(damaged, file, result.durableBefore());
        add(CheckFinding.at(Code.LOG_DAMAGED, damaged.file(), damaged.endPosition(), text(e)));
      }
      if (logIsWhole && !generation.closed()) {
        journal.replay(generation, result.lastGroup());
      }
    } catch (StoreException e) {
      logIsWhole = false;
      Code code =
          switch (e.reason()) {
            case OTHER_FORMAT_VERSION -> Code.OTHER_FORMAT;
            case IO -> Code.UNREADABLE;
            default -> Code.LOG_DAMAGED;
          };
      add(CheckFinding.at(code, file, e.position(), text(e)));
    }
  }

  /** Kept for the end: a later generation may say that it is none. */
  private void noteTorn(Path file, LogScanner.Result result) {
    tornTails.put(
        file,
        CheckFinding.at(
            Code.TORN_TAIL,
            file,
            result.endPosition(),
            "the log ends with something unfinished behind group %d; observed=%d intact records of the next group, limit=none of it was acknowledged"
                .formatted(result.lastGroup(), result.tornRecords())));
  }

  private void findStrays(LogCatalog catalog) {
    Set<String> known = new HashSet<>();
    catalog.generations().forEach(generation -> known.add(generation.directory()));
    known.add(LogCatalog.FILE);
    try (Stream<Path> entries = Files.list(logDir)) {
      for (Path path : entries.sorted().toList()) {
        String name = path.getFileName().toString();
        if (known.contains(name)) {
          continue;
        }
        if (name.startsWith("gen-")) {
          add(
              CheckFinding.at(
                  Code.STRAY_GENERATION,
                  path,
                  -1,
                  "CURRENT does not name this generation; observed=a rewriting of the log that was not finished or not cleared away, limit=deleted at the next start"));
        } else {
          add(
              CheckFinding.at(
                  Code.STRAY_FILE,
                  path,
                  -1,
                  "this does not belong to the log; observed=%s, limit=CURRENT and generations"
                      .formatted(name)));
        }
      }
    } catch (IOException e) {
      add(CheckFinding.at(Code.UNREADABLE, logDir, -1, String.valueOf(e)));
    }
  }

  private void noteUnfinished(Replayer replayer) {
    for (Replayer.Pending pending : replayer.pending()) {
      add(
          CheckFinding.of(
              Code.PENDING_VERSION,
              logDir,
              -1,
              pending.state,
              -1,
              "version %d is durable and was not committed".formatted(pending.state.version)));
    }
    if (!replayer.redos().isEmpty()) {
      add(
          CheckFinding.at(
              Code.TO_REDO,
              logDir,
              -1,
              "overwrites were committed and may not be in their place yet; observed=%d, limit=the next start puts them there"
                  .formatted(replayer.redos().size())));
    }
  }

  // ---- blocks ----

  private void checkBlocks(Superblock found, ChunkIndex index, Replayer replayer)
      throws StoreException {
    chunks = index.count();
    if (!logIsWhole) {
      note("what the log says is not known in full, so no block was checked");
      return;
    }
    for (Replayer.LostPayload lost : replayer.load(host, device)) {
      add(
          new CheckFinding(
              Code.PAYLOAD_LOST,
              lost.what() + "; observed=other bytes in the journal, limit=the payload's checksum",
              device,
              lost.deviceOffset(),
              lost.inode(),
              Integer.toUnsignedLong(lost.chunkIndex()),
              -1));
    }
    BlockChecker blocks =
        new BlockChecker(found.deviceSizeBytes(), host, device, index, replayer, crc, this::add);
    blocks.checkPlaces();
    dataBytes = blocks.dataBytes();
    if (!readsData) {
      note("only what describes the chunks was checked; observed=their bytes were not read");
      return;
    }
    blocks.read(progress);
    readBytes = blocks.readBytes();
    units = blocks.units();
  }

  private void note(String message) {
    add(CheckFinding.at(Code.DATA_NOT_CHECKED, device, -1, message));
  }

  // ---- report ----

  private void add(CheckFinding finding) {
    int count = counts.merge(finding.code(), 1, Integer::sum);
    if (count <= LISTED_MAX) {
      findings.add(finding);
    }
  }

  private static String text(StoreException e) {
    String message = String.valueOf(e.getMessage());
    int remedy = message.indexOf("; remedy:");
    return remedy < 0 ? message : message.substring(0, remedy);
  }

  private long count(CheckFinding.Severity severity) {
    return counts.entrySet().stream()
        .filter(entry -> entry.getKey().severity() == severity)
        .mapToLong(Map.Entry::getValue)
        .sum();
  }

  private CheckReport report() {
    Superblock found = superblock;
    return new CheckReport(
        dir,
        found == null ? 0 : found.targetId(),
        chunks,
        generations,
        records,
        dataBytes,
        readBytes,
        units,
        count(CheckFinding.Severity.ERROR),
        count(CheckFinding.Severity.NOTE),
        findings);
  }
}
