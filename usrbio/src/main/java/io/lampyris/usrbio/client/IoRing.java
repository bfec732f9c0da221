package io.lampyris.usrbio.client;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Semaphores;
import io.lampyris.bindings.ShrinkableSemaphore;
import io.lampyris.usrbio.RegistrationKey;
import io.lampyris.usrbio.RingLayout;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.time.Duration;

/**
 * I/Os on their way to the daemon and back. Owner: one thread at a time.
 *
 * <pre>
 *   prepare ─► sqe, args ─► submit ─► daemon ─► cqe ─► await, poll
 * </pre>
 */
public final class IoRing implements AutoCloseable {
  /** What {@link #prepare} answers when all entries are prepared and not taken. */
  public static final int FULL = -1;

  /** A busy daemon answers within it; system calls cost more. */
  private static final long SPIN_NS = 20_000;

  /** How long one sleep is at most; then it looks whether the daemon is there. */
  private static final long SLEEP_MAX_NS = 1_000_000_000;

  private final Registrar registrar;
  private final RingOptions options;
  private final SharedMemory memory;
  private final MemorySegment ring;
  private final int slots;
  private final MemorySegment submit;
  private final ShrinkableSemaphore.Waiter completed;

  /** The slots that are free, the last one first: of E, as many as there are entries. */
  private final int[] free;

  private int freeCount;
  private boolean closed;

  private IoRing(
      Registrar registrar, RingOptions options, SharedMemory memory, MemorySegment submit) {
    this.registrar = registrar;
    this.options = options;
    this.memory = memory;
    this.ring = memory.segment;
    this.slots = options.entries() + 1;
    this.submit = submit;
    long at = RingLayout.semaphoreAt(slots);
    completed = new ShrinkableSemaphore.Waiter(ring.asSlice(at, RingLayout.SEMAPHORE_BYTES));
    free = new int[options.entries()];
    for (int slot = free.length - 1; slot >= 0; slot--) {
      free[freeCount++] = slot;
    }
  }

  static IoRing create(Registrar registrar, RingOptions options) throws IOException {
    RegistrationKey key =
        new RegistrationKey(
            SharedMemory.newId(),
            0,
            options.kind(),
            options.ioDepth(),
            options.priority(),
            options.timeoutMs(),
            options.flags());
    MemorySegment submit = Semaphores.openNamed(registrar.submitSemaphore(options.priority()));
    try {
      SharedMemory memory =
          SharedMemory.create(registrar, key, RingLayout.sizeBytes(options.entries()));
      memory.unlinkName();
      return new IoRing(registrar, options, memory, submit);
    } catch (IOException | RuntimeException | Error e) {
      Semaphores.closeNamed(submit);
      throw e;
    }
  }

  public RingOptions options() {
    return options;
  }

  /** How many I/Os are prepared and not taken. */
  public int inFlight() {
    return free.length - freeCount;
  }

  /**
   * Prepares an I/O between a file and memory, in the direction of the ring. The daemon may begin
   * at once; {@link #submit} tells it for certain.
   *
   * @param fileOffset in bytes
   * @param vecOffset in bytes
   * @param lengthBytes from 1; both sides have to stay as they are until it has completed
   * @param userdata comes back with the completion
   * @return the entry's slot, or {@link #FULL}
   * @throws IndexOutOfBoundsException when it does not lie in the memory
   * @throws IllegalArgumentException when the file was not opened for what the ring does
   */
  public int prepare(
      RingFile file, long fileOffset, IoVec vec, long vecOffset, long lengthBytes, long userdata) {
    check(file, fileOffset, vec, vecOffset, lengthBytes);
    int head = RingLayout.index(ring, RingLayout.SQE_HEAD_AT);
    int next = after(head);
    if (freeCount == 0 || next == RingLayout.index(ring, RingLayout.SQE_TAIL_AT)) {
      return FULL;
    }
    int slot = free[--freeCount];
    RingLayout.args(
        ring,
        RingLayout.argsAt(slot),
        vec.id(),
        vecOffset,
        file.inode(),
        fileOffset,
        lengthBytes,
        userdata);
    RingLayout.sqe(ring, RingLayout.sqeAt(slots, head), slot, userdata);
    RingLayout.index(ring, RingLayout.SQE_HEAD_AT, next);
    return slot;
  }

  private void check(RingFile file, long fileOffset, IoVec vec, long vecOffset, long lengthBytes) {
    boolean inside =
        lengthBytes > 0
            && vecOffset >= 0
            && fileOffset >= 0
            && lengthBytes <= vec.sizeBytes() - vecOffset;
    if (!inside) {
      throw new IndexOutOfBoundsException(
          "observed=%d bytes of the file at %d, of the memory at %d; limit=1 to %d"
              .formatted(lengthBytes, fileOffset, vecOffset, vec.sizeBytes()));
    }
    if (!options.forRead() && !file.isWritable()) {
      throw new IllegalArgumentException(
          "the file cannot be written; observed=READ, limit=WRITE; remedy: open it for writing");
    }
  }

  private int after(int index) {
    return index + 1 == slots ? 0 : index + 1;
  }

  /** Tells the daemon that there is something to do. */
  public void submit() {
    int result = Semaphores.post(submit);
    // At its maximum it has as many wake-ups pending as anyone could want.
    assert result == 0 || result == -Errno.EOVERFLOW : Errno.describe(-result);
  }

  /**
   * Takes what has completed, without waiting.
   *
   * @return how many
   * @throws IOException when the ring's memory holds what nobody could have written
   */
  public int poll(Completions each) throws IOException {
    int tail = RingLayout.index(ring, RingLayout.CQE_TAIL_AT);
    int head = RingLayout.index(ring, RingLayout.CQE_HEAD_AT);
    if (head < 0 || head >= slots || tail < 0 || tail >= slots) {
      throw new IOException(
          "the ring is damaged; observed=completions %d to %d, limit=%d; remedy: make another"
              .formatted(tail, head, slots));
    }
    if (tail == head) {
      return 0;
    }
    int count = 0;
    while (tail != head) {
      long at = RingLayout.cqeAt(slots, tail);
      int slot = RingLayout.cqeSlot(ring, at);
      long result = RingLayout.cqeResult(ring, at);
      long userdata = RingLayout.cqeUserdata(ring, at);
      tail = after(tail);
      // Before the call, which may prepare and wait itself.
      RingLayout.index(ring, RingLayout.CQE_TAIL_AT, tail);
      if (slot >= 0 && slot < slots && freeCount < free.length) {
        free[freeCount++] = slot;
      }
      count++;
      each.completed(userdata, result);
    }
    // Room for completions may be what the daemon waits for.
    submit();
    return count;
  }

  /**
   * Waits for completions and takes them.
   *
   * @param min how many at least, unless the time is over
   * @return how many; less than {@code min} when the time was over
   * @throws IOException when the daemon is gone, or the ring is damaged
   */
  public int await(int min, Duration atMost, Completions each) throws IOException {
    return await(min, System.nanoTime() + atMost.toNanos(), each);
  }

  /**
   * As the other one.
   *
   * @param deadlineNs of {@link System#nanoTime}
   */
  public int await(int min, long deadlineNs, Completions each) throws IOException {
    int count = poll(each);
    long spinUntilNs = System.nanoTime() + SPIN_NS;
    while (count < min) {
      long nowNs = System.nanoTime();
      if (nowNs - deadlineNs >= 0) {
        return count;
      }
      if (nowNs - spinUntilNs < 0) {
        Thread.onSpinWait();
      } else {
        sleep(Math.min(deadlineNs, nowNs + SLEEP_MAX_NS));
        spinUntilNs = nowNs;
      }
      count += poll(each);
    }
    return count;
  }

  private void sleep(long untilNs) throws IOException {
    // A post between the last look and this one is still counted.
    int result = completed.await(untilNs);
    if (result == -Errno.ETIMEDOUT) {
      if (!registrar.isAlive()) {
        throw new IOException(
            "the daemon is gone; observed=%d I/Os under way, limit=a daemon; remedy: mount the file"
                    .formatted(inFlight())
                + " system again, and open files and rings anew");
      }
    } else if (result < 0) {
      throw new IOException("cannot wait; observed=" + Errno.describe(-result));
    }
  }

  /** Gives it back; the daemon forgets what it had not begun. */
  @Override
  public void close() throws IOException {
    if (!closed) {
      closed = true;
      completed.close();
      Semaphores.closeNamed(submit);
      memory.close();
    }
  }
}
