package io.lampyris.chunkengine.store;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.chunkengine.store.StoreException.Reason;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.util.UUID;

/**
 * Reads one generation's file without Chronicle Queue, which trusts what it reads: walks the
 * excerpts by their 4-byte headers (length in 30 bits, then "meta data", then "not complete"; 0 is
 * the end; excerpts start at multiples of 4), checks every record, and hands over whole groups
 * only.
 *
 * <p>Where the walk ends, the rest of the file is searched for a later group end. If one of them
 * says that a group which the walk did not reach had been durable, records that were acknowledged
 * are missing: LOG_CORRUPT. Otherwise what is there was never acknowledged, and is a torn tail.
 */
final class LogScanner {
  private static final int NOT_COMPLETE = 0x80000000;
  private static final int META_DATA = 0x40000000;
  private static final int LENGTH_MASK = 0x3FFFFFFF;

  /** Takes the records of whole groups, in order. */
  interface Visitor {
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
     * @param payload valid during this call
     */
    void onRedo(ChunkState chunk, boolean pending, int from, MemorySegment payload, long sequence)
        throws StoreException;

    /** A REMOVED record. */
    void onRemoved(ChunkState chunk) throws StoreException;

    /** All that was to be redone up to a sequence number is in its place, durably. */
    void onApplied(long sequence) throws StoreException;
  }

  /**
   * What was found.
   *
   * @param endPosition where the last whole group ends in the file
   * @param lastGroup the last whole group
   * @param lastSequence its group end's sequence number
   * @param records how many records of chunks were handed over
   * @param torn whether there is anything behind {@code endPosition}
   * @param tornRecords how many intact records of an incomplete group were cut
   */
  record Result(
      long endPosition,
      long lastGroup,
      long lastSequence,
      long records,
      boolean torn,
      int tornRecords) {}

  private final Path file;
  private final UUID uuid;
  private final LogCatalog.Generation generation;
  private final Visitor visitor;
  private final Crc32c crc = new Crc32c();
  private final ChunkState chunk = new ChunkState();

  private MemorySegment map = MemorySegment.NULL;
  private long size;
  private long expectedSequence;
  private long group;
  private long records;
  private String why = "";

  LogScanner(Path file, UUID uuid, LogCatalog.Generation generation, Visitor visitor) {
    this.file = file;
    this.uuid = uuid;
    this.generation = generation;
    this.visitor = visitor;
    this.group = generation.firstGroup();
  }

  Result scan() throws StoreException {
    try (Arena arena = Arena.ofShared();
        FileChannel channel = FileChannel.open(file)) {
      size = channel.size();
      map = channel.map(FileChannel.MapMode.READ_ONLY, 0, size, arena);
      return scanMapped();
    } catch (IOException e) {
      throw HostFiles.io("read", file, e);
    } catch (InternalError e) {
      throw new StoreException(
          Reason.IO,
          "cannot read %s; observed=%s, limit=readable storage; remedy: look at the kernel log for the host's disk"
              .formatted(file, e),
          e);
    }
  }

  private Result scanMapped() throws StoreException {
    long at = 0;
    long groupStart = 0;
    long end = 0;
    int open = 0;
    boolean stop = false;
    while (!stop) {
      int header = at + 4 <= size ? map.get(JAVA_INT, at) : 0;
      int length = header & LENGTH_MASK;
      if (header == 0 || (header & NOT_COMPLETE) != 0 || at + 4 + length > size) {
        why = header == 0 ? "end" : "excerpt header 0x%x".formatted(header);
        stop = true;
      } else if ((header & META_DATA) != 0) {
        at = at + 4 + length + 3 & -4;
      } else if (!isExpected(at + 4, length)) {
        why = "record is damaged or out of order";
        stop = true;
      } else {
        expectedSequence++;
        boolean groupEnd = LogRecord.type(map, at + 4) == LogRecord.GROUP_END;
        if (groupEnd && LogRecord.recordCount(map, at + 4) != open) {
          why = "group end counts other records";
          stop = true;
        } else {
          at = at + 4 + length + 3 & -4;
          open++;
        }
        if (groupEnd && !stop) {
          apply(groupStart, at);
          group++;
          open = 0;
          end = at;
          groupStart = at;
          stop = generation.closed() && group > generation.durableGroup();
        }
      }
    }
    return finish(end, at, open);
  }

  private boolean isExpected(long at, int excerptBytes) {
    if (!LogRecord.isIntact(map, at, size, crc) || LogRecord.lengthBytes(map, at) != excerptBytes) {
      return false;
    }
    if (expectedSequence == 0) {
      expectedSequence = LogRecord.sequence(map, at);
    }
    return LogRecord.sequence(map, at) == expectedSequence && LogRecord.group(map, at) == group;
  }

  /** Hands over a group whose records were all checked. */
  private void apply(long from, long to) throws StoreException {
    for (long at = from; at < to; ) {
      int header = map.get(JAVA_INT, at);
      if ((header & META_DATA) == 0) {
        applyRecord(at + 4);
      }
      at = at + 4 + (header & LENGTH_MASK) + 3 & -4;
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
      case LogRecord.GROUP_END -> visitor.onApplied(LogRecord.appliedSequence(map, at));
      default -> throw unknown(at);
    }
  }

  private void decodeState(long at) throws StoreException {
    if (!LogRecord.decodeState(map, at, chunk)) {
      throw corrupt(at, "a record contradicts itself");
    }
    records++;
  }

  private void applyRedo(long at) throws StoreException {
    decodeState(at);
    if (!LogRecord.isRedoPlausible(map, at, chunk)) {
      throw corrupt(at, "a redo record contradicts itself");
    }
    visitor.onRedo(
        chunk,
        LogRecord.hasFlag(map, at, LogRecord.FLAG_PENDING),
        LogRecord.redoPayloadOffset(map, at),
        map.asSlice(LogRecord.redoPayloadAt(map, at), LogRecord.redoPayloadBytes(map, at)),
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

  private Result finish(long end, long stoppedAt, int openRecords) throws StoreException {
    long lastGroup = group - 1;
    if (lastGroup < generation.durableGroup()) {
      throw corrupt(
          stoppedAt, why + "; groups up to " + generation.durableGroup() + " are missing");
    }
    boolean torn = false;
    if (!generation.closed()) {
      torn = searchBehind(end, stoppedAt);
    }
    return new Result(
        end, lastGroup, expectedSequence - 1 - openRecords, records, torn, openRecords);
  }

  /** Looks at everything behind the last whole group; true when anything is there. */
  private boolean searchBehind(long end, long stoppedAt) throws StoreException {
    boolean anything = false;
    for (long at = end; at + 8 <= size; at += 4) {
      if (map.get(JAVA_INT, at) == 0) {
        // Reserved space is zeros: pass over it in long steps.
        while (at % 8 == 4 && at + 12 <= size && map.get(JAVA_LONG, at + 4) == 0) {
          at += 8;
        }
        continue;
      }
      anything = true;
      if (LogRecord.isIntact(map, at, size, crc)
          && LogRecord.type(map, at) == LogRecord.GROUP_END
          && LogRecord.isOf(map, at, uuid)
          && LogRecord.group(map, at) >= group
          && LogRecord.durableGroup(map, at) >= group) {
        throw corrupt(
            stoppedAt,
            why + ", yet group %d at %d follows".formatted(LogRecord.group(map, at), at));
      }
    }
    return anything;
  }

  private StoreException corrupt(long at, String observed) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        "the chunk log is damaged before its end, acknowledged updates are missing; observed=%s at position %d of %s, limit=intact up to group %d; remedy: restore the target from a replica, or its directory from a copy"
            .formatted(observed, at, file, Math.max(group, generation.durableGroup())));
  }

  private StoreException unknown(long at) {
    return new StoreException(
        Reason.OTHER_FORMAT_VERSION,
        "the chunk log has a record that this release does not know; observed=type %d at position %d of %s, limit=types 1 … 6; remedy: use the release that wrote it"
            .formatted(LogRecord.type(map, at), at, file));
  }
}
