package io.lampyris.chunkengine.chain;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A chain as one of its members sees it under one version. Immutable.
 *
 * @param version 0 when the target is no member of the chain
 * @param serving the members that serve, head first
 * @param syncing the one that is being copied to
 */
record ChainView(
    long targetId, int version, TargetState state, List<Peer> serving, @Nullable Peer syncing) {
  /** A member and where it is. */
  record Peer(long targetId, int nodeId) {}

  static final ChainView NONE = new ChainView(0, 0, TargetState.OFFLINE, List.of(), null);

  ChainView {
    serving = List.copyOf(serving);
  }

  static ChainView of(Routing routing, int chainId, long targetId) {
    Routing.Chain chain = routing.chains().get(chainId);
    Routing.Target self = routing.targets().get(targetId);
    if (chain == null || self == null || !chain.targetIds().contains(targetId)) {
      return NONE;
    }
    List<Peer> serving = new ArrayList<>();
    Peer syncing = null;
    for (Long id : chain.targetIds()) {
      Routing.Target member = routing.targets().get(id);
      if (member == null) {
        continue;
      }
      Peer peer = new Peer(id, member.nodeId());
      if (member.state() == TargetState.SERVING) {
        serving.add(peer);
      } else if (member.state() == TargetState.SYNCING) {
        syncing = peer;
      }
    }
    return new ChainView(targetId, chain.version(), self.state(), serving, syncing);
  }

  boolean isServing() {
    return state == TargetState.SERVING;
  }

  boolean isSyncing() {
    return state == TargetState.SYNCING;
  }

  /** Whether updates come here, from clients or from the member before. */
  boolean takesUpdates() {
    return isServing() || isSyncing();
  }

  boolean isHead() {
    return isServing() && serving.getFirst().targetId() == targetId;
  }

  /** Whether what is committed here is what the chain has committed. */
  boolean isTail() {
    return isServing() && tail().targetId() == targetId;
  }

  Peer tail() {
    return serving.getLast();
  }

  /** Whom updates go to from here; null at the end of the chain. */
  @Nullable Peer successor() {
    if (!isServing()) {
      return null;
    }
    int at = position();
    return at + 1 < serving.size() ? serving.get(at + 1) : syncing;
  }

  boolean copiesToSuccessor() {
    return isTail() && syncing != null;
  }

  /** Whether another member serves too. */
  boolean hasOthers() {
    return serving.size() > (isServing() ? 1 : 0);
  }

  /** Whether everyone whom updates reach before this member was there before it in another view. */
  boolean isBehindNoOthersThan(ChainView before) {
    for (int i = 0; i < ahead(); i++) {
      int then = before.serving.indexOf(serving.get(i));
      if (then < 0 || then >= before.ahead()) {
        return false;
      }
    }
    return true;
  }

  private int ahead() {
    return isServing() ? position() : serving.size();
  }

  private int position() {
    for (int i = 0; i < serving.size(); i++) {
      if (serving.get(i).targetId() == targetId) {
        return i;
      }
    }
    throw new AssertionError("a serving member is among those that serve");
  }
}
