package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * What the kernel says of the clock of the day: adjtimex(2) that asks and adjusts nothing.
 *
 * @param synchronised whether something (NTP, PTP) keeps it right
 * @param maxErrorUs how far it is off at most, as the kernel estimates
 */
public record KernelClock(boolean synchronised, long maxErrorUs) {
  // struct timex of sys/timex.h on 64-bit systems.
  static final int BYTES = 208;
  static final int MODES_AT = 0;
  static final int MAX_ERROR_AT = 24;
  static final int STATUS_AT = 40;

  static final int STATUS_UNSYNCHRONISED = 0x40;
  static final int RESULT_ERROR = 5;

  private static final MethodHandle ADJTIMEX =
      Native.withErrno("adjtimex", FunctionDescriptor.of(JAVA_INT, ADDRESS));

  /**
   * Asks now.
   *
   * @throws NativeException when the kernel refuses, as it may in a container
   */
  public static KernelClock ask() {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment timex = arena.allocate(BYTES, JAVA_LONG.byteSize());
      assert timex.get(JAVA_INT, MODES_AT) == 0 : "nothing is adjusted";
      int result = (int) ADJTIMEX.invokeExact(state, timex);
      if (result < 0) {
        throw new NativeException("adjtimex", "modes=0", Native.errno(state));
      }
      boolean off = (timex.get(JAVA_INT, STATUS_AT) & STATUS_UNSYNCHRONISED) != 0;
      return new KernelClock(!off && result != RESULT_ERROR, timex.get(JAVA_LONG, MAX_ERROR_AT));
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }
}
