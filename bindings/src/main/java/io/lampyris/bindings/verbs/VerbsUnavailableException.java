package io.lampyris.bindings.verbs;

/** Why there is no RDMA here, which is a normal state; the message says what helps. */
public final class VerbsUnavailableException extends Exception {
  private static final long serialVersionUID = 1;

  public VerbsUnavailableException(String message) {
    super(message);
  }
}
