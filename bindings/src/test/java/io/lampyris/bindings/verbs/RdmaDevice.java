package io.lampyris.bindings.verbs;

import org.junit.jupiter.api.Assumptions;

/** The device of tests that want a real one, soft-RoCE at least. */
public final class RdmaDevice {
  private RdmaDevice() {}

  /** Skips the calling test where there is none, with what would help. */
  public static VerbsDevice orSkip() {
    try {
      return VerbsDevice.open(VerbsOptions.ANY);
    } catch (VerbsUnavailableException e) {
      Assumptions.abort(e.getMessage() + "; or run it in the virtual rig: bin/test --rig");
      throw new AssertionError("aborted", e);
    }
  }
}
