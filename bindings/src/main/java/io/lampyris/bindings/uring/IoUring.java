package io.lampyris.bindings.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;
import static java.lang.foreign.ValueLayout.JAVA_SHORT;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.Sockets;
import io.lampyris.bindings.linux.Linux;
import io.lampyris.bindings.linux.__kernel_timespec;
import io.lampyris.bindings.linux.io_uring_cqe;
import io.lampyris.bindings.linux.io_uring_getevents_arg;
import io.lampyris.bindings.linux.io_uring_probe;
import io.lampyris.bindings.linux.io_uring_probe_op;
import io.lampyris.bindings.linux.io_uring_rsrc_update;
import io.lampyris.bindings.linux.io_uring_sqe;
import io.lampyris.bindings.linux.iovec;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.VarHandle;
import java.util.Arrays;
import java.util.BitSet;

/**
 * One io_uring: prepare operations, submit them in batches, poll completions. Allocates nothing per
 * operation.
 *
 * <p>A ring belongs to one platform thread, which the kernel enforces too (SINGLE_ISSUER): open it
 * there, or open it {@link Flag#DISABLED} and call {@link #enable} there. Buffers named by an
 * operation stay mapped and unused until its completion was polled.
 *
 * <pre>
 *   prepX, prepX, ...   fill SQEs; false means the queue is full (I2)
 *   submit              hands them over
 *   poll                gives completions to a handler
 *   submitAndWait       hands over and sleeps until something completes or the time is up
 * </pre>
 */
public final class IoUring implements AutoCloseable {
  /** What {@link #open} can be asked for. */
  public enum Flag {
    /** Take no operation before {@link #enable}, which makes its caller the owner. */
    DISABLED
  }

  /** How long {@link #close} waits for what it could not cancel. */
  private static final long CLOSE_WAIT_MAX_NS = 5_000_000_000L;

  private static final long CLOSE_STEP_NS = 20_000_000L;
  private static final long NANOS_PER_SECOND = 1_000_000_000L;
  private static final int OPCODES_MAX = 256;

  /** Plain JAVA_INT is aligned, which acquire and release need. */
  private static final VarHandle INDEX = JAVA_INT.varHandle();

  // The scratch page: arguments of enter, then one timespec per submission entry for timeouts.
  private static final long ARGUMENT_AT = 0;
  private static final long ARGUMENT_BYTES = io_uring_getevents_arg.layout().byteSize();
  private static final long WAIT_TIME_AT = 32;
  private static final long TIMEOUTS_AT = 64;
  private static final long TIMESPEC_BYTES = __kernel_timespec.layout().byteSize();

  private static final long SQE_BYTES = io_uring_sqe.layout().byteSize();
  private static final long CQE_BYTES = io_uring_cqe.layout().byteSize();

  private static final int GETEVENTS = Linux.IORING_ENTER_GETEVENTS();
  private static final int EXT_ARG = Linux.IORING_ENTER_EXT_ARG();
  private static final int KERNEL_HAS_WORK =
      Linux.IORING_SQ_TASKRUN() | Linux.IORING_SQ_CQ_OVERFLOW();

  static {
    assert ARGUMENT_AT + ARGUMENT_BYTES <= WAIT_TIME_AT : "scratch: argument overlaps wait time";
    assert WAIT_TIME_AT + TIMESPEC_BYTES <= TIMEOUTS_AT : "scratch: wait time overlaps timeouts";
    assert SQE_BYTES == 64 && CQE_BYTES == 16 : "SQE128 and CQE32 are not asked for";
  }

  private static final CompletionHandler DISCARD = (userData, result, flags) -> {};

  private final UringSetup setup;
  private final BitSet opcodes;
  private final MemorySegment rings;
  private final MemorySegment sqes;
  private final MemorySegment scratch;
  private final int sqEntries;
  private final int sqMask;
  private final int cqMask;
  private final int sqHeadAt;
  private final int sqTailAt;
  private final int sqFlagsAt;
  private final int cqHeadAt;
  private final int cqTailAt;
  private final int cqesAt;

  private Thread owner = Thread.currentThread();
  private boolean enabled;
  private boolean polling;
  private boolean closed;

  /** What enter calls the ring: its fd, or its index among the thread's registered rings. */
  private int enterFd;

  private int enterFlags;

  /** Where the next SQE goes; the kernel sees it at the next submit. */
  private int sqTail;

  /** The kernel's position: without SQPOLL it moves in enter only, so a copy is exact. */
  private int sqHead;

  private int cqHead;
  private int inFlight;

  private IoUring(UringSetup setup, BitSet opcodes) {
    this.setup = setup;
    this.opcodes = opcodes;
    rings = setup.rings();
    sqes = setup.sqes();
    sqEntries = setup.sqEntries();
    scratch = NativeMemory.allocateAligned(TIMEOUTS_AT + sqEntries * TIMESPEC_BYTES);
    sqMask = rings.get(JAVA_INT, setup.sq().mask());
    cqMask = rings.get(JAVA_INT, setup.cq().mask());
    sqHeadAt = setup.sq().head();
    sqTailAt = setup.sq().tail();
    sqFlagsAt = setup.sq().flags();
    cqHeadAt = setup.cq().head();
    cqTailAt = setup.cq().tail();
    cqesAt = setup.cq().cqes();
    enterFd = setup.fd();
    assert Integer.bitCount(sqEntries) == 1 && sqMask == sqEntries - 1 : "sq size " + sqEntries;
    // The indirection array stays the identity for ever: entries are handed over in order.
    for (int i = 0; i < sqEntries; i++) {
      rings.set(JAVA_INT, setup.sq().array() + (long) i * Integer.BYTES, i);
    }
  }

  /**
   * Opens a ring with the best set-up flags that the kernel takes; {@link #describe} says which
   * those are.
   *
   * @param entries operations that can be prepared between two submits; rounded up to a power of
   *     two
   * @throws NativeException when io_uring is not to be had, with a remedy
   */
  public static IoUring open(int entries, Flag... flags) {
    return open(entries, 0, flags);
  }

  /**
   * As {@link #open(int, Flag...)}, with room for {@code cqEntries} completions; 0 is twice {@code
   * entries}.
   */
  public static IoUring open(int entries, int cqEntries, Flag... flags) {
    return open(entries, cqEntries, Arrays.asList(flags).contains(Flag.DISABLED), 0);
  }

  /** For tests, which begin on a lower rung of the ladder of set-up flags. */
  static IoUring open(int entries, int cqEntries, boolean disabled, int firstRung) {
    int extra = disabled ? Linux.IORING_SETUP_R_DISABLED() : 0;
    UringSetup setup = UringSetup.open(entries, cqEntries, extra, firstRung);
    IoUring ring = new IoUring(setup, probe(setup.fd()));
    if (!disabled) {
      ring.takeOwnership();
    }
    return ring;
  }

  /**
   * Starts a ring that was opened {@link Flag#DISABLED} and makes the calling thread its owner.
   *
   * @throws NativeException when the kernel refuses
   */
  public void enable() {
    assert !enabled : "ring is enabled already";
    int result = UringSyscalls.register(setup.fd(), Linux.IORING_REGISTER_ENABLE_RINGS(), 0, 0);
    if (result < 0) {
      throw new NativeException("io_uring_register", "ENABLE_RINGS", -result);
    }
    takeOwnership();
  }

  private void takeOwnership() {
    assert !Thread.currentThread().isVirtual() : "the kernel's owner is a platform thread";
    owner = Thread.currentThread();
    enabled = true;
    registerRingFd();
  }

  // ---------------------------------------------------------------- preparing

  /**
   * Reads {@code length} bytes at {@code offset} into {@code address}; the result is the bytes
   * read.
   */
  public boolean prepRead(int fd, long address, int length, long offset, long userData) {
    assert length >= 0 : negative(length);
    return prepare(Linux.IORING_OP_READ(), fd, offset, address, length, 0, userData, 0);
  }

  /** Writes; the result is the bytes written. */
  public boolean prepWrite(int fd, long address, int length, long offset, long userData) {
    assert length >= 0 : negative(length);
    return prepare(Linux.IORING_OP_WRITE(), fd, offset, address, length, 0, userData, 0);
  }

  /** Reads into a part of the registered buffer {@code bufIndex}. */
  public boolean prepReadFixed(
      int fd, long address, int length, long offset, int bufIndex, long userData) {
    assert length >= 0 : negative(length);
    return prepare(
        Linux.IORING_OP_READ_FIXED(), fd, offset, address, length, 0, userData, bufIndex);
  }

  /** Writes a part of the registered buffer {@code bufIndex}. */
  public boolean prepWriteFixed(
      int fd, long address, int length, long offset, int bufIndex, long userData) {
    assert length >= 0 : negative(length);
    return prepare(
        Linux.IORING_OP_WRITE_FIXED(), fd, offset, address, length, 0, userData, bufIndex);
  }

  /** fsync, or fdatasync when {@code dataOnly}. Covers completed writes only: link it to others. */
  public boolean prepFsync(int fd, boolean dataOnly, long userData) {
    int flags = dataOnly ? Linux.IORING_FSYNC_DATASYNC() : 0;
    return prepare(Linux.IORING_OP_FSYNC(), fd, 0, 0, 0, flags, userData, 0);
  }

  /** fallocate(2) with {@code Fcntl.FALLOC_FL_*}. */
  public boolean prepFallocate(int fd, int mode, long offset, long sizeBytes, long userData) {
    return prepare(Linux.IORING_OP_FALLOCATE(), fd, offset, sizeBytes, mode, 0, userData, 0);
  }

  /**
   * Completes when {@code fd} has one of {@code events} ({@code Fcntl.POLL*}), with those it has as
   * the result; with {@code multishot} each time again, for as long as {@link #hasMore} says so.
   */
  public boolean prepPollAdd(int fd, int events, boolean multishot, long userData) {
    int flags = multishot ? Linux.IORING_POLL_ADD_MULTI() : 0;
    return prepare(Linux.IORING_OP_POLL_ADD(), fd, 0, 0, flags, events, userData, 0);
  }

  /**
   * Accepts connections until it fails or is cancelled: one completion each, whose result is the
   * new descriptor, closed on exec; over when {@link #hasMore} says no.
   */
  public boolean prepAcceptMultishot(int fd, long userData) {
    if (!prepare(Opcodes.ACCEPT, fd, 0, 0, 0, Sockets.SOCK_CLOEXEC, userData, 0)) {
      return false;
    }
    sqes.set(
        JAVA_SHORT, ((sqTail - 1) & sqMask) * SQE_BYTES + Sqe.IOPRIO, SocketFlags.ACCEPT_MULTISHOT);
    return true;
  }

  /** Connects; the address of {@link Sockets#encode} stays until the completion. */
  public boolean prepConnect(int fd, long address, int addressBytes, long userData) {
    return prepare(Opcodes.CONNECT, fd, addressBytes, address, 0, 0, userData, 0);
  }

  /** Sends with {@code Sockets.MSG_*}; the result is the bytes that the socket took. */
  public boolean prepSend(int fd, long address, int length, int flags, long userData) {
    return prepare(Opcodes.SEND, fd, 0, address, length, flags, userData, 0);
  }

  /**
   * Sends without copying, as {@link #prepSend}. A first completion, with the result, announces by
   * {@link #hasMore} a second one, {@link #isNotification}: only then are the bytes the caller's
   * again. Where the kernel is new enough the second one's result says {@link #wasCopied}.
   */
  public boolean prepSendZeroCopy(int fd, long address, int length, int flags, long userData) {
    if (!prepare(Opcodes.SEND_ZC, fd, 0, address, length, flags, userData, 0)) {
      return false;
    }
    sqes.set(
        JAVA_SHORT,
        ((sqTail - 1) & sqMask) * SQE_BYTES + Sqe.IOPRIO,
        SocketFlags.SEND_ZC_REPORT_USAGE);
    return true;
  }

  /** sendmsg(2) of a struct msghdr; it and what it names stay until the completion. */
  public boolean prepSendMessage(int fd, long header, int flags, long userData) {
    return prepare(Opcodes.SENDMSG, fd, 0, header, 1, flags, userData, 0);
  }

  /** Receives with {@code Sockets.MSG_*}; 0 bytes are the end of the stream. */
  public boolean prepReceive(int fd, long address, int length, int flags, long userData) {
    return prepare(Opcodes.RECV, fd, 0, address, length, flags, userData, 0);
  }

  /** Does nothing, and completes. */
  public boolean prepNop(long userData) {
    return prepare(Linux.IORING_OP_NOP(), -1, 0, 0, 0, 0, userData, 0);
  }

  /**
   * Completes with -ETIME after {@code timeoutNs} of the monotonic clock, or -ECANCELED when
   * cancelled.
   */
  public boolean prepTimeout(long timeoutNs, long userData) {
    assert timeoutNs >= 0 : negative(timeoutNs);
    // One timespec per SQE slot: the kernel reads it at submission, so the slot's reuse is its
    // reuse.
    long at = TIMEOUTS_AT + (sqTail & sqMask) * TIMESPEC_BYTES;
    if (isFull()) {
      return false;
    }
    setTimespec(at, timeoutNs);
    long address = scratch.address() + at;
    return prepare(Linux.IORING_OP_TIMEOUT(), -1, 0, address, 1, 0, userData, 0);
  }

  /**
   * Cancels one operation prepared with {@code userDataToCancel}: 0 when it was, -ENOENT when there
   * is none, -EALREADY when it runs and cannot be stopped. The cancelled one completes by itself,
   * with -ECANCELED.
   */
  public boolean prepCancel(long userDataToCancel, long userData) {
    return prepare(Linux.IORING_OP_ASYNC_CANCEL(), -1, 0, userDataToCancel, 0, 0, userData, 0);
  }

  /**
   * The SQE prepared last starts its successor only when it succeeded in full; else the successor
   * gets -ECANCELED. Both must go in one submit, so look at {@link #sqSpace} before building a
   * chain.
   */
  public void linkNext() {
    flagLast(Linux.IOSQE_IO_LINK());
  }

  /** The fd of the SQE prepared last is an index of {@link #registerFiles}. */
  public void useRegisteredFile() {
    flagLast(Linux.IOSQE_FIXED_FILE());
  }

  /**
   * The receive prepared last waits for bytes before it looks for them: saves a look when there are
   * none, see {@link #socketHasMore}.
   */
  public void waitFirst() {
    assert isOwner() : notOwner();
    assert pending() > 0 : "no SQE since the last submit";
    sqes.set(
        JAVA_SHORT,
        ((sqTail - 1) & sqMask) * SQE_BYTES + Sqe.IOPRIO,
        SocketFlags.RECVSEND_POLL_FIRST);
  }

  /** The SQE prepared last goes to a kernel worker at once: for what would block in submit. */
  public void forceAsync() {
    flagLast(Linux.IOSQE_ASYNC());
  }

  private boolean isFull() {
    return sqTail - sqHead >= sqEntries;
  }

  private boolean prepare(
      int opcode,
      int fd,
      long offset,
      long address,
      int length,
      int operationFlags,
      long userData,
      int bufIndex) {
    assert isOwner() : notOwner();
    assert enabled && !closed : "ring is not open";
    if (isFull()) {
      return false;
    }
    long at = (sqTail & sqMask) * SQE_BYTES;
    sqes.set(JAVA_BYTE, at + Sqe.OPCODE, (byte) opcode);
    sqes.set(JAVA_BYTE, at + Sqe.FLAGS, (byte) 0);
    sqes.set(JAVA_SHORT, at + Sqe.IOPRIO, (short) 0);
    sqes.set(JAVA_INT, at + Sqe.FD, fd);
    sqes.set(JAVA_LONG, at + Sqe.OFF, offset);
    sqes.set(JAVA_LONG, at + Sqe.ADDR, address);
    sqes.set(JAVA_INT, at + Sqe.LEN, length);
    sqes.set(JAVA_INT, at + Sqe.OPERATION_FLAGS, operationFlags);
    sqes.set(JAVA_LONG, at + Sqe.USER_DATA, userData);
    sqes.set(JAVA_SHORT, at + Sqe.BUF_INDEX, (short) bufIndex);
    sqes.set(JAVA_SHORT, at + Sqe.PERSONALITY, (short) 0);
    sqes.set(JAVA_INT, at + Sqe.FILE_INDEX, 0);
    sqes.set(JAVA_LONG, at + Sqe.ADDR3, 0);
    sqes.set(JAVA_LONG, at + Sqe.PAD, 0);
    sqTail++;
    return true;
  }

  private void flagLast(int flag) {
    assert isOwner() : notOwner();
    assert pending() > 0 : "no SQE since the last submit";
    long at = ((sqTail - 1) & sqMask) * SQE_BYTES + Sqe.FLAGS;
    sqes.set(JAVA_BYTE, at, (byte) (sqes.get(JAVA_BYTE, at) | flag));
  }

  // ---------------------------------------------------------------- submitting

  /** Prepared and not yet taken by the kernel. */
  public int pending() {
    return sqTail - sqHead;
  }

  /** How many more can be prepared before a submit. */
  public int sqSpace() {
    return sqEntries - pending();
  }

  /** Taken by the kernel and not yet polled to their last completion. */
  public int inFlight() {
    return inFlight;
  }

  /**
   * Hands over what is pending: how many the kernel took, or -errno. No system call when there is
   * nothing.
   */
  public int submit() {
    return pending() == 0 ? 0 : enter(0, 0, 0, 0);
  }

  /**
   * Hands over what is pending, then waits until {@code minComplete} completions can be polled.
   *
   * @param timeoutNs 0 does not wait, negative waits without limit
   * @return how many operations the kernel took, or -errno. A timeout or a signal shows only in
   *     poll finding fewer completions
   */
  public int submitAndWait(int minComplete, long timeoutNs) {
    assert minComplete >= 0 : negative(minComplete);
    if (timeoutNs == 0) {
      return enter(0, GETEVENTS, 0, 0);
    }
    long waitTime = 0;
    if (timeoutNs > 0) {
      setTimespec(WAIT_TIME_AT, timeoutNs);
      waitTime = scratch.address() + WAIT_TIME_AT;
    }
    scratch.set(JAVA_LONG, ARGUMENT_AT + io_uring_getevents_arg.ts$offset(), waitTime);
    return enter(minComplete, GETEVENTS | EXT_ARG, scratch.address() + ARGUMENT_AT, ARGUMENT_BYTES);
  }

  private int enter(int minComplete, int flags, long argument, long argumentBytes) {
    assert isOwner() : notOwner();
    assert enabled && !closed : "ring is not open";
    INDEX.setRelease(rings, (long) sqTailAt, sqTail);
    int result = enterKernel(pending(), minComplete, flags, argument, argumentBytes);
    sqHead = (int) INDEX.getAcquire(rings, (long) sqHeadAt);
    if (result > 0) {
      inFlight += result;
    }
    return result;
  }

  /** How many operations the kernel took, or -errno; 0 after a timeout or a signal. */
  private int enterKernel(
      int toSubmit, int minComplete, int flags, long argument, long argumentBytes) {
    int allFlags = flags | enterFlags;
    int result =
        UringSyscalls.enter(enterFd, toSubmit, minComplete, allFlags, argument, argumentBytes);
    // After -1 the kernel has taken nothing, so asking once more, without waiting, does no harm.
    return result >= 0
        ? result
        : UringSyscalls.enterForErrno(enterFd, toSubmit, allFlags & ~EXT_ARG);
  }

  // ---------------------------------------------------------------- completing

  /** Completions that {@link #poll} would find without asking the kernel. */
  public int ready() {
    return (int) INDEX.getAcquire(rings, (long) cqTailAt) - cqHead;
  }

  /**
   * Gives up to {@code max} completions to {@code handler}; enters the kernel, without waiting,
   * only when it signals work that has to run on this thread. Never waits, so a loop around it is a
   * spin loop.
   *
   * @return how many were given; -errno when there were none and the kernel refused to run its work
   */
  public int poll(CompletionHandler handler, int max) {
    assert isOwner() : notOwner();
    assert enabled && !closed : "ring is not open";
    int count = drain(handler, max);
    if (count == max || !kernelHasWork()) {
      return count;
    }
    // Not enter(): a poll must not hand over half-built chains.
    int result = enterKernel(0, 0, GETEVENTS, 0, 0);
    int more = drain(handler, max - count);
    return result < 0 && count + more == 0 ? result : count + more;
  }

  /** Whether a completion's flags announce another one of the same operation. */
  public static boolean hasMore(int flags) {
    return (flags & Linux.IORING_CQE_F_MORE()) != 0;
  }

  /** Whether a receive's completion says that the socket has more bytes. */
  public static boolean socketHasMore(int flags) {
    return (flags & SocketFlags.CQE_F_SOCK_NONEMPTY) != 0;
  }

  /** Whether a completion only says that the kernel has let go of a zero-copy send's bytes. */
  public static boolean isNotification(int flags) {
    return (flags & SocketFlags.CQE_F_NOTIF) != 0;
  }

  /** Whether, by the result of such a completion, the kernel copied the bytes all the same. */
  public static boolean wasCopied(int result) {
    return (result & SocketFlags.NOTIF_USAGE_ZC_COPIED) != 0;
  }

  private int drain(CompletionHandler handler, int max) {
    assert !polling : "poll called from its own handler";
    int first = cqHead;
    int count = Math.min(ready(), max);
    polling = true;
    try {
      while (cqHead - first < count) {
        long at = cqesAt + (cqHead & cqMask) * CQE_BYTES;
        long userData = rings.get(JAVA_LONG, at + Cqe.USER_DATA);
        int result = rings.get(JAVA_INT, at + Cqe.RES);
        int flags = rings.get(JAVA_INT, at + Cqe.FLAGS);
        cqHead++;
        if (!hasMore(flags)) {
          inFlight--;
        }
        handler.onCompletion(userData, result, flags);
      }
    } finally {
      // Also when a handler throws: what it saw is not given again.
      INDEX.setRelease(rings, (long) cqHeadAt, cqHead);
      polling = false;
    }
    assert inFlight >= 0 : "more completions than operations; observed=" + inFlight;
    return cqHead - first;
  }

  private boolean kernelHasWork() {
    return ((int) INDEX.getAcquire(rings, (long) sqFlagsAt) & KERNEL_HAS_WORK) != 0;
  }

  // ---------------------------------------------------------------- registering

  /**
   * Pins buffers (at most 1 GiB each) for {@code prepReadFixed} and {@code prepWriteFixed}; their
   * index there is their index here. They stay mapped until {@link #unregisterBuffers} or close. 0
   * or -errno; -ENOMEM is mostly {@code ulimit -l}.
   */
  public int registerBuffers(MemorySegment... buffers) {
    assert isOwner() : notOwner();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment vectors = arena.allocate(iovec.layout(), buffers.length);
      for (int i = 0; i < buffers.length; i++) {
        assert buffers[i].isNative() : "a heap segment has no address to register";
        MemorySegment vector =
            vectors.asSlice(i * iovec.layout().byteSize(), iovec.layout().byteSize());
        iovec.iov_base(vector, buffers[i]);
        iovec.iov_len(vector, buffers[i].byteSize());
      }
      return register(Linux.IORING_REGISTER_BUFFERS(), vectors, buffers.length);
    }
  }

  /** Unpins all buffers; waits for operations that use them. 0 or -errno. */
  public int unregisterBuffers() {
    assert isOwner() : notOwner();
    return register(Linux.IORING_UNREGISTER_BUFFERS(), MemorySegment.NULL, 0);
  }

  /**
   * Registers file descriptors for {@link #useRegisteredFile}; -1 leaves a slot empty. 0 or -errno.
   */
  public int registerFiles(int... fds) {
    assert isOwner() : notOwner();
    try (Arena arena = Arena.ofConfined()) {
      return register(Linux.IORING_REGISTER_FILES(), arena.allocateFrom(JAVA_INT, fds), fds.length);
    }
  }

  /** Forgets all registered files. 0 or -errno. */
  public int unregisterFiles() {
    assert isOwner() : notOwner();
    return register(Linux.IORING_UNREGISTER_FILES(), MemorySegment.NULL, 0);
  }

  /**
   * Puts a descriptor into a slot of {@link #registerFiles}, or takes it out with -1. 0 or -errno.
   */
  public int updateFile(int slot, int fd) {
    assert isOwner() : notOwner();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment update = arena.allocate(io_uring_rsrc_update.layout());
      io_uring_rsrc_update.offset(update, slot);
      io_uring_rsrc_update.data(update, arena.allocateFrom(JAVA_INT, fd).address());
      return Math.min(0, register(RegisterOp.FILES_UPDATE, update, 1));
    }
  }

  /** Makes room for buffers that {@link #updateBuffer} registers one by one. 0 or -errno. */
  public int registerBufferSlots(int slots) {
    assert isOwner() : notOwner();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment argument = arena.allocate(RegisterOp.RSRC_BYTES, Long.BYTES);
      argument.set(JAVA_INT, RegisterOp.RSRC_NR, slots);
      argument.set(JAVA_INT, RegisterOp.RSRC_FLAGS, RegisterOp.RSRC_SPARSE);
      return register(RegisterOp.BUFFERS2, argument, (int) RegisterOp.RSRC_BYTES);
    }
  }

  /**
   * Pins a buffer (at most 1 GiB) in a slot of {@link #registerBufferSlots}; it stays mapped until
   * close. 0 or -errno; -ENOMEM is mostly {@code ulimit -l}.
   */
  public int updateBuffer(int slot, MemorySegment buffer) {
    assert isOwner() : notOwner();
    assert buffer.isNative() : "a heap segment has no address to register";
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment vector = arena.allocate(iovec.layout());
      iovec.iov_base(vector, buffer);
      iovec.iov_len(vector, buffer.byteSize());
      MemorySegment update = arena.allocate(RegisterOp.UPDATE_BYTES, Long.BYTES);
      update.set(JAVA_INT, RegisterOp.UPDATE_OFFSET, slot);
      update.set(JAVA_LONG, RegisterOp.UPDATE_DATA, vector.address());
      update.set(JAVA_INT, RegisterOp.UPDATE_NR, 1);
      return Math.min(
          0, register(RegisterOp.BUFFERS_UPDATE, update, (int) RegisterOp.UPDATE_BYTES));
    }
  }

  private int register(int opcode, MemorySegment argument, int count) {
    assert !closed : "ring is closed";
    return UringSyscalls.register(setup.fd(), opcode, argument.address(), count);
  }

  /**
   * Saves enter the look-up of the fd in a table that all threads share. Without it (before 5.18)
   * all works too.
   */
  private void registerRingFd() {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment update = arena.allocate(io_uring_rsrc_update.layout());
      io_uring_rsrc_update.offset(update, -1); // any free slot
      io_uring_rsrc_update.data(update, setup.fd());
      if (register(Linux.IORING_REGISTER_RING_FDS(), update, 1) == 1) {
        enterFd = io_uring_rsrc_update.offset(update);
        enterFlags = Linux.IORING_ENTER_REGISTERED_RING();
      }
    }
  }

  private void unregisterRingFd() {
    if (enterFlags == 0) {
      return;
    }
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment update = arena.allocate(io_uring_rsrc_update.layout());
      io_uring_rsrc_update.offset(update, enterFd);
      int result = register(Linux.IORING_UNREGISTER_RING_FDS(), update, 1);
      assert result == 1 : "ring slot " + enterFd + " was not ours: " + result;
    }
    enterFd = setup.fd();
    enterFlags = 0;
  }

  // ---------------------------------------------------------------- asking

  /** The ring's file descriptor. */
  public int fd() {
    return setup.fd();
  }

  /** Submission entries there are. */
  public int sqEntries() {
    return sqEntries;
  }

  /** Completion entries there are. */
  public int cqEntries() {
    return setup.cqEntries();
  }

  /** Whether this kernel knows an operation of {@link Opcodes}. */
  public boolean supports(int opcode) {
    return opcodes.get(opcode);
  }

  /** {@code IORING_SETUP_*} that the kernel took. */
  public int setupFlags() {
    return setup.flags();
  }

  /** {@code IORING_FEAT_*} of this kernel. */
  public int features() {
    return setup.features();
  }

  /**
   * Whether completions appear only when the owner enters the kernel for them, which {@link #poll}
   * does.
   */
  public boolean isDeferred() {
    return (setup.flags() & Linux.IORING_SETUP_DEFER_TASKRUN()) != 0;
  }

  /** What this ring got, for a log line. */
  public String describe() {
    StringBuilder text = new StringBuilder("io_uring sq=").append(sqEntries);
    text.append(" cq=").append(setup.cqEntries()).append(" flags=");
    name(text, Linux.IORING_SETUP_SUBMIT_ALL(), "SUBMIT_ALL|");
    name(text, Linux.IORING_SETUP_COOP_TASKRUN(), "COOP_TASKRUN|");
    name(text, Linux.IORING_SETUP_SINGLE_ISSUER(), "SINGLE_ISSUER|");
    name(text, Linux.IORING_SETUP_DEFER_TASKRUN(), "DEFER_TASKRUN|");
    return text.append("0x%x registered_ring=%b".formatted(setup.flags(), enterFlags != 0))
        .toString();
  }

  private void name(StringBuilder text, int flag, String name) {
    if ((setup.flags() & flag) != 0) {
      text.append(name);
    }
  }

  private static BitSet probe(int fd) {
    BitSet known = new BitSet(OPCODES_MAX);
    long headBytes = io_uring_probe.layout().byteSize();
    long opBytes = io_uring_probe_op.layout().byteSize();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment probe = arena.allocate(headBytes + OPCODES_MAX * opBytes, Long.BYTES);
      int result =
          UringSyscalls.register(fd, Linux.IORING_REGISTER_PROBE(), probe.address(), OPCODES_MAX);
      int count = result < 0 ? 0 : Byte.toUnsignedInt(io_uring_probe.ops_len(probe));
      for (int i = 0; i < count; i++) {
        MemorySegment op = probe.asSlice(headBytes + i * opBytes, opBytes);
        boolean supported = (io_uring_probe_op.flags(op) & Linux.IO_URING_OP_SUPPORTED()) != 0;
        known.set(Byte.toUnsignedInt(io_uring_probe_op.op(op)), supported);
      }
    }
    return known;
  }

  // ---------------------------------------------------------------- closing

  /**
   * Drops what was not submitted, cancels what is in flight and waits until the kernel has let go
   * of every buffer, then closes. Completions are discarded. To be called by the owner, or by
   * anyone after the owner has ended.
   *
   * @throws NativeException when operations are still in flight after 5 s (their buffers may still
   *     change); the ring is closed all the same
   */
  @Override
  public void close() {
    if (closed) {
      return;
    }
    assert isOwner() || !owner.isAlive() : notOwner();
    boolean mine = enabled && isOwner();
    if (mine) {
      cancelAll();
      unregisterRingFd();
    }
    closed = true;
    NativeMemory.unmap(sqes);
    NativeMemory.unmap(rings);
    NativeMemory.unmap(scratch);
    Libc.close(setup.fd());
    if (mine && inFlight > 0) {
      throw new NativeException(
          "close", "io_uring fd=" + setup.fd() + ", inFlight=" + inFlight, Errno.ETIMEDOUT);
    }
  }

  private void cancelAll() {
    sqTail = sqHead; // what was not submitted never happens
    long deadline = System.nanoTime() + CLOSE_WAIT_MAX_NS;
    while (inFlight > 0 && System.nanoTime() - deadline < 0) {
      int any = Linux.IORING_ASYNC_CANCEL_ANY() | Linux.IORING_ASYNC_CANCEL_ALL();
      prepare(Linux.IORING_OP_ASYNC_CANCEL(), -1, 0, 0, 0, any, 0, 0);
      submitAndWait(inFlight + 1, CLOSE_STEP_NS);
      while (poll(DISCARD, Integer.MAX_VALUE) > 0) {
        // Until nothing is left to discard.
      }
    }
  }

  private void setTimespec(long at, long ns) {
    scratch.set(JAVA_LONG, at + Timespec.SECONDS, ns / NANOS_PER_SECOND);
    scratch.set(JAVA_LONG, at + Timespec.NANOS, ns % NANOS_PER_SECOND);
  }

  private boolean isOwner() {
    return Thread.currentThread().equals(owner);
  }

  private String notOwner() {
    return "ring used by a thread that does not own it; observed="
        + Thread.currentThread()
        + ", limit="
        + owner;
  }

  private static String negative(long value) {
    return "negative; observed=" + value;
  }

  /** Offsets of io_uring_sqe. */
  private static final class Sqe {
    static final long OPCODE = io_uring_sqe.opcode$offset();
    static final long FLAGS = io_uring_sqe.flags$offset();
    static final long IOPRIO = io_uring_sqe.ioprio$offset();
    static final long FD = io_uring_sqe.fd$offset();
    static final long OFF = io_uring_sqe.off$offset();
    static final long ADDR = io_uring_sqe.addr$offset();
    static final long LEN = io_uring_sqe.len$offset();
    static final long OPERATION_FLAGS = io_uring_sqe.rw_flags$offset();
    static final long USER_DATA = io_uring_sqe.user_data$offset();
    static final long BUF_INDEX = io_uring_sqe.buf_index$offset();
    static final long PERSONALITY = io_uring_sqe.personality$offset();
    static final long FILE_INDEX = io_uring_sqe.file_index$offset();
    static final long ADDR3 = io_uring_sqe.addr3$offset();
    static final long PAD = ADDR3 + Long.BYTES;
  }

  /** Offsets of io_uring_cqe. */
  private static final class Cqe {
    static final long USER_DATA = io_uring_cqe.user_data$offset();
    static final long RES = io_uring_cqe.res$offset();
    static final long FLAGS = io_uring_cqe.flags$offset();
  }

  /** Offsets of __kernel_timespec. */
  private static final class Timespec {
    static final long SECONDS = __kernel_timespec.tv_sec$offset();
    static final long NANOS = __kernel_timespec.tv_nsec$offset();
  }
}
