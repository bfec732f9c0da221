package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.KeeperJob;
import io.lampyris.chunkengine.host.Wake;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.LogRecord;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.chunkengine.session.Sessions;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.device.Device;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Rewrites the log of a running target as one generation. Owner: reactor.
 *
 * <p>Every state on disk that this passes through replays to the same chunks: {@code CURRENT} names
 * the old generations and the new one until the new one alone says everything.
 *
 * <pre>
 *   generation N     …updates┐
 *   generation N+1           └marker  slice updates slice updates … slice updates …
 *   CURRENT          [… N]  [… N, N+1]                                    [N+1]
 *   state            PREPARING LEAVING SNAPSHOT                   SETTLING FINISHING
 * </pre>
 *
 * Slices have the sessions first. A slice has the chunks as the index has them at that moment, when
 * no appended update is ahead of the index; so whatever comes later in the log is newer.
 */
final class GenerationSwitch {
  /** Where a rewrite is. */
  private enum State {
    /** Nothing to do, or not yet. */
    STEADY,
    /** The keeper makes the next generation and names it in CURRENT, empty. */
    PREPARING,
    /** The next generation is there; updates wait until all of the last one is durable. */
    LEAVING,
    /** Updates go to the next generation, and between them slices of a snapshot. */
    SNAPSHOT,
    /** The snapshot is whole; it and all data that it speaks of become durable. */
    SETTLING,
    /** The keeper takes the old generations out of CURRENT and deletes them. */
    FINISHING
  }

  /** More generations than this are rewritten as one. */
  private static final int GENERATIONS_MAX = 16;

  /** A log is rewritten when it has so many times the bytes that it needs. */
  private static final long BYTES_PER_LIVE = 4;

  /** The same when the host is low on space. */
  private static final long BYTES_PER_LIVE_LOW = 2;

  /** Records of a slice; about 50 µs of appending. */
  private static final int SLICE_RECORDS_MAX = 128;

  /** Entries of the index that a slice looks at. */
  private static final int SLICE_ENTRIES_MAX = 4096;

  /** Of {@link #appendSlice}: not now. */
  static final int NO_ROOM = -1;

  /** After a failure. */
  private static final long RETRY_NS = TimeUnit.SECONDS.toNanos(10);

  private static final Logger LOGGER = LoggerFactory.getLogger(GenerationSwitch.class);

  private final TargetStore store;
  private final ReactorContext context;
  private final GroupCommit commit;
  private final LogFiles files;
  private final LogOptions options;
  private final Keeper keeper;
  private final TargetStore.DeviceOpener opener;

  private State state = State.STEADY;
  private final Preparation preparation;
  private final Finish finish;
  private final ChunkState chunk = new ChunkState();
  private ChunkIndex.@Nullable Cursor cursor;

  /** Up to which the snapshot has the sessions. */
  private int sessionSlot;

  private final List<AutoCloseable> left = new ArrayList<>();
  private long startSequence;
  private long settledSequence;

  /** What is set aside for the rest of the snapshot. */
  private long asideBytes;

  private long olderBytes;
  private int generations;
  private long settledAtSync;
  private boolean postponed;
  private long notBeforeNs;
  private boolean spaceIsLow;
  private boolean stalled;
  private long rewrites;

  GenerationSwitch(
      TargetStore store,
      ReactorContext context,
      GroupCommit commit,
      LogFiles files,
      LogOptions options,
      Keeper keeper,
      Wake wake,
      TargetStore.DeviceOpener opener) {
    this.store = store;
    this.context = context;
    this.commit = commit;
    this.files = files;
    this.options = options;
    this.keeper = keeper;
    this.opener = opener;
    this.preparation = new Preparation(wake);
    this.finish = new Finish(wake);
    this.olderBytes = files.olderBytes();
    this.generations = files.generationCount();
  }

  private final class Preparation extends KeeperJob {
    long lastSequence;
    long lastGroup;
    long durableGroup;
    long snapshotBytes;
    @Nullable ChunkLog next;
    @Nullable Device device;

    Preparation(Wake wake) {
      super(wake);
    }

    @Override
    protected void work() throws StoreException {
      ChunkLog log = files.prepareNext(lastSequence, lastGroup, durableGroup, snapshotBytes);
      try {
        device = opener.open(log.file(), false);
        next = log;
      } catch (IOException e) {
        files.keepForNext(log);
        throw HostFiles.io("open", log.file(), e);
      }
    }
  }

  private final class Finish extends KeeperJob {
    long generation;
    long durableGroup;
    final List<AutoCloseable> closing = new ArrayList<>();

    Finish(Wake wake) {
      super(wake);
    }

    @Override
    protected void work() throws StoreException {
      files.keepOnly(generation, durableGroup);
      closeAll(closing);
      files.deleteUnnamed();
    }
  }

  // ---- steps ----

  /** Takes the next step when it can; returns whether it did. */
  int poll() {
    State before = state;
    switch (state) {
      case STEADY -> maybePrepare();
      case PREPARING -> maybeLeave();
      case LEAVING -> leave();
      case SNAPSHOT -> {}
      case SETTLING -> maybeFinish();
      case FINISHING -> maybeFinished();
    }
    return state == before ? 0 : 1;
  }

  /** Whether {@link #poll} would do anything now. */
  boolean hasWork() {
    return switch (state) {
      case STEADY, SNAPSHOT -> false;
      case PREPARING -> preparation.isDone();
      case LEAVING -> commit.isLogQuiet();
      case SETTLING -> isSettled() && isTime();
      case FINISHING -> finish.isDone();
    };
  }

  private boolean isTime() {
    return !postponed || context.nowNs() - notBeforeNs >= 0;
  }

  private void maybePrepare() {
    if (!isWorthIt() || !isTime()) {
      return;
    }
    ChunkLog log = store.log();
    preparation.lastSequence = log.lastSequence();
    preparation.lastGroup = log.lastGroup();
    preparation.durableGroup = log.durableGroup();
    preparation.snapshotBytes = liveBytes();
    preparation.submitTo(keeper);
    state = State.PREPARING;
  }

  private boolean isWorthIt() {
    long bytes = olderBytes + store.log().recordBytes();
    return generations >= GENERATIONS_MAX
        || (bytes >= options.rewriteBytes() && bytes > BYTES_PER_LIVE * liveBytes())
        || (spaceIsLow && bytes > BYTES_PER_LIVE_LOW * liveBytes() + options.reserveBytes());
  }

  private long liveBytes() {
    return store.index().count() * (LogRecord.COMMITTED_MAX_BYTES + 4L)
        + store.sessions().count() * (LogRecord.SESSION_BYTES + 4L);
  }

  private void maybeLeave() {
    if (!preparation.isDone()) {
      return;
    }
    StoreException failure = preparation.finish();
    if (failure != null) {
      postpone("the chunk log cannot be rewritten now, and goes on as it is", failure);
      state = State.STEADY;
      generations = files.generationCount();
    } else {
      state = State.LEAVING;
      leave();
    }
  }

  private void postpone(String what, StoreException failure) {
    LOGGER.error("target {}: {}: {}", store.targetId(), what, failure.getMessage());
    postponed = true;
    notBeforeNs = context.nowNs() + RETRY_NS;
  }

  /** Updates wait while the log is left: see {@link GroupCommit}. */
  boolean isHolding() {
    return state == State.LEAVING;
  }

  private void leave() {
    if (!commit.isLogQuiet()) {
      commit.requestSync();
      return;
    }
    ChunkLog next = preparation.next;
    Device device = preparation.device;
    assert next != null && device != null : "a preparation that succeeded made both";
    preparation.next = null;
    preparation.device = null;
    ChunkLog last = store.log();
    assert next.lastGroup() > last.lastGroup() && next.lastSequence() > last.lastSequence()
        : "the next generation counts on from behind the last one";
    olderBytes += last.recordBytes();
    generations++;
    left.add(last);
    left.add(store.logDevice());
    // The next group's end says how far the last generation goes.
    next.durable(last.lastGroup());
    next.applied(last.appliedSequence());
    asideBytes = preparation.snapshotBytes;
    next.setAside(asideBytes);
    store.log(next, device);
    commit.switchTo(next, device);
    cursor = store.index().cursor();
    sessionSlot = 0;
    startSequence = next.lastSequence();
    state = State.SNAPSHOT;
  }

  // ---- snapshot ----

  /** Whether {@link #appendSlice} would append, if there is room. */
  boolean wantsSlice() {
    return state == State.SNAPSHOT && !stalled;
  }

  /**
   * Appends a group of the snapshot. No update may be appended that the index does not have.
   *
   * @return its bytes, 0 for a part of the index without chunks; or {@link #NO_ROOM}
   */
  int appendSlice(ChunkLog log) {
    if (!hasRoom(log, SLICE_RECORDS_MAX, 0)) {
      return NO_ROOM;
    }
    if (sessionSlot < store.sessions().count()) {
      return appendSessions(log);
    }
    ChunkIndex.Cursor from = cursor;
    return from == null ? appendPending(log) : appendCommitted(log, from);
  }

  /**
   * First what clients were answered, whether or not a chunk's record says it too: one that is
   * logged from now on is in this log. None counts as logged by this, as a slice may be lost when
   * an update behind it is not.
   */
  private int appendSessions(ChunkLog log) {
    long start = log.positionBytes();
    Sessions sessions = store.sessions();
    int end = Math.min(sessions.count(), sessionSlot + SLICE_RECORDS_MAX);
    for (; sessionSlot < end; sessionSlot++) {
      log.session(sessions.at(sessionSlot));
    }
    log.endGroup();
    int bytes = Math.toIntExact(log.positionBytes() - start);
    asideBytes = Math.max(0, asideBytes - bytes);
    log.setAside(asideBytes);
    return bytes;
  }

  private int appendCommitted(ChunkLog log, ChunkIndex.Cursor from) {
    long start = log.positionBytes();
    int records = 0;
    int entries = SLICE_ENTRIES_MAX;
    int step = ChunkIndex.Cursor.FOUND;
    while (records < SLICE_RECORDS_MAX && entries > 0 && step != ChunkIndex.Cursor.END) {
      step = from.step(chunk, entries);
      entries -= Math.max(1, from.stepped());
      if (step == ChunkIndex.Cursor.FOUND) {
        log.committed(chunk, false);
        records++;
      }
    }
    if (records > 0) {
      log.endGroup();
    }
    if (step == ChunkIndex.Cursor.END) {
      cursor = null;
    }
    int bytes = Math.toIntExact(log.positionBytes() - start);
    asideBytes = cursor == null ? 0 : Math.max(0, asideBytes - bytes);
    log.setAside(asideBytes);
    return bytes;
  }

  /** Behind the committed versions the pending ones, payload included, until none is left. */
  private int appendPending(ChunkLog log) {
    PendingVersions.Entry entry = store.pending().loggedUpTo(startSequence);
    if (entry == null) {
      settledSequence = log.lastSequence();
      settledAtSync = commit.requestSync();
      state = State.SETTLING;
      return 0;
    }
    Redo redo = entry.redo;
    if (!hasRoom(log, 1, redo == null ? 0 : redo.payloadBytes())) {
      return NO_ROOM;
    }
    long start = log.positionBytes();
    if (redo == null) {
      log.pending(entry.state);
    } else {
      redo.appendTo(log, entry.state, true);
    }
    entry.sequence = log.lastSequence();
    log.endGroup();
    return Math.toIntExact(log.positionBytes() - start);
  }

  private boolean hasRoom(ChunkLog log, int records, int payloadBytes) {
    // Urgent, as removals are: the end of a rewriting frees the old generations.
    return switch (log.room(records, payloadBytes, true)) {
      case READY -> true;
      case WAIT -> false;
      case FULL -> {
        // The keeper's next look ends it.
        stalled = true;
        yield false;
      }
    };
  }

  // ---- end ----

  /**
   * Everything that the old generations alone said is in the new one, durably: the snapshot, the
   * data that it speaks of, and overwrites whose payload only they have.
   */
  private boolean isSettled() {
    return commit.syncs() >= settledAtSync && store.isApplied(settledSequence);
  }

  private void maybeFinish() {
    if (!isSettled()) {
      if (commit.syncs() >= settledAtSync) {
        // Overwrites were still on their way at the last one.
        settledAtSync = commit.requestSync();
      }
      return;
    }
    if (!isTime()) {
      return;
    }
    ChunkLog log = store.log();
    finish.generation = log.generation();
    finish.durableGroup = log.durableGroup();
    finish.closing.addAll(left);
    left.clear();
    finish.submitTo(keeper);
    state = State.FINISHING;
  }

  private void maybeFinished() {
    if (!finish.isDone()) {
      return;
    }
    StoreException failure = finish.finish();
    generations = files.generationCount();
    if (generations > 1) {
      assert failure != null : "only a failure leaves generations";
      left.addAll(finish.closing);
      finish.closing.clear();
      postpone("the old chunk log stays for now", failure);
      state = State.SETTLING;
      return;
    }
    if (failure != null) {
      // They are not named any more: deleted at the next change or start.
      LOGGER.warn(
          "target {}: old chunk logs were not deleted: {}", store.targetId(), failure.getMessage());
    }
    postponed = false;
    rewrites++;
    LOGGER.info(
        "target {}: the chunk log was rewritten: {} bytes became {}",
        store.targetId(),
        olderBytes,
        store.log().recordBytes());
    olderBytes = 0;
    state = State.STEADY;
  }

  /** What the keeper saw. */
  void onLook(boolean low) {
    spaceIsLow = low;
    stalled = false;
  }

  /** How often the log was rewritten. */
  long rewrites() {
    return rewrites;
  }

  boolean isSteady() {
    return state == State.STEADY;
  }

  /** After the keeper was closed and the reactor is gone. */
  void close() {
    Device device = preparation.device;
    if (device != null) {
      device.close();
    }
    ChunkLog next = preparation.next;
    if (next != null) {
      next.close();
    }
    files.closeSpare();
    closeAll(left);
    closeAll(finish.closing);
  }

  private static void closeAll(List<AutoCloseable> all) {
    for (AutoCloseable each : all) {
      try {
        each.close();
      } catch (Exception e) {
        LOGGER.warn("a log that was left did not close", e);
      }
    }
    all.clear();
  }
}
