package io.lampyris.mgmtd.chain;

import io.lampyris.protocol.LocalState;
import java.util.Map;

/** The seam at which tests plant defects: the rules that the explored world follows. */
interface Rules {
  Rules REAL = new Rules() {};

  default Outcome.Changed next(ChainState chain, Map<Long, Sighting> sightings) {
    return ChainUpdate.next(chain, sightings);
  }

  default Sighting sight(LocalState local, boolean whole, int chainVersion, int presentVersion) {
    return Sighting.of(true, local, whole, chainVersion, presentVersion);
  }

  default Outcome apply(ChainState chain, Command command, Map<Long, Sighting> sightings) {
    return ChainUpdate.apply(chain, command, sightings);
  }

  /** Whether the manager may declare a node failed whose lease still runs. */
  default boolean declaresEarly() {
    return false;
  }
}
