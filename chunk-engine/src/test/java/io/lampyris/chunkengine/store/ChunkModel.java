package io.lampyris.chunkengine.store;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What one chunk may be: the state that was acknowledged last, the ones before it that a read in
 * flight may still see, and the updates that are on their way in the order of their submission.
 */
final class ChunkModel {
  /** An update: bytes written at an offset, a new length, or the end of the chunk. */
  static final class Change {
    enum Kind {
      WRITE,
      TRUNCATE,
      EXTEND,
      REMOVE,
      /** A copy of what another replica has. */
      COPY
    }

    final Kind kind;

    /** Of a write: where; else the new length. */
    final int at;

    final byte[] bytes;

    /** The client's; the same again is a retry. */
    final long sequence;

    Change(Kind kind, int at, byte[] bytes, long sequence) {
      this.kind = kind;
      this.at = at;
      this.bytes = bytes;
      this.sequence = sequence;
    }

    byte @Nullable [] apply(byte @Nullable [] old) {
      byte[] from = old == null ? new byte[0] : old;
      return switch (kind) {
        case WRITE -> {
          byte[] now = Arrays.copyOf(from, Math.max(from.length, at + bytes.length));
          System.arraycopy(bytes, 0, now, at, bytes.length);
          yield now;
        }
        case TRUNCATE -> old == null && at == 0 ? null : Arrays.copyOf(from, at);
        case EXTEND ->
            (old == null && at == 0) || from.length >= at ? old : Arrays.copyOf(from, at);
        case REMOVE -> null;
        case COPY -> bytes;
      };
    }

    /** What it answers when it goes well. */
    long result(byte @Nullable [] after) {
      return switch (kind) {
        case WRITE, COPY -> bytes.length;
        case TRUNCATE, EXTEND -> after == null ? 0 : after.length;
        case REMOVE -> 1;
      };
    }

    @Override
    public String toString() {
      return kind == Kind.WRITE ? "WRITE %d+%d".formatted(at, bytes.length) : kind + " " + at;
    }
  }

  /** Acknowledged states from the oldest that a read may see. */
  private final List<byte @Nullable []> states = new ArrayList<>();

  private int dropped;
  private final List<Change> pending = new ArrayList<>();

  /** Acknowledged last, to be retried. */
  @Nullable Change last;

  /** Answered as pending, not committed. */
  @Nullable Change staged;

  /** On its way to be pending. */
  @Nullable Change staging;

  /** Whether the commit of what is pending is on its way. */
  boolean committing;

  /** Whether parts of a copy may be pending. */
  boolean copying;

  /** Whether what is pending is on its way to be given up. */
  boolean rollingBack;

  /** The device may hold other bytes: DATA_CORRUPTION is an answer. */
  boolean suspect;

  ChunkModel() {
    states.add(null);
  }

  byte @Nullable [] now() {
    return states.getLast();
  }

  int length() {
    byte[] bytes = now();
    return bytes == null ? 0 : bytes.length;
  }

  /** How long it is when all that is on its way has happened. */
  int lengthToCome() {
    byte[] state = now();
    for (Change change : pending) {
      state = change.apply(state);
    }
    return state == null ? 0 : state.length;
  }

  List<Change> pending() {
    return pending;
  }

  void begin(Change change) {
    pending.add(change);
  }

  /** An update was refused before it began. */
  void forget(Change change) {
    boolean known = pending.remove(change);
    assert known : "it was begun";
  }

  /** An update was answered: it happened, or it did not. */
  void end(Change change, boolean happened) {
    boolean first = !pending.isEmpty() && pending.getFirst() == change;
    assert first : "updates of a chunk complete in their order";
    pending.removeFirst();
    if (happened) {
      states.add(change.apply(now()));
      last = change;
      if (change.kind == Change.Kind.REMOVE) {
        staged = null;
      }
    }
  }

  /** What is pending was committed. */
  void committed() {
    Change change = staged;
    assert change != null : "something was pending";
    states.add(change.apply(now()));
    last = change;
    staged = null;
  }

  boolean isSettled() {
    return pending.isEmpty() && staging == null && !committing && !rollingBack;
  }

  boolean isInTwoSteps() {
    return staged != null || staging != null;
  }

  boolean exists() {
    return now() != null || staged != null;
  }

  /** Forgets states that no read can see any more. */
  void trim() {
    while (states.size() > 1) {
      states.removeFirst();
      dropped++;
    }
  }

  /** How many states there were so far; {@link #since} takes it. */
  int mark() {
    return dropped + states.size() - 1;
  }

  /** Every state that there was at some time since the mark. */
  List<byte @Nullable []> since(int mark) {
    return states.subList(mark - dropped, states.size());
  }

  /** What a crash may have left: of what was not acknowledged, each update whole or absent. */
  List<byte @Nullable []> afterCrash() {
    List<byte @Nullable []> candidates = new ArrayList<>();
    for (int subset = 0; subset < 1 << pending.size(); subset++) {
      byte[] state = now();
      for (int i = 0; i < pending.size(); i++) {
        if ((subset >> i & 1) != 0) {
          state = pending.get(i).apply(state);
        }
      }
      candidates.add(state);
    }
    Change change = staged;
    if (committing && change != null) {
      candidates.add(change.apply(now()));
    }
    return candidates;
  }

  /** A restart found this, and this pending. */
  void restart(byte @Nullable [] found, @Nullable Change foundPending) {
    dropped += states.size();
    states.clear();
    if (!pending.isEmpty()) {
      // Whether it is the chunk's last update or one that was not acknowledged is not known.
      last = null;
      pending.clear();
    }
    if (committing) {
      last = null;
    }
    staged = foundPending;
    staging = null;
    committing = false;
    rollingBack = false;
    copying = false;
    states.add(found);
  }
}
