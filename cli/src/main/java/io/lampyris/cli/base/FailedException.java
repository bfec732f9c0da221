package io.lampyris.cli.base;

import java.io.Serial;

/** A command could not do what it was asked for; its message says everything, exit code 1. */
public final class FailedException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private FailedException(String message) {
    super(message, null, false, false);
  }

  /** A message of the form that all messages have. */
  public static FailedException of(String what, Object observed, Object limit, String remedy) {
    return new FailedException(
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }

  /** With the message of an exception that already has that form. */
  public static FailedException because(Exception e) {
    return new FailedException(String.valueOf(e.getMessage()));
  }
}
