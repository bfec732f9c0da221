package io.lampyris.protocol;

/** What a storage node says of one of its targets; {@link Routing.TargetState} is what it is. */
public enum LocalState {
  /** It holds all that its chain acknowledged, under the chain version named with this state. */
  UP_TO_DATE(1),
  /** Its store is open; it claims no more than that. */
  ONLINE(2),
  /** It has stopped: its device failed, it was asked to, or it is not open yet. */
  OFFLINE(4);

  private final int number;

  LocalState(int number) {
    this.number = number;
  }

  public int number() {
    return number;
  }
}
