package io.lampyris.protocol.cluster;

/**
 * How to come to the newest routing.
 *
 * @param routingVersion the newest
 * @param configVersion of the cluster's configuration
 * @param deltaBytes of the delta, wherever it is
 */
public record RoutingAnswer(long routingVersion, long configVersion, Place place, int deltaBytes) {
  /** Where the delta is. */
  public enum Place {
    NONE_NEEDED(0),
    BEHIND_MESSAGE(1),
    IN_PAYLOAD(2),
    NEEDS_ROOM(3);

    private final int number;

    Place(int number) {
      this.number = number;
    }

    int number() {
      return number;
    }

    static Place of(int number) {
      for (Place place : values()) {
        if (place.number == number) {
          return place;
        }
      }
      throw new IllegalArgumentException(
          "no such place; observed=%d, limit=a known one; remedy: update".formatted(number));
    }
  }
}
