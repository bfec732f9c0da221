package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.client.DataPath;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.OpenInode;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.Counter;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.TimerTask;
import io.lampyris.usrbio.RegistrationKey.Priority;
import java.security.SecureRandom;
import java.util.ArrayDeque;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Serves rings from a reactor: ring memory to {@link DataPath} and back.
 *
 * <pre>
 *   write completions → copy ready entries out of all rings → check and submit them → write
 *   completions of those that ended at once
 * </pre>
 *
 * Programs own the ring memory too, and can shrink the file under us. The JVM turns that fault into
 * an {@link InternalError}, but at the next safepoint, not at the access. So every piece of code
 * that touches ring memory ends with a <em>fault barrier</em>, a native call, on whose return the
 * error is thrown; within the barriers nothing of others is changed (I10).
 *
 * <p>Owner: reactor, except where a method says otherwise.
 */
public final class RingServer implements Agent {
  private static final Logger LOG = LoggerFactory.getLogger(RingServer.class);

  /** A semaphore that programs post for ever and nobody waits for would reach its maximum. */
  private static final long REARM_NS = 1_000_000_000;

  /** A program can cause as many stray faults as it likes. */
  private static final long STRAY_LOG_NS = 10_000_000_000L;

  private static final int PRIORITIES = Priority.values().length;
  private static final long NEVER = Long.MAX_VALUE;

  private final ReactorContext context;
  private final DataPath dataPath;
  private final RingServerConfig config;
  private final Counter reads;
  private final Counter writes;
  private final Counter readBytes;
  private final Counter writtenBytes;
  private final Counter failures;
  private final Counter retirements;

  private final IovTable iovs;
  private final Ring[][] polled;
  private final int[] polledCounts = new int[PRIORITIES];
  private int polledTotal;

  /** Where polling begins: a full pool must not always starve the same ring. */
  private int turn;

  private final RingIo[] all;
  private final RingIo[] free;
  private int freeCount;
  private final @Nullable RingIo[] claimed;
  private int claimedCount;
  private final ArrayDeque<Ring> dirty;

  /** They have completions that nobody has been woken for. */
  private final ArrayDeque<Ring> unposted;

  /** The ring whose memory is being touched: a fault now is its fault. */
  private @Nullable Ring touched;

  private OpenInodes openInodes =
      (user, inode, forWrite) -> {
        throw new FileSystemException(Errno.EBADF, "no files yet");
      };
  private List<Doorbell> doorbells = List.of();
  private Consumer<Registration> onQuiet = quiet -> {};

  private final TimerTask scanTimer = this::onScanTimer;
  private long scanTimerId;
  private long scanAtNs = NEVER;
  private long lastWorkNs;
  private long lastArmNs;
  private long lastStrayNs = -STRAY_LOG_NS;

  /**
   * @param dataPath of the same reactor
   */
  public RingServer(
      ReactorContext context, DataPath dataPath, RingServerConfig config, Counters counters) {
    this.context = context;
    this.dataPath = dataPath;
    this.config = config;
    reads = counters.create("usrbio_reads");
    writes = counters.create("usrbio_writes");
    readBytes = counters.create("usrbio_read_bytes");
    writtenBytes = counters.create("usrbio_written_bytes");
    failures = counters.create("usrbio_failures");
    retirements = counters.create("usrbio_retired_rings");
    iovs = new IovTable(new SecureRandom());
    polled = new Ring[PRIORITIES][config.ringsMax()];
    all = new RingIo[config.inFlightMax()];
    Arrays.setAll(all, i -> new RingIo(this));
    free = all.clone();
    freeCount = free.length;
    claimed = new RingIo[all.length];
    dirty = new ArrayDeque<>(config.ringsMax() + 1);
    unposted = new ArrayDeque<>(config.ringsMax() + 1);
  }

  ReactorContext context() {
    return context;
  }

  RingServerConfig config() {
    return config;
  }

  /** Where to find open files, whom to wake by, and who takes what is no longer used. */
  void connect(OpenInodes inodes, List<Doorbell> bells, Consumer<Registration> quiet) {
    openInodes = inodes;
    doorbells = bells;
    onQuiet = quiet;
  }

  // ---------------------------------------------------------------- registrations

  void attach(Registration registration) {
    // A process can die while it registers: the end may come before the beginning.
    if (!registration.detached) {
      switch (registration) {
        case Iov iov -> {
          iovs.add(iov);
          context.expectMemory(iov.file.memory());
        }
        case Ring ring -> poll(ring);
      }
    }
    lastWorkNs = context.nowNs();
    registration.attached.countDown();
  }

  void detach(Registration registration) {
    assert !registration.detached : "a registration ends once";
    boolean served = registration.attached.getCount() == 0;
    registration.detached = true;
    switch (registration) {
      case Iov iov -> {
        if (served) {
          iovs.remove(iov);
          context.forgetMemory(iov.file.memory());
        }
      }
      case Ring ring -> retire(ring);
    }
    tellIfQuiet(registration);
  }

  private void poll(Ring ring) {
    int p = ring.key.priority().rank();
    assert polledCounts[p] < polled[p].length : "the registry limits the rings";
    ring.pollIndex = polledCounts[p];
    polled[p][polledCounts[p]++] = ring;
    polledTotal++;
  }

  private void stopPolling(Ring ring) {
    int p = ring.key.priority().rank();
    if (ring.pollIndex >= 0) {
      Ring last = polled[p][--polledCounts[p]];
      polled[p][ring.pollIndex] = last;
      last.pollIndex = ring.pollIndex;
      ring.pollIndex = -1;
      polledTotal--;
    }
  }

  /** Ends a ring's service and takes back what is not with the data path. */
  private void retire(Ring ring) {
    stopPolling(ring);
    ring.retire();
    ring.dirty = false;
    dirty.remove(ring);
    ring.unposted = false;
    unposted.remove(ring);
    // A fault may have struck between any two steps, so only the states of the I/Os are trusted.
    ring.inFlight = 0;
    freeCount = 0;
    for (RingIo io : all) {
      if (io.ring == ring && io.state == RingIo.State.SUBMITTED) {
        ring.inFlight++;
      } else if (io.ring == ring) {
        io.clear();
      }
      if (io.state == RingIo.State.FREE) {
        free[freeCount++] = io;
      }
    }
    int kept = 0;
    for (int i = 0; i < claimedCount; i++) {
      RingIo io = claimed[i];
      if (io != null && io.state == RingIo.State.CLAIMED) {
        claimed[kept++] = io;
      }
    }
    claimedCount = kept;
  }

  private void retireBroken(Ring ring, String why) {
    retire(ring);
    retirements.increment();
    LOG.warn(
        "ring is retired; observed={} ({}, uid {}); remedy: the program that registered it has a"
            + " defect: register anew",
        why,
        ring.file,
        ring.user.uid());
  }

  private void tellIfQuiet(Registration registration) {
    if (registration.isQuiet()) {
      onQuiet.accept(registration);
    }
  }

  // ---------------------------------------------------------------- the cycle

  @Override
  public String roleName() {
    return "usrbio";
  }

  @Override
  public int doWork(long nowNs) {
    if (polledTotal == 0) {
      return 0;
    }
    int work = writeCompletions(nowNs);
    work += gatherAll(nowNs);
    submitClaimed(nowNs);
    work += writeCompletions(nowNs);
    wakePrograms(nowNs);
    if (work > 0) {
      lastWorkNs = nowNs;
    }
    if (nowNs - lastArmNs > REARM_NS) {
      arm(nowNs);
    }
    return work;
  }

  private int gatherAll(long nowNs) {
    int before = claimedCount;
    // First: a ring whose faults end the round is not always before the same others.
    turn = turn + 1 & Integer.MAX_VALUE;
    try {
      for (int p = 0; p < PRIORITIES; p++) {
        int count = polledCounts[p];
        for (int i = 0; i < count && freeCount > 0; i++) {
          gather(polled[p][(int) ((turn + (long) i) % count)], nowNs);
          // A ring that broke is polled no more.
          count = polledCounts[p];
        }
      }
      ShrinkableMemory.faultBarrier();
    } catch (InternalError fault) {
      onFault(fault);
    }
    return claimedCount - before;
  }

  private void gather(Ring ring, long nowNs) {
    int ready = ring.ready(nowNs);
    if (ready == 0) {
      return;
    }
    // Faults of the rings before this one, and of its indices, surface here, before it changes.
    ShrinkableMemory.faultBarrier();
    if (ready == Ring.BROKEN) {
      retireBroken(ring, "indices outside the ring");
      return;
    }
    touched = ring;
    int count = Math.min(Math.min(ready, config.entriesPerCycleMax()), freeCount);
    for (int i = 0; i < count; i++) {
      RingIo io = free[--freeCount];
      // In this order: what is not free has a ring that retire() finds it by.
      io.ring = ring;
      io.state = RingIo.State.CLAIMED;
      io.claimedNs = nowNs;
      ring.claim(io);
      claimed[claimedCount++] = io;
    }
    ring.publishClaims();
    ShrinkableMemory.faultBarrier();
    touched = null;
  }

  private void submitClaimed(long nowNs) {
    for (int i = 0; i < claimedCount; i++) {
      RingIo io = claimed[i];
      claimed[i] = null;
      assert io != null && io.state == RingIo.State.CLAIMED : "a claimed I/O is claimed";
      int errno = prepare(io, io.ring(), nowNs);
      if (errno == 0) {
        io.state = RingIo.State.SUBMITTED;
        dataPath.submit(io);
      } else {
        finish(io, io.ring(), -errno);
      }
    }
    claimedCount = 0;
  }

  /** Checks everything that the program said; 0, or the errno that its completion gets. */
  private int prepare(RingIo io, Ring ring, long nowNs) {
    Iov iov = iovOf(ring, io.idHigh, io.idLow);
    if (io.length <= 0 || io.length > Integer.MAX_VALUE || io.fileOffset < 0) {
      return Errno.EINVAL;
    }
    if (iov == null) {
      return Errno.EACCES;
    }
    if (!iov.holds(io.iovOffset, io.length) || io.fileOffset > Long.MAX_VALUE - io.length) {
      return Errno.EINVAL;
    }
    if (!iov.isWhole(nowNs)) {
      return Errno.EFAULT;
    }
    try {
      OpenInode inode = openInodes.openInode(ring.user, io.inodeNumber, ring.write);
      io.inode = inode;
    } catch (FileSystemException e) {
      return e.errno();
    }
    io.iov = iov;
    iov.inFlight++;
    io.write = ring.write;
    io.lengthBytes = (int) io.length;
    io.memory = iov.file.memory();
    io.memoryOffset = io.iovOffset;
    io.shrinkable = true;
    io.flags = ring.ioFlags;
    return 0;
  }

  private @Nullable Iov iovOf(Ring ring, long high, long low) {
    Iov last = ring.lastIov;
    if (last != null && !last.detached && last.hasId(high, low)) {
      return last;
    }
    Iov iov = iovs.find(high, low);
    if (iov == null || iov.user.uid() != ring.user.uid()) {
      return null;
    }
    ring.lastIov = iov;
    return iov;
  }

  /** The data path is done with it; may come inside {@code submit}. */
  void onIoComplete(RingIo io, long result) {
    assert io.state == RingIo.State.SUBMITTED : "completed in state " + io.state;
    Ring ring = io.ring();
    Iov iov = io.iov;
    assert iov != null : "a submitted I/O has memory";
    iov.inFlight--;
    count(ring.write, result);
    finish(io, ring, result);
    tellIfQuiet(iov);
  }

  private void count(boolean write, long result) {
    if (result < 0) {
      failures.increment();
    } else if (write) {
      writes.increment();
      writtenBytes.add(result);
    } else {
      reads.increment();
      readBytes.add(result);
    }
  }

  private void finish(RingIo io, Ring ring, long result) {
    if (ring.retired) {
      io.clear();
      free[freeCount++] = io;
      ring.inFlight--;
      tellIfQuiet(ring);
      return;
    }
    io.state = RingIo.State.COMPLETED;
    io.result = result;
    ring.addCompleted(io);
    if (!ring.dirty) {
      ring.dirty = true;
      dirty.add(ring);
    }
  }

  private int writeCompletions(long nowNs) {
    int written = 0;
    Ring ring;
    while ((ring = dirty.poll()) != null) {
      ring.dirty = false;
      try {
        written += writeCompletions(ring, nowNs);
      } catch (InternalError fault) {
        onFault(fault);
      }
    }
    return written;
  }

  private int writeCompletions(Ring ring, long nowNs) {
    int written = 0;
    touched = ring;
    RingIo io;
    while ((io = ring.takeCompleted()) != null) {
      ring.complete(io, nowNs);
      io.clear();
      free[freeCount++] = io;
      written++;
    }
    ring.publishCompletions(nowNs);
    ShrinkableMemory.faultBarrier();
    touched = null;
    if (!ring.unposted) {
      ring.unposted = true;
      unposted.add(ring);
    }
    return written;
  }

  private void wakePrograms(long nowNs) {
    int left = unposted.size();
    Ring ring;
    // A fault may take any of them out of the list.
    while (left-- > 0 && (ring = unposted.poll()) != null) {
      try {
        touched = ring;
        Ring.Wake wake = ring.wake(nowNs);
        ShrinkableMemory.faultBarrier();
        boolean whole = wake != Ring.Wake.POST || ring.post();
        touched = null;
        if (!whole) {
          retireBroken(ring, "shared memory was shrunk");
        } else if (wake == Ring.Wake.LATER) {
          unposted.add(ring);
        } else {
          ring.unposted = false;
        }
      } catch (InternalError fault) {
        onFault(fault);
      }
    }
  }

  private void onFault(InternalError fault) {
    Ring suspect = touched;
    touched = null;
    boolean found = suspect != null;
    if (suspect != null) {
      retireBroken(suspect, "fault in shared memory");
    }
    for (int p = 0; p < PRIORITIES; p++) {
      for (int i = polledCounts[p] - 1; i >= 0; i--) {
        Ring ring = polled[p][i];
        if (!ring.file.isWhole()) {
          retireBroken(ring, "shared memory was shrunk");
          found = true;
        }
      }
    }
    long nowNs = context.nowNs();
    if (!found && nowNs - lastStrayNs > STRAY_LOG_NS) {
      // Shrunk and grown again: what was read there hurts no other ring.
      lastStrayNs = nowNs;
      LOG.warn("a fault in a ring's memory, which is there again; observed={}", fault.toString());
    }
  }

  // ---------------------------------------------------------------- sleeping

  @Override
  public boolean mayBlock(long nowNs) {
    if (polledTotal == 0) {
      return true;
    }
    if (!dirty.isEmpty() || !unposted.isEmpty() || nowNs - lastWorkNs < config.spinNs()) {
      return false;
    }
    // Armed first: what is posted from here on wakes us, what was prepared before is seen below.
    arm(nowNs);
    // Without a free I/O nothing can begin before another ends, and that wakes us.
    if (freeCount > 0 && isAnyReady(nowNs)) {
      return false;
    }
    scheduleScan(nowNs);
    return true;
  }

  private void arm(long nowNs) {
    lastArmNs = nowNs;
    for (int i = 0; i < doorbells.size(); i++) {
      doorbells.get(i).arm();
    }
  }

  private boolean isAnyReady(long nowNs) {
    boolean ready = false;
    try {
      for (int p = 0; p < PRIORITIES && !ready; p++) {
        for (int i = 0; i < polledCounts[p] && !ready; i++) {
          ready = polled[p][i].ready(nowNs) != 0;
        }
      }
      ShrinkableMemory.faultBarrier();
    } catch (InternalError fault) {
      onFault(fault);
      ready = true;
    }
    return ready;
  }

  /** Wakes for batches that must not wait longer, and for entries that nobody announces (I8). */
  private void scheduleScan(long nowNs) {
    boolean active = nowNs - lastWorkNs < config.idleAfterNs();
    long wantedNs = nowNs + (active ? config.activeScanNs() : config.idleScanNs());
    for (int p = 0; p < PRIORITIES; p++) {
      for (int i = 0; i < polledCounts[p]; i++) {
        long deadlineNs = polled[p][i].batchDeadlineNs();
        // One that has passed waits for room, which the program announces.
        if (deadlineNs > nowNs) {
          wantedNs = Math.min(wantedNs, deadlineNs);
        }
      }
    }
    if (scanAtNs > wantedNs) {
      if (scanAtNs != NEVER) {
        context.timers().cancel(scanTimerId);
      }
      scanAtNs = wantedNs;
      scanTimerId = context.timers().schedule(wantedNs, scanTimer);
    }
  }

  /** The cycle that follows looks at all rings. */
  private void onScanTimer(long nowNs) {
    scanAtNs = NEVER;
  }

  /** Says how rings are; those that have ended since, as they last were. */
  void sample(List<RingSample> samples) {
    for (RingSample sample : samples) {
      try {
        touched = sample.ring;
        sample.ring.sample(sample);
        ShrinkableMemory.faultBarrier();
        touched = null;
      } catch (InternalError fault) {
        onFault(fault);
      }
    }
  }

  /** How many I/Os are claimed and not completed. */
  int inFlight() {
    return all.length - freeCount;
  }

  @Override
  public void onClose() {
    if (inFlight() > 0) {
      LOG.warn("rings end with I/O in flight; observed={}", inFlight());
    }
  }
}
