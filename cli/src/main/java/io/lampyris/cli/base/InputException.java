package io.lampyris.cli.base;

import java.io.Serial;

/** Wrong input: the command changes nothing and ends with exit code 2. */
public final class InputException extends Exception {
  @Serial private static final long serialVersionUID = 1L;

  private InputException(String message) {
    super(message, null, false, false);
  }

  /** A message of the form that all messages have. */
  public static InputException of(String what, Object observed, Object limit, String remedy) {
    return new InputException(
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }

  /** With the message of an exception that already has that form. */
  public static InputException because(Exception e) {
    return new InputException(String.valueOf(e.getMessage()));
  }
}
