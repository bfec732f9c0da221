package io.lampyris.protocol.cluster;

/**
 * What the manager asks of a target. Orders come again until they are followed.
 *
 * @param storeId the store that is meant: another one is not to follow
 */
public record TargetOrder(long targetId, long storeId, Kind kind) {
  /** What is asked. */
  public enum Kind {
    /** The store began with its chain: it counts as whole, durably from now on. */
    FOUND(1),
    /** Stop to serve, and say OFFLINE once that is so. */
    STOP(2),
    /** The whole node is out of the cluster: end its process. Names no target. */
    LEAVE(3);

    private final int number;

    Kind(int number) {
      this.number = number;
    }

    public int number() {
      return number;
    }

    static Kind of(int number) {
      for (Kind kind : values()) {
        if (kind.number == number) {
          return kind;
        }
      }
      throw new IllegalArgumentException(
          "no such order; observed=%d, limit=a known one; remedy: update".formatted(number));
    }
  }
}
