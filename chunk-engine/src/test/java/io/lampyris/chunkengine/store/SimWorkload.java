package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.store.ChunkModel.Change;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.sim.Prng;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/**
 * A client of a target that knows what it must be answered: submits operations, several at a time,
 * and holds every answer, and after each restart every chunk, against its models.
 */
final class SimWorkload {
  private static final int MEMORY_BYTES = (16 << 20) + 16384;
  private static final int HISTORY_MAX = 60;

  private final ModelTarget target;
  private final Prng prng;
  private final TreeMap<ChunkKey, ChunkModel> models = new TreeMap<>();
  private final ArrayDeque<MemorySegment> memory = new ArrayDeque<>();
  private final List<MemorySegment> memories = new ArrayList<>();
  private final ArrayDeque<String> history = new ArrayDeque<>();
  private final List<Remove> removals = new ArrayList<>();
  private long sequence;
  private int inFlight;

  /** Operations that were answered; of all lives. */
  long completed;

  /** How many reads were refused for bad bytes. */
  long corruptions;

  /** How many updates were refused for want of space. */
  long spaceRefusals;

  /** Whether reads verify what they cover in part too. */
  boolean verifiesAll;

  /** Whether the device may answer errors, after which the target is offline. */
  boolean errorsExpected;

  SimWorkload(ModelTarget target, Prng prng) {
    this.target = target;
    this.prng = prng;
  }

  /** The client's channels: an update has the one that follows from its sequence number. */
  private static final int CHANNELS = 7;

  private static final int CLIENT_HIGH = 5;
  private static final int CLIENT_LOW = 6;

  /** Of whom sessions are told that were made elsewhere. */
  private static final int TOLD_HIGH = 7;

  /**
   * The last update of each channel that is known to have been made, as long as the channel has not
   * gone on.
   */
  private final Map<Integer, Made> made = new TreeMap<>();

  /** How many sessions were told, and durably so. */
  private int told;

  private int toldDurably;

  /**
   * An update that its client may send again.
   *
   * @param key null: a removal of several
   */
  private record Made(long sequence, @Nullable ChunkKey key) {}

  private static int channel(long sequence) {
    return 1 + (int) (sequence % CHANNELS);
  }

  /** Inodes from here on have large chunks. */
  static final long LARGE = 100;

  static int chunkSize(ChunkKey key) {
    if (key.inode() >= LARGE) {
      return 16 << 20;
    }
    int choice = (int) (key.inode() * 3 + key.index()) % 8;
    return choice == 7 ? 1 << 20 : choice >= 5 ? 256 << 10 : choice >= 3 ? 128 << 10 : 64 << 10;
  }

  ChunkModel model(ChunkKey key) {
    return models.computeIfAbsent(key, k -> new ChunkModel());
  }

  Collection<ChunkKey> keys() {
    return models.keySet();
  }

  void note(String what) {
    history.add(what);
    if (history.size() > HISTORY_MAX) {
      history.remove();
    }
  }

  String history() {
    return String.join("\n", history);
  }

  private MemorySegment take() {
    MemorySegment free = memory.poll();
    if (free == null) {
      free = target.allocate(MEMORY_BYTES);
      memories.add(free);
    }
    return free;
  }

  // ---- updates ----

  private final class Update extends UpdateOp {
    final ChunkKey key;
    final Change change;
    final MemorySegment mine = take();

    Update(ChunkKey key, Change change, Stage stage) {
      this.key = key;
      this.change = change;
      this.stage = stage;
    }

    @Override
    protected void onComplete(long result) {
      inFlight--;
      completed++;
      memory.add(mine);
      if (stage == Stage.PENDING) {
        staged(key, change, result);
      } else {
        noteMade(key);
        ended(key, change, result);
      }
    }
  }

  private void staged(ChunkKey key, Change change, long result) {
    ChunkModel model = model(key);
    if (result >= 0) {
      assertEquals(change.result(change.apply(model.now())), result, () -> key + " " + change);
      model.staged = change;
    } else if (isInDoubt(result)) {
      return;
    } else {
      assertRefused(key, change, result);
    }
    model.staging = null;
  }

  /** A failure after which a restart may find that it happened. */
  private boolean isInDoubt(long result) {
    return errorsExpected && result == Status.DEVICE_ERROR.code() && target.store().isOffline();
  }

  private void assertRefused(ChunkKey key, Change change, long result) {
    spaceRefusals += result == Status.NO_SPACE.code() ? 1 : 0;
    boolean refused =
        result == Status.NO_SPACE.code()
            || (result == Status.DATA_CORRUPTION.code() && model(key).suspect)
            || (errorsExpected && result == Status.TARGET_OFFLINE.code())
            || (errorsExpected && result == Status.DEVICE_ERROR.code());
    assertTrue(refused, () -> key + " " + change + " answered " + result);
  }

  private void ended(ChunkKey key, Change change, long result) {
    ChunkModel model = model(key);
    if (result >= 0) {
      model.end(change, true);
      assertEquals(change.result(model.now()), result, () -> key + " " + change);
      return;
    }
    if (isInDoubt(result)) {
      // It stays among what is on its way.
      return;
    }
    assertRefused(key, change, result);
    if (result == Status.TARGET_OFFLINE.code()) {
      model.forget(change);
    } else {
      model.end(change, false);
    }
  }

  byte[] randomBytes(int length) {
    byte[] bytes = new byte[length];
    MemorySegment all = MemorySegment.ofArray(bytes);
    long x = prng.nextLong();
    int at = 0;
    for (; at + 8 <= length; at += 8) {
      all.set(ValueLayout.JAVA_LONG_UNALIGNED, at, x);
      x = x * 0x5851F42D4C957F2DL + 0x14057B7EF767814FL;
    }
    for (; at < length; at++) {
      bytes[at] = (byte) (x >>> at);
    }
    return bytes;
  }

  void write(ChunkKey key, int offset, int length) {
    update(key, new Change(Change.Kind.WRITE, offset, randomBytes(length), ++sequence));
  }

  void truncate(ChunkKey key, int length) {
    update(key, new Change(Change.Kind.TRUNCATE, length, new byte[0], ++sequence));
  }

  void extend(ChunkKey key, int length) {
    update(key, new Change(Change.Kind.EXTEND, length, new byte[0], ++sequence));
  }

  /** The last acknowledged update of a chunk again: it is answered, and changes nothing. */
  void retry(ChunkKey key) {
    Change last = model(key).last;
    if (last != null && model(key).isSettled() && model(key).now() != null) {
      update(key, last);
    }
  }

  void update(ChunkKey key, Change change) {
    note(key + " " + change);
    model(key).begin(change);
    submit(new Update(key, change, UpdateOp.Stage.AT_ONCE));
  }

  // ---- copies ----

  private final class Copy extends UpdateOp {
    final ChunkKey key;
    final Change change;
    final int partBytes;
    final MemorySegment mine = take();

    Copy(ChunkKey key, Change change, int partBytes) {
      this.key = key;
      this.change = change;
      this.partBytes = partBytes;
    }

    void next() {
      int whole = change.bytes.length;
      lengthBytes = Math.min(partBytes, whole - chunkOffset);
      stage = chunkOffset + lengthBytes < whole ? Stage.PENDING : Stage.AT_ONCE;
      payload = mine;
      MemorySegment.copy(
          change.bytes, chunkOffset, mine, ValueLayout.JAVA_BYTE, payloadOffset, lengthBytes);
      payloadCrc32c = target.crc().of(mine, payloadOffset, lengthBytes);
      inFlight++;
      target.store().submit(this);
    }

    @Override
    protected void onComplete(long result) {
      inFlight--;
      completed++;
      if (result >= 0 && stage == Stage.PENDING) {
        chunkOffset += lengthBytes;
        next();
        return;
      }
      memory.add(mine);
      model(key).copying = false;
      noteMade(key);
      ended(key, change, result);
    }
  }

  /** A copy of a chunk in parts; of one with nothing on its way. */
  void copy(ChunkKey key, int length, int partBytes) {
    Change change = new Change(Change.Kind.COPY, 0, randomBytes(length), ++sequence);
    note(key + " " + change);
    ChunkModel model = model(key);
    assert model.isSettled() && model.staged == null : "one thing at a time";
    model.begin(change);
    model.copying = true;
    Copy op = new Copy(key, change, partBytes);
    op.kind = UpdateOp.Kind.REPLACE;
    op.inode = key.inode();
    op.chunkIndex = key.index();
    op.chunkSizeBytes = chunkSize(key);
    op.chainVersion = 1;
    op.clientHigh = CLIENT_HIGH;
    op.clientLow = CLIENT_LOW;
    op.channel = channel(change.sequence);
    op.sequence = change.sequence;
    op.remembersMaker = true;
    op.updateVersion = version(key) + 1 + prng.below(3);
    op.wholeBytes = length;
    op.wholeCrc32c = target.crc().of(MemorySegment.ofArray(change.bytes), 0, length);
    op.copiedResult = length;
    op.payloadOffset = prng.coin() ? 0 : prng.below(5000);
    op.next();
  }

  Change change(Change.Kind kind, int at, int length) {
    return new Change(kind, at, randomBytes(length), ++sequence);
  }

  /** Makes an update pending, in the place of what is; of a chunk with nothing on its way. */
  void stage(ChunkKey key, Change change) {
    note(key + " pending " + change);
    ChunkModel model = model(key);
    assert model.isSettled() : "one thing at a time";
    model.staging = change;
    Update op = new Update(key, change, UpdateOp.Stage.PENDING);
    op.updateVersion = version(key) + 1;
    submit(op);
  }

  private int version(ChunkKey key) {
    ChunkState chunk = new ChunkState();
    boolean found = target.store().index().get(key.inode(), key.index(), chunk);
    return found ? chunk.version : 0;
  }

  private final class Commit extends CommitOp {
    final ChunkKey key;

    Commit(ChunkKey key) {
      this.key = key;
    }

    @Override
    protected void onComplete(long result) {
      inFlight--;
      completed++;
      ChunkModel model = model(key);
      if (result >= 0) {
        noteMade(key);
        assertEquals(version, result);
        model.committed();
      } else if (isInDoubt(result)) {
        return;
      } else {
        assertTrue(errorsExpected, () -> "commit of " + key + " answered " + result);
      }
      model.committing = false;
    }
  }

  /** Commits what is pending; of a chunk with nothing on its way. */
  void commit(ChunkKey key) {
    note("commit " + key);
    ChunkModel model = model(key);
    assert model.isSettled() && model.staged != null : "something is pending";
    model.committing = true;
    Commit op = new Commit(key);
    op.inode = key.inode();
    op.chunkIndex = key.index();
    op.version = version(key) + 1;
    op.chainVersion = 1;
    inFlight++;
    target.store().submit(op);
  }

  private final class Rollback extends RollbackOp {
    final ChunkKey key;

    Rollback(ChunkKey key) {
      this.key = key;
    }

    @Override
    protected void onComplete(long result) {
      inFlight--;
      completed++;
      ChunkModel model = model(key);
      if (result >= 0) {
        model.staged = null;
      } else if (isInDoubt(result)) {
        return;
      } else {
        assertTrue(errorsExpected, () -> "rollback of " + key + " answered " + result);
      }
      model.rollingBack = false;
    }
  }

  /** Gives up what is pending; of a chunk with nothing on its way. */
  void rollBack(ChunkKey key) {
    note("roll back " + key);
    ChunkModel model = model(key);
    assert model.isSettled() && model.staged != null : "something is pending";
    model.rollingBack = true;
    Rollback op = new Rollback(key);
    op.inode = key.inode();
    op.chunkIndex = key.index();
    inFlight++;
    target.store().submit(op);
  }

  /** Reads a whole chunk as it will be once what is pending is committed; returns the answer. */
  long readPending(ChunkKey key) {
    note("read pending " + key);
    Read op = new Read(key, Collections.singletonList(pendingState(model(key))));
    op.version = ReadOp.Version.PENDING;
    submit(op, 0, chunkSize(key));
    target.runUntil(() -> op.result != Long.MIN_VALUE);
    return op.result;
  }

  private static byte @Nullable [] pendingState(ChunkModel model) {
    Change staged = model.staged;
    return staged == null ? model.now() : staged.apply(model.now());
  }

  private void submit(Update op) {
    ChunkKey key = op.key;
    Change change = op.change;
    op.kind = change.kind == Change.Kind.WRITE ? UpdateOp.Kind.WRITE : UpdateOp.Kind.TRUNCATE;
    op.inode = key.inode();
    op.chunkIndex = key.index();
    op.chunkSizeBytes = chunkSize(key);
    op.chainVersion = 1;
    op.clientHigh = CLIENT_HIGH;
    op.clientLow = CLIENT_LOW;
    op.channel = channel(change.sequence);
    op.sequence = change.sequence;
    op.remembersMaker = true;
    op.extendOnly = change.kind == Change.Kind.EXTEND;
    if (change.kind == Change.Kind.WRITE) {
      op.chunkOffset = change.at;
      op.lengthBytes = change.bytes.length;
      op.payload = op.mine;
      op.payloadOffset = prng.coin() ? 0 : prng.below(5000);
      MemorySegment.copy(
          change.bytes, 0, op.mine, ValueLayout.JAVA_BYTE, op.payloadOffset, change.bytes.length);
      op.payloadCrc32c = target.crc().of(op.mine, op.payloadOffset, change.bytes.length);
    } else {
      op.lengthBytes = change.at;
    }
    inFlight++;
    target.store().submit(op);
  }

  // ---- removals ----

  private final class Remove extends RemoveOp {
    final List<ChunkKey> keys;
    final Map<ChunkKey, Change> changes = new TreeMap<>();

    Remove(List<ChunkKey> keys) {
      this.keys = keys;
    }

    @Override
    protected void onComplete(long result) {
      inFlight--;
      completed++;
      if (result >= 0) {
        assertEquals(keys.size(), result, "removed");
        noteRemoved(this);
      }
      changes.forEach((key, change) -> ended(key, change, result < 0 ? result : 1));
      if (result >= 0 || !errorsExpected) {
        removals.remove(this);
      }
    }
  }

  private void noteRemoved(Remove op) {
    if (!op.keys.isEmpty()) {
      made.put(op.channel, new Made(op.sequence, null));
    }
  }

  /** Removes chunks of an inode that has nothing else on its way. */
  void remove(long inode, int from, int max) {
    List<ChunkKey> keys = new ArrayList<>();
    models.forEach((key, model) -> {
      if (key.inode() == inode && key.index() >= from && model.exists() && keys.size() < max) {
        keys.add(key);
      }
    });
    note("remove " + keys);
    Remove op = new Remove(keys);
    op.inode = inode;
    op.fromIndex = from;
    op.removeMax = max;
    for (ChunkKey key : keys) {
      Change change = new Change(Change.Kind.REMOVE, 0, new byte[0], ++sequence);
      model(key).begin(change);
      op.changes.put(key, change);
    }
    op.clientHigh = CLIENT_HIGH;
    op.clientLow = CLIENT_LOW;
    op.sequence = ++sequence;
    op.channel = channel(sequence);
    op.remembersMakers = true;
    op.isRemembered = true;
    op.sessionIndex = from;
    op.sessionResult = RemoveOp.RESULT_OF_ITS_OWN;
    removals.add(op);
    inFlight++;
    target.store().submit(op);
  }

  // ---- reads ----

  private final class Read extends ReadOp {
    final ChunkKey key;
    final int mark;
    final @Nullable List<byte @Nullable []> candidates;
    final MemorySegment mine = take();
    long result = Long.MIN_VALUE;

    /**
     * @param candidates what it may find; null for what is acknowledged
     */
    Read(ChunkKey key, @Nullable List<byte @Nullable []> candidates) {
      this.key = key;
      this.candidates = candidates;
      this.mark = model(key).mark();
    }

    @Override
    protected void onComplete(long value) {
      inFlight--;
      completed++;
      result = value;
      memory.add(mine);
      if (value == Status.DATA_CORRUPTION.code()) {
        corruptions++;
      }
      judge(this, candidates == null ? model(key).since(mark) : candidates);
    }
  }

  /** Whether a read's answer is one that a chunk in this state gives. */
  private static boolean matches(Read read, byte @Nullable [] state) {
    if (state == null) {
      return read.result == Status.CHUNK_NOT_FOUND.code();
    }
    int from = Math.min(read.chunkOffset, state.length);
    int to = Math.min(read.chunkOffset + read.lengthBytes, state.length);
    return read.result == to - from
        && MemorySegment.mismatch(
                MemorySegment.ofArray(state),
                from,
                to,
                read.mine,
                read.payloadOffset,
                read.payloadOffset + to - from)
            < 0;
  }

  private void judge(Read read, List<byte @Nullable []> states) {
    ChunkModel model = model(read.key);
    if (read.result == Status.DATA_CORRUPTION.code() && model.suspect) {
      return;
    }
    if (errorsExpected
        && (read.result == Status.DEVICE_ERROR.code()
            || read.result == Status.TARGET_OFFLINE.code())) {
      return;
    }
    assertTrue(
        states.stream().anyMatch(state -> matches(read, state)),
        () ->
            "wrong answer: read %s at %d+%d answered %d"
                .formatted(read.key, read.chunkOffset, read.lengthBytes, read.result));
  }

  void read(ChunkKey key, int offset, int length) {
    note("read %s %d+%d".formatted(key, offset, length));
    submit(new Read(key, null), offset, length);
  }

  private void submit(Read op, int offset, int length) {
    op.inode = op.key.inode();
    op.chunkIndex = op.key.index();
    op.chunkOffset = offset;
    op.lengthBytes = length;
    op.payload = op.mine;
    op.payloadOffset = prng.coin() ? 0 : prng.below(5000);
    op.payloadCapacityBytes = length + prng.below(4096);
    inFlight++;
    target.store().submit(op);
  }

  int inFlight() {
    return inFlight;
  }

  TargetStore store() {
    return target.store();
  }

  void runFor(long durationNs) {
    target.runFor(durationNs);
  }

  void runUntil(Predicate<TargetStore> done) {
    target.runUntil(() -> done.test(store()));
  }

  /** Waits for everything. */
  void await() {
    target.runUntil(() -> inFlight == 0);
    models.values().forEach(ChunkModel::trim);
  }

  /** What a read answers, waited for. */
  long readNow(ChunkKey key, int offset, int length) {
    note("read %s %d+%d".formatted(key, offset, length));
    Read read = new Read(key, null);
    submit(read, offset, length);
    target.runUntil(() -> read.result != Long.MIN_VALUE);
    return read.result;
  }

  // ---- restarts ----

  /** After a boot: reads every chunk and takes what a crash was free to leave as what is there. */
  void reload() {
    inFlight = 0;
    memory.clear();
    memory.addAll(memories);
    for (Remove removal : removals) {
      List<ChunkKey> keys = removal.keys;
      long left = keys.stream().filter(key -> exists(key)).count();
      assertTrue(left == 0 || left == keys.size(), () -> "half a removal: " + keys);
      if (left == 0) {
        noteRemoved(removal);
      }
    }
    removals.clear();
    models.keySet().forEach(this::noteMade);
    assertNothingForgotten();
    models.forEach((key, model) -> reload(key, model));
  }

  // ---- what a client may send again ----

  /** Of a chunk as it is committed. */
  private void noteMade(ChunkKey key) {
    ChunkState chunk = new ChunkState();
    boolean found = store().index().get(key.inode(), key.index(), chunk);
    Made last = found ? made.get(chunk.channel) : null;
    if (found && (last == null || last.sequence < chunk.sequence)) {
      made.put(chunk.channel, new Made(chunk.sequence, key));
    }
  }

  /** Each update that was made and may be sent again is recognised then. */
  private void assertNothingForgotten() {
    ChunkState chunk = new ChunkState();
    made.forEach((channel, last) -> {
      ChunkKey key = last.key;
      boolean hasGoneOn = sequence - last.sequence >= CHANNELS;
      boolean recorded =
          key != null
              && store().index().get(key.inode(), key.index(), chunk)
              && chunk.sequence == last.sequence;
      Session session = store().sessions().find(CLIENT_HIGH, CLIENT_LOW, channel);
      boolean remembered = session != null && session.sequence == last.sequence;
      assertTrue(
          hasGoneOn || recorded || remembered, () -> "channel " + channel + " forgot " + last);
    });
    for (int channel = 1; channel <= toldDurably; channel++) {
      Session session = store().sessions().find(TOLD_HIGH, 1, channel);
      assertTrue(session != null && session.sequence == channel, "told " + channel);
    }
  }

  /** Tells some sessions, as another member does. */
  void tell(int count) {
    RememberOp op =
        new RememberOp(count) {
          @Override
          protected void onComplete(long result) {
            inFlight--;
            assertEquals(count, result);
            toldDurably = Math.max(toldDurably, told);
          }
        };
    for (int i = 0; i < count; i++) {
      Session session = op.add();
      session.clientHigh = TOLD_HIGH;
      session.clientLow = 1;
      session.channel = ++told;
      session.sequence = told;
    }
    inFlight++;
    store().submit(op);
  }

  private boolean exists(ChunkKey key) {
    return target.store().index().get(key.inode(), key.index(), new ChunkState()) || isPending(key);
  }

  private boolean isPending(ChunkKey key) {
    return target.store().pending().find(key.inode(), key.index()) != null;
  }

  private void reload(ChunkKey key, ChunkModel model) {
    List<byte @Nullable []> candidates = model.afterCrash();
    if (candidates.size() > 1 || model.staging != null) {
      note(
          "in doubt: %s %s %s %s".formatted(key, model.pending(), model.staging, model.committing));
    }
    Change staged = model.staged;
    Change staging = model.staging;
    boolean mayBeSettled = model.committing || model.rollingBack || !model.pending().isEmpty();
    Read read = new Read(key, candidates);
    submit(read, 0, chunkSize(key));
    target.runUntil(() -> read.result != Long.MIN_VALUE);
    byte[] found = candidates.getFirst();
    for (byte[] candidate : candidates) {
      if (matches(read, candidate) || isBadWithLengthOf(read, candidate)) {
        found = candidate;
      }
    }
    if (model.copying && isPending(key)) {
      endOfCopy(key);
    }
    if (!isPending(key)) {
      assertTrue(staged == null || mayBeSettled, () -> key + " is not pending any more");
      model.restart(found, null);
      return;
    }
    assertTrue(staged != null || staging != null, () -> key + " is pending, by whom?");
    model.restart(found, pendingFound(key, found, staged, staging));
  }

  /** Some parts are there: they are worth nothing. */
  private void endOfCopy(ChunkKey key) {
    PendingVersions.Entry found = target.store().pending().find(key.inode(), key.index());
    assertTrue(found != null && found.state.isPartOfCopy(), () -> "pending of " + key);
    boolean[] done = new boolean[1];
    RollbackOp op =
        new RollbackOp() {
          @Override
          protected void onComplete(long result) {
            assertEquals(0, result);
            done[0] = true;
          }
        };
    op.inode = key.inode();
    op.chunkIndex = key.index();
    target.store().submit(op);
    target.runUntil(() -> done[0]);
  }

  /** Which of two a restart brought back. */
  private @Nullable Change pendingFound(
      ChunkKey key, byte @Nullable [] now, @Nullable Change staged, @Nullable Change staging) {
    List<byte @Nullable []> candidates = new ArrayList<>();
    List<Change> changes = new ArrayList<>();
    for (Change change : new Change[] {staged, staging}) {
      if (change != null) {
        changes.add(change);
        candidates.add(change.apply(now));
      }
    }
    Read read = new Read(key, candidates);
    read.version = ReadOp.Version.PENDING;
    submit(read, 0, chunkSize(key));
    target.runUntil(() -> read.result != Long.MIN_VALUE);
    for (int i = 0; i < changes.size(); i++) {
      if (matches(read, candidates.get(i))) {
        return changes.get(i);
      }
    }
    return changes.getLast();
  }

  /** Which of several states a damaged chunk is in is seen by its length alone. */
  private boolean isBadWithLengthOf(Read read, byte @Nullable [] state) {
    ChunkState chunk = new ChunkState();
    return state != null
        && read.result == Status.DATA_CORRUPTION.code()
        && target.store().index().get(read.key.inode(), read.key.index(), chunk)
        && chunk.lengthBytes == state.length;
  }

  /** Takes over what another knows, as of a copy of its target at rest. */
  void copyOf(SimWorkload other) {
    sequence = other.sequence;
    made.putAll(other.made);
    told = other.told;
    toldDurably = other.toldDurably;
    other.models.forEach((key, model) -> {
      model(key).restart(model.now(), model.staged);
      model(key).last = model.last;
    });
  }
}
