package io.lampyris.chunkengine.chain;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A chain as one of its members sees it under one version. Immutable.
 *
 * @param chainId meaningless when the target is in no chain
 * @param version 0 when the target is in no chain
 * @param serving the members that serve, head first
 * @param syncing the one that is being copied to
 * @param waiting those that are there and will be copied to
 */
record ChainView(
    long targetId,
    int chainId,
    int version,
    TargetState state,
    List<Peer> serving,
    @Nullable Peer syncing,
    List<Peer> waiting) {
  /** A member and where it is. */
  record Peer(long targetId, int nodeId) {}

  static final ChainView NONE =
      new ChainView(0, 0, 0, TargetState.OFFLINE, List.of(), null, List.of());

  ChainView {
    serving = List.copyOf(serving);
    waiting = List.copyOf(waiting);
  }

  /**
   * @param chain that the target is a member of; null: none
   */
  static ChainView of(Routing routing, Routing.@Nullable Chain chain, long targetId) {
    Routing.Target self = routing.targets().get(targetId);
    if (chain == null || self == null) {
      return NONE;
    }
    assert chain.targetIds().contains(targetId) : "its chain has it as a member";
    List<Peer> serving = new ArrayList<>();
    List<Peer> waiting = new ArrayList<>();
    Peer syncing = null;
    for (Long id : chain.targetIds()) {
      Routing.Target member = routing.targets().get(id);
      if (member == null) {
        continue;
      }
      Peer peer = new Peer(id, member.nodeId());
      switch (member.state()) {
        case SERVING -> serving.add(peer);
        case SYNCING -> syncing = peer;
        case WAITING -> waiting.add(peer);
        case LAST_SERVING, OFFLINE -> {}
      }
    }
    return new ChainView(
        targetId, chain.id(), chain.version(), self.state(), serving, syncing, waiting);
  }

  /** Whether the target is in a chain at all. */
  boolean isMember() {
    return version != 0;
  }

  /** Whether it is of another chain than one before: their versions say nothing together. */
  boolean isOfOtherChainThan(ChainView before) {
    return isMember() && before.isMember() && chainId != before.chainId;
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

  /** How many an update goes through behind this one. */
  int membersBehind() {
    return isServing() ? serving.size() - 1 - position() + (syncing == null ? 0 : 1) : 0;
  }

  boolean copiesToSuccessor() {
    return isTail() && syncing != null;
  }

  /** Whether another member serves too. */
  boolean hasOthers() {
    return serving.size() > (isServing() ? 1 : 0);
  }

  /** Whether it is there, whatever its chunks are worth. */
  boolean isPresent() {
    return takesUpdates() || state == TargetState.WAITING;
  }

  /** Who may have a chunk that went bad here, those that serve first. */
  List<Peer> sources() {
    List<Peer> others = new ArrayList<>(serving);
    if (syncing != null) {
      others.add(syncing);
    }
    others.addAll(waiting);
    others.removeIf(peer -> peer.targetId() == targetId);
    return others;
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
