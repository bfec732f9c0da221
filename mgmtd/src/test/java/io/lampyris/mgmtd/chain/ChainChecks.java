package io.lampyris.mgmtd.chain;

import static io.lampyris.protocol.Routing.TargetState.SERVING;
import static io.lampyris.protocol.Routing.TargetState.SYNCING;

import org.jspecify.annotations.Nullable;

/** What must hold between a chain and the next one, whatever caused it. */
final class ChainChecks {
  private ChainChecks() {}

  /** Null, or the invariant that is broken. A chain by itself is checked where it is made. */
  static @Nullable String transition(ChainState from, ChainState to) {
    if (to.version() != from.version() + 1) {
      return "I1: version " + from.version() + " became " + to.version();
    }
    if (to.members().equals(from.members())) {
      return "I1: a new version of the same chain";
    }
    int promoted = 0;
    for (Member member : to.members()) {
      Member before = from.member(member.targetId());
      boolean moved = before == null || before.state() != member.state();
      promoted += moved && (member.is(SERVING) || member.is(SYNCING)) ? 1 : 0;
    }
    return promoted > 1 ? "I2: two promotions at once: " + from + " -> " + to : null;
  }
}
