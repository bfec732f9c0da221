package io.lampyris.chunkengine.recovery;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.RecoveryRow;
import io.lampyris.chunkengine.format.RecoveryRow.Found;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.GroupJournal;
import io.lampyris.chunkengine.log.LogCatalog.Generation;
import io.lampyris.chunkengine.log.LogRecord;
import io.lampyris.chunkengine.log.LogScanner;
import io.lampyris.chunkengine.log.RedoPayload;
import io.lampyris.chunkengine.session.Session;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Replays the groups that the device's journal has and the log has not: those since the log's last
 * flush. Which of them count is decided by {@link RecoveryRow}. Owner: the loading thread.
 */
public final class JournalReplay {
  private static final Logger LOGGER = LoggerFactory.getLogger(JournalReplay.class);

  private final Host host;
  private final UUID uuid;
  private final Replayer replayer;
  private final Crc32c crc = new Crc32c();

  /** What was replayed, to be appended to the next generation; a state per record. */
  private final List<Appender> records = new ArrayList<>();

  private List<GroupJournal.Image> images = List.of();
  private Path device = Path.of("");
  private int groups;
  private long lastGroup;
  private long lastSequence;
  private boolean torn;

  @FunctionalInterface
  private interface Appender {
    void appendTo(ChunkLog log);
  }

  public JournalReplay(Host host, UUID uuid, Replayer replayer) {
    this.host = host;
    this.uuid = uuid;
    this.replayer = replayer;
  }

  /** Looks at the journal. */
  public void find(Path journalDevice) throws StoreException {
    device = journalDevice;
    images = GroupJournal.find(host, device, uuid);
  }

  /**
   * Replays what a generation lacks.
   *
   * @param logged the last group that its file has
   * @throws StoreException LOG_CORRUPT when a group between is missing
   */
  public void replay(Generation generation, long logged) throws StoreException {
    List<GroupJournal.Image> mine =
        images.stream().filter(image -> image.generation() == generation.number()).toList();
    long replayed = logged;
    for (GroupJournal.Image image : mine) {
      boolean last = image == mine.getLast();
      Found found =
          new Found(
              image.group() <= replayed,
              image.previous() <= replayed,
              last,
              !last || image.group() <= replayed || hasPayloads(image));
      switch (RecoveryRow.of(found)) {
        case IMAGE_LOGGED -> {}
        case IMAGE_REPLAYED -> {
          lastSequence =
              Math.max(
                  lastSequence,
                  new LogScanner(device, uuid, generation, new Recorder()).replay(image));
          replayed = image.group();
          groups++;
        }
        case IMAGE_TORN -> torn = true;
        case IMAGE_MISSING -> throw missing(image, replayed);
        default -> throw new AssertionError("not a row of this stage");
      }
    }
    lastGroup = Math.max(lastGroup, replayed);
    if (groups > 0 || torn) {
      LOGGER.info(
          "the journal of {} had {} groups that the log did not have yet{}",
          device,
          groups,
          torn ? ", and one that was never acknowledged" : "");
    }
  }

  /** A group's image may be written, and the payloads that it names not yet. */
  private boolean hasPayloads(GroupJournal.Image image) throws StoreException {
    MemorySegment from = image.records();
    for (long at = 0; at < from.byteSize(); at += LogRecord.lengthBytes(from, at)) {
      if (LogRecord.type(from, at) == LogRecord.REDO
          && LogRecord.hasFlag(from, at, LogRecord.FLAG_JOURNALED)
          && LogRecord.redoPayload(from, at).load(host, device, crc)
              == RecoveryRow.Stored.JOURNAL_DAMAGED) {
        return false;
      }
    }
    return true;
  }

  private StoreException missing(GroupJournal.Image image, long replayed) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        "the chunk log is damaged before its end, acknowledged updates are missing; observed=group %d in the journal of %s follows group %d, and group %d is the last that was found, limit=all groups; remedy: restore the target from a replica, or its directory from a copy"
            .formatted(image.group(), device, image.previous(), replayed));
  }

  /** How many groups only the journal had. */
  public int groups() {
    return groups;
  }

  /** Whether the last image was dropped, because not all that it names was written. */
  boolean torn() {
    return torn;
  }

  long lastGroup() {
    return lastGroup;
  }

  long lastSequence() {
    return lastSequence;
  }

  /** Puts what was replayed into a fresh log, durably; what was to be redone is in its place. */
  void appendTo(ChunkLog log, Host logHost) throws StoreException {
    if (records.isEmpty()) {
      return;
    }
    records.forEach(record -> record.appendTo(log));
    log.endGroup();
    logHost.syncFile(log.file());
  }

  /** Replays, and notes the states for the next log. */
  private final class Recorder implements LogScanner.Visitor {
    private ChunkState copy(ChunkState chunk) {
      ChunkState copy = new ChunkState();
      copy.copyFrom(chunk);
      return copy;
    }

    @Override
    public void onCommitted(ChunkState chunk, boolean commitsPending, long sequence) {
      ChunkState state = copy(chunk);
      records.add(log -> log.committed(state, false));
      replayer.onCommitted(chunk, commitsPending, sequence);
    }

    @Override
    public void onPending(ChunkState chunk) {
      ChunkState state = copy(chunk);
      records.add(log -> log.pending(state));
      replayer.onPending(chunk);
    }

    @Override
    public void onRedo(
        ChunkState chunk, boolean pending, int from, RedoPayload payload, long sequence) {
      ChunkState state = copy(chunk);
      if (pending) {
        records.add(log -> appendPending(log, state, from, payload));
      } else {
        records.add(log -> log.committed(state, false));
      }
      replayer.onRedo(chunk, pending, from, payload, sequence);
    }

    @Override
    public void onRemoved(ChunkState chunk) {
      ChunkState state = copy(chunk);
      records.add(log -> log.removed(state));
      replayer.onRemoved(chunk);
    }

    @Override
    public void onRolledBack(ChunkState pending) {
      ChunkState state = copy(pending);
      records.add(log -> log.rolledBack(state));
      replayer.onRolledBack(pending);
    }

    @Override
    public void onSession(Session session) {
      Session copy = new Session();
      copy.copyFrom(session);
      records.add(log -> log.session(copy));
      replayer.onSession(session);
    }

    @Override
    public void onApplied(long sequence) {
      replayer.onApplied(sequence);
    }
  }

  private static void appendPending(ChunkLog log, ChunkState state, int from, RedoPayload payload) {
    int bytes = payload.lengthBytes();
    if (payload.isInJournal()) {
      log.redoJournaled(state, true, from, bytes, payload.deviceOffset(), payload.crc32c());
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment memory = arena.allocate(bytes);
      memory.copyFrom(MemorySegment.ofArray(payload.bytes()));
      log.redo(state, true, from, memory, 0, bytes, new Crc32c().of(memory, 0, bytes));
    }
  }
}
