package io.lampyris.client;

import java.io.Serial;

/** An operation failed with a Linux errno; carries no stack trace, for it is an answer. */
public final class FileSystemException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private final int errno;

  public FileSystemException(int errno, String what) {
    super(what, null, false, false);
    this.errno = errno;
  }

  /** Positive. */
  public int errno() {
    return errno;
  }
}
