package io.lampyris.reactor.sim;

import java.io.Serial;

/** The power failed in the middle of whatever this goes through. */
public final class PowerCut extends Error {
  @Serial private static final long serialVersionUID = 1L;

  PowerCut(long point, String what) {
    super("power cut at point " + point + ": " + what, null, false, false);
  }
}
