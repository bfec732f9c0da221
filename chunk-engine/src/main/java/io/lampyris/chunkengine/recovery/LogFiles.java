package io.lampyris.chunkengine.recovery;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.Wake;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.log.ChronicleChunkLog;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.EarlierGroups;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.log.LogCatalog.Generation;
import io.lampyris.chunkengine.log.LogScanner;
import io.lampyris.chunkengine.options.TargetOptions;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.UUID;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A target's log as a whole: replays its generations, then opens a fresh one, so that a file is
 * appended to only by the process that created it. Blocks. Owner: the loading thread, then the
 * keeper, then whoever closes the target.
 */
public final class LogFiles {
  /**
   * A generation that is made while the last one is still appended to counts on from so much
   * further, more than is appended in any time.
   */
  private static final long NUMBERS_AHEAD = 1L << 32;

  private static final Logger LOGGER = LoggerFactory.getLogger(LogFiles.class);

  private final TargetOptions options;
  private final Host host;
  private final Keeper keeper;
  private final Wake wake;
  private final Path logDir;
  private final UUID uuid;
  private final Replayer replayer;

  /** What the journal has that the log has not; goes into the next generation. */
  private final JournalReplay recovered;

  private final List<Generation> kept = new ArrayList<>();
  private LogCatalog catalog = new LogCatalog(List.of());

  /** The last generation, when it was prepared and could not be used. */
  private @Nullable ChunkLog spare;

  private long records;
  private long lastSequence;
  private long lastGroup;

  private long olderBytes;
  private long tornRecords;
  private long tornBytes;
  private final EarlierGroups earlier = new EarlierGroups();

  /** For where blocking is allowed. */
  public LogFiles(TargetOptions options, Path logDir, UUID uuid, ChunkIndex index) {
    this(options, Keeper.inline(), new Wake(), logDir, uuid, index);
  }

  public LogFiles(
      TargetOptions options, Keeper keeper, Wake wake, Path logDir, UUID uuid, ChunkIndex index) {
    this.keeper = keeper;
    this.wake = wake;
    this.options = options;
    this.host = options.host();
    this.logDir = logDir;
    this.uuid = uuid;
    this.replayer = new Replayer(index);
    this.recovered = new JournalReplay(host, uuid, replayer);
  }

  /** Makes the log of a new target. */
  static void create(TargetOptions options, Path logDir, UUID uuid) throws StoreException {
    Host host = options.host();
    host.createDirectories(logDir);
    Generation first = new Generation(1, 1, 1, false);
    Path directory = logDir.resolve(first.directory());
    try (ChunkLog log =
        new ChronicleChunkLog(
            options, Keeper.inline(), new Wake(), directory, uuid, 1, 0, 0, 0, 0)) {
      syncGeneration(host, log.file());
    }
    host.syncDirectory(logDir);
    new LogCatalog(List.of(first)).write(host, logDir);
  }

  private static void syncGeneration(Host host, Path file) throws StoreException {
    host.syncFile(file);
    host.syncDirectory(HostFiles.directoryOf(file));
  }

  /** Looks at the device's journal, so that replay goes on where the log ends. */
  public void findJournal(Path device) throws StoreException {
    recovered.find(device);
  }

  /** Replays everything into the index, and makes it count: durable, what was torn cut off. */
  public void replay() throws StoreException {
    catalog = LogCatalog.read(logDir);
    for (Generation generation : catalog.generations()) {
      LogScanner.Result result = replay(generation);
      keep(generation, result);
      replayJournal(generation, result);
    }
  }

  /** Replays everything into the index and changes nothing. */
  public void replayOnly() throws StoreException {
    catalog = LogCatalog.read(logDir);
    for (Generation generation : catalog.generations()) {
      replayJournal(generation, replay(generation));
    }
  }

  private void replayJournal(Generation generation, LogScanner.Result result)
      throws StoreException {
    if (!generation.closed()) {
      recovered.replay(generation, result.lastGroup());
      lastGroup = Math.max(lastGroup, recovered.lastGroup());
      lastSequence = Math.max(lastSequence, recovered.lastSequence());
    }
  }

  private LogScanner.Result replay(Generation generation) throws StoreException {
    Path directory = logDir.resolve(generation.directory());
    if (!Files.isDirectory(directory)) {
      throw new StoreException(
          Reason.LOG_CORRUPT,
          "a log generation is missing; observed=no %s, limit=every generation that CURRENT names; remedy: restore the target's log directory"
              .formatted(directory));
    }
    Path file = ChronicleChunkLog.fileIn(directory);
    LogScanner.Result result = new LogScanner(file, uuid, generation, replayer).scan();
    EarlierGroups.Span damaged = earlier.add(generation, file, result);
    if (damaged != null) {
      throw EarlierGroups.damaged(damaged, file, result.durableBefore());
    }
    records += result.records();
    olderBytes += result.recordBytes();
    lastGroup = Math.max(lastGroup, result.lastGroup());
    lastSequence = Math.max(lastSequence, result.lastSequence());
    if (result.torn()) {
      tornRecords += result.tornRecords();
      tornBytes += result.tornBytes();
      LOGGER.warn(
          "the end of log {} was torn and is cut at position {}: {} intact records of an unfinished"
              + " group after group {} are dropped; none of them was acknowledged",
          file,
          result.endPosition(),
          result.tornRecords(),
          result.lastGroup());
    }
    return result;
  }

  private void keep(Generation generation, LogScanner.Result result) throws StoreException {
    if (result.records() > 0) {
      kept.add(
          new Generation(generation.number(), generation.firstGroup(), result.lastGroup(), true));
    }
    if (!generation.closed()) {
      // What was replayed counts from now on, so it has to be durable, flushed or not.
      Path file = ChronicleChunkLog.fileIn(logDir.resolve(generation.directory()));
      host.syncFile(file);
      if (!result.torn()) {
        host.truncate(file, result.endPosition() + 4095 & -4096);
      }
    }
  }

  /** What replay found beside the index; what is to be redone goes before {@link #openNext}. */
  public Replayer replayer() {
    return replayer;
  }

  /**
   * Opens a fresh generation; the log is everything that was replayed, and this one. Everything
   * that was to be redone has to be in its place, durably.
   */
  public ChunkLog openNext() throws StoreException {
    long number = nextNumber();
    ChunkLog log = create(number, lastSequence, lastGroup, lastGroup, lastSequence);
    recovered.appendTo(log, host);
    log.durable(log.lastGroup());
    List<Generation> generations = new ArrayList<>(kept);
    generations.add(new Generation(number, lastGroup + 1, log.lastGroup(), false));
    try {
      catalog = new LogCatalog(generations);
      catalog.write(host, logDir);
      deleteUnnamed();
    } catch (StoreException e) {
      log.close();
      throw e;
    }
    return log;
  }

  private long nextNumber() {
    return catalog.generations().getLast().number() + 1;
  }

  /** Makes a generation's file, durably. */
  private ChunkLog create(long number, long sequence, long group, long durable, long applied)
      throws StoreException {
    Path directory = logDir.resolve("gen-%06d".formatted(number));
    host.deleteTree(directory);
    try {
      return createIn(directory, number, sequence, group, durable, applied);
    } catch (StoreException e) {
      // What it has reserved may be what a full host lacks.
      try {
        host.deleteTree(directory);
      } catch (StoreException left) {
        e.addSuppressed(left);
      }
      throw e;
    }
  }

  private ChunkLog createIn(
      Path directory, long number, long sequence, long group, long durable, long applied)
      throws StoreException {
    ChunkLog log =
        new ChronicleChunkLog(
            options, keeper, wake, directory, uuid, number, sequence, group, durable, applied);
    try {
      syncGeneration(host, log.file());
      host.syncDirectory(logDir);
    } catch (StoreException e) {
      log.close();
      throw e;
    }
    return log;
  }

  /**
   * Makes one more generation for a running target and names it in CURRENT; the last one may still
   * be appended to until the first group is appended to this.
   *
   * @param sequence the last sequence number so far
   * @param group the last group so far
   * @param durable the last of them that is durable
   * @param snapshotBytes what is going to be written to it soon
   */
  public ChunkLog prepareNext(long sequence, long group, long durable, long snapshotBytes)
      throws StoreException {
    checkRoom(snapshotBytes);
    ChunkLog log = spare;
    spare = null;
    if (log == null) {
      log = append(sequence, group, durable);
    }
    try {
      // A rewriting that has begun frees space only when it ends.
      log.reserveAside(snapshotBytes);
      catalog.write(host, logDir);
    } catch (StoreException e) {
      spare = log;
      throw e;
    }
    return log;
  }

  private ChunkLog append(long sequence, long group, long durable) throws StoreException {
    long number = nextNumber();
    long lastBefore = group + NUMBERS_AHEAD;
    ChunkLog log = create(number, sequence + NUMBERS_AHEAD, lastBefore, durable, 0);
    List<Generation> generations = new ArrayList<>(catalog.generations());
    generations.add(new Generation(number, lastBefore + 1, log.lastGroup(), false));
    // Before the write: one that fails may have happened, and an empty generation does no harm.
    catalog = new LogCatalog(generations);
    return log;
  }

  /**
   * Takes a prepared generation back that cannot be used now. CURRENT names it, or may; empty as it
   * is, the next preparation takes it, instead of leaving one more behind at each attempt.
   */
  public void keepForNext(ChunkLog prepared) {
    assert spare == null : "one generation is prepared at a time";
    spare = prepared;
  }

  /** Lets go of a generation that was prepared and not used; it stays, empty. */
  public void closeSpare() {
    if (spare != null) {
      spare.close();
      spare = null;
    }
  }

  private void checkRoom(long snapshotBytes) throws StoreException {
    long needed = snapshotBytes + ChronicleChunkLog.createBytes(options);
    long available = host.availableBytes(logDir);
    if (available < needed) {
      throw new StoreException(
          Reason.NO_SPACE,
          "no room to rewrite the chunk log; observed=%d bytes free at %s, limit=%d; remedy: free space on the host file system"
              .formatted(available, logDir, needed));
    }
  }

  /** Lets CURRENT name one generation only, which says everything. */
  public void keepOnly(long number, long durableGroup) throws StoreException {
    LogCatalog all = catalog;
    Generation only =
        all.generations().stream().filter(g -> g.number() == number).findFirst().orElseThrow();
    catalog =
        new LogCatalog(
            List.of(new Generation(number, only.firstGroup(), durableGroup, only.closed())));
    try {
      catalog.write(host, logDir);
    } catch (StoreException e) {
      // It may have happened or not: nothing is deleted, so both are right.
      catalog = all;
      throw e;
    }
    olderBytes = 0;
  }

  /** Deletes generations that CURRENT does not name. */
  public void deleteUnnamed() throws StoreException {
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
  public void closed(ChunkLog log) throws StoreException {
    List<Generation> generations = new ArrayList<>();
    for (Generation g : catalog.generations()) {
      long durable = g.number() == log.generation() ? log.lastGroup() : g.durableGroup();
      generations.add(new Generation(g.number(), g.firstGroup(), durable, g.closed()));
    }
    catalog = new LogCatalog(generations);
    catalog.write(host, logDir);
  }

  /** Bytes of the generations before the open one. */
  public long olderBytes() {
    return olderBytes;
  }

  public int generationCount() {
    return catalog.generations().size();
  }

  /** What opening found. */
  public OpenReport report() {
    return new OpenReport(kept.size(), records, recovered.groups(), 0, tornRecords, tornBytes);
  }
}
