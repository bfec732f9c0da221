package io.lampyris.mgmtd.state;

import io.lampyris.mgmtd.chain.ChainState;

/**
 * A chain, and what is wanted of it.
 *
 * @param replicas how many members it should have
 * @param movingFrom a member that another target is to replace; 0: none
 * @param movingTo by which target; 0: by any
 */
public record ChainInfo(ChainState state, int replicas, long movingFrom, long movingTo) {
  public ChainInfo(ChainState state, int replicas) {
    this(state, replicas, 0, 0);
  }

  public int id() {
    return state.id();
  }

  /** As it is after an update; a move ends when the member has left. */
  public ChainInfo with(ChainState next) {
    boolean moves = movingFrom != 0 && next.member(movingFrom) != null;
    return new ChainInfo(next, replicas, moves ? movingFrom : 0, moves ? movingTo : 0);
  }

  public ChainInfo moving(long from, long to) {
    return new ChainInfo(state, replicas, from, to);
  }
}
