package io.lampyris.usrbio;

import static java.lang.foreign.MemoryLayout.PathElement.groupElement;
import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.ShrinkableSemaphore;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.StructLayout;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.VarHandle;
import java.nio.ByteOrder;

/**
 * The memory of a ring, version 1: offsets as drawn in the package's description. {@code slots} is
 * E; {@code at} is an offset that {@link #argsAt}, {@link #cqeAt} or {@link #sqeAt} gave. Any
 * thread.
 */
public final class RingLayout {
  public static final long SQE_HEAD_AT = 0;
  public static final long SQE_TAIL_AT = 4;
  public static final long CQE_HEAD_AT = 8;
  public static final long CQE_TAIL_AT = 12;
  public static final long ENTRIES_AT = 16;
  public static final long ARGS_BYTES = 56;
  public static final long CQE_BYTES = 24;
  public static final long SQE_BYTES = 16;
  public static final long SEMAPHORE_BYTES = 32;

  /** Slack behind the semaphore that every ring carries. */
  public static final long TRAILER_BYTES = 4096;

  /** No ring needs more, and what the daemon keeps for one stays small (150 KiB). */
  public static final int ENTRIES_MAX = 1 << 20;

  private static final long SLOT_BYTES = ARGS_BYTES + CQE_BYTES + SQE_BYTES;

  private static final StructLayout HEAD =
      MemoryLayout.structLayout(
          JAVA_INT.withName("sqeHead"),
          JAVA_INT.withName("sqeTail"),
          JAVA_INT.withName("cqeHead"),
          JAVA_INT.withName("cqeTail"));
  private static final StructLayout ARGS =
      MemoryLayout.structLayout(
          MemoryLayout.sequenceLayout(16, JAVA_BYTE).withName("iovId"),
          JAVA_LONG.withName("iovOffset"),
          JAVA_LONG.withName("inode"),
          JAVA_LONG.withName("fileOffset"),
          JAVA_LONG.withName("length"),
          JAVA_LONG.withName("userdata"));
  private static final StructLayout CQE =
      MemoryLayout.structLayout(
          JAVA_INT.withName("slot"),
          JAVA_INT.withName("reserved"),
          JAVA_LONG.withName("result"),
          JAVA_LONG.withName("userdata"));
  private static final StructLayout SQE =
      MemoryLayout.structLayout(
          JAVA_INT.withName("slot"), MemoryLayout.paddingLayout(4), JAVA_LONG.withName("userdata"));

  private static final long ID_HIGH = offset(ARGS, "iovId");
  private static final long ID_LOW = ID_HIGH + 8;
  private static final long IOV_OFFSET = offset(ARGS, "iovOffset");
  private static final long INODE = offset(ARGS, "inode");
  private static final long FILE_OFFSET = offset(ARGS, "fileOffset");
  private static final long LENGTH = offset(ARGS, "length");
  private static final long ARGS_USERDATA = offset(ARGS, "userdata");
  private static final long CQE_SLOT = offset(CQE, "slot");
  private static final long CQE_RESERVED = offset(CQE, "reserved");
  private static final long CQE_RESULT = offset(CQE, "result");
  private static final long CQE_USERDATA = offset(CQE, "userdata");
  private static final long SQE_SLOT = offset(SQE, "slot");
  private static final long SQE_USERDATA = offset(SQE, "userdata");

  /** Plain JAVA_INT is aligned, which acquire and release need. */
  private static final VarHandle INDEX = JAVA_INT.varHandle();

  private static final ValueLayout.OfLong ID = JAVA_LONG.withOrder(ByteOrder.BIG_ENDIAN);

  static {
    assert ByteOrder.nativeOrder() == ByteOrder.LITTLE_ENDIAN : "the format is little endian";
    assert HEAD.byteSize() == ENTRIES_AT && offset(HEAD, "sqeHead") == SQE_HEAD_AT : "head";
    assert offset(HEAD, "sqeTail") == SQE_TAIL_AT && offset(HEAD, "cqeHead") == CQE_HEAD_AT
        : "head";
    assert offset(HEAD, "cqeTail") == CQE_TAIL_AT : "head";
    assert ARGS.byteSize() == ARGS_BYTES && IOV_OFFSET == 16 && ARGS_USERDATA == 48 : "args";
    assert INODE == 24 && FILE_OFFSET == 32 && LENGTH == 40 : "args";
    assert CQE.byteSize() == CQE_BYTES && CQE_RESULT == 8 && CQE_USERDATA == 16 : "cqe";
    assert SQE.byteSize() == SQE_BYTES && SQE_SLOT == 0 && SQE_USERDATA == 8 : "sqe";
    assert SEMAPHORE_BYTES == ShrinkableSemaphore.SIZE_BYTES : "sem_t";
    // Every array begins where its 8-byte fields are aligned, whatever E is.
    assert ENTRIES_AT % 8 == 0 && ARGS_BYTES % 8 == 0 && CQE_BYTES % 8 == 0 : "alignment";
  }

  private RingLayout() {}

  private static long offset(StructLayout layout, String field) {
    return layout.byteOffset(groupElement(field));
  }

  /** How much memory a ring of so many entries needs. */
  public static long sizeBytes(int entries) {
    return ENTRIES_AT + SLOT_BYTES * (entries + 1L) + SEMAPHORE_BYTES + TRAILER_BYTES;
  }

  /** How many entries fit; less than 1 when it is no ring. */
  public static long entries(long sizeBytes) {
    return Math.floorDiv(sizeBytes - TRAILER_BYTES - ENTRIES_AT - SEMAPHORE_BYTES, SLOT_BYTES) - 1;
  }

  public static long argsAt(int slot) {
    return ENTRIES_AT + ARGS_BYTES * slot;
  }

  public static long cqeAt(int slots, int position) {
    return ENTRIES_AT + ARGS_BYTES * slots + CQE_BYTES * position;
  }

  public static long sqeAt(int slots, int position) {
    return ENTRIES_AT + (ARGS_BYTES + CQE_BYTES) * slots + SQE_BYTES * position;
  }

  public static long semaphoreAt(int slots) {
    return ENTRIES_AT + SLOT_BYTES * slots;
  }

  // -------------------------------------------------------------------------------- indices

  /** Loads an index at {@code SQE_HEAD_AT} and so on; what it covers is seen too. */
  public static int index(MemorySegment ring, long indexAt) {
    return (int) INDEX.getAcquire(ring, indexAt);
  }

  /** Stores an index after what it covers. */
  public static void index(MemorySegment ring, long indexAt, int value) {
    INDEX.setRelease(ring, indexAt, value);
  }

  // -------------------------------------------------------------------------------- args

  public static long idHigh(MemorySegment ring, long at) {
    return ring.get(ID, at + ID_HIGH);
  }

  public static long idLow(MemorySegment ring, long at) {
    return ring.get(ID, at + ID_LOW);
  }

  public static long iovOffset(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + IOV_OFFSET);
  }

  public static long inode(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + INODE);
  }

  public static long fileOffset(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + FILE_OFFSET);
  }

  public static long length(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + LENGTH);
  }

  /** What a program writes for one I/O. */
  public static void args(
      MemorySegment ring,
      long at,
      IovId id,
      long iovOffset,
      long inode,
      long fileOffset,
      long length,
      long userdata) {
    ring.set(ID, at + ID_HIGH, id.high());
    ring.set(ID, at + ID_LOW, id.low());
    ring.set(JAVA_LONG, at + IOV_OFFSET, iovOffset);
    ring.set(JAVA_LONG, at + INODE, inode);
    ring.set(JAVA_LONG, at + FILE_OFFSET, fileOffset);
    ring.set(JAVA_LONG, at + LENGTH, length);
    ring.set(JAVA_LONG, at + ARGS_USERDATA, userdata);
  }

  // -------------------------------------------------------------------------------- sqe, cqe

  public static int sqeSlot(MemorySegment ring, long at) {
    return ring.get(JAVA_INT, at + SQE_SLOT);
  }

  public static long sqeUserdata(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + SQE_USERDATA);
  }

  public static void sqe(MemorySegment ring, long at, int slot, long userdata) {
    ring.set(JAVA_INT, at + SQE_SLOT, slot);
    ring.set(JAVA_LONG, at + SQE_USERDATA, userdata);
  }

  public static int cqeSlot(MemorySegment ring, long at) {
    return ring.get(JAVA_INT, at + CQE_SLOT);
  }

  public static long cqeResult(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + CQE_RESULT);
  }

  public static long cqeUserdata(MemorySegment ring, long at) {
    return ring.get(JAVA_LONG, at + CQE_USERDATA);
  }

  public static void cqe(MemorySegment ring, long at, int slot, long result, long userdata) {
    ring.set(JAVA_INT, at + CQE_SLOT, slot);
    ring.set(JAVA_INT, at + CQE_RESERVED, 0);
    ring.set(JAVA_LONG, at + CQE_RESULT, result);
    ring.set(JAVA_LONG, at + CQE_USERDATA, userdata);
  }
}
