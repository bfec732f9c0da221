package io.lampyris.fuse;

import java.io.Serial;

/** A mount cannot be; the message names the remedy. */
public final class MountException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  /** Why. */
  public enum Reason {
    /** libfuse.so.2 cannot be loaded. */
    LIBRARY_MISSING,
    /** There is no /dev/fuse. */
    DEVICE_MISSING,
    /** The mount point does not exist. */
    POINT_MISSING,
    /** The mount point is no directory. */
    POINT_NOT_DIRECTORY,
    /** The mount point has entries that a mount would hide. */
    POINT_NOT_EMPTY,
    /** Something else is mounted there. */
    POINT_BUSY,
    /** The kernel, or libfuse, refused. */
    REFUSED,
    /** It is mounted and does not answer. */
    NOT_ANSWERING
  }

  private final Reason reason;

  MountException(Reason reason, String message) {
    super(message);
    this.reason = reason;
  }

  MountException(Reason reason, String message, Throwable cause) {
    super(message, cause);
    this.reason = reason;
  }

  public Reason reason() {
    return reason;
  }
}
