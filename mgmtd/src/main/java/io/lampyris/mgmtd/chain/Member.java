package io.lampyris.mgmtd.chain;

import io.lampyris.protocol.Routing.TargetState;

/**
 * A target in its chain.
 *
 * @param servedVersion the last chain version in which it was SERVING: it holds everything that was
 *     acknowledged up to then; 0: it never was, or has lost its data since
 * @param leaving it is to go as soon as the chain can do without it
 */
public record Member(long targetId, TargetState state, int servedVersion, boolean leaving) {
  public Member {
    if (targetId < 1 || servedVersion < 0) {
      throw new IllegalArgumentException(
          "no such member; observed=target %d served %d, limit=>= 1 and >= 0; remedy: correct it"
              .formatted(targetId, servedVersion));
    }
  }

  boolean is(TargetState other) {
    return state == other;
  }

  Member with(TargetState next, int served) {
    return new Member(targetId, next, served, leaving);
  }

  Member asLeaving() {
    return new Member(targetId, state, servedVersion, true);
  }
}
