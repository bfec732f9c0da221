package io.lampyris.reactor.cluster;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.RoutingDelta;
import io.lampyris.protocol.RoutingDeltaCodec;
import org.agrona.DirectBuffer;

/** Routing as deltas make it (I6). Owner: one reactor. */
final class RoutingFollower {
  private Routing routing = Routing.EMPTY;
  private boolean wantsAll;

  Routing routing() {
    return routing;
  }

  /** What to ask from; 0: for all of it. */
  long knownVersion() {
    return wantsAll ? 0 : routing.version();
  }

  /** Takes a delta; whether there is newer routing now. */
  boolean onDelta(DirectBuffer buffer, int offset, int length) {
    RoutingDelta delta;
    try {
      delta = RoutingDeltaCodec.decode(buffer, offset, length);
    } catch (IllegalArgumentException malformed) {
      wantsAll = true;
      return false;
    }
    if (delta.toVersion() <= routing.version()) {
      wantsAll &= delta.fromVersion() != 0;
      return false;
    }
    return switch (delta.applyTo(routing)) {
      case RoutingDelta.Applied.Now now -> {
        routing = now.routing();
        wantsAll = false;
        yield true;
      }
      case RoutingDelta.Applied.Refused ignored -> {
        wantsAll = true;
        yield false;
      }
    };
  }
}
