package io.lampyris.protocol.cluster;

/**
 * What has changed since a version?
 *
 * @param knownVersion 0: nothing is known
 * @param replyRoom the most bytes of an answer's message
 * @param clientHigh with {@code clientLow} the client's identity; 0 and 0: not a client
 * @param name for people: host and process
 */
public record RoutingQuery(
    long knownVersion, int replyRoom, long clientHigh, long clientLow, String name) {
  public boolean isClient() {
    return clientHigh != 0 || clientLow != 0;
  }
}
