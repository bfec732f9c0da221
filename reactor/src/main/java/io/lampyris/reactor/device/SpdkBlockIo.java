package io.lampyris.reactor.device;

import io.lampyris.bindings.spdk.NvmeNamespace;
import io.lampyris.bindings.spdk.NvmeQueue;
import io.lampyris.bindings.spdk.NvmeStatus;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkException;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Reads and writes of a namespace that block, for what is done before a reactor has it and after: a
 * piece at a time, through a queue pair that is made when it is needed. One thread at a time, no
 * reactor's.
 */
public final class SpdkBlockIo implements AutoCloseable {
  private static final int PIECE_BYTES = 256 << 10;
  private static final int SLOTS = 4;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(30);

  private final SpdkEnvironment environment;
  private final SpdkController controller;
  private final NvmeNamespace namespace;
  private @Nullable NvmeQueue queue;
  private @Nullable MemorySegment memory;

  SpdkBlockIo(SpdkEnvironment environment, SpdkController controller, NvmeNamespace namespace) {
    this.environment = environment;
    this.controller = controller;
    this.namespace = namespace;
  }

  public NvmeNamespace namespace() {
    return namespace;
  }

  /**
   * Fills memory.
   *
   * @param offset a multiple of the namespace's sectors, as is the length
   * @throws SpdkException when the controller answers an error, or nothing
   */
  public void read(long offset, MemorySegment into) throws SpdkException {
    transfer(offset, into, false);
  }

  /** Writes memory; durable after {@link #flush}. */
  public void write(long offset, MemorySegment from) throws SpdkException {
    transfer(offset, from, true);
  }

  private void transfer(long offset, MemorySegment bytes, boolean write) throws SpdkException {
    int sector = namespace.sectorBytes();
    assert offset % sector == 0 && bytes.byteSize() % sector == 0
        : "%d+%d in sectors of %d".formatted(offset, bytes.byteSize(), sector);
    for (long done = 0; done < bytes.byteSize(); ) {
      int piece = (int) Math.min(PIECE_BYTES, bytes.byteSize() - done);
      long from = done;
      controller.whileRunning(() -> {
        NvmeQueue on = connected();
        MemorySegment between = between();
        if (write) {
          MemorySegment.copy(bytes, from, between, 0, piece);
        }
        on.transfer(0, write, between.address(), offset + from, piece, false);
        await(on, write ? "write" : "read", offset + from);
        if (!write) {
          MemorySegment.copy(between, 0, bytes, from, piece);
        }
      });
      done += piece;
    }
  }

  /** Makes durable what was written. */
  public void flush() throws SpdkException {
    if (!namespace.flushes()) {
      return;
    }
    controller.whileRunning(() -> {
      NvmeQueue on = connected();
      on.flush(0);
      await(on, "flush", 0);
    });
  }

  private NvmeQueue connected() throws SpdkException {
    NvmeQueue present = queue;
    if (present == null) {
      present = NvmeQueue.open(controller.nvme(), namespace, SLOTS);
      queue = present;
    }
    return present;
  }

  private MemorySegment between() throws SpdkException {
    MemorySegment present = memory;
    if (present == null) {
      present = environment.allocate(PIECE_BYTES, 4096);
      memory = present;
    }
    return present;
  }

  private void await(NvmeQueue on, String what, long offset) throws SpdkException {
    long deadlineNs = System.nanoTime() + WAIT_NS;
    int lost = on.cycle(SLOTS);
    while (on.nextCompleted() < 0) {
      if (lost < 0 || System.nanoTime() - deadlineNs > 0) {
        disconnect();
        throw failed(what, offset, lost < 0 ? "the queue is lost" : "no answer");
      }
      lost = on.cycle(SLOTS);
    }
    if (on.status(0) != 0 || on.error(0) != 0) {
      throw failed(
          what, offset, "%s, errno %d".formatted(NvmeStatus.describe(on.status(0)), -on.error(0)));
    }
  }

  private SpdkException failed(String what, long offset, String observed) {
    return new SpdkException(
        "%s of namespace %d of %s fails; observed=%s at byte %d, limit=success; remedy: check the device with nvme smart-log"
            .formatted(what, namespace.id(), controller, observed, offset));
  }

  /**
   * Ends its queue, before a reset too; the next step makes another. The controller's lock is held.
   */
  void disconnect() {
    NvmeQueue present = queue;
    queue = null;
    if (present != null) {
      present.close();
    }
  }

  /** Gives its queue and memory back; the next use makes them again. */
  public void rest() {
    controller.exclusively(this::disconnect);
    MemorySegment present = memory;
    memory = null;
    if (present != null) {
      environment.free(present);
    }
  }

  @Override
  public void close() {
    rest();
    controller.remove(this);
  }
}
