package io.lampyris.chunkengine.store;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes updates durable in groups. Owner: reactor.
 *
 * <pre>
 *   strict:
 *   data written ─► unflushed ─(one device flush)─► flushing ─► ready ─(one log group)─► logging ─(log flush)─► committed
 *   no data ───────────────────────────────────────────────────┘
 *
 *   interval, none:
 *   ready ─(one log group)─► committed           now and then, a sync: device flush ─► log flush
 * </pre>
 *
 * At most one flush of each kind is in flight; what arrives meanwhile makes the next group. A flush
 * of the device also makes the overwrites durable that were written in place before it; without
 * updates that want one, it is done for their sake from time to time.
 */
final class GroupCommit {
  /** Bounds a group's time on the reactor; about 100 µs of appending. */
  private static final int GROUP_OPS_MAX = 256;

  /** The same for payloads; about a millisecond of copying. */
  private static final int GROUP_PAYLOAD_MAX_BYTES = 4 << 20;

  /** Records of a snapshot that may be appended before they are flushed. */
  private static final long SLICES_UNFLUSHED_MAX_BYTES = 1 << 20;

  /** How far a flush of everything has come. */
  private enum Sync {
    NONE,
    WANTED,
    DATA_FLUSHING,
    LOG_WANTED,
    LOG_FLUSHING
  }

  private final TargetStore store;
  private final ReactorContext context;
  private final Device device;
  private final Durability durability;
  private final boolean strict;
  private ChunkLog log;
  private Device logDevice;
  private @Nullable GenerationSwitch generations;

  private final OpQueue unflushed = new OpQueue();
  private final OpQueue flushing = new OpQueue();
  private final OpQueue ready = new OpQueue();
  private final OpQueue logging = new OpQueue();

  private final Flush dataFlush = new Flush(true);
  private final Flush logFlush = new Flush(false);
  private long flushingGroup;

  private Sync sync = Sync.NONE;
  private boolean syncAgain;
  private long syncs;
  private boolean timerSet;
  private final TimerTask onInterval = this::onInterval;
  private boolean waitsForRoom;
  private long sliceBytes;

  /** Up to which record overwrites are in their place when the flush of the device is done. */
  private long applying;

  private final class Flush extends IoRequest {
    private final boolean data;
    boolean busy;

    Flush(boolean data) {
      this.data = data;
    }

    @Override
    protected void onComplete(long result) {
      busy = false;
      if (result < 0) {
        // Never again: a second flush may succeed without having written what the first one lost.
        store.goOffline(data ? "flush of the device failed" : "flush of the log failed", errno);
        abortAll(Status.DEVICE_ERROR.code());
      } else if (data) {
        onDataFlushed();
      } else {
        onLogFlushed();
      }
    }
  }

  GroupCommit(
      TargetStore store,
      ReactorContext context,
      ChunkLog log,
      Device device,
      Device logDevice,
      Durability durability) {
    this.store = store;
    this.context = context;
    this.log = log;
    this.device = device;
    this.logDevice = logDevice;
    this.durability = durability;
    this.strict = durability.mode() == Durability.Mode.STRICT;
  }

  /** An update has done its writes and wants to be committed. */
  void stage(StoreOp op, boolean wroteData) {
    (wroteData && strict ? unflushed : ready).add(op);
  }

  /** Once, before the first step. */
  void generations(GenerationSwitch owner) {
    generations = owner;
  }

  private GenerationSwitch generations() {
    GenerationSwitch known = generations;
    assert known != null : "set before the first step";
    return known;
  }

  // ---- flushes ----

  /**
   * Has the data, then the log flushed once more.
   *
   * @return what {@link #syncs} reaches when all that was written and appended until now is durable
   */
  long requestSync() {
    if (sync == Sync.NONE) {
      sync = Sync.WANTED;
    } else if (sync != Sync.WANTED) {
      syncAgain = true;
    }
    return syncs + (syncAgain ? 2 : 1);
  }

  /** How many syncs are complete. */
  long syncs() {
    return syncs;
  }

  private void onDataFlushed() {
    log.applied(applying);
    ready.takeAll(flushing);
    if (sync == Sync.DATA_FLUSHING) {
      sync = Sync.LOG_WANTED;
    }
  }

  private void onLogFlushed() {
    if (!log.isLinked()) {
      store.goOffline("the log file %s was deleted".formatted(log.file()), 0);
      abortAll(Status.DEVICE_ERROR.code());
      return;
    }
    log.durable(flushingGroup);
    if (sync == Sync.LOG_FLUSHING) {
      sync = syncAgain ? Sync.WANTED : Sync.NONE;
      syncAgain = false;
      syncs++;
      startInterval();
    }
    commitLogged();
  }

  private void startInterval() {
    if (durability.mode() == Durability.Mode.INTERVAL
        && !timerSet
        && log.durableGroup() < log.lastGroup()) {
      timerSet = true;
      long delayNs = TimeUnit.MILLISECONDS.toNanos(durability.intervalMs());
      context.timers().schedule(context.nowNs() + delayNs, onInterval);
    }
  }

  private void onInterval(long nowNs) {
    timerSet = false;
    requestSync();
  }

  // ---- steps ----

  /** Starts what can start; returns how much. */
  int poll() {
    if (store.isOffline()) {
      int work = hasWork() ? 1 : 0;
      abortAll(Status.DEVICE_ERROR.code());
      return work;
    }
    int work = 0;
    waitsForRoom = false;
    if (wantsDataFlush()) {
      flushData();
      work++;
    }
    if (mayAppend()) {
      work += append();
    }
    return work;
  }

  /** Whether {@link #poll} would start anything now. */
  boolean hasWork() {
    if (store.isOffline()) {
      // Nothing is begun any more, and what is in flight comes by itself.
      return !unflushed.isEmpty()
          || !ready.isEmpty()
          || (!dataFlush.busy && !flushing.isEmpty())
          || (!logFlush.busy && !logging.isEmpty());
    }
    return wantsDataFlush() || (mayAppend() && wantsAppend());
  }

  private boolean wantsDataFlush() {
    return !dataFlush.busy
        && (!unflushed.isEmpty() || sync == Sync.WANTED || store.redos().wantsFlush());
  }

  /** One flush for the data of updates and for overwrites that went to their place meanwhile. */
  private void flushData() {
    applying = store.redos().flushing(log.lastSequence());
    if (durability.mode() == Durability.Mode.NONE && sync != Sync.WANTED) {
      // Not durable, as nothing is; a killed process finds it all the same.
      log.applied(applying);
      return;
    }
    flushing.takeAll(unflushed);
    if (sync == Sync.WANTED) {
      sync = Sync.DATA_FLUSHING;
    }
    dataFlush.busy = true;
    store.statistics().deviceFlushes++;
    device.submit(dataFlush.flush());
  }

  /** Under strict, a group follows the flush of the one before it. */
  private boolean mayAppend() {
    return !(strict && logFlush.busy);
  }

  private boolean wantsAppend() {
    return (!ready.isEmpty() && !waitsForRoom)
        || (sync == Sync.LOG_WANTED && !logFlush.busy)
        || wantsSlice();
  }

  /** A flush that is in flight may cover slices, but not without bound. */
  private boolean wantsSlice() {
    return !waitsForRoom && generations().wantsSlice() && sliceBytes < SLICES_UNFLUSHED_MAX_BYTES;
  }

  private int append() {
    long start = log.positionBytes();
    int work = 0;
    try {
      // Before any update: a slice tells what the index says, which an appended update is ahead of.
      work += appendSlice();
      work += appendGroup();
    } catch (RuntimeException | InternalError e) {
      store.goOffline("append to the log failed: " + e, 0);
      abortAll(Status.DEVICE_ERROR.code());
      return 1;
    }
    store.statistics().logBytes += log.positionBytes() - start;
    if (!strict && !logging.isEmpty()) {
      commitLogged();
      startInterval();
    }
    return work + flushLog();
  }

  private int appendSlice() {
    if (!wantsSlice()) {
      return 0;
    }
    assert logging.isEmpty() : "the index has every update that was appended";
    int bytes = generations().appendSlice(log);
    if (bytes == GenerationSwitch.NO_ROOM) {
      waitsForRoom = generations().wantsSlice();
      return 0;
    }
    sliceBytes += bytes;
    return 1;
  }

  private int appendGroup() {
    int payload = 0;
    for (int ops = 0; ops < GROUP_OPS_MAX && payload < GROUP_PAYLOAD_MAX_BYTES; ops++) {
      StoreOp op = ready.peek();
      if (op == null || waitsForRoom) {
        break;
      }
      payload += op.logPayloadBytes();
      append(op);
    }
    if (logging.isEmpty()) {
      return 0;
    }
    log.endGroup();
    store.statistics().groups++;
    return 1;
  }

  /** Appends the first one that is ready, if it has room. */
  private void append(StoreOp op) {
    switch (room(op)) {
      case READY -> {
        ready.poll();
        // Before the append: one that throws must find it here, to answer it.
        logging.add(op);
        op.appendTo(log);
      }
      case WAIT -> waitsForRoom = true;
      case FULL -> {
        ready.poll();
        op.onAborted(Status.NO_SPACE.code());
      }
    }
  }

  private ChunkLog.Room room(StoreOp op) {
    return generations().isHolding()
        ? ChunkLog.Room.WAIT
        : log.room(op.logRecords(), op.logPayloadBytes(), op.isRemoval());
  }

  private int flushLog() {
    boolean wanted =
        sync == Sync.LOG_WANTED
            || (strict && !logging.isEmpty())
            || sliceBytes >= SLICES_UNFLUSHED_MAX_BYTES;
    if (!wanted || logFlush.busy) {
      return 0;
    }
    if (sync == Sync.LOG_WANTED) {
      sync = Sync.LOG_FLUSHING;
    }
    sliceBytes = 0;
    flushingGroup = log.lastGroup();
    logFlush.busy = true;
    store.statistics().logFlushes++;
    logDevice.submit(logFlush.flush());
    return 1;
  }

  private void commitLogged() {
    // No group is appended while these complete, so nothing joins the queue.
    for (StoreOp op = logging.poll(); op != null; op = logging.poll()) {
      op.onCommitted();
    }
  }

  // ---- another log ----

  /** Whether everything that was appended is durable and nothing is on its way. */
  boolean isLogQuiet() {
    return !logFlush.busy && logging.isEmpty() && log.durableGroup() == log.lastGroup();
  }

  /**
   * When nothing has been appended for a while: says of the last group that it was durable, so that
   * damage to it is not taken for a torn tail.
   */
  void stateDurability() {
    if (!isLogQuiet() || log.isDurabilityStated() || log.room(0, 0, true) != ChunkLog.Room.READY) {
      return;
    }
    endEmptyGroup();
    requestSync();
  }

  private void endEmptyGroup() {
    try {
      log.endGroup();
    } catch (RuntimeException | InternalError e) {
      store.goOffline("append to the log failed: " + e, 0);
    }
  }

  /** Goes on in another log, from a quiet one. */
  void switchTo(ChunkLog next, Device nextDevice) {
    assert isLogQuiet() : "a log is left when it is durable";
    log = next;
    logDevice = nextDevice;
    endEmptyGroup();
  }

  // ---- the end ----

  private void abortAll(long status) {
    abort(unflushed, status);
    abort(ready, status);
    if (!dataFlush.busy) {
      abort(flushing, status);
    }
    if (!logFlush.busy) {
      abort(logging, status);
    }
  }

  private static void abort(OpQueue queue, long status) {
    for (StoreOp op = queue.poll(); op != null; op = queue.poll()) {
      op.onAborted(status);
    }
  }
}
