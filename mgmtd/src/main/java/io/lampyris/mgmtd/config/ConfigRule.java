package io.lampyris.mgmtd.config;

import java.util.Optional;

/** A condition between keys; the fault when it does not hold. */
@FunctionalInterface
public interface ConfigRule {
  Optional<ConfigFault> check(EffectiveConfig config);
}
