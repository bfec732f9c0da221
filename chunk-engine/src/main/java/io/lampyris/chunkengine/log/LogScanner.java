package io.lampyris.chunkengine.log;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.RecoveryRow;
import io.lampyris.chunkengine.format.RecoveryRow.Behind;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.reactor.Threads;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;
import java.util.concurrent.ArrayBlockingQueue;
import java.util.concurrent.BlockingQueue;
import org.jspecify.annotations.Nullable;

/**
 * Reads one generation's file without Chronicle Queue, which trusts what it reads: walks the
 * excerpts by their 4-byte headers (length in 30 bits, then "meta data", then "not complete"; 0 is
 * the end; excerpts start at multiples of 4), checks every record, and hands over whole groups
 * only.
 *
 * <p>Where the walk ends, the rest of the file is searched for a later group end. If one of them
 * says that a group which the walk did not reach had been durable, records that were acknowledged
 * are missing: LOG_CORRUPT. Otherwise what is there was never acknowledged, and is a torn tail.
 *
 * <p>In a large file a thread of its own walks ahead and checks, and the caller's thread hands over
 * what was checked; how the two are scheduled changes nothing of what is found, nor its order.
 */
public final class LogScanner {
  private static final int NOT_COMPLETE = 0x80000000;
  private static final int META_DATA = 0x40000000;
  private static final int LENGTH_MASK = 0x3FFFFFFF;

  /** Smaller files are walked by the caller's thread. */
  private static final long AHEAD_MIN_BYTES = 8 << 20;

  /** Whole groups are handed over in ranges of about this size; so many may wait. */
  private static final long RANGE_BYTES = 256 << 10;

  private static final int RANGES_MAX = 64;

  /** The kernel reads this far ahead of the walk. */
  private static final long READ_AHEAD_BYTES = 16 << 20;

  /** Takes the records of whole groups, in order. */
  public interface Visitor {
    /**
     * A COMMITTED record.
     *
     * @param commitsPending it is the version that was pending, with its payload if that has one
     */
    void onCommitted(ChunkState chunk, boolean commitsPending, long sequence) throws StoreException;

    /** A PENDING record. */
    void onPending(ChunkState chunk) throws StoreException;

    /**
     * A REDO record.
     *
     * @param pending whether its version is pending
     * @param from where in the chunk the payload belongs
     */
    void onRedo(ChunkState chunk, boolean pending, int from, RedoPayload payload, long sequence)
        throws StoreException;

    /** A REMOVED record. */
    void onRemoved(ChunkState chunk) throws StoreException;

    /**
     * A ROLLED_BACK record.
     *
     * @param pending who made the version that was pending
     */
    void onRolledBack(ChunkState pending) throws StoreException;

    /** A SESSION record. */
    void onSession(Session session) throws StoreException;

    /** All that was to be redone up to a sequence number is in its place, durably. */
    void onApplied(long sequence) throws StoreException;
  }

  /**
   * What was found.
   *
   * @param endPosition where the last whole group ends in the file
   * @param recordBytes how far that is from the first record
   * @param lastGroup the last whole group
   * @param lastSequence its group end's sequence number; -1 without groups
   * @param records how many records of chunks and sessions were handed over
   * @param tornBytes from {@code endPosition} to the end of what is behind it; 0 for nothing
   * @param tornRecords how many intact records of an incomplete group were cut
   * @param durableBefore the last group of an earlier generation that this one calls durable
   */
  public record Result(
      long endPosition,
      long recordBytes,
      long lastGroup,
      long lastSequence,
      long records,
      long tornBytes,
      int tornRecords,
      long durableBefore) {
    public boolean torn() {
      return tornBytes > 0;
    }
  }

  /** Takes checked groups that lie behind each other in the file, in order. */
  private interface Sink {
    void onGroups(long from, long to) throws StoreException, InterruptedException;
  }

  /** What the thread that walks ahead hands over: groups, or the end with one of the last three. */
  private record Step(
      long from,
      long to,
      @Nullable End end,
      @Nullable StoreException refusal,
      @Nullable Throwable fault) {}

  /** Where the walk ended. */
  private record End(
      long position,
      long recordBytes,
      long lastGroup,
      long lastSequence,
      long tornBytes,
      int tornRecords) {}

  private final Path file;
  private final UUID uuid;
  private final LogCatalog.Generation generation;
  private final Visitor visitor;
  private final ChunkState chunk = new ChunkState();
  private final Session session = new Session();

  private MemorySegment map = MemorySegment.NULL;
  private long size;
  private long records;
  private long durableBefore;

  public LogScanner(Path file, UUID uuid, LogCatalog.Generation generation, Visitor visitor) {
    this.file = file;
    this.uuid = uuid;
    this.generation = generation;
    this.visitor = visitor;
  }

  public Result scan() throws StoreException {
    try (Arena arena = Arena.ofShared();
        FileChannel channel = FileChannel.open(file)) {
      size = channel.size();
      map = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      End end = size < AHEAD_MIN_BYTES ? new Walk(this::apply).run() : runAhead();
      return new Result(
          end.position,
          end.recordBytes,
          end.lastGroup,
          end.lastSequence,
          records,
          end.tornBytes,
          end.tornRecords,
          durableBefore);
    } catch (IOException e) {
      throw HostFiles.io("read", file, e);
    } catch (InternalError e) {
      throw new StoreException(
          Reason.IO,
          "cannot read %s; observed=%s, limit=readable storage; remedy: look at the kernel log for the host's disk"
              .formatted(file, e),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new StoreException(
          Reason.IO,
          "opening was interrupted; observed=%s, limit=all of it read; remedy: open the target again"
              .formatted(file),
          e);
    }
  }

  /**
   * Hands over the records of a group that the journal has.
   *
   * @return the sequence number of its end
   * @throws StoreException LOG_CORRUPT when they are no such group
   */
  public long replay(GroupJournal.Image image) throws StoreException {
    map = image.records();
    size = map.byteSize();
    Crc32c crc = new Crc32c();
    long last = -1;
    for (long at = 0; at < size; ) {
      boolean expected =
          LogRecord.isIntact(map, at, size, crc)
              && LogRecord.group(map, at) == image.group()
              && (last < 0 || LogRecord.sequence(map, at) == last + 1);
      if (!expected) {
        throw corrupt(at, image.group(), last + 1, "its image in the journal is damaged");
      }
      last = LogRecord.sequence(map, at);
      at += LogRecord.lengthBytes(map, at);
    }
    for (long at = 0; at < size; at += LogRecord.lengthBytes(map, at)) {
      applyRecord(at);
    }
    return last;
  }

  private End runAhead() throws StoreException, InterruptedException {
    BlockingQueue<Step> steps = new ArrayBlockingQueue<>(RANGES_MAX);
    Thread ahead = Thread.ofPlatform().name("log-check").start(() -> walkAhead(steps));
    try {
      while (true) {
        Step step = steps.take();
        if (step.end != null) {
          return step.end;
        }
        if (step.refusal != null) {
          throw step.refusal;
        }
        if (step.fault != null) {
          throw step.fault instanceof InternalError e ? e : new AssertionError(step.fault);
        }
        apply(step.from, step.to);
      }
    } finally {
      // It reads the mapping, which ends with this call.
      ahead.interrupt();
      Threads.awaitEnd(ahead);
    }
  }

  private void walkAhead(BlockingQueue<Step> steps) {
    try {
      Step last;
      try {
        End end = new Walk((from, to) -> steps.put(new Step(from, to, null, null, null))).run();
        last = new Step(0, 0, end, null, null);
      } catch (StoreException e) {
        last = new Step(0, 0, null, e, null);
      } catch (RuntimeException | Error e) {
        last = new Step(0, 0, null, null, e);
      }
      steps.put(last);
    } catch (InterruptedException e) {
      // The other side has given up and takes nothing more.
      Thread.currentThread().interrupt();
    }
  }

  /** Goes over the file and checks; hands over groups all of whose records are right. */
  private final class Walk {
    private final Sink sink;
    private final Crc32c crc = new Crc32c();
    private long expectedSequence;
    private long firstPosition;

    /** Behind the last of what is behind the last whole group. */
    private long lastPosition;

    private long group = generation.firstGroup();
    private long at;
    private int open;
    private long end;
    private long handedOver;
    private long readAhead;
    private String why = "";

    Walk(Sink sink) {
      this.sink = sink;
    }

    End run() throws StoreException, InterruptedException {
      boolean goesOn = true;
      while (goesOn) {
        goesOn = step();
        if (end - handedOver >= RANGE_BYTES || (!goesOn && end > handedOver)) {
          sink.onGroups(handedOver, end);
          handedOver = end;
          readAhead();
        }
      }
      return finish();
    }

    /** Checks one excerpt; false when it, or what it ends, is the last that counts. */
    private boolean step() {
      int header = at + 4 <= size ? map.get(JAVA_INT, at) : 0;
      int length = header & LENGTH_MASK;
      if (header == 0 || (header & NOT_COMPLETE) != 0 || at + 4 + length > size) {
        why = header == 0 ? "end" : "excerpt header 0x%x".formatted(header);
        return false;
      }
      if ((header & META_DATA) != 0) {
        at = next(at, length);
        return true;
      }
      if (!isExpected(at + 4, length)) {
        why = "record is damaged or out of order";
        return false;
      }
      expectedSequence++;
      boolean groupEnd = LogRecord.type(map, at + 4) == LogRecord.GROUP_END;
      if (groupEnd && LogRecord.recordCount(map, at + 4) != open) {
        why = "group end counts other records";
        return false;
      }
      at = next(at, length);
      open++;
      return !groupEnd || nextGroup();
    }

    private boolean nextGroup() {
      group++;
      open = 0;
      end = at;
      return !generation.closed() || group <= generation.durableGroup();
    }

    /** A hint; reading works without. */
    private void readAhead() {
      if (at + READ_AHEAD_BYTES / 2 > readAhead && readAhead < size) {
        long until = Math.min(size, at + READ_AHEAD_BYTES) & -4096;
        if (until > readAhead) {
          NativeMemory.madvise(map.asSlice(readAhead, until - readAhead), Fcntl.MADV_WILLNEED);
        }
        readAhead = until;
      }
    }

    private boolean isExpected(long at, int excerptBytes) {
      if (!LogRecord.isIntact(map, at, size, crc)
          || LogRecord.lengthBytes(map, at) != excerptBytes) {
        return false;
      }
      if (expectedSequence == 0) {
        firstPosition = at;
        expectedSequence = LogRecord.sequence(map, at);
      }
      return LogRecord.sequence(map, at) == expectedSequence && LogRecord.group(map, at) == group;
    }

    private End finish() throws StoreException {
      long lastGroup = group - 1;
      boolean closed = generation.closed();
      boolean reaches = lastGroup >= generation.durableGroup();
      Behind behind = reaches && !closed ? searchBehind() : Behind.NOTHING;
      RecoveryRow row = RecoveryRow.of(new RecoveryRow.End(closed, reaches, behind));
      switch (row) {
        case CLOSED, WHOLE, TORN -> {}
        case SHORT ->
            throw corrupt(
                at,
                group,
                expectedSequence,
                why + "; groups up to " + generation.durableGroup() + " are missing");
        case DAMAGED -> throw corrupt(at, group, expectedSequence, why);
        default -> throw new AssertionError("not a row of this stage: " + row);
      }
      long tornBytes = row == RecoveryRow.TORN ? lastPosition - end : 0;
      long recordBytes = Math.max(0, end - firstPosition);
      return new End(end, recordBytes, lastGroup, expectedSequence - 1 - open, tornBytes, open);
    }

    /** Looks at everything behind the last whole group. */
    private Behind searchBehind() {
      Behind behind = Behind.NOTHING;
      lastPosition = end;
      for (long here = end; here + 8 <= size; here += 4) {
        if (map.get(JAVA_INT, here) == 0) {
          // Reserved space is zeros: pass over it in long steps.
          while (here % 8 == 4 && here + 12 <= size && map.get(JAVA_LONG, here + 4) == 0) {
            here += 8;
          }
          continue;
        }
        behind = Behind.UNPROVEN;
        lastPosition = here + 4;
        if (LogRecord.isIntact(map, here, size, crc)
            && LogRecord.type(map, here) == LogRecord.GROUP_END
            && LogRecord.isOf(map, here, uuid)
            && LogRecord.group(map, here) >= group
            && LogRecord.durableGroup(map, here) >= group) {
          why += ", yet group %d at %d follows".formatted(LogRecord.group(map, here), here);
          return Behind.DURABLE;
        }
      }
      return behind;
    }
  }

  private static long next(long at, int length) {
    return at + 4 + length + 3 & -4;
  }

  /** Hands over groups whose records were all checked. */
  private void apply(long from, long to) throws StoreException {
    for (long at = from; at < to; ) {
      int header = map.get(JAVA_INT, at);
      if ((header & META_DATA) == 0) {
        applyRecord(at + 4);
      }
      at = next(at, header & LENGTH_MASK);
    }
  }

  private void applyRecord(long at) throws StoreException {
    switch (LogRecord.type(map, at)) {
      case LogRecord.GENERATION -> checkGeneration(at);
      case LogRecord.COMMITTED -> {
        decodeState(at);
        boolean commits = LogRecord.hasFlag(map, at, LogRecord.FLAG_COMMITS_PENDING);
        visitor.onCommitted(chunk, commits, LogRecord.sequence(map, at));
      }
      case LogRecord.PENDING -> {
        decodeState(at);
        visitor.onPending(chunk);
      }
      case LogRecord.REDO -> applyRedo(at);
      case LogRecord.REMOVED -> {
        LogRecord.decodeUpdate(map, at, chunk);
        records++;
        visitor.onRemoved(chunk);
      }
      case LogRecord.ROLLED_BACK -> {
        LogRecord.decodeUpdate(map, at, chunk);
        records++;
        visitor.onRolledBack(chunk);
      }
      case LogRecord.SESSION -> {
        if (!LogRecord.decodeSession(map, at, session)) {
          throw contradiction(at, "a session contradicts itself");
        }
        records++;
        visitor.onSession(session);
      }
      case LogRecord.GROUP_END -> {
        noteDurable(LogRecord.durableGroup(map, at));
        visitor.onApplied(LogRecord.appliedSequence(map, at));
      }
      default -> throw unknown(at);
    }
  }

  private void noteDurable(long group) {
    if (group < generation.firstGroup()) {
      durableBefore = Math.max(durableBefore, group);
    }
  }

  private void decodeState(long at) throws StoreException {
    if (!LogRecord.decodeState(map, at, chunk)) {
      throw contradiction(at, "a record contradicts itself");
    }
    records++;
  }

  private void applyRedo(long at) throws StoreException {
    decodeState(at);
    if (!LogRecord.isRedoPlausible(map, at, chunk)) {
      throw contradiction(at, "a redo record contradicts itself");
    }
    visitor.onRedo(
        chunk,
        LogRecord.hasFlag(map, at, LogRecord.FLAG_PENDING),
        LogRecord.redoPayloadOffset(map, at),
        LogRecord.redoPayload(map, at),
        LogRecord.sequence(map, at));
  }

  private void checkGeneration(long at) throws StoreException {
    if (!LogRecord.uuid(map, at).equals(uuid)
        || LogRecord.generation(map, at) != generation.number()) {
      throw new StoreException(
          Reason.LOG_CORRUPT,
          "log %s belongs to another target; observed=target %s generation %d, limit=target %s generation %d; remedy: put the target's own log directory back"
              .formatted(
                  file,
                  LogRecord.uuid(map, at),
                  LogRecord.generation(map, at),
                  uuid,
                  generation.number()));
    }
  }

  private StoreException contradiction(long at, String observed) {
    return corrupt(at, LogRecord.group(map, at), LogRecord.sequence(map, at), observed);
  }

  private StoreException corrupt(long at, long group, long sequence, String observed) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        at,
        "the chunk log is damaged before its end, acknowledged updates are missing; observed=%s at position %d of %s, which should be record %d, of group %d; limit=intact up to group %d; remedy: restore the target from a replica, or its directory from a copy"
            .formatted(
                observed, at, file, sequence, group, Math.max(group, generation.durableGroup())));
  }

  private StoreException unknown(long at) {
    return new StoreException(
        Reason.OTHER_FORMAT_VERSION,
        at,
        "the chunk log has a record that this release does not know; observed=type %d at position %d of %s, limit=types 1 … 7; remedy: use the release that wrote it"
            .formatted(LogRecord.type(map, at), at, file));
  }
}
