package io.lampyris.fuse;

import jnr.ffi.annotations.Delegate;

/**
 * The shapes of functions that C calls, by the number of their arguments. On 64-bit Linux every
 * integer and pointer argument has a register of its own, so {@code long} takes them all; of a
 * 32-bit one only the lower half means anything, and {@code (int)} takes it. Public because jnr-ffi
 * implements them.
 */
public final class Upcalls {
  private Upcalls() {}

  /** One argument. */
  @FunctionalInterface
  public interface Of1 {
    @Delegate
    int call(long a);
  }

  /** Two. */
  @FunctionalInterface
  public interface Of2 {
    @Delegate
    int call(long a, long b);
  }

  /** Three. */
  @FunctionalInterface
  public interface Of3 {
    @Delegate
    int call(long a, long b, long c);
  }

  /** Four. */
  @FunctionalInterface
  public interface Of4 {
    @Delegate
    int call(long a, long b, long c, long d);
  }

  /** Five. */
  @FunctionalInterface
  public interface Of5 {
    @Delegate
    int call(long a, long b, long c, long d, long e);
  }

  /** Six. */
  @FunctionalInterface
  public interface Of6 {
    @Delegate
    int call(long a, long b, long c, long d, long e, long f);
  }
}
