package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;

/**
 * This side of a process-shared sem_t (glibc, x86-64) in memory that the other side can shrink. The
 * other side uses libc; here the kernel does the atomic part, for libc would die of SIGBUS.
 *
 * <pre>
 *   0   value                   0 … SEM_VALUE_MAX
 *   4   how many wait           a post wakes only when this is not 0
 *   8   128: shared             what sem_init stores for pshared
 *   12  unused
 * </pre>
 */
public final class ShrinkableSemaphore {
  /** {@code sizeof(sem_t)}. */
  public static final long SIZE_BYTES = Semaphores.SIZE_BYTES;

  private static final int VALUE_MAX = Integer.MAX_VALUE;
  private static final long VALUE_AT = 0;
  private static final long WAITERS_AT = 4;
  private static final long SHARED_AT = 8;

  /** What glibc calls FUTEX_SHARED: the flag inverts that of the system call. */
  private static final int SHARED = 128;

  private ShrinkableSemaphore() {}

  /**
   * As sem_init(3) with pshared and value 0; plain stores, to be followed by {@link
   * ShrinkableMemory#faultBarrier}.
   */
  public static void init(MemorySegment sem) {
    sem.set(JAVA_LONG, VALUE_AT, 0);
    sem.set(JAVA_LONG, SHARED_AT, SHARED);
    sem.set(JAVA_LONG, 16, 0);
    sem.set(JAVA_LONG, 24, 0);
  }

  /**
   * Whether anybody sleeps in it; a plain load, to be followed by {@link
   * ShrinkableMemory#faultBarrier}.
   */
  public static boolean hasWaiters(MemorySegment sem) {
    return sem.get(JAVA_INT, WAITERS_AT) != 0;
  }

  /**
   * As sem_post(3): 0, -EOVERFLOW at the maximum, -EFAULT when the memory is gone. One system call.
   *
   * @throws InternalError of a fault in what was touched before, or when the memory is gone
   */
  public static int post(MemorySegment sem) {
    int value = sem.get(JAVA_INT, VALUE_AT);
    if (value == VALUE_MAX) {
      ShrinkableMemory.faultBarrier();
      return -Errno.EOVERFLOW;
    }
    int woken = Futex.operate(sem, VALUE_AT, Futex.OP_ADD, 1, 1);
    return Math.min(woken, 0);
  }

  /**
   * The only waiter of a semaphore, who takes all that was posted at once. {@link #await} and
   * {@link #close} are one thread's, {@link #stop} is any thread's before that.
   */
  public static final class Waiter implements AutoCloseable {
    private final Arena arena = Arena.ofShared();
    private final MemorySegment sem;
    private final MemorySegment stopped = arena.allocate(JAVA_INT);
    private final MemorySegment state = arena.allocate(Futex.WAIT_STATE);

    public Waiter(MemorySegment sem) {
      this.sem = sem;
    }

    /**
     * Waits for a post since the last time, or {@link #stop}: 0, or -errno; -EFAULT when the memory
     * was gone as this began, -ETIMEDOUT. It does not see memory go while it waits.
     *
     * @param deadlineNs of {@link System#nanoTime}
     */
    public int await(long deadlineNs) {
      // First, so that a post which the wait does not see finds somebody to wake.
      int result = Futex.operate(sem, WAITERS_AT, Futex.OP_SET, 1, 0);
      if (result < 0) {
        return result;
      }
      do {
        result = Futex.waitForEither(state, sem, stopped, deadlineNs);
      } while (result == -Errno.EINTR);
      if (result < 0 && result != -Errno.EAGAIN) {
        return result;
      }
      result = Futex.operate(sem, WAITERS_AT, Futex.OP_SET, 0, 0);
      // Last: a post that this takes along was made before we return.
      int taken = Futex.operate(sem, VALUE_AT, Futex.OP_SET, 0, 0);
      return Math.min(0, Math.min(result, taken));
    }

    /** Ends all waiting, now and later. */
    public void stop() {
      stopped.set(JAVA_INT, 0, 1);
      int ignored = Futex.wakeAllPrivate(stopped);
    }

    @Override
    public void close() {
      arena.close();
    }
  }
}
