package io.lampyris.bindings.uring;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Native;
import io.lampyris.bindings.linux.Linux;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * The three system calls, which libc does not wrap. Each returns {@code >= 0} or -errno. Addresses
 * go as numbers: the memory behind them is never freed implicitly, so that a call need not keep a
 * scope alive.
 */
final class UringSyscalls {
  private static final MethodHandle SYSCALL =
      Native.withErrno(
          "syscall",
          FunctionDescriptor.of(
              JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG, JAVA_LONG,
              JAVA_LONG),
          Linker.Option.firstVariadicArg(1));

  private static final long SETUP = Linux.__NR_io_uring_setup();
  private static final long ENTER = Linux.__NR_io_uring_enter();
  private static final long REGISTER = Linux.__NR_io_uring_register();

  private UringSyscalls() {}

  static int setup(int entries, MemorySegment params) {
    return call(Native.errnoState(), SETUP, entries, params.address(), 0, 0, 0, 0);
  }

  static int enter(
      MemorySegment errnoState,
      int fd,
      int toSubmit,
      int minComplete,
      int flags,
      long argument,
      long argumentBytes) {
    return call(errnoState, ENTER, fd, toSubmit, minComplete, flags, argument, argumentBytes);
  }

  static int register(int fd, int opcode, long argument, int count) {
    return call(Native.errnoState(), REGISTER, fd, opcode, argument, count, 0, 0);
  }

  private static int call(
      MemorySegment state, long number, long a, long b, long c, long d, long e, long f) {
    try {
      return (int)
          Native.result((long) SYSCALL.invokeExact(state, number, a, b, c, d, e, f), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }
}
