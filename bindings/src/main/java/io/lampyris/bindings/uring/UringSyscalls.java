package io.lampyris.bindings.uring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Native;
import io.lampyris.bindings.linux.Linux;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The three system calls, which libc does not wrap. Each but enter returns {@code >= 0} or -errno.
 * Addresses go as numbers: the memory behind them is never freed implicitly, so that a call need
 * not keep a scope alive.
 */
final class UringSyscalls {
  private static final FunctionDescriptor SIX_ARGUMENTS =
      FunctionDescriptor.of(
          JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG);
  private static final MethodHandle SYSCALL =
      Native.withErrno("syscall", SIX_ARGUMENTS, Linker.Option.firstVariadicArg(1));

  /**
   * Without errno: a call that captures it takes a slice of 40 bytes wherever the compiler has not
   * inlined all around the call.
   */
  private static final MethodHandle SYSCALL_PLAIN =
      Native.plain("syscall", SIX_ARGUMENTS, Linker.Option.firstVariadicArg(1));

  private static final long SETUP = Linux.__NR_io_uring_setup();
  private static final long ENTER = Linux.__NR_io_uring_enter();
  private static final long REGISTER = Linux.__NR_io_uring_register();

  private UringSyscalls() {}

  static int setup(int entries, MemorySegment params) {
    return call(SETUP, entries, params.address(), 0, 0, 0, 0);
  }

  /** How many operations the kernel took, or -1: {@link #enterForErrno} knows why. */
  static int enter(
      int fd, int toSubmit, int minComplete, int flags, long argument, long argumentBytes) {
    try {
      return (int)
          (long)
              SYSCALL_PLAIN.invokeExact(
                  ENTER,
                  (long) fd,
                  (long) toSubmit,
                  (long) minComplete,
                  (long) flags,
                  argument,
                  argumentBytes);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** As {@link #enter} without waiting: how many operations the kernel took, or -errno. */
  static int enterForErrno(int fd, int toSubmit, int flags) {
    return call(ENTER, fd, toSubmit, 0, flags, 0, 0);
  }

  static int register(int fd, int opcode, long argument, int count) {
    return call(REGISTER, fd, opcode, argument, count, 0, 0);
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
