package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.ShrinkableSemaphore;
import io.lampyris.client.FileIo;
import io.lampyris.client.FileSystem.User;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * One registered ring: which entries may be claimed, and where completions go.
 *
 * <pre>
 *   sqe:  sqeTail ≤ (available) ≤ sqeHead     modulo E
 *   cqe:  cqeTail ≤ (not reaped) ≤ cqeHead
 * </pre>
 *
 * Own positions live here and are only ever written to the ring; the program's are read once per
 * decision and checked. Owner: reactor.
 */
final class Ring extends Registration {
  /** {@link #ready} found indices that no honest program writes. */
  static final int BROKEN = -1;

  /** What {@link #wake} finds. */
  enum Wake {
    /** Somebody sleeps, or may be about to. */
    POST,
    /** The program has taken every completion, so it does not wait for one of them. */
    NOT_NEEDED,
    /** It may be about to take them. */
    LATER
  }

  /** A program that polls has taken what it was shown within this. */
  private static final long POST_AFTER_NS = 2_000;

  private static final long NONE = Long.MIN_VALUE;
  private static final long NS_PER_MS = 1_000_000;

  final boolean write;
  final int ioFlags;
  private final MemorySegment memory;
  private final MemorySegment semaphore;
  private final int slots;
  private final int depth;
  private final long batchWaitNs;

  private int sqeTail;
  private int cqeHead;

  // What it has done.
  private long completed;
  private long failures;
  private long bytes;
  private final LatencyCounts latencies = new LatencyCounts();

  /** How much of the job that was decided on is still to be claimed. */
  private int jobLeft;

  /** When the batch that is not full yet was first seen. */
  private long batchSinceNs = NONE;

  /** When the first completion was shown that nobody has been woken for. */
  private long shownNs;

  private @Nullable RingIo completedFirst;
  private @Nullable RingIo completedLast;

  /** In the server's list of rings with completions to write. */
  boolean dirty;

  /** In the server's list of rings whose programs may have to be woken. */
  boolean unposted;

  /** Gets no more service. */
  boolean retired;

  /** Where it is among the rings of its priority; -1 when it is not polled. */
  int pollIndex = -1;

  /** The last one used here; programs rarely use more than one. */
  @Nullable Iov lastIov;

  Ring(RegistrationKey key, SharedFile file, User user) {
    super(key, file, user);
    assert key.isRing() : "memory is no ring";
    memory = file.memory();
    int entries = (int) RingLayout.entries(memory.byteSize());
    assert entries >= 1 && entries <= RingLayout.ENTRIES_MAX : "registration checked the size";
    slots = entries + 1;
    // A batch larger than the ring could never fill.
    depth = Math.max(key.ioDepth(), -entries);
    batchWaitNs = key.timeoutMs() * NS_PER_MS;
    write = key.kind() == RegistrationKey.Kind.WRITE_RING;
    boolean noHoles = (key.flags() & RegistrationKey.FORBID_READ_HOLES) != 0;
    ioFlags = noHoles && !write ? FileIo.FORBID_HOLES : 0;
    semaphore = memory.asSlice(RingLayout.semaphoreAt(slots), RingLayout.SEMAPHORE_BYTES);
  }

  /**
   * Before the program hears of its registration: takes over where the ring stands, and makes its
   * semaphore.
   *
   * @return false when the memory holds no ring, or is gone again
   */
  boolean initialize() {
    try {
      sqeTail = RingLayout.index(memory, RingLayout.SQE_TAIL_AT);
      cqeHead = RingLayout.index(memory, RingLayout.CQE_HEAD_AT);
      ShrinkableSemaphore.init(semaphore);
      ShrinkableMemory.faultBarrier();
    } catch (InternalError fault) {
      return false;
    }
    return isPosition(sqeTail) && isPosition(cqeHead);
  }

  // ------------------------------------------------------------------------------ claiming

  /** How many entries may be claimed now, or {@link #BROKEN}. Reads ring memory. */
  int ready(long nowNs) {
    if (jobLeft > 0) {
      return jobLeft;
    }
    int sqeHead = RingLayout.index(memory, RingLayout.SQE_HEAD_AT);
    if (sqeHead == sqeTail) {
      batchSinceNs = NONE;
      return 0;
    }
    int cqeTail = RingLayout.index(memory, RingLayout.CQE_TAIL_AT);
    if (!isPosition(sqeHead) || !isPosition(cqeTail)) {
      return BROKEN;
    }
    int room = slots - 1 - inFlight - distance(cqeTail, cqeHead);
    jobLeft = jobSize(depth, distance(sqeTail, sqeHead), room, batchIsDue(nowNs));
    return jobLeft;
  }

  /**
   * How many entries begin together.
   *
   * @param depth as registered, at least the negative number of entries
   * @param available how many the program has prepared
   * @param room how many completions fit (I4); may be negative when the program lies
   * @param due an incomplete batch has waited long enough
   */
  static int jobSize(int depth, int available, int room, boolean due) {
    if (depth > 0) {
      return available >= depth && room >= depth ? depth : 0;
    }
    if (depth < 0 && available < -depth && !due) {
      return 0;
    }
    int limit = depth == 0 ? available : Math.min(available, -depth);
    return Math.max(0, Math.min(limit, room));
  }

  private boolean batchIsDue(long nowNs) {
    if (batchSinceNs == NONE) {
      batchSinceNs = nowNs;
    }
    return nowNs - batchSinceNs >= batchWaitNs;
  }

  /** When an incomplete batch must begin; {@link Long#MAX_VALUE} when none waits. */
  long batchDeadlineNs() {
    boolean waits = depth < 0 && batchWaitNs > 0 && batchSinceNs != NONE;
    return waits ? batchSinceNs + batchWaitNs : Long.MAX_VALUE;
  }

  /** Copies the next entry of the job; {@link #publishClaims} gives it back. Reads ring memory. */
  void claim(RingIo io) {
    assert jobLeft > 0 : "only what is ready is claimed";
    assert inFlight < slots - 1 : "each completion has its place (I4)";
    long sqeAt = RingLayout.sqeAt(slots, sqeTail);
    io.slot = RingLayout.sqeSlot(memory, sqeAt);
    io.userdata = RingLayout.sqeUserdata(memory, sqeAt);
    if (isPosition(io.slot)) {
      copyArgs(io, RingLayout.argsAt(io.slot));
    } else {
      // No length is no valid I/O: it fails alone.
      io.length = 0;
    }
    sqeTail = after(sqeTail);
    inFlight++;
    if (--jobLeft == 0) {
      batchSinceNs = NONE;
    }
  }

  /** The program may prepare over what was copied (I3). Writes ring memory. */
  void publishClaims() {
    RingLayout.index(memory, RingLayout.SQE_TAIL_AT, sqeTail);
  }

  private void copyArgs(RingIo io, long argsAt) {
    io.idHigh = RingLayout.idHigh(memory, argsAt);
    io.idLow = RingLayout.idLow(memory, argsAt);
    io.iovOffset = RingLayout.iovOffset(memory, argsAt);
    io.inodeNumber = RingLayout.inode(memory, argsAt);
    io.fileOffset = RingLayout.fileOffset(memory, argsAt);
    io.length = RingLayout.length(memory, argsAt);
  }

  // ------------------------------------------------------------------------------ completing

  void addCompleted(RingIo io) {
    io.nextCompleted = null;
    RingIo last = completedLast;
    if (last == null) {
      completedFirst = io;
    } else {
      last.nextCompleted = io;
    }
    completedLast = io;
  }

  @Nullable RingIo takeCompleted() {
    RingIo io = completedFirst;
    if (io != null) {
      completedFirst = io.nextCompleted;
      if (completedFirst == null) {
        completedLast = null;
      }
    }
    return io;
  }

  boolean hasCompleted() {
    return completedFirst != null;
  }

  /** Writes a completion; {@link #publishCompletions} shows it. Writes ring memory. */
  void complete(RingIo io, long nowNs) {
    long cqeAt = RingLayout.cqeAt(slots, cqeHead);
    RingLayout.cqe(memory, cqeAt, io.slot, io.result, io.userdata);
    cqeHead = after(cqeHead);
    inFlight--;
    completed++;
    failures += io.result < 0 ? 1 : 0;
    bytes += Math.max(0, io.result);
    latencies.add(nowNs - io.claimedNs);
  }

  /** Writes ring memory. */
  void publishCompletions(long nowNs) {
    RingLayout.index(memory, RingLayout.CQE_HEAD_AT, cqeHead);
    if (!unposted) {
      shownNs = nowNs;
    }
  }

  /**
   * What is to be done for who waits for completions. The system call of a post takes about as long
   * as all else that a completion costs, and is not needed by a program that polls: so one that
   * does not sleep has a moment for taking what it was shown. Reads ring memory.
   */
  Wake wake(long nowNs) {
    if (ShrinkableSemaphore.hasWaiters(semaphore)) {
      return Wake.POST;
    }
    if (RingLayout.index(memory, RingLayout.CQE_TAIL_AT) == cqeHead) {
      return Wake.NOT_NEEDED;
    }
    return nowNs - shownNs >= POST_AFTER_NS ? Wake.POST : Wake.LATER;
  }

  /**
   * Wakes who waits for completions; false when the memory is gone. At its maximum a semaphore has
   * as many wake-ups pending as anyone could want. A fault barrier.
   */
  boolean post() {
    return ShrinkableSemaphore.post(semaphore) != -Errno.EFAULT;
  }

  /** Says how it is. Reads ring memory. */
  void sample(RingSample into) {
    into.retired = retired;
    into.inFlight = inFlight;
    into.completed = completed;
    into.failures = failures;
    into.bytes = bytes;
    into.latencies.copyFrom(latencies);
    if (!retired) {
      int sqeHead = RingLayout.index(memory, RingLayout.SQE_HEAD_AT);
      into.prepared = isPosition(sqeHead) ? distance(sqeTail, sqeHead) : 0;
    }
  }

  int entries() {
    return slots - 1;
  }

  /** Its memory is not to be touched again. */
  void retire() {
    retired = true;
    jobLeft = 0;
    completedFirst = null;
    completedLast = null;
    lastIov = null;
  }

  private boolean isPosition(int value) {
    return value >= 0 && value < slots;
  }

  private int after(int position) {
    return position + 1 == slots ? 0 : position + 1;
  }

  private int distance(int from, int to) {
    int d = to - from;
    return d < 0 ? d + slots : d;
  }
}
