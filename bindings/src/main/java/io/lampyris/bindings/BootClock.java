package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * CLOCK_BOOTTIME of clock_gettime(2): monotonic, and it goes on while the machine is suspended,
 * which the clock behind {@link System#nanoTime} does not. Not to be used by two threads at once.
 */
public final class BootClock {
  /** From linux/time.h. */
  private static final int CLOCK_BOOTTIME = 7;

  private static final long NS_PER_S = 1_000_000_000;

  private static final MethodHandle CLOCK_GETTIME =
      Native.plain("clock_gettime", FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS));

  /** struct timespec of a 64-bit system: seconds, nanoseconds. */
  private final MemorySegment time = Arena.ofAuto().allocate(2 * JAVA_LONG.byteSize(), 8);

  /** Since the machine's boot, in ns, read now. Allocates nothing. */
  public long nowNs() {
    int result;
    try {
      result = (int) CLOCK_GETTIME.invokeExact(CLOCK_BOOTTIME, time);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
    assert result == 0 : "every Linux since 2.6.39 has CLOCK_BOOTTIME; observed=" + result;
    return time.get(JAVA_LONG, 0) * NS_PER_S + time.get(JAVA_LONG, JAVA_LONG.byteSize());
  }
}
