package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.JAVA_INT;

import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.MemorySegment;
import java.lang.invoke.MethodHandle;

/**
 * Access to a mapped file that another process can shrink at any moment. What the mapping has lost
 * answers with SIGBUS, and what becomes of that depends on who was there:
 *
 * <pre>
 *   the kernel (read, write, io_uring, futex)            -EFAULT
 *   Java: get and set of one value, copy, fill           InternalError, later
 *   all other code: libc, atomic read-modify-write,
 *   intrinsics like CRC32C or MemorySegment.mismatch     the end of the process
 * </pre>
 *
 * The InternalError does not come where the access is, but at one of the thread's next safepoints,
 * until then the access is as if it had read or written anything. So every piece of code that
 * touches such memory ends with a <em>fault barrier</em>, on whose return at the latest the error
 * is thrown, and has nothing in it that must not end half-way.
 *
 * <p>Any thread. Nothing here allocates unless there is a fault.
 */
public final class ShrinkableMemory {
  private static final MethodHandle ABS =
      Native.plain("abs", FunctionDescriptor.of(JAVA_INT, JAVA_INT));

  private ShrinkableMemory() {}

  /**
   * An {@link InternalError} of what came before is thrown here, not later. Any native call that is
   * not critical does that; this one does nothing else.
   */
  public static void faultBarrier() {
    try {
      int ignored = (int) ABS.invokeExact(0);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** MemorySegment.copy where both can be shrinkable; false when it met a fault half-way. */
  public static boolean copy(
      MemorySegment from, long fromOffset, MemorySegment to, long toOffset, long lengthBytes) {
    try {
      MemorySegment.copy(from, fromOffset, to, toOffset, lengthBytes);
      faultBarrier();
      return true;
    } catch (InternalError fault) {
      return false;
    }
  }
}
