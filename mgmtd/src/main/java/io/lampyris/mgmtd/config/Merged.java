package io.lampyris.mgmtd.config;

import java.util.List;

/** What comes of laying layers over each other. */
public sealed interface Merged {
  record Valid(EffectiveConfig config) implements Merged {}

  /** Nothing changes (I2). */
  record Invalid(List<ConfigFault> faults) implements Merged {
    public Invalid {
      faults = List.copyOf(faults);
    }
  }
}
