package io.lampyris.bindings.uring;

import io.lampyris.bindings.NativeException;

/**
 * What io_uring this machine offers, learnt by opening a small ring.
 *
 * @param available whether a ring can be opened
 * @param reason what the ring got, or why there is none
 */
public record Probe(boolean available, String reason) {
  private static final int ENTRIES = 4;

  /** Opens a ring and closes it again. */
  public static Probe run() {
    try (IoUring ring = IoUring.open(ENTRIES)) {
      return new Probe(true, ring.describe());
    } catch (NativeException e) {
      return new Probe(false, e.getMessage());
    }
  }
}
