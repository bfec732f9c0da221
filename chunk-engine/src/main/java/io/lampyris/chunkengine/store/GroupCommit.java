package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.GroupJournal;
import io.lampyris.chunkengine.log.LogRecord;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Makes updates durable in groups. Owner: reactor.
 *
 * <pre>
 *   strict:
 *   data written ─► unflushed ─(device flush)─► flushing ─► ready
 *   no data, payload journaled ───────────────────────────────┴─► logging: image of the group written
 *                  ─(device flush)─► records into the log, committed
 *
 *   interval, none:
 *   ready ─► records into the log, committed
 *
 *   now and then, a sync: device flush ─► log flush
 * </pre>
 *
 * At most one flush of each kind and one group is in flight; what arrives meanwhile makes the next
 * group. One flush of the device serves all that was written before it: data of updates, the image
 * of a group and the payloads that it names, and overwrites in their place. Under strict the log
 * itself is flushed only so that the journal's images can go, or that it can be left.
 */
final class GroupCommit {
  /** Bounds a group's time on the reactor; about 100 µs of appending. */
  private static final int GROUP_OPS_MAX = 256;

  /** The same for payloads; about a millisecond of copying. */
  private static final int GROUP_PAYLOAD_MAX_BYTES = 4 << 20;

  /** Records of a snapshot that may be appended before they are flushed. */
  private static final long SLICES_UNFLUSHED_MAX_BYTES = 1 << 20;

  /** How far the image of the group in flight has come. */
  private enum Image {
    NONE,
    WRITING,
    WRITTEN,
    FLUSHING
  }

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

  /** Under strict alone. */
  private final @Nullable GroupJournal journal;

  private final ImageWrite imageWrite = new ImageWrite();
  private Image image = Image.NONE;

  /** The last group with updates, and what its end says is in its place. */
  private long updateGroup;

  private long updateGroupBefore;
  private long statedSequence;
  private final Crc32c crc = new Crc32c();

  private Sync sync = Sync.NONE;
  private boolean syncAgain;
  private long syncs;
  private boolean timerSet;
  private final TimerTask onInterval = this::onInterval;
  private boolean waitsForRoom;
  private long sliceBytes;
  private long joinUntil;

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
        image = data && image == Image.FLUSHING ? Image.WRITTEN : image;
        store.goOffline(data ? "flush of the device failed" : "flush of the log failed", errno);
        abortAll(Status.DEVICE_ERROR.code());
      } else if (data) {
        onDataFlushed();
      } else {
        onLogFlushed();
      }
    }
  }

  private final class ImageWrite extends IoRequest {
    @Override
    protected void onComplete(long result) {
      if (result >= 0) {
        image = Image.WRITTEN;
      } else {
        image = Image.NONE;
        store.goOffline("write of a group's image at %d failed".formatted(deviceOffset), errno);
        abortAll(Status.DEVICE_ERROR.code());
      }
    }
  }

  GroupCommit(
      TargetStore store,
      ReactorContext context,
      ChunkLog log,
      Device device,
      Device logDevice,
      Durability durability,
      @Nullable GroupJournal journal) {
    this.store = store;
    this.context = context;
    this.log = log;
    this.device = device;
    this.logDevice = logDevice;
    this.durability = durability;
    this.strict = durability.mode() == Durability.Mode.STRICT;
    this.journal = journal;
    this.updateGroup = log.lastGroup();
  }

  /** An update has done its writes and wants to be committed. */
  void stage(StoreOp op, boolean wroteData) {
    if (wroteData && strict) {
      unflushed.add(op);
      return;
    }
    if (ready.isEmpty()) {
      joinPayloads();
    }
    ready.add(op);
  }

  /**
   * The next group waits for the payloads that are on their way now, not for later ones: one flush
   * for many is worth the wait for requests that the device has.
   */
  private void joinPayloads() {
    joinUntil = store.redos().payloadsStarted();
  }

  private boolean isJoining() {
    return store.redos().payloadsDone() < joinUntil;
  }

  /**
   * As {@link #stage}, for one that moves what others have been promised: its data is durable
   * before its record is written, whatever the durability.
   */
  void stageDurably(StoreOp op) {
    unflushed.add(op);
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

  /**
   * What {@link #syncs} reaches when all that was appended until now is durable, if it is asked.
   */
  long coveringSync() {
    return syncs + (sync == Sync.NONE || sync == Sync.WANTED ? 1 : 2);
  }

  /** How many syncs are complete. */
  long syncs() {
    return syncs;
  }

  private void onDataFlushed() {
    log.applied(applying);
    ready.takeAll(flushing);
    if (image == Image.FLUSHING) {
      onGroupDurable();
    }
    if (sync == Sync.DATA_FLUSHING) {
      sync = Sync.LOG_WANTED;
    }
  }

  private boolean isLogLinked() {
    if (log.isLinked()) {
      return true;
    }
    store.goOffline("the log file %s was deleted".formatted(log.file()), 0);
    abortAll(Status.DEVICE_ERROR.code());
    return false;
  }

  /** The journal has the group in flight: it counts, whatever becomes of the log's copy. */
  private void onGroupDurable() {
    image = Image.NONE;
    if (!isLogLinked()) {
      return;
    }
    long start = log.positionBytes();
    try {
      log.appendStaged();
    } catch (RuntimeException | InternalError e) {
      store.goOffline("append to the log failed: " + e, 0);
      abortAll(Status.DEVICE_ERROR.code());
      return;
    }
    store.statistics().logBytes += log.positionBytes() - start;
    store.redos().journal().appliedDurably(statedSequence);
    commitLogged();
  }

  private void onLogFlushed() {
    if (!isLogLinked()) {
      return;
    }
    log.durable(flushingGroup);
    GroupJournal images = journal;
    if (images != null) {
      images.release(flushingGroup);
    }
    if (sync == Sync.LOG_FLUSHING) {
      sync = syncAgain ? Sync.WANTED : Sync.NONE;
      syncAgain = false;
      syncs++;
      startInterval();
      store.onSynced(syncs);
    }
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
    if (store.held().wantsSync()) {
      requestSyncOnce();
    }
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
          || (isGroupAtRest() && !logging.isEmpty());
    }
    return wantsDataFlush()
        || (mayAppend() && wantsAppend())
        || (sync == Sync.NONE && store.held().wantsSync());
  }

  private boolean wantsDataFlush() {
    return !dataFlush.busy
        && (!unflushed.isEmpty()
            || image == Image.WRITTEN
            || sync == Sync.WANTED
            || store.redos().wantsFlush());
  }

  /** One flush for the data of updates and for overwrites that went to their place meanwhile. */
  private void flushData() {
    applying = store.redos().flushing(log.lastSequence());
    if (durability.mode() == Durability.Mode.NONE && sync != Sync.WANTED && unflushed.isEmpty()) {
      // Not durable, as nothing is; a killed process finds it all the same.
      log.applied(applying);
      return;
    }
    flushing.takeAll(unflushed);
    if (image == Image.WRITTEN) {
      image = Image.FLUSHING;
    }
    if (sync == Sync.WANTED) {
      sync = Sync.DATA_FLUSHING;
    }
    dataFlush.busy = true;
    store.statistics().deviceFlushes++;
    device.submit(dataFlush.flush());
  }

  private boolean isGroupInFlight() {
    return image != Image.NONE;
  }

  /** Whether no request of the group's is in flight. */
  private boolean isGroupAtRest() {
    return image == Image.NONE || image == Image.WRITTEN;
  }

  /** A group follows the flush of the one before it. */
  private boolean mayAppend() {
    return !isGroupInFlight();
  }

  private boolean wantsAppend() {
    return (!ready.isEmpty() && !waitsForRoom && !isJoining())
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
    GroupJournal images = journal;
    if (images == null) {
      return appendReady(Long.MAX_VALUE) ? 1 : 0;
    }
    if (ready.isEmpty() || waitsForRoom || isJoining()) {
      return 0;
    }
    if (!images.hasRoom()) {
      // The flush of the log makes some.
      waitsForRoom = true;
      requestSyncOnce();
      return 0;
    }
    MemorySegment memory = images.image();
    log.stageIn(memory, GroupJournal.HEADER_BYTES);
    if (!appendReady(GroupJournal.IMAGE_MAX_BYTES - LogRecord.GROUP_END_BYTES)) {
      log.stageNothing();
      return 0;
    }
    writeImage(images, memory);
    return 1;
  }

  /** Appends a group of what is ready; false when there is nothing, or no room for it. */
  private boolean appendReady(long endMax) {
    int payload = 0;
    for (int ops = 0; ops < GROUP_OPS_MAX && payload < GROUP_PAYLOAD_MAX_BYTES; ops++) {
      StoreOp op = ready.peek();
      if (op == null || waitsForRoom || log.stagedEnd() + recordBytesMax(op) > endMax) {
        break;
      }
      payload += op.logPayloadBytes();
      append(op);
    }
    if (logging.isEmpty()) {
      return false;
    }
    updateGroupBefore = updateGroup;
    updateGroup = log.endGroup();
    statedSequence = log.statedSequence();
    store.statistics().groups++;
    return true;
  }

  private static long recordBytesMax(StoreOp op) {
    return op.logRecords() * (LogRecord.REDO_PREFIX_MAX_BYTES + 8L) + op.logPayloadBytes();
  }

  private void writeImage(GroupJournal images, MemorySegment memory) {
    int end = log.stagedEnd();
    long place = images.seal(log.generation(), updateGroup, updateGroupBefore, end, crc);
    if (images.isFilling()) {
      requestSyncOnce();
    }
    image = Image.WRITING;
    int bytes = GroupJournal.deviceBytes(end);
    store.submit(imageWrite.transfer(IoRequest.Kind.WRITE, place, memory, 0, bytes));
  }

  private void requestSyncOnce() {
    if (sync == Sync.NONE) {
      requestSync();
    }
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
    boolean wanted = sync == Sync.LOG_WANTED || sliceBytes >= SLICES_UNFLUSHED_MAX_BYTES;
    if (!wanted || logFlush.busy) {
      return 0;
    }
    if (sync == Sync.LOG_WANTED) {
      sync = Sync.LOG_FLUSHING;
    }
    sliceBytes = 0;
    flushingGroup = log.appendedGroup();
    logFlush.busy = true;
    store.statistics().logFlushes++;
    logDevice.submit(logFlush.flush());
    return 1;
  }

  private void commitLogged() {
    // No group is begun while these complete, so nothing joins the queue.
    for (StoreOp op = logging.poll(); op != null; op = logging.poll()) {
      op.onCommitted();
    }
    joinPayloads();
    store.redos().writeAll();
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
    if (strict && !isGroupInFlight() && log.durableGroup() < log.appendedGroup()) {
      requestSyncOnce();
      return;
    }
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
    if (isGroupAtRest()) {
      image = Image.NONE;
      abort(logging, status);
    }
  }

  private static void abort(OpQueue queue, long status) {
    for (StoreOp op = queue.poll(); op != null; op = queue.poll()) {
      op.onAborted(status);
    }
  }
}
