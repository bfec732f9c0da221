package io.lampyris.bindings.spdk;

import java.io.IOException;
import java.io.Serial;

/** SPDK is not there, or refused; the message has what was observed and a remedy. */
public final class SpdkException extends IOException {
  @Serial private static final long serialVersionUID = 1L;

  public SpdkException(String message) {
    super(message);
  }
}
