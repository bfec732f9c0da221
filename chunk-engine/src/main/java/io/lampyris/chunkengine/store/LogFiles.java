package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.store.LogCatalog.Generation;
import io.lampyris.chunkengine.store.StoreException.Reason;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A target's log as a whole: replays its generations, then opens a fresh one, so that a file is
 * appended to only by the process that created it. Blocks.
 */
final class LogFiles {
  /** More generations than this are rewritten as one. */
  private static final int GENERATIONS_MAX = 16;

  /** A log is rewritten when it has more dead records than this, and ... */
  private static final long DEAD_MIN = 100_000;

  /** ... more than so many for each live one. */
  private static final long DEAD_PER_LIVE = 4;

  /** Records of one group of a snapshot. */
  private static final int SNAPSHOT_GROUP = 1024;

  private static final Logger LOGGER = LoggerFactory.getLogger(LogFiles.class);

  private final TargetOptions options;
  private final Host host;
  private final Path logDir;
  private final UUID uuid;
  private final ChunkIndex index;
  private final Replayer replayer;
  private final List<Generation> kept = new ArrayList<>();
  private LogCatalog catalog = new LogCatalog(List.of());
  private long records;
  private long lastSequence;
  private long lastGroup;

  /** What opening found, for the log and for tests. */
  record Replay(long records, long tornRecords, int generations, boolean snapshot) {}

  private long tornRecords;
  private boolean snapshot;

  LogFiles(TargetOptions options, Path logDir, UUID uuid, ChunkIndex index) {
    this.options = options;
    this.host = options.host();
    this.logDir = logDir;
    this.uuid = uuid;
    this.index = index;
    this.replayer = new Replayer(index);
  }

  /** Makes the log of a new target. */
  static void create(TargetOptions options, Path logDir, UUID uuid) throws StoreException {
    Host host = options.host();
    host.createDirectories(logDir);
    Generation first = new Generation(1, 1, 1, false);
    Path directory = logDir.resolve(first.directory());
    try (ChunkLog log = new ChronicleChunkLog(options, directory, uuid, 1, 0, 0, 0)) {
      syncGeneration(host, log.file());
    }
    host.syncDirectory(logDir);
    new LogCatalog(List.of(first)).write(host, logDir);
  }

  private static void syncGeneration(Host host, Path file) throws StoreException {
    host.syncFile(file);
    host.syncDirectory(HostFiles.directoryOf(file));
  }

  /** Replays everything into the index. */
  void replay() throws StoreException {
    catalog = LogCatalog.read(logDir);
    for (Generation generation : catalog.generations()) {
      replay(generation);
    }
  }

  private void replay(Generation generation) throws StoreException {
    Path directory = logDir.resolve(generation.directory());
    if (!Files.isDirectory(directory)) {
      throw new StoreException(
          Reason.LOG_CORRUPT,
          "a log generation is missing; observed=no %s, limit=every generation that CURRENT names; remedy: restore the target's log directory"
              .formatted(directory));
    }
    Path file = ChronicleChunkLog.fileIn(directory);
    LogScanner.Result result = new LogScanner(file, uuid, generation, replayer).scan();
    records += result.records();
    lastGroup = result.lastGroup();
    lastSequence = result.lastSequence();
    if (result.torn()) {
      tornRecords += result.tornRecords();
      LOGGER.warn(
          "the end of log {} was torn and is cut at position {}: {} intact records of an unfinished"
              + " group after group {} are dropped; none of them was acknowledged",
          file,
          result.endPosition(),
          result.tornRecords(),
          result.lastGroup());
    }
    if (result.records() > 0) {
      kept.add(
          new Generation(generation.number(), generation.firstGroup(), result.lastGroup(), true));
    }
    if (!generation.closed()) {
      // What was replayed counts from now on, so it has to be durable, flushed or not.
      host.syncFile(file);
      if (!result.torn()) {
        host.truncate(file, result.endPosition() + 4095 & -4096);
      }
    }
  }

  /** What replay found beside the index; what is to be redone goes before {@link #openNext}. */
  Replayer replayer() {
    return replayer;
  }

  /**
   * Opens a fresh generation, a snapshot of the index when the log is worth rewriting. Everything
   * that was to be redone has to be in its place, durably.
   */
  ChunkLog openNext() throws StoreException {
    long dead = records - index.count();
    snapshot =
        kept.size() >= GENERATIONS_MAX || (dead > DEAD_MIN && dead > DEAD_PER_LIVE * index.count());
    long number = catalog.generations().getLast().number() + 1;
    Path directory = logDir.resolve("gen-%06d".formatted(number));
    host.deleteTree(directory);
    long firstGroup = lastGroup + 1;
    ChunkLog log =
        new ChronicleChunkLog(
            options, directory, uuid, number, lastSequence, lastGroup, lastSequence);
    try {
      if (snapshot) {
        writeSnapshot(log);
      }
      syncGeneration(host, log.file());
      host.syncDirectory(logDir);
      log.durable(log.lastGroup());
      List<Generation> generations = snapshot ? new ArrayList<>() : kept;
      generations.add(new Generation(number, firstGroup, log.lastGroup(), false));
      catalog = new LogCatalog(generations);
      catalog.write(host, logDir);
    } catch (StoreException e) {
      log.close();
      throw e;
    }
    deleteUnnamed();
    return log;
  }

  private void writeSnapshot(ChunkLog log) throws StoreException {
    ChunkState chunk = new ChunkState();
    ChunkIndex.Cursor cursor = index.cursor();
    for (long n = 1; cursor.next(chunk); n++) {
      reserveForSnapshot(log, 0);
      log.committed(chunk, false);
      if (n % SNAPSHOT_GROUP == 0) {
        log.endGroup();
      }
    }
    for (Replayer.Pending pending : replayer.pending()) {
      reserveForSnapshot(log, pending.payloadBytes());
      pending.appendTo(log);
    }
    log.endGroup();
  }

  private void reserveForSnapshot(ChunkLog log, int payloadBytes) throws StoreException {
    if (!log.reserve(1, payloadBytes, true)) {
      throw new StoreException(
          Reason.NO_SPACE,
          "no room to rewrite the chunk log; observed=a snapshot of %d chunks did not fit, limit=all of them; remedy: free space on the host file system of %s"
              .formatted(index.count(), logDir));
    }
  }

  private void deleteUnnamed() throws StoreException {
    Set<String> named =
        catalog.generations().stream().map(Generation::directory).collect(Collectors.toSet());
    for (Path path : host.list(logDir)) {
      String name = path.getFileName().toString();
      if (name.startsWith("gen-") && !named.contains(name)) {
        host.deleteTree(path);
      }
    }
  }

  /** Notes how far the log is durable, so that damage to a stopped target is noticed. */
  void closed(ChunkLog log) throws StoreException {
    List<Generation> generations = new ArrayList<>(catalog.generations());
    Generation open = generations.removeLast();
    generations.add(new Generation(open.number(), open.firstGroup(), log.lastGroup(), false));
    catalog = new LogCatalog(generations);
    catalog.write(host, logDir);
  }

  Replay result() {
    return new Replay(records, tornRecords, catalog.generations().size(), snapshot);
  }
}
