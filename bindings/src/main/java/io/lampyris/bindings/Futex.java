package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemoryLayout;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * futex(2) and futex_waitv(2) on 32-bit words, x86-64. The kernel touches the words, so one whose
 * memory is gone is {@code -EFAULT} and no signal. Words are shared between processes unless a
 * method says otherwise. Methods return {@code >= 0} or {@code -errno} and allocate nothing.
 */
final class Futex {
  static final long NR_FUTEX = 202;
  static final long NR_FUTEX_WAITV = 449;
  static final int WAKE = 1;
  static final int WAKE_OP = 5;
  static final int PRIVATE = 128;
  static final int OP_SET = 0;
  static final int OP_ADD = 1;
  static final int WAITV_U32 = 2;

  /** struct futex_waitv: val u64, uaddr u64, flags u32, reserved u32. */
  static final long WAITV_BYTES = 24;

  static final int CLOCK_MONOTONIC = 1;

  private static final long DEADLINE_AT = 2 * WAITV_BYTES;

  /** For two words to wait for, and how long. */
  static final MemoryLayout WAIT_STATE =
      MemoryLayout.sequenceLayout((DEADLINE_AT + 16) / 8, JAVA_LONG);

  private static final long NANOS_PER_SECOND = 1_000_000_000;
  private static final int ARGUMENT_MAX = 0x7FF;

  private static final MethodHandle SYSCALL =
      Native.withErrno(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private Futex() {}

  /**
   * Applies {@code operation} to the word atomically, then wakes at most {@code wakeMax} of its
   * waiters: how many.
   */
  static int operate(MemorySegment memory, long offset, int operation, int argument, int wakeMax) {
    assert argument >= 0 && argument <= ARGUMENT_MAX : "argument has 12 signed bits: " + argument;
    long word = memory.address() + offset;
    // The comparison decides about more wake-ups, of which there are none: any will do.
    long encoded = (long) operation << 28 | (long) argument << 12;
    return call(NR_FUTEX, word, WAKE_OP, wakeMax, 0, word, encoded);
  }

  /** Wakes all waiters of a word that only this process uses. */
  static int wakeAllPrivate(MemorySegment word) {
    return call(NR_FUTEX, word.address(), WAKE | PRIVATE, Integer.MAX_VALUE, 0, 0, 0);
  }

  /**
   * Sleeps until {@code shared} or {@code own} is woken, or -ETIMEDOUT; -EAGAIN at once when one of
   * them is not 0. Needs Linux 5.16.
   *
   * @param state {@link #WAIT_STATE}, this thread's
   * @param own used by this process only
   * @param deadlineNs of {@link System#nanoTime}, which is CLOCK_MONOTONIC
   */
  static int waitForEither(
      MemorySegment state, MemorySegment shared, MemorySegment own, long deadlineNs) {
    describe(state, 0, shared.address(), WAITV_U32);
    describe(state, WAITV_BYTES, own.address(), WAITV_U32 | PRIVATE);
    state.set(JAVA_LONG, DEADLINE_AT, deadlineNs / NANOS_PER_SECOND);
    state.set(JAVA_LONG, DEADLINE_AT + 8, deadlineNs % NANOS_PER_SECOND);
    long deadline = state.address() + DEADLINE_AT;
    return call(NR_FUTEX_WAITV, state.address(), 2, 0, deadline, CLOCK_MONOTONIC, 0);
  }

  private static void describe(MemorySegment state, long at, long address, int flags) {
    state.set(JAVA_LONG, at, 0);
    state.set(JAVA_LONG, at + 8, address);
    state.set(JAVA_INT, at + 16, flags);
    state.set(JAVA_INT, at + 20, 0);
  }

  private static int call(long number, long a, long b, long c, long d, long e, long f) {
    MemorySegment state = Native.errnoState();
    try {
      return (int)
          Native.result((long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }
}
