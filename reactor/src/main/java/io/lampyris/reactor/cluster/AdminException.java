package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Status;

/** The manager did not do what it was asked, or could not be asked. */
public final class AdminException extends Exception {
  private static final long serialVersionUID = 1;

  private final Status status;

  public AdminException(Status status, String message) {
    super(message);
    this.status = status;
  }

  public Status status() {
    return status;
  }
}
