package io.lampyris.mgmtd.service;

import io.lampyris.protocol.Status;

/** An operator's command is not carried out, and changed nothing. */
final class RefusedException extends Exception {
  private static final long serialVersionUID = 1;

  private final Status status;
  private final String reason;

  RefusedException(Status status, String message) {
    super(message);
    this.status = status;
    this.reason = message;
  }

  static RefusedException because(String what, Object observed, String limit, String remedy) {
    return new RefusedException(
        Status.REFUSED,
        "%s; observed=%s, limit=%s; remedy: %s".formatted(what, observed, limit, remedy));
  }

  String reason() {
    return reason;
  }

  Status status() {
    return status;
  }
}
