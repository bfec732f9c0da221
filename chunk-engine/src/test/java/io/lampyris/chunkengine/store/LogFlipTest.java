package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.CheckFinding;
import io.lampyris.chunkengine.check.CheckFinding.Code;
import io.lampyris.chunkengine.check.CheckFinding.Severity;
import io.lampyris.chunkengine.check.CheckReport;
import io.lampyris.chunkengine.check.TargetChecker;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChronicleChunkLog;
import io.lampyris.chunkengine.log.LogCatalog;
import io.lampyris.chunkengine.log.LogCatalog.Generation;
import io.lampyris.chunkengine.log.LogRecord;
import io.lampyris.chunkengine.log.LogScanner;
import io.lampyris.chunkengine.log.RedoPayload;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.recovery.Replayer;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.session.Sessions;
import io.lampyris.chunkengine.store.ChunkModel.Change;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.UUID;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Flips every byte of a small log with records of all types, and every bit of the records' headers.
 * It either says the same chunks, or lacks a last group of which nothing says that it was durable,
 * or is refused with the position; the offline check says the same.
 */
final class LogFlipTest {
  private static final ChunkKey A = new ChunkKey(1, 5);
  private static final ChunkKey B = new ChunkKey(1, 1);
  private static final ChunkKey C = new ChunkKey(1, 2);
  private static final ChunkKey D = new ChunkKey(2, 7);
  private static final ChunkKey E = new ChunkKey(2, 1);

  /** Every bit of every record; else one of each byte, and every bit of a header of each type. */
  private static final boolean ALL = Boolean.getBoolean("flips.all");

  /** Of the queue's own pages, which are mostly zeros, one byte in so many. */
  private static final int QUEUE_STEP = ALL ? 61 : 997;

  /** What opening a damaged log came to. */
  private enum Outcome {
    SAME,
    CUT,
    REFUSED
  }

  /**
   * A group in its file.
   *
   * @param durable the last group that its end calls durable
   * @param state what the whole log says up to here
   */
  private record Group(long number, int start, int end, long durable, String state) {}

  @TempDir Path tmp;
  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Prng prng = new Prng(seed);
  private Path base = Path.of("");
  private Path dir = Path.of("");
  private Path logDir = Path.of("");
  private UUID uuid = new UUID(0, 0);
  private String whole = "";
  private final TreeMap<Path, List<Group>> groups = new TreeMap<>();
  private final Map<Outcome, Integer> outcomes = new EnumMap<>(Outcome.class);
  private final TreeSet<Byte> types = new TreeSet<>();

  @BeforeEach
  void begin() throws IOException {
    System.out.println("seed=" + seed);
    base = SimTarget.workDirectory(tmp);
    dir = base.resolve("killed");
    logDir = dir.resolve(TargetFiles.LOG);
  }

  @AfterEach
  void end() throws StoreException {
    Host.posix().deleteTree(base);
    System.out.println(outcomes);
  }

  // ---- making the log ----

  /** A target after an earlier life, some updates, and whatever a scenario leaves unfinished. */
  private void kill(Predicate<TargetStore> at, long rewriteBytes) throws Exception {
    try (SimTarget target = new SimTarget(base.resolve("alive"), prng.split())) {
      SimWorkload work = new SimWorkload(target, prng.split());
      target.format(SimPower.steady());
      target.boot(SimPower.steady());
      fill(work);
      target.shutdown();
      target.options = o -> o.withLog(o.log().withRewriteBytes(rewriteBytes));
      target.boot(SimPower.steady());
      work.reload();
      update(work);
      for (int i = 0; i < 200 && !at.test(target.store()); i++) {
        work.write(B, i, 40);
        target.runUntil(() -> at.test(target.store()) || work.inFlight() == 0);
      }
      assertTrue(at.test(target.store()), "seed=" + seed);
      copy(target.directory(), dir);
    }
    uuid =
        new TargetFiles(TargetOptions.defaults())
            .readSuperblock(dir.resolve(TargetFiles.DEVICE))
            .uuid();
    readWhole();
  }

  private static void fill(SimWorkload work) {
    work.write(A, 0, 64 << 10);
    work.write(B, 0, 100_000);
    work.write(C, 0, 5_000);
    work.write(D, 0, 256 << 10);
    work.write(E, 0, 1 << 20);
    work.await();
  }

  private static void update(SimWorkload work) {
    work.write(A, 1_000, 60);
    work.write(E, 3, 100);
    work.await();
    work.write(C, 5_000, 1_000);
    work.truncate(B, 70_001);
    work.await();
    work.stage(A, work.change(Change.Kind.WRITE, 100, 30));
    work.stage(D, work.change(Change.Kind.TRUNCATE, 100_000, 0));
    work.await();
    work.commit(A);
    work.await();
    work.remove(2, 1, 1);
    work.await();
    work.stage(A, work.change(Change.Kind.WRITE, 7, 9));
    work.await();
    work.write(C, 10, 50);
    work.await();
  }

  private static void copy(Path from, Path to) throws IOException, InterruptedException {
    Process cp =
        new ProcessBuilder("cp", "-a", "--sparse=always", from.toString(), to.toString()).start();
    assertEquals(0, cp.waitFor());
  }

  // ---- what the log says ----

  /** Notes each group of each generation, and what the log says up to it. */
  private void readWhole() throws StoreException, IOException {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      Replayer replayer = new Replayer(index);
      for (Generation generation : LogCatalog.read(logDir).generations()) {
        Path file = ChronicleChunkLog.fileIn(logDir.resolve(generation.directory()));
        List<String> states = new ArrayList<>();
        new LogScanner(file, uuid, generation, new Noting(replayer, index, states)).scan();
        groups.put(file, groupsIn(file, states));
        whole = states.getLast();
      }
    }
  }

  /** Hands on to a replayer, and notes what it has come to at each group's end. */
  private record Noting(Replayer to, ChunkIndex index, List<String> states)
      implements LogScanner.Visitor {
    @Override
    public void onCommitted(ChunkState chunk, boolean commitsPending, long sequence) {
      to.onCommitted(chunk, commitsPending, sequence);
    }

    @Override
    public void onPending(ChunkState chunk) {
      to.onPending(chunk);
    }

    @Override
    public void onRedo(
        ChunkState chunk, boolean pending, int from, RedoPayload payload, long sequence) {
      to.onRedo(chunk, pending, from, payload, sequence);
    }

    @Override
    public void onRemoved(ChunkState chunk) {
      to.onRemoved(chunk);
    }

    @Override
    public void onRolledBack(ChunkState pending) {
      to.onRolledBack(pending);
    }

    @Override
    public void onSession(Session session) {
      to.onSession(session);
    }

    @Override
    public void onApplied(long sequence) {
      to.onApplied(sequence);
      states.add(text(to, index));
    }
  }

  private static String text(Replayer replayer, ChunkIndex index) {
    TreeSet<String> all = new TreeSet<>();
    ChunkState chunk = new ChunkState();
    for (ChunkIndex.Cursor cursor = index.cursor(); cursor.next(chunk); ) {
      all.add(StoreAudit.text(chunk));
    }
    for (Replayer.Pending pending : replayer.pending()) {
      all.add(
          "pending %s %d %s"
              .formatted(
                  StoreAudit.text(pending.state),
                  pending.from,
                  pending.payload == null ? "none" : Arrays.toString(pending.payload.bytes())));
    }
    for (Replayer.Redo redo : replayer.redos()) {
      all.add(
          "redo %d at %d from %d: %d of %s"
              .formatted(
                  redo.sequence,
                  redo.blockOffset,
                  redo.from,
                  redo.bytes,
                  Arrays.toString(redo.payload.bytes())));
    }
    all.addAll(text(replayer.sessions()));
    return String.join("\n", all);
  }

  private static List<String> text(Sessions sessions) {
    List<String> all = new ArrayList<>();
    for (int slot = 0; slot < sessions.count(); slot++) {
      Session session = sessions.at(slot);
      all.add(
          "session %d of channel %d of %d/%d: inode %d chunk %d is %d: %d %d %x"
              .formatted(
                  session.sequence,
                  session.channel,
                  session.clientHigh,
                  session.clientLow,
                  session.inode,
                  session.chunkIndex,
                  session.version,
                  session.result,
                  session.lengthBytes,
                  session.crc32c));
    }
    return all;
  }

  private List<Group> groupsIn(Path file, List<String> states) throws IOException {
    MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
    List<Group> found = new ArrayList<>();
    int start = -1;
    for (int at = 0; found.size() < states.size(); ) {
      int header = bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at);
      int length = header & 0x3FFFFFFF;
      if ((header & 0x40000000) == 0) {
        start = start < 0 ? at : start;
        types.add(LogRecord.type(bytes, at + 4));
        if (LogRecord.type(bytes, at + 4) == LogRecord.GROUP_END) {
          found.add(
              new Group(
                  LogRecord.group(bytes, at + 4),
                  start,
                  at + 4 + length,
                  LogRecord.durableGroup(bytes, at + 4),
                  states.get(found.size())));
          start = -1;
        }
      }
      at += 4 + length + 3 & -4;
    }
    return found;
  }

  /** Where records and their excerpts' headers are. */
  private static List<int[]> recordsIn(Path file, List<Group> of) throws IOException {
    MemorySegment bytes = MemorySegment.ofArray(Files.readAllBytes(file));
    List<int[]> records = new ArrayList<>();
    for (int at = 0; at < of.getLast().end; ) {
      int header = bytes.get(ValueLayout.JAVA_INT_UNALIGNED, at);
      int length = header & 0x3FFFFFFF;
      if ((header & 0x40000000) == 0) {
        records.add(new int[] {at, 4 + length});
      }
      at += 4 + length + 3 & -4;
    }
    return records;
  }

  private List<Group> groupsOf(Path file) {
    return Objects.requireNonNull(groups.get(file));
  }

  // ---- flipping ----

  private static void flip(FileChannel file, long at, int bits) throws IOException {
    ByteBuffer one = ByteBuffer.allocate(1);
    file.read(one, at);
    one.put(0, (byte) (one.get(0) ^ bits)).flip();
    file.write(one, at);
  }

  private void flipAll(Path file) throws Exception {
    List<Group> of = groupsOf(file);
    List<int[]> records = recordsIn(file, of);
    TreeSet<Byte> had = new TreeSet<>();
    byte[] bytes = Files.readAllBytes(file);
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
      for (int[] record : records) {
        boolean first = had.add(bytes[record[0] + 4 + (int) LogRecord.AT_TYPE]);
        for (int i = 0; i < record[1]; i++) {
          boolean every = ALL || (first && i < 4 + LogRecord.HEADER_BYTES);
          int from = every ? 0 : prng.below(8);
          for (int bit = from; bit < (every ? 8 : from + 1); bit++) {
            judge(channel, file, record[0] + i, 1 << bit);
          }
        }
      }
      int end = of.getLast().end;
      for (int at = prng.below(QUEUE_STEP); at < records.getFirst()[0]; at += QUEUE_STEP) {
        judge(channel, file, at, 1 << prng.below(8));
      }
      for (int at = end; at < end + 200; at++) {
        judge(channel, file, at, 1 << prng.below(8));
      }
    }
  }

  private void judge(FileChannel channel, Path file, int at, int bits) throws Exception {
    flip(channel, at, bits);
    try {
      Outcome outcome = replay(file, at);
      outcomes.merge(outcome, 1, Integer::sum);
      if (ALL || prng.below(4) == 0) {
        checkAgrees(outcome);
      }
    } catch (Throwable failure) {
      throw new AssertionError(
          "seed=%d flipped %x of byte %d of %s".formatted(seed, bits, at, file), failure);
    }
    flip(channel, at, bits);
  }

  private void checkAgrees(Outcome outcome) throws StoreException {
    CheckReport report = TargetChecker.check(dir, false, (done, total) -> {});
    boolean damaged = report.findings().stream().anyMatch(f -> f.code() == Code.LOG_DAMAGED);
    assertEquals(outcome == Outcome.REFUSED, damaged, report.toString());
    assertEquals(outcome == Outcome.REFUSED, !report.isClean(), report.toString());
    if (outcome == Outcome.CUT) {
      assertTrue(
          report.findings().stream().anyMatch(f -> f.code() == Code.TORN_TAIL), report.toString());
    }
  }

  private Outcome replay(Path file, int at) {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      LogFiles files = new LogFiles(TargetOptions.defaults(), logDir, uuid, index);
      files.replayOnly();
      String found = text(files.replayer(), index);
      if (found.equals(whole)) {
        return Outcome.SAME;
      }
      assertEquals(cutBefore(file, at), found, "not what was, nor what was without the last group");
      return Outcome.CUT;
    } catch (StoreException e) {
      String message = String.valueOf(e.getMessage());
      assertEquals(Reason.LOG_CORRUPT, e.reason(), message);
      assertTrue(message.contains("at position " + e.position()), message);
      assertTrue(message.contains(file.getFileName().toString()), message);
      // A record that looks like the queue's own is missed at the next one.
      long near =
          groupsOf(file).stream()
              .filter(g -> at < g.end)
              .limit(2)
              .mapToInt(g -> g.end)
              .max()
              .orElse(0);
      assertTrue(e.position() >= 0 && e.position() <= near, message);
      return Outcome.REFUSED;
    }
  }

  /** What may be left when a group is damaged; null when it has to be refused. */
  private @Nullable String cutBefore(Path file, int at) throws StoreException {
    List<Generation> generations = LogCatalog.read(logDir).generations();
    Generation last = generations.getLast();
    if (!HostFiles.directoryOf(file).endsWith(last.directory())) {
      return null;
    }
    List<Group> of = groupsOf(file);
    String before = "";
    for (Group group : of) {
      if (at < group.end) {
        boolean proven =
            last.durableGroup() >= group.number
                || of.stream().anyMatch(h -> h.number > group.number && h.durable >= group.number);
        return proven ? null : before;
      }
      before = group.state;
    }
    return null;
  }

  private static boolean isRewriting(TargetStore store) {
    try {
      Path logs = store.directory().resolve(TargetFiles.LOG);
      List<Generation> all = LogCatalog.read(logs).generations();
      return all.stream().filter(g -> !g.closed()).count() == 2
          && store.log().generation() == all.getLast().number()
          && store.log().recordBytes() > 1_000;
    } catch (StoreException e) {
      throw new AssertionError(e);
    }
  }

  @Test
  void aFlippedBitOfALogThatAKillLeftIsNeverAWrongChunk() throws Exception {
    kill(store -> true, 1L << 40);
    assertEquals(7, types.size(), "records of every type: " + types);
    for (Path file : groups.keySet()) {
      flipAll(file);
    }
    assertEquals(3, outcomes.size(), "the last group may be cut, others not: " + outcomes);
  }

  @Test
  void aFlippedBitOfALogThatIsBeingRewrittenIsNeverAWrongChunk() throws Exception {
    kill(LogFlipTest::isRewriting, 3_000);
    long open = LogCatalog.read(logDir).generations().stream().filter(g -> !g.closed()).count();
    assertEquals(2, open, "generations that are not closed");
    for (Path file : groups.keySet()) {
      flipAll(file);
    }
  }

  @Test
  void aFlippedBitOfCurrentIsRefused() throws Exception {
    kill(store -> true, 1L << 40);
    Path current = logDir.resolve(LogCatalog.FILE);
    byte[] intact = Files.readAllBytes(current);
    for (int at = 0; at < intact.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        byte[] damaged = intact.clone();
        damaged[at] ^= (byte) (1 << bit);
        Files.write(current, damaged);
        StoreException e =
            org.junit.jupiter.api.Assertions.assertThrows(
                StoreException.class, () -> LogCatalog.read(logDir));
        assertEquals(Reason.LOG_CORRUPT, e.reason());
        assertEquals(
            Code.CURRENT_DAMAGED,
            TargetChecker.check(dir, false, (done, total) -> {}).findings().getFirst().code());
      }
    }
  }

  @Test
  void theCheckNamesTheDamageOfEachGenerationAndNotOnlyTheFirst() throws Exception {
    kill(LogFlipTest::isRewriting, 3_000);
    for (Map.Entry<Path, List<Group>> each : groups.entrySet()) {
      try (FileChannel channel =
          FileChannel.open(each.getKey(), StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        flip(channel, each.getValue().getFirst().start + 20, 1);
      }
    }
    CheckReport report = TargetChecker.check(dir, false, (done, total) -> {});
    List<Path> damaged =
        report.findings().stream()
            .filter(f -> f.code().severity() == Severity.ERROR)
            .map(CheckFinding::file)
            .toList();
    assertEquals(List.copyOf(groups.keySet()), damaged, report.toString());
  }

  /** One flip in each record, opened for good: the index says what the replay said. */
  @Test
  void openingADamagedTargetServesWhatItsReplaySaid() throws Exception {
    kill(store -> true, 1L << 40);
    Path file = groups.lastKey();
    int n = 0;
    for (int[] record : recordsIn(file, groupsOf(file))) {
      int at = record[0] + prng.below(record[1]);
      Path copy = base.resolve("copy-" + n++);
      copy(dir, copy);
      Path damaged = copy.resolve(dir.relativize(file));
      try (FileChannel channel =
          FileChannel.open(damaged, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        flip(channel, at, 1 << prng.below(8));
      }
      @Nullable String cut = cutBefore(file, at);
      TargetOptions options = TargetOptions.defaults().withLog(3 << 20, 64 << 10);
      try (TargetStore store = TargetStore.open(copy, options)) {
        if (cut == null) {
          throw new AssertionError("seed=%d: byte %d is damaged and it opens".formatted(seed, at));
        }
        // The log alone would have lost a group; the journal has it.
        String whole = groupsOf(file).getLast().state;
        TreeSet<String> left = new TreeSet<>(List.of(whole.split("\n")));
        left.removeIf(line -> line.startsWith("pending") || line.startsWith("redo"));
        TreeSet<String> found = new TreeSet<>();
        StoreAudit.states(store)
            .forEach((key, text) -> {
              if (!key.startsWith("pending")) {
                found.add(text);
              }
            });
        found.addAll(text(store.sessions()));
        assertEquals(left, found, "seed=" + seed);
        StoreAudit.blocks(store);
        assertEquals(0, StoreAudit.badChunks(store), "seed=" + seed);
      } catch (StoreException e) {
        assertNull(cut, "seed=%d byte %d: %s".formatted(seed, at, e.getMessage()));
        assertEquals(Reason.LOG_CORRUPT, e.reason());
      }
      Host.posix().deleteTree(copy);
    }
  }
}
