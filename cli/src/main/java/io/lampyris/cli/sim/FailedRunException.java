package io.lampyris.cli.sim;

/** The cluster did what it must not. */
final class FailedRunException extends RuntimeException {
  private static final long serialVersionUID = 1;

  FailedRunException(String message) {
    super(message, null, false, false);
  }
}
