package io.lampyris.bindings;

/**
 * A native call failed where there is no status to return: carries the call, its arguments and
 * errno.
 */
public final class NativeException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  private final String call;
  private final String arguments;
  private final int errno;

  /** Says {@code call(arguments)} and what errno means. */
  public NativeException(String call, String arguments, int errno) {
    this(call, arguments, errno, "");
  }

  /** As the other one, with a remedy for the reader; empty for none. */
  public NativeException(String call, String arguments, int errno, String remedy) {
    super(
        call
            + "("
            + arguments
            + ") failed; observed="
            + Errno.describe(errno)
            + (remedy.isEmpty() ? "" : "; remedy: " + remedy));
    this.call = call;
    this.arguments = arguments;
    this.errno = errno;
  }

  @Override
  public String getMessage() {
    return String.valueOf(super.getMessage()); // never null here: spares callers the check
  }

  /** Name of the call, as in {@code "mmap"}. */
  public String call() {
    return call;
  }

  /** Its arguments as text. */
  public String arguments() {
    return arguments;
  }

  /** The positive error number, one of {@link Errno}. */
  public int errno() {
    return errno;
  }
}
