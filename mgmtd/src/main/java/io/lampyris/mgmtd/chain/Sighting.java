package io.lampyris.mgmtd.chain;

import io.lampyris.protocol.LocalState;

/** What the manager knows of a target at the moment of a decision. */
public enum Sighting {
  /** Not heard since this manager took over, and its lease may still run: decide nothing. */
  UNKNOWN,
  /** Its node's lease has lapsed, or its node says that it has stopped. */
  GONE,
  /** It is there, with a store that has never been whole: its device was replaced. */
  BLANK,
  /** It is there. */
  ONLINE,
  /** It is there and holds everything under the chain's present version. */
  UP_TO_DATE;

  /** Whether the target can take part in its chain. */
  public boolean isPresent() {
    return this == BLANK || this == ONLINE || this == UP_TO_DATE;
  }

  /** Whether a member that served may go on: nothing says that it has stopped. */
  boolean keepsServing() {
    return this == UNKNOWN || this == ONLINE || this == UP_TO_DATE;
  }

  /** Whether the target is there with what it held before. */
  boolean canLead() {
    return this == ONLINE || this == UP_TO_DATE;
  }

  /**
   * What a report amounts to. Being up to date counts only under the chain's present version: an
   * older claim says nothing of what was written since.
   *
   * @param leased the node's lease has not been declared lapsed
   * @param chainVersion the version under which the report was made
   * @param whole the target's store has held everything once
   * @param presentVersion the chain's
   */
  public static Sighting of(
      boolean leased, LocalState local, boolean whole, int chainVersion, int presentVersion) {
    if (!leased || local == LocalState.OFFLINE) {
      return GONE;
    }
    if (!whole) {
      return BLANK;
    }
    boolean current = local == LocalState.UP_TO_DATE && chainVersion == presentVersion;
    return current ? UP_TO_DATE : ONLINE;
  }
}
