package io.lampyris.chunkengine.recovery;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.RecoveryRow;
import io.lampyris.chunkengine.format.RecoveryRow.Later;
import io.lampyris.chunkengine.format.RecoveryRow.Next;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.log.LogScanner;
import io.lampyris.chunkengine.log.RedoPayload;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.session.Sessions;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * Turns the log's records, in order, into the committed chunks of an index, the pending versions,
 * and what has to be redone in place before the chunks hold what the index says. Owner: the loading
 * thread.
 *
 * <p>What has to be redone at the end, and what stays pending, is decided by {@link RecoveryRow}.
 * Redoing twice is harmless: bytes that were appended lie behind it, later overwrites come after
 * it.
 */
public final class Replayer implements LogScanner.Visitor {
  private record Key(long inode, int chunkIndex) {
    static Key of(ChunkState chunk) {
      return new Key(chunk.inode, chunk.chunkIndex);
    }
  }

  /** A version that was not committed; with a payload when it is an overwrite. */
  public static final class Pending {
    public final ChunkState state = new ChunkState();
    public final int from;
    public final @Nullable RedoPayload payload;

    private Pending(ChunkState chunk, int from, @Nullable RedoPayload payload) {
      state.copyFrom(chunk);
      this.from = from;
      this.payload = payload;
    }
  }

  /** Committed bytes that may not be in their place yet. */
  public static final class Redo {
    final long inode;
    final int chunkIndex;
    public final long sequence;
    public final long blockOffset;
    public final int from;
    public final RedoPayload payload;

    /** How much of the payload still belongs to the chunk. */
    public int bytes;

    private Redo(ChunkState chunk, long sequence, int from, RedoPayload payload) {
      this.inode = chunk.inode;
      this.chunkIndex = chunk.chunkIndex;
      this.sequence = sequence;
      this.blockOffset = chunk.blockOffset;
      this.from = from;
      this.payload = payload;
      this.bytes = payload.lengthBytes();
    }
  }

  /**
   * An overwrite whose payload the journal does not have any more.
   *
   * @param from where in the chunk the bytes belonged
   * @param deviceOffset where the journal should have them
   * @param pending whether its version was pending, and is gone; else the chunk has it, with the
   *     old bytes
   */
  public record LostPayload(
      long inode, int chunkIndex, int from, int bytes, long deviceOffset, boolean pending) {
    public String what() {
      return "the journal lost bytes %d … %d of %s version of inode %d chunk %s"
          .formatted(
              from,
              from + bytes - 1,
              pending ? "a pending" : "the committed",
              inode,
              Integer.toUnsignedString(chunkIndex));
    }
  }

  private final ChunkIndex index;
  private final Map<Key, Pending> pending = new HashMap<>();
  private final Map<Key, List<Redo>> redos = new HashMap<>();
  private final Sessions sessions = new Sessions();
  private long applied;

  public Replayer(ChunkIndex index) {
    this.index = index;
  }

  @Override
  public void onCommitted(ChunkState chunk, boolean commitsPending, long sequence) {
    if (!redos.isEmpty()) {
      trim(chunk);
    }
    if (!pending.isEmpty()) {
      settle(chunk, commitsPending, sequence);
    }
    index.put(chunk);
  }

  /** The chunk has another block or length: what cannot matter there is not redone. */
  private void trim(ChunkState chunk) {
    List<Redo> of = redos.get(Key.of(chunk));
    if (of == null) {
      return;
    }
    of.removeIf(redo -> isForgotten(redo, later(redo, chunk), chunk.lengthBytes));
    if (of.isEmpty()) {
      redos.remove(Key.of(chunk));
    }
  }

  private static Later later(Redo redo, ChunkState chunk) {
    if (redo.blockOffset != chunk.blockOffset) {
      return Later.MOVED;
    }
    if (chunk.lengthBytes <= redo.from) {
      return Later.BEFORE;
    }
    return chunk.lengthBytes < redo.from + redo.bytes ? Later.SHORTER : Later.AS_LONG;
  }

  private static boolean isForgotten(Redo redo, Later later, int lengthBytes) {
    RecoveryRow row = RecoveryRow.of(new RecoveryRow.Overwrite(later));
    return switch (row) {
      case REDONE -> false;
      case REDO_CUT -> {
        redo.bytes = lengthBytes - redo.from;
        yield false;
      }
      case REDO_APPLIED, REDO_MOVED, REDO_REMOVED, REDO_BEHIND -> true;
      default -> throw new AssertionError("not a row of this stage: " + row);
    };
  }

  /** A snapshot repeats the version before the pending one: that one stays. */
  private void settle(ChunkState chunk, boolean commitsPending, long sequence) {
    Key key = Key.of(chunk);
    Pending waiting = pending.get(key);
    if (waiting == null) {
      return;
    }
    boolean before = waiting.state.version - chunk.version > 0;
    Next next =
        before ? Next.COMMITTED_BEFORE : commitsPending ? Next.COMMITTED_IT : Next.COMMITTED_OTHER;
    RedoPayload payload = waiting.payload;
    RecoveryRow row = RecoveryRow.of(new RecoveryRow.Waiting(next, payload != null));
    switch (row) {
      case STAYS_PENDING -> {}
      case PENDING_COMMITTED, PENDING_OVERTAKEN -> pending.remove(key);
      case PENDING_OVERWRITE -> {
        pending.remove(key);
        add(key, new Redo(chunk, sequence, waiting.from, Objects.requireNonNull(payload)));
      }
      default -> throw new AssertionError("not a row of this place: " + row);
    }
  }

  private void add(Key key, Redo redo) {
    redos.computeIfAbsent(key, k -> new ArrayList<>(1)).add(redo);
  }

  @Override
  public void onPending(ChunkState chunk) {
    pending.put(Key.of(chunk), new Pending(chunk, 0, null));
  }

  @Override
  public void onRedo(
      ChunkState chunk, boolean isPending, int from, RedoPayload payload, long sequence) {
    Key key = Key.of(chunk);
    if (isPending) {
      pending.put(key, new Pending(chunk, from, payload));
    } else {
      onCommitted(chunk, false, sequence);
      add(key, new Redo(chunk, sequence, from, payload));
    }
  }

  @Override
  public void onRemoved(ChunkState chunk) {
    if (!redos.isEmpty()) {
      redos.remove(Key.of(chunk));
    }
    if (!pending.isEmpty()) {
      pending.remove(Key.of(chunk));
    }
    index.remove(chunk.inode, chunk.chunkIndex);
  }

  @Override
  public void onRolledBack(ChunkState chunk) {
    pending.remove(Key.of(chunk));
  }

  @Override
  public void onSession(Session session) {
    Session known = sessions.find(session.clientHigh, session.clientLow, session.channel);
    boolean later = known != null && known.sequence > session.sequence;
    RecoveryRow row = RecoveryRow.of(new RecoveryRow.Answered(later));
    switch (row) {
      case SESSION_REMEMBERED -> {
        Session taken = sessions.take(session);
        assert taken != null : "there is no later one";
        taken.setLogged();
      }
      case SESSION_OVERTAKEN -> {}
      default -> throw new AssertionError("not a row of this stage: " + row);
    }
  }

  @Override
  public void onApplied(long sequence) {
    if (sequence <= applied) {
      return;
    }
    applied = sequence;
    for (List<Redo> of : redos.values()) {
      of.removeIf(redo -> redo.sequence <= sequence && isForgotten(redo, Later.APPLIED, 0));
    }
    redos.values().removeIf(List::isEmpty);
  }

  /**
   * Fetches the payloads that are in the journal, of what is to be redone or pending at the end.
   * Those that are damaged there are forgotten.
   *
   * @return them
   * @throws StoreException IO when the journal cannot be read
   */
  public List<LostPayload> load(Host host, Path device) throws StoreException {
    Crc32c crc = new Crc32c();
    List<LostPayload> lost = new ArrayList<>();
    for (Redo redo : redos()) {
      RecoveryRow row =
          RecoveryRow.of(new RecoveryRow.Payload(false, redo.payload.load(host, device, crc)));
      if (row == RecoveryRow.PAYLOAD_LOST) {
        lost.add(
            new LostPayload(
                redo.inode,
                redo.chunkIndex,
                redo.from,
                redo.bytes,
                redo.payload.deviceOffset(),
                false));
        forget(redo);
      }
    }
    for (Pending waiting : List.copyOf(pending.values())) {
      RedoPayload payload = waiting.payload;
      if (payload != null
          && RecoveryRow.of(new RecoveryRow.Payload(true, payload.load(host, device, crc)))
              == RecoveryRow.PENDING_PAYLOAD_LOST) {
        ChunkState chunk = waiting.state;
        lost.add(
            new LostPayload(
                chunk.inode,
                chunk.chunkIndex,
                waiting.from,
                payload.lengthBytes(),
                payload.deviceOffset(),
                true));
        pending.remove(Key.of(chunk));
      }
    }
    return lost;
  }

  private void forget(Redo redo) {
    Key key = new Key(redo.inode, redo.chunkIndex);
    List<Redo> of = Objects.requireNonNull(redos.get(key));
    of.remove(redo);
    if (of.isEmpty()) {
      redos.remove(key);
    }
  }

  /** What clients were answered. */
  public Sessions sessions() {
    return sessions;
  }

  /** What is pending at the end, in no order. */
  public Collection<Pending> pending() {
    return pending.values();
  }

  /** What is to be redone, in the order of the log. */
  public List<Redo> redos() {
    return redos.values().stream()
        .flatMap(List::stream)
        .sorted(Comparator.comparingLong(redo -> redo.sequence))
        .toList();
  }
}
