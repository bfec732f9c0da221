package io.lampyris.chunkengine.store;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * Turns the log's records, in order, into the committed chunks of an index, the pending versions,
 * and what has to be redone in place before the chunks hold what the index says. Owner: the loading
 * thread.
 *
 * <p>What has to be redone at the end is decided by this table; rows are per overwrite that was
 * committed:
 *
 * <pre>
 *   a later group end says that it was applied       │ forget it
 *   a later COMMITTED of the chunk in another block  │ forget it: it was copied there
 *   a later REMOVED of the chunk                     │ forget it
 *   a later COMMITTED that is shorter                │ cut it there: what is behind may be appended
 *   nothing of these                                 │ redo it
 * </pre>
 *
 * Redoing twice is harmless: bytes that were appended lie behind it, later overwrites come after
 * it.
 */
final class Replayer implements LogScanner.Visitor {
  private record Key(long inode, int chunkIndex) {
    static Key of(ChunkState chunk) {
      return new Key(chunk.inode, chunk.chunkIndex);
    }
  }

  /** A version that was not committed; with a payload when it is an overwrite. */
  static final class Pending {
    final ChunkState state = new ChunkState();
    final int from;
    final byte @Nullable [] payload;

    private Pending(ChunkState chunk, int from, byte @Nullable [] payload) {
      state.copyFrom(chunk);
      this.from = from;
      this.payload = payload;
    }

    int payloadBytes() {
      return payload == null ? 0 : payload.length;
    }

    /** For a snapshot. */
    void appendTo(ChunkLog log) {
      byte[] bytes = payload;
      if (bytes == null) {
        log.pending(state);
        return;
      }
      try (Arena arena = Arena.ofConfined()) {
        MemorySegment memory = arena.allocate(bytes.length);
        memory.copyFrom(MemorySegment.ofArray(bytes));
        int crc = new Crc32c().of(memory, 0, bytes.length);
        log.redo(state, true, from, memory, 0, bytes.length, crc);
      }
    }
  }

  /** Committed bytes that may not be in their place yet. */
  static final class Redo {
    final long sequence;
    final long blockOffset;
    final int from;
    final byte[] payload;

    /** How much of the payload still belongs to the chunk. */
    int bytes;

    private Redo(long sequence, long blockOffset, int from, byte[] payload) {
      this.sequence = sequence;
      this.blockOffset = blockOffset;
      this.from = from;
      this.payload = payload;
      this.bytes = payload.length;
    }
  }

  private final ChunkIndex index;
  private final Map<Key, Pending> pending = new HashMap<>();
  private final Map<Key, List<Redo>> redos = new HashMap<>();
  private long applied;

  Replayer(ChunkIndex index) {
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
    of.removeIf(redo -> redo.blockOffset != chunk.blockOffset || redo.from >= chunk.lengthBytes);
    of.forEach(redo -> redo.bytes = Math.min(redo.bytes, chunk.lengthBytes - redo.from));
    if (of.isEmpty()) {
      redos.remove(Key.of(chunk));
    }
  }

  /** A snapshot repeats the version before the pending one: that one stays. */
  private void settle(ChunkState chunk, boolean commitsPending, long sequence) {
    Key key = Key.of(chunk);
    Pending waiting = pending.get(key);
    if (waiting == null || waiting.state.version - chunk.version > 0) {
      return;
    }
    pending.remove(key);
    byte[] payload = waiting.payload;
    if (commitsPending && payload != null) {
      add(key, new Redo(sequence, chunk.blockOffset, waiting.from, payload));
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
      ChunkState chunk, boolean isPending, int from, MemorySegment payload, long sequence) {
    Key key = Key.of(chunk);
    byte[] bytes = payload.toArray(java.lang.foreign.ValueLayout.JAVA_BYTE);
    if (isPending) {
      pending.put(key, new Pending(chunk, from, bytes));
    } else {
      onCommitted(chunk, false, sequence);
      add(key, new Redo(sequence, chunk.blockOffset, from, bytes));
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
  public void onApplied(long sequence) {
    if (sequence <= applied) {
      return;
    }
    applied = sequence;
    redos.values().forEach(of -> of.removeIf(redo -> redo.sequence <= sequence));
    redos.values().removeIf(List::isEmpty);
  }

  /** What is pending at the end, in no order. */
  Collection<Pending> pending() {
    return pending.values();
  }

  /** What is to be redone, in the order of the log. */
  List<Redo> redos() {
    return redos.values().stream()
        .flatMap(List::stream)
        .sorted(Comparator.comparingLong(redo -> redo.sequence))
        .toList();
  }
}
