package io.lampyris.chunkengine.store;

import io.lampyris.bindings.Errno;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.Wake;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.InodeSummary;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.log.ChunkLog;
import io.lampyris.chunkengine.log.GroupJournal;
import io.lampyris.chunkengine.options.Durability;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.LogFiles;
import io.lampyris.chunkengine.recovery.OpenReport;
import io.lampyris.chunkengine.recovery.Recovery;
import io.lampyris.chunkengine.recovery.Replayer;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.chunkengine.redo.RedoTable;
import io.lampyris.chunkengine.session.Sessions;
import io.lampyris.chunkengine.space.BadChunk;
import io.lampyris.chunkengine.space.BlockReferences;
import io.lampyris.chunkengine.space.ExtentAllocator;
import io.lampyris.chunkengine.space.Quarantine;
import io.lampyris.chunkengine.space.SpaceReport;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.IoRequest;
import java.io.IOException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.UUID;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The local chunk store of one target: {@link #open} loads it on any thread, {@link #attach} gives
 * it to a reactor, which submits operations and calls {@link #doWork}; {@link #close} on any thread
 * after the reactor was closed.
 */
public final class TargetStore implements AutoCloseable {
  /** Pieces of what does not go directly; units of chunks of up to 16 MiB fit whole. */
  private static final int PIECE_BYTES = 1 << 20;

  /** Chunks that a summary looks at in one go. */
  private static final int SUMMARY_SLICE = 1024;

  /** Warnings about bad bytes go to the log this often; the counter has them all. */
  private static final int WARNINGS_MAX = 100;

  private static final Logger LOGGER = LoggerFactory.getLogger(TargetStore.class);

  /** Opens a device for the reactor that attaches the target. */
  @FunctionalInterface
  public interface DeviceOpener {
    /**
     * @param direct whether to go past the page cache
     * @throws IOException when it cannot be opened
     */
    Device open(Path path, boolean direct) throws IOException;
  }

  /** What lives only while a reactor has the target. */
  private record Attached(
      ReactorContext context,
      Device device,
      GroupCommit commit,
      GenerationSwitch generations,
      LogWatch watch,
      Maintenance maintenance,
      int alignment) {}

  private final Path dir;
  private final Superblock superblock;
  private final TargetOptions options;
  private final int lockFd;
  private final ChunkIndex index;
  private final ExtentAllocator allocator;
  private final Quarantine quarantine = new Quarantine();
  private BlockReferences references;
  private final LogFiles logFiles;
  private final Keeper keeper;
  private final Wake wake;
  private final WholeMark whole;
  private ChunkLog log;
  private @Nullable Device logDevice;

  private final ChunkLocks locks = new ChunkLocks();
  private Crc32c crc = new Crc32c();
  private final OpQueue unlocked = new OpQueue();
  private final OpQueue bufferless = new OpQueue();
  private final PendingVersions pending = new PendingVersions();
  private final RedoTable redos;
  private final Sessions sessions;
  private final @Nullable GroupJournal groupJournal;
  private final BlockCrcs blockCrcs = new BlockCrcs();
  private final TargetStatistics statistics = new TargetStatistics();
  private final ChunkState replaced = new ChunkState();
  private final HeldBlocks held;

  private @Nullable Attached attached;
  private volatile boolean offline;
  private boolean stopping;
  private int inFlight;
  private int bufferRefusals;
  private long chunkBytes;
  private int redone;

  private TargetStore(
      Path dir,
      Superblock superblock,
      TargetOptions options,
      int lockFd,
      ChunkIndex index,
      ExtentAllocator allocator,
      LogFiles logFiles,
      Keeper keeper,
      Wake wake,
      WholeMark whole,
      ChunkLog log) {
    this.dir = dir;
    this.superblock = superblock;
    this.options = options;
    this.lockFd = lockFd;
    this.index = index;
    this.allocator = allocator;
    this.references = new BlockReferences(allocator, quarantine);
    this.held = new HeldBlocks(allocator.capacityBytes());
    this.logFiles = logFiles;
    this.sessions = logFiles.replayer().sessions();
    this.keeper = keeper;
    this.wake = wake;
    this.whole = whole;
    this.log = log;
    boolean strict = options.durability().mode() == Durability.Mode.STRICT;
    this.redos = new RedoTable(new RedoOwner(), strict, options.log().payloadSlots());
    this.groupJournal = strict ? new GroupJournal(superblock.uuid()) : null;
  }

  // ---- life ----

  /**
   * Makes a new, empty target. Blocks; durable on return; on failure nothing is left behind, and
   * after a crash nothing that is in the way of another attempt.
   *
   * @throws StoreException INVALID_ARGUMENT, EXISTS, NO_SPACE, IO
   */
  public static void format(Path dir, TargetSpec spec) throws StoreException {
    format(dir, spec, TargetOptions.defaults());
  }

  /** As the other, with a host and a log of other sizes. */
  public static void format(Path dir, TargetSpec spec, TargetOptions options)
      throws StoreException {
    new TargetFiles(options).format(dir, spec);
  }

  /**
   * Whether there is a target that can be opened, as far as its superblocks and the device's size
   * say. Blocks; changes nothing, and may be asked while another process has the target.
   *
   * @throws StoreException UNFINISHED, CORRUPT_SUPERBLOCK, OTHER_FORMAT_VERSION, SIZE_MISMATCH, IO
   */
  public static void check(Path dir, TargetOptions options) throws StoreException {
    TargetFiles.checkFinished(options.host(), dir);
    new TargetFiles(options).readSuperblock(dir.resolve(TargetFiles.DEVICE));
  }

  /**
   * Loads a target and takes it for this process. Blocks.
   *
   * @throws StoreException any reason but EXISTS
   */
  public static TargetStore open(Path dir, TargetOptions options) throws StoreException {
    TargetFiles.checkFinished(options.host(), dir);
    int lockFd = options.host().lock(dir.resolve(TargetFiles.LOCK));
    ChunkIndex index = new OffHeapChunkIndex();
    Keeper keeper = options.keepers().create("keeper of " + dir.getFileName());
    boolean opened = false;
    try {
      TargetStore store = load(dir, options, lockFd, index, keeper);
      opened = true;
      return store;
    } finally {
      if (!opened) {
        keeper.close();
        index.close();
        options.host().close(lockFd);
      }
    }
  }

  private static TargetStore load(
      Path dir, TargetOptions options, int lockFd, ChunkIndex index, Keeper keeper)
      throws StoreException {
    Path device = dir.resolve(TargetFiles.DEVICE);
    Superblock superblock = new TargetFiles(options).readSuperblock(device);
    Wake wake = new Wake();
    WholeMark whole = new WholeMark(options.host(), keeper, wake, dir, superblock.uuid());
    Path logDir = dir.resolve(TargetFiles.LOG);
    LogFiles logFiles = new LogFiles(options, keeper, wake, logDir, superblock.uuid(), index);
    logFiles.findJournal(device);
    // Replay makes durable what the log says, so what the last process wrote has to be so before:
    // it may have run without flushes; and one that was killed may have left a group that says of
    // overwrites that they are in their place, with the flush that it waited for.
    options.host().syncFile(device);
    logFiles.replay();
    ExtentAllocator allocator =
        new ExtentAllocator(
            superblock.deviceSizeBytes(),
            options
                .space()
                .reserveBytes(superblock.deviceSizeBytes() - Geometry.FIRST_EXTENT_OFFSET));
    Recovery recovery = new Recovery(dir, options.host(), index, logFiles.replayer());
    List<Replayer.LostPayload> lost = logFiles.replayer().load(options.host(), device);
    recovery.takeBlocks(allocator);
    // What was replayed is durable in the log by now.
    int redone = recovery.redo(device);
    if (redone > 0) {
      options.host().syncFile(device);
    }
    ChunkLog log = logFiles.openNext();
    LOGGER.info(
        "target {} of chain {} open: {} chunks, {} pending versions, {} overwrites redone, {} of {}"
            + " bytes free, {}",
        superblock.targetId(),
        superblock.chainId(),
        index.count(),
        logFiles.replayer().pending().size(),
        redone,
        allocator.freeBytes(),
        allocator.capacityBytes(),
        logFiles.report());
    TargetStore store =
        new TargetStore(
            dir, superblock, options, lockFd, index, allocator, logFiles, keeper, wake, whole, log);
    store.chunkBytes = recovery.chunkBytes();
    store.redone = redone;
    try {
      recovery.restorePending(device, store.pending, store.redos);
    } catch (StoreException e) {
      log.close();
      store.freeMemory();
      throw e;
    }
    lost.forEach(store::report);
    return store;
  }

  /** Bytes of a chunk were lost before they came to their place: nothing reads them. */
  private void report(Replayer.LostPayload lost) {
    LOGGER.error(
        "target {}: {}; observed=other bytes at {} of {}, limit=the payload's checksum; remedy:"
            + " restore the file from a copy",
        targetId(),
        lost.what(),
        lost.deviceOffset(),
        deviceFile());
    ChunkState chunk = new ChunkState();
    if (lost.pending() || !index.get(lost.inode(), lost.chunkIndex(), chunk)) {
      return;
    }
    int last = (lost.from() + lost.bytes() - 1) / chunk.unitBytes();
    for (int unit = lost.from() / chunk.unitBytes(); unit <= last; unit++) {
      statistics.corruptions += quarantine.add(chunk, unit) ? 1 : 0;
    }
  }

  /**
   * Gives the target to a reactor; on any thread before the first operation.
   *
   * @throws StoreException IO when a device cannot be opened
   */
  public void attach(ReactorContext context, DeviceOpener opener) throws StoreException {
    assert attached == null : "a target has one reactor";
    Path deviceFile = dir.resolve(TargetFiles.DEVICE);
    try {
      Device device = opener.open(deviceFile, true);
      Device logFlusher = opener.open(log.file(), false);
      logDevice = logFlusher;
      GroupCommit commit =
          new GroupCommit(
              this, context, log, device, logFlusher, options.durability(), groupJournal);
      GenerationSwitch generations =
          new GenerationSwitch(
              this, context, commit, logFiles, options.log(), keeper, wake, opener);
      commit.generations(generations);
      LogWatch watch =
          new LogWatch(
              this,
              context,
              commit,
              generations,
              options,
              keeper,
              wake,
              dir.resolve(TargetFiles.LOG),
              deviceFile);
      Maintenance maintenance =
          new Maintenance(this, context, options, discards(device), log.lastSequence());
      attached =
          new Attached(
              context, device, commit, generations, watch, maintenance, device.alignmentBytes());
      wake.reactor(context);
    } catch (IOException e) {
      throw HostFiles.io("open", deviceFile, e);
    }
  }

  private boolean discards(Device device) {
    return switch (options.space().discard()) {
      case ON -> true;
      case OFF -> false;
      case AUTO -> device.wantsDiscards();
    };
  }

  /**
   * Takes no more operations: they are answered TARGET_OFFLINE. What is in flight goes on while the
   * reactor drains. Owner: reactor.
   */
  public void stop() {
    stopping = true;
  }

  /** Makes everything durable and lets go. Any thread, once, after its reactor was closed. */
  @Override
  public void close() {
    stopping = true;
    wake.reactor(null);
    keeper.close();
    Attached last = attached;
    Device flusher = logDevice;
    if (last != null && flusher != null) {
      if (inFlight > 0) {
        LOGGER.error("target {} closes with {} operations in flight", targetId(), inFlight);
      }
      last.device.close();
      flusher.close();
      last.generations.close();
      attached = null;
    }
    // A group that is on its way is not in the log's file: nothing may be said of what is behind.
    boolean settled = !offline && inFlight == 0;
    try {
      options.host().syncFile(dir.resolve(TargetFiles.DEVICE));
      if (settled && redos.isEmpty() && log.room(0, 0, true) == ChunkLog.Room.READY) {
        // The next start has nothing to redo.
        log.applied(log.lastSequence());
        log.endGroup();
      }
      options.host().syncFile(log.file());
      if (settled) {
        // After a failed flush a later one may succeed without having written anything.
        logFiles.closed(log);
      }
    } catch (StoreException e) {
      LOGGER.error("target {} did not close cleanly", targetId(), e);
    }
    log.close();
    index.close();
    freeMemory();
    options.host().close(lockFd);
  }

  private void freeMemory() {
    GroupJournal journal = groupJournal;
    if (journal != null) {
      journal.close();
    }
    blockCrcs.close();
  }

  // ---- operations ----

  /** Starts an operation; it completes later, or before this returns. Owner: reactor. */
  public void submit(StoreOp op) {
    op.submittedTo(this);
    inFlight++;
    if (offline || stopping) {
      op.complete(Status.TARGET_OFFLINE.code());
    } else {
      op.begin();
    }
  }

  /** Runs what became possible in this cycle and starts group commits; returns how much. */
  public int doWork() {
    if (attached == null) {
      return 0;
    }
    Attached now = now();
    int work = now.watch.poll() + whole.poll();
    if (offline) {
      held.abandon(unlocked);
    } else {
      work += now.generations.poll();
    }
    return work + runUnlocked() + retryBuffers() + now.commit.poll() + now.maintenance.poll();
  }

  /** Whether {@link #doWork} has to run before the reactor may block. */
  public boolean hasWork() {
    Attached now = attached;
    return now != null
        && (!unlocked.isEmpty()
            || !bufferless.isEmpty()
            || (offline && held.hasWaiting())
            || now.commit.hasWork()
            || now.watch.hasWork()
            || whole.hasWork()
            || now.maintenance.hasWork()
            || (!offline && now.generations.hasWork()));
  }

  private int runUnlocked() {
    int work = 0;
    for (StoreOp op = unlocked.poll(); op != null; op = unlocked.poll()) {
      op.onLocked();
      work++;
    }
    return work;
  }

  /** Others release buffers too, so it is only known by asking; in the order of arrival. */
  private int retryBuffers() {
    int work = 0;
    int refusals = bufferRefusals;
    for (StoreOp op = bufferless.poll(); op != null; op = bufferless.poll()) {
      op.onBuffer();
      if (bufferRefusals != refusals) {
        return work;
      }
      work++;
    }
    return work;
  }

  @Nullable Buffer acquireBuffer(int sizeBytes, StoreOp op) {
    var pool = now().context.buffers();
    int wanted = Math.min(sizeBytes, Math.min(PIECE_BYTES, pool.sizeMaxBytes()));
    Buffer buffer = pool.acquire(wanted);
    if (buffer == null) {
      bufferless.add(op);
      bufferRefusals++;
    }
    return buffer;
  }

  void unlock(long inode, int chunkIndex) {
    StoreOp heir = locks.release(inode, chunkIndex);
    if (heir != null) {
      unlocked.add(heir);
    }
  }

  void completed() {
    inFlight--;
  }

  // ---- failure ----

  /** Nothing is updated any more: what the device or log holds is not certain. */
  void goOffline(String what, int errno) {
    if (!offline) {
      offline = true;
      LOGGER.error(
          "target {} goes offline; observed={}, {}, limit=success; remedy: check the disk under {},"
              + " then restart",
          targetId(),
          what,
          errno == 0 ? "no errno" : Errno.describe(errno),
          dir);
    }
  }

  void readFailed(IoRequest request, ChunkState chunk) {
    statistics.readErrors++;
    LOGGER.error(
        "read failed; observed={} at {} of target {}, inode {} chunk {}, limit=success; remedy:"
            + " check the disk under {}",
        Errno.describe(request.errno),
        request.deviceOffset,
        targetId(),
        chunk.inode,
        chunk.chunkIndex,
        dir);
  }

  void corruptionFound(ChunkState chunk, int unit, int observed) {
    if (quarantine.add(chunk, unit) && ++statistics.corruptions <= WARNINGS_MAX) {
      LOGGER.error(
          "bad bytes; observed=crc {} of unit {} of inode {} chunk {} version {} in block {} of"
              + " target {}, limit=crc {}; remedy: restore the file from a copy",
          Integer.toHexString(observed),
          unit,
          chunk.inode,
          chunk.chunkIndex,
          chunk.version,
          chunk.blockOffset,
          targetId(),
          Integer.toHexString(chunk.unitCrcs[unit]));
    }
  }

  // ---- the chunks ----

  /**
   * A version is committed: it takes the place of the one before it and of a pending one. A redo
   * becomes the table's: it lies over the chunk from now on, and is to be written.
   */
  void install(ChunkState made, @Nullable Redo redo) {
    boolean existed = index.get(made.inode, made.chunkIndex, replaced);
    long oldBlock = existed ? replaced.blockOffset : ChunkState.NO_BLOCK;
    PendingVersions.Entry other = pending.find(made.inode, made.chunkIndex);
    if (other != null) {
      dropPending(other, oldBlock, made.blockOffset);
    }
    index.put(made);
    chunkBytes += made.lengthBytes - (existed ? replaced.lengthBytes : 0);
    if (oldBlock != ChunkState.NO_BLOCK) {
      if (oldBlock != made.blockOffset) {
        kill(oldBlock, replaced.sizeClass);
      } else if (redo != null || made.lengthBytes < replaced.lengthBytes) {
        references.overwritten(oldBlock);
        quarantine.truncated(oldBlock, made.unitCount());
      }
    }
    if (redo != null) {
      liftReplaced(made, redo);
      redos.publish(redo);
    }
  }

  /** Units of which no old byte is left are as good as new. */
  private void liftReplaced(ChunkState made, Redo redo) {
    int unitBytes = made.unitBytes();
    int unit = (redo.from + unitBytes - 1) / unitBytes;
    for (; unit < made.unitCount(); unit++) {
      if (redo.to < Math.min((unit + 1) * unitBytes, made.lengthBytes)) {
        return;
      }
      quarantine.lift(made.blockOffset, unit);
    }
  }

  /** A version is pending: it takes the place of another one that was. */
  void installPending(ChunkState made, @Nullable Redo redo) {
    boolean existed = index.get(made.inode, made.chunkIndex, replaced);
    PendingVersions.Entry other = pending.find(made.inode, made.chunkIndex);
    if (other != null) {
      dropPending(other, existed ? replaced.blockOffset : ChunkState.NO_BLOCK, made.blockOffset);
    }
    pending.add(made, redo, log.lastSequence());
  }

  /** What is pending of a chunk is gone. */
  void uninstallPending(PendingVersions.Entry entry) {
    boolean existed = index.get(entry.state.inode, entry.state.chunkIndex, replaced);
    long block = existed ? replaced.blockOffset : ChunkState.NO_BLOCK;
    dropPending(entry, block, block);
  }

  /** A chunk is gone, and what was pending of it. */
  void uninstall(long inode, int chunkIndex, ChunkState scratch) {
    boolean existed = index.get(inode, chunkIndex, scratch);
    long block = existed ? scratch.blockOffset : ChunkState.NO_BLOCK;
    PendingVersions.Entry other = pending.find(inode, chunkIndex);
    if (other != null) {
      dropPending(other, block, block);
    }
    index.remove(inode, chunkIndex);
    chunkBytes -= existed ? scratch.lengthBytes : 0;
    if (block != ChunkState.NO_BLOCK) {
      kill(block, scratch.sizeClass);
    }
  }

  /** Its block is free, unless the committed version has it, or what takes its place. */
  private void dropPending(PendingVersions.Entry entry, long committedBlock, long madeBlock) {
    long block = entry.state.blockOffset;
    int sizeClass = entry.state.sizeClass;
    Redo redo = pending.remove(entry);
    if (redo != null) {
      redos.drop(redo);
    }
    if (block != ChunkState.NO_BLOCK && block != committedBlock && block != madeBlock) {
      kill(block, sizeClass);
    }
  }

  /** An update that was appended leaves a block: it is free when the update is durable. */
  private void kill(long block, int sizeClass) {
    if (options.durability().mode() == Durability.Mode.STRICT) {
      references.kill(block, sizeClass);
    } else {
      // What was bad of it nobody reads any more.
      quarantine.forget(block);
      held.add(block, sizeClass, commit().coveringSync());
    }
  }

  /** So many syncs are complete. */
  void onSynced(long syncs) {
    held.release(syncs, references, unlocked);
  }

  HeldBlocks held() {
    return held;
  }

  /** Whether a version of the chunk waits to be committed. */
  boolean hasPending(long inode, int chunkIndex) {
    return pending.find(inode, chunkIndex) != null;
  }

  // ---- what operations use ----

  private Attached now() {
    Attached current = attached;
    assert current != null : "operations run on an attached target";
    return current;
  }

  ReactorContext context() {
    return now().context;
  }

  /** Gives the device something to do. */
  void submit(IoRequest request) {
    if (request.kind == IoRequest.Kind.READ) {
      statistics.deviceReadBytes += request.lengthBytes;
    } else {
      statistics.deviceWriteBytes += request.lengthBytes;
    }
    now().device.submit(request);
  }

  PendingVersions pending() {
    return pending;
  }

  RedoTable redos() {
    return redos;
  }

  BlockCrcs blockCrcs() {
    return blockCrcs;
  }

  boolean verifiesStrictly() {
    return options.integrity().verify() == IntegrityOptions.Verify.STRICT;
  }

  /** An overwrite of at most so many bytes goes through the log in one buffer. */
  int redoMaxBytes() {
    return Math.min(
        log.redoMaxBytes(), Math.min(PIECE_BYTES, now().context.buffers().sizeMaxBytes()));
  }

  GroupCommit commit() {
    return now().commit;
  }

  ChunkLog log() {
    return log;
  }

  Device logDevice() {
    Device current = logDevice;
    assert current != null : "an attached target has one";
    return current;
  }

  /** Updates go on in another log. */
  void log(ChunkLog next, Device nextDevice) {
    log = next;
    logDevice = nextDevice;
  }

  /** How often the log was rewritten since the start. */
  public long logRewrites() {
    Attached current = attached;
    return current == null ? 0 : current.generations.rewrites();
  }

  /** Whether the log is not being rewritten. */
  boolean isLogSteady() {
    return now().generations.isSteady();
  }

  /** What opening found. */
  public OpenReport openReport() {
    return logFiles.report().withRedone(redone);
  }

  /** When it acknowledges updates. */
  public Durability durability() {
    return options.durability();
  }

  /** Whether all overwrites up to a sequence number of the log are in their place, durably. */
  boolean isApplied(long sequence) {
    return log.appliedSequence() >= sequence;
  }

  boolean isStopping() {
    return stopping;
  }

  ChunkIndex index() {
    return index;
  }

  ExtentAllocator allocator() {
    return allocator;
  }

  BlockReferences references() {
    return references;
  }

  /** For tests that break it on purpose, to see that they would notice. */
  void replaceParts(BlockReferences otherReferences, Crc32c otherCrc) {
    assert inFlight == 0 : "before the first operation";
    references = otherReferences;
    crc = otherCrc;
  }

  Quarantine quarantine() {
    return quarantine;
  }

  /** Whether a block lies in an extent that is being emptied. */
  boolean isEmptied(long block) {
    return allocator.victimCount() > 0 && allocator.isVictim(ExtentAllocator.extentOf(block));
  }

  ChunkLocks locks() {
    return locks;
  }

  Crc32c crc() {
    return crc;
  }

  boolean isAligned(long value) {
    return (value & now().alignment - 1) == 0;
  }

  int alignDown(int value) {
    return value & -now().alignment;
  }

  int alignUp(int value) {
    return value + now().alignment - 1 & -now().alignment;
  }

  // ---- queries ----

  /** Copies out a chunk's committed version; false when there is none. Owner: reactor. */
  public boolean find(long inode, int chunkIndex, ChunkState into) {
    return index.get(inode, chunkIndex, into);
  }

  /** Copies out a chunk's pending version; false when there is none. Owner: reactor. */
  public boolean findPending(long inode, int chunkIndex, ChunkState into) {
    PendingVersions.Entry entry = pending.find(inode, chunkIndex);
    if (entry != null) {
      into.copyFrom(entry.state);
    }
    return entry != null;
  }

  /** What clients were answered that no chunk's record says any more. Owner: reactor. */
  public Sessions sessions() {
    return sessions;
  }

  /** A chunk's pending version; 0 when there is none. Owner: reactor. */
  public int pendingVersion(long inode, int chunkIndex) {
    PendingVersions.Entry entry = pending.find(inode, chunkIndex);
    return entry == null ? 0 : entry.state.version;
  }

  /** All pending versions as they are now; not for the data path. Owner: reactor. */
  public void forEachPending(Consumer<ChunkState> each) {
    List<ChunkState> all = new ArrayList<>();
    for (PendingVersions.Entry at = pending.first(); at != null; at = PendingVersions.after(at)) {
      ChunkState copy = new ChunkState();
      copy.copyFrom(at.state);
      all.add(copy);
    }
    all.forEach(each);
  }

  /**
   * An inode's first chunk from an index on, committed or only pending; -1 without one. Owner:
   * reactor.
   *
   * @param scratch is overwritten
   */
  public long ceiling(long inode, int fromIndex, ChunkState scratch) {
    long committed =
        index.ceiling(inode, fromIndex, scratch) ? Integer.toUnsignedLong(scratch.chunkIndex) : -1;
    if (pending.count() == 0) {
      return committed;
    }
    long waiting = pending.ceiling(inode, fromIndex);
    return committed < 0 || (waiting >= 0 && waiting < committed) ? waiting : committed;
  }

  /**
   * Committed chunks lie in slots from 0 to below this, with holes; a chunk stays in its slot.
   * Owner: reactor.
   */
  public int slots() {
    return index.slots();
  }

  /** Copies out the chunk in a slot; false for a hole. Owner: reactor. */
  public boolean at(int slot, ChunkState into) {
    return index.at(slot, into);
  }

  /** How many versions are pending. Owner: reactor. */
  public int pendingCount() {
    return pending.count();
  }

  /**
   * Brings a summary on by a bounded number of chunks, about 100 µs; true when it is through.
   * Owner: reactor.
   */
  public boolean summarise(InodeSummary summary) {
    return summary.advance(index, SUMMARY_SLICE);
  }

  /** How many bytes the committed chunks have in all; blocks are larger. Owner: reactor. */
  public long chunkBytes() {
    return chunkBytes;
  }

  /** What it did since it was opened. */
  public TargetStatistics statistics() {
    return statistics;
  }

  public long targetId() {
    return superblock.targetId();
  }

  /** The chain that it was made for; what chain it is in says routing. */
  public int chainId() {
    return superblock.chainId();
  }

  /** Another one for every store that is ever made; never 0. */
  public long storeId() {
    UUID uuid = superblock.uuid();
    long id = uuid.getMostSignificantBits() ^ uuid.getLeastSignificantBits();
    return id == 0 ? 1 : id;
  }

  /** Whether it has held everything of its chain once, and that is durable. Owner: reactor. */
  public boolean isWhole() {
    return whole.isSet();
  }

  /** It has held everything once; {@link #isWhole} follows when that is durable. Owner: reactor. */
  public void markWhole() {
    whole.set();
  }

  public Path directory() {
    return dir;
  }

  /** The device's file, for comparisons with raw I/O. */
  public Path deviceFile() {
    return dir.resolve(TargetFiles.DEVICE);
  }

  /** Whether it stopped serving because its device or log failed. Any thread. */
  public boolean isOffline() {
    return offline;
  }

  /** What overwrites that come to their place ask of the target. */
  private final class RedoOwner implements RedoTable.Owner {
    @Override
    public void submit(IoRequest request) {
      TargetStore.this.submit(request);
    }

    @Override
    public void unlock(long inode, int chunkIndex) {
      TargetStore.this.unlock(inode, chunkIndex);
    }

    @Override
    public void goOffline(String what, int errno) {
      TargetStore.this.goOffline(what, errno);
    }

    @Override
    public boolean isOffline() {
      return offline;
    }

    @Override
    public ReactorContext context() {
      return TargetStore.this.context();
    }
  }

  /** What it was made with. */
  public long deviceSizeBytes() {
    return superblock.deviceSizeBytes();
  }

  /** What it can be filled with. */
  public long capacityBytes() {
    return allocator.capacityBytes() - allocator.reserveBytes();
  }

  /** What it takes yet; 0 when only the reserve is left. */
  public long freeBytes() {
    return Math.max(0, allocator.freeBytes() + held.bytes() - allocator.reserveBytes());
  }

  /** How much room there is and how it lies. Owner: reactor. */
  public SpaceReport space() {
    long free = allocator.freeBytes() + held.bytes();
    long capacity = allocator.capacityBytes();
    SpaceReport.Level level =
        free - Geometry.BLOCK_UNIT_BYTES < allocator.reserveBytes()
            ? SpaceReport.Level.REJECT
            : free < options.space().lowBytes(capacity)
                ? SpaceReport.Level.LOW
                : SpaceReport.Level.OK;
    return new SpaceReport(
        level,
        capacity,
        free,
        allocator.reserveBytes(),
        allocator.extents(),
        allocator.freeExtents(),
        allocator.fragmentedBytes());
  }

  public long chunkCount() {
    return index.count();
  }

  /** How many units were found with bad bytes since the start. */
  public long corruptions() {
    return statistics.corruptions;
  }

  /** What it did by itself since it was attached. Owner: reactor. */
  public MaintenanceReport maintenance() {
    return now().maintenance.report(quarantine.chunks());
  }

  /** Some of the chunks that have bad units. Owner: reactor. */
  public List<BadChunk> quarantined(int max) {
    return quarantine.list(max);
  }

  /** What was begun and is not done: operations and requests to the devices. Owner: reactor. */
  public int inFlight() {
    Attached current = attached;
    Device flusher = logDevice;
    return inFlight
        + (current == null ? 0 : current.device.inFlight())
        + (flusher == null ? 0 : flusher.inFlight());
  }
}
