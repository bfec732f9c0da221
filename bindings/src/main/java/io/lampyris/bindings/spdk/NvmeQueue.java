package io.lampyris.bindings.spdk;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Native;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.spdk.abi.SpdkAbi;
import io.lampyris.bindings.spdk.abi.abi_nvme_dsm_range;
import io.lampyris.bindings.spdk.abi.abi_nvme_io_qpair_opts;
import io.lampyris.bindings.spdk.abi.lmp_nvme_queue;
import io.lampyris.bindings.spdk.abi.lmp_nvme_slot;
import java.lang.foreign.Arena;
import java.lang.foreign.MemoryLayout.PathElement;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/**
 * An I/O queue pair on one namespace. Requests are put into slots, go to the controller in {@link
 * #cycle}, which is the one call of a reactor's turn whatever their number, and come back as slots
 * that {@link #nextCompleted} gives. Allocates nothing per request. Owner: one thread.
 */
public final class NvmeQueue {
  private static final long SLOT_BYTES = lmp_nvme_slot.sizeof();
  private static final long BUFFER_AT = offset("buffer");
  private static final long LBA_AT = offset("lba");
  private static final long BLOCKS_AT = offset("blocks");
  private static final long FLAGS_AT = offset("flags");
  private static final long KIND_AT = offset("kind");
  private static final long STATUS_AT = offset("status");
  private static final long ERROR_AT = offset("error");
  private static final long RANGE_AT = offset("range");

  /** Larger transfers are several commands, each of which needs a request of SPDK's. */
  private static final int REQUESTS_PER_SLOT = 4;

  private final NvmeController controller;
  private final NvmeNamespace namespace;
  private final MemorySegment memory;
  private final MemorySegment queue;
  private final MemorySegment slots;
  private final MemorySegment submissions;
  private final MemorySegment completions;
  private final long queueAddress;
  private final int mask;

  /** 0 while it is disconnected. */
  private long qpair;

  private int submittedTail;
  private int completedHead;
  private long cycles;

  private NvmeQueue(NvmeController controller, NvmeNamespace namespace, int slotCount) {
    this.controller = controller;
    this.namespace = namespace;
    mask = slotCount - 1;
    long slotsAt = 256;
    long submissionsAt = slotsAt + slotCount * SLOT_BYTES;
    long completionsAt = submissionsAt + (long) slotCount * Integer.BYTES;
    memory = NativeMemory.allocateAligned(completionsAt + (long) slotCount * Integer.BYTES);
    assert lmp_nvme_queue.sizeof() <= slotsAt : "the queue lies before its slots";
    queue = memory.asSlice(0, lmp_nvme_queue.sizeof());
    slots = memory.asSlice(slotsAt, slotCount * SLOT_BYTES);
    submissions = memory.asSlice(submissionsAt, (long) slotCount * Integer.BYTES);
    completions = memory.asSlice(completionsAt, (long) slotCount * Integer.BYTES);
    queueAddress = queue.address();
    lmp_nvme_queue.read(queue, function("spdk_nvme_ns_cmd_read"));
    lmp_nvme_queue.write(queue, function("spdk_nvme_ns_cmd_write"));
    lmp_nvme_queue.flush(queue, function("spdk_nvme_ns_cmd_flush"));
    lmp_nvme_queue.dataset_management(queue, function("spdk_nvme_ns_cmd_dataset_management"));
    lmp_nvme_queue.process_completions(queue, function("spdk_nvme_qpair_process_completions"));
    lmp_nvme_queue.slots(queue, slots);
    lmp_nvme_queue.submissions(queue, submissions);
    lmp_nvme_queue.completions(queue, completions);
    lmp_nvme_queue.mask(queue, mask);
    for (int slot = 0; slot < slotCount; slot++) {
      lmp_nvme_slot.queue(slots.asSlice(slot * SLOT_BYTES, SLOT_BYTES), queue);
    }
  }

  private static long offset(String field) {
    return lmp_nvme_slot.layout().byteOffset(PathElement.groupElement(field));
  }

  private static MemorySegment function(String name) {
    return MemorySegment.ofAddress(SpdkCalls.address(name));
  }

  /**
   * Makes one.
   *
   * @param slotCount how many requests there can be at a time; a power of two
   * @throws SpdkException when the controller has no more queues, or the layout is another
   */
  public static NvmeQueue open(NvmeController controller, NvmeNamespace namespace, int slotCount)
      throws SpdkException {
    assert Integer.bitCount(slotCount) == 1 : "slots " + slotCount;
    NvmeQueue queue = new NvmeQueue(controller, namespace, slotCount);
    try {
      if (queue.connect()) {
        return queue;
      }
      throw new SpdkException(
          "the controller gives no I/O queue; observed=%s, limit=its number of queues; remedy: fewer reactors on it"
              .formatted(controller));
    } catch (SpdkException refused) {
      NativeMemory.unmap(queue.memory);
      throw refused;
    }
  }

  /**
   * Makes the queue pair, at first or after {@link #disconnect}; blocks for the controller's
   * answer.
   *
   * @return false when the controller gives none
   */
  public boolean connect() throws SpdkException {
    assert qpair == 0 : "connected once at a time";
    long bytes = abi_nvme_io_qpair_opts.sizeof();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment opts = abi_nvme_io_qpair_opts.allocate(arena);
      abi_nvme_io_qpair_opts.opts_size(opts, bytes);
      SpdkCalls.DEFAULT_QUEUE_OPTS.invokeExact(controller.handle(), opts.address(), bytes);
      selfTest(opts);
      // Of the size that the controller has agreed to; SPDK keeps what is more.
      abi_nvme_io_qpair_opts.io_queue_requests(opts, slotCount() * REQUESTS_PER_SLOT);
      // One doorbell for all that a turn submits.
      abi_nvme_io_qpair_opts.delay_cmd_submit(opts, true);
      SpdkCalls.ENTER.invokeExact();
      try {
        qpair =
            (long) SpdkCalls.ALLOC_QUEUE.invokeExact(controller.handle(), opts.address(), bytes);
      } finally {
        SpdkCalls.LEAVE.invokeExact();
      }
      lmp_nvme_queue.ns(queue, MemorySegment.ofAddress(controller.namespace(namespace.id())));
      lmp_nvme_queue.qpair(queue, MemorySegment.ofAddress(qpair));
      return qpair != 0;
    } catch (SpdkException refused) {
      throw refused;
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static void selfTest(MemorySegment opts) throws SpdkException {
    int entries = abi_nvme_io_qpair_opts.io_queue_size(opts);
    long bytes = abi_nvme_io_qpair_opts.sizeof();
    if (entries < 2 || entries > 65_536 || abi_nvme_io_qpair_opts.opts_size(opts) != bytes) {
      throw new SpdkException(
          "SPDK's queue options are laid out in another way; observed=a queue of %d entries, options of %d bytes, limit=%d bytes; remedy: make -C native abi-check SPDK=PATH"
              .formatted(entries, abi_nvme_io_qpair_opts.opts_size(opts), bytes));
    }
  }

  /**
   * Frees the queue pair. What the controller had is among the completions, as aborted; what was
   * not given to it yet waits for the next {@link #connect}.
   */
  public void disconnect() {
    if (qpair == 0) {
      return;
    }
    try {
      SpdkCalls.ENTER.invokeExact();
      try {
        int result = (int) SpdkCalls.FREE_QUEUE.invokeExact(qpair);
        assert result == 0 : "free of a queue pair: " + result;
      } finally {
        SpdkCalls.LEAVE.invokeExact();
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    qpair = 0;
  }

  private int slotCount() {
    return mask + 1;
  }

  // ---- requests ----

  /**
   * Puts a transfer into a free slot.
   *
   * @param address of memory that the controller reaches
   * @param durable a write that is durable when it completes (FUA)
   */
  public void transfer(
      int slot, boolean write, long address, long deviceOffset, int lengthBytes, boolean durable) {
    long at = slot * SLOT_BYTES;
    int sector = namespace.sectorBytes();
    slots.set(ValueLayout.JAVA_LONG, at + BUFFER_AT, address);
    slots.set(ValueLayout.JAVA_LONG, at + LBA_AT, deviceOffset / sector);
    slots.set(ValueLayout.JAVA_INT, at + BLOCKS_AT, lengthBytes / sector);
    slots.set(
        ValueLayout.JAVA_INT,
        at + FLAGS_AT,
        durable ? SpdkAbi.ABI_NVME_IO_FLAGS_FORCE_UNIT_ACCESS() : 0);
    submit(slot, write ? SpdkAbi.LMP_NVME_WRITE() : SpdkAbi.LMP_NVME_READ());
  }

  /** Puts a flush of all completed writes into a free slot. */
  public void flush(int slot) {
    submit(slot, SpdkAbi.LMP_NVME_FLUSH());
  }

  /**
   * Gives a range back.
   *
   * @return how much of it: one command takes 2^32 - 1 blocks
   */
  public long deallocate(int slot, long deviceOffset, long sizeBytes) {
    int sector = namespace.sectorBytes();
    long blocks = Math.min(sizeBytes / sector, 0xFFFF_FFFFL);
    MemorySegment range = slots.asSlice(slot * SLOT_BYTES + RANGE_AT, abi_nvme_dsm_range.sizeof());
    abi_nvme_dsm_range.attributes(range, 0);
    abi_nvme_dsm_range.length(range, (int) blocks);
    abi_nvme_dsm_range.starting_lba(range, deviceOffset / sector);
    submit(slot, SpdkAbi.LMP_NVME_DEALLOCATE());
    return blocks * sector;
  }

  /** Sends what a slot holds once more. */
  public void again(int slot) {
    submit(slot, slots.get(ValueLayout.JAVA_SHORT, slot * SLOT_BYTES + KIND_AT));
  }

  private void submit(int slot, int kind) {
    slots.set(ValueLayout.JAVA_SHORT, slot * SLOT_BYTES + KIND_AT, (short) kind);
    submissions.setAtIndex(ValueLayout.JAVA_INT, submittedTail & mask, slot);
    submittedTail++;
    lmp_nvme_queue.submitted_tail(queue, submittedTail);
  }

  /** Whether requests wait for {@link #cycle} to hand them over. */
  public boolean hasPending() {
    return submittedTail != lmp_nvme_queue.submitted_head(queue);
  }

  /**
   * Hands over what waits and takes in what is done, of the latter at most so many.
   *
   * @return a negative errno when the queue pair is not connected any more
   */
  public int cycle(int completionsMax) {
    cycles++;
    try {
      return (int) SpdkCalls.CYCLE.invokeExact(queueAddress, completionsMax);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** The slot of a request that is done; -1: no more. */
  public int nextCompleted() {
    if (completedHead == lmp_nvme_queue.completed_tail(queue)) {
      return -1;
    }
    return completions.getAtIndex(ValueLayout.JAVA_INT, completedHead++ & mask);
  }

  /** Of a completed slot: the controller's status, for {@link NvmeStatus}; 0 is success. */
  public int status(int slot) {
    return Short.toUnsignedInt(slots.get(ValueLayout.JAVA_SHORT, slot * SLOT_BYTES + STATUS_AT));
  }

  /** Of a completed slot: the negative errno with which SPDK refused to take it; else 0. */
  public int error(int slot) {
    return slots.get(ValueLayout.JAVA_INT, slot * SLOT_BYTES + ERROR_AT);
  }

  /**
   * Asks the controller to give a request back; it completes either way, or a reset is due.
   *
   * @return 0, or a negative errno: it cannot be asked
   */
  public int abort(int slot) {
    if (!controller.aborts()) {
      return -Errno.EOPNOTSUPP;
    }
    try {
      SpdkCalls.ENTER.invokeExact();
      try {
        return (int)
            SpdkCalls.ABORT.invokeExact(
                controller.handle(),
                qpair,
                slots.address() + slot * SLOT_BYTES,
                SpdkCalls.IGNORE,
                0L);
      } finally {
        SpdkCalls.LEAVE.invokeExact();
      }
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** How many native calls there were for all requests so far. */
  public long cycles() {
    return cycles;
  }

  /** Ends it; what is in flight is aborted. */
  public void close() {
    disconnect();
    NativeMemory.unmap(memory);
  }
}
