package io.lampyris.reactor.net.tcp;

import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Limits of a {@link TcpNetwork}.
 *
 * @param secretHex what the nodes of one cluster share, in hex
 * @param handshakeTimeoutNs from the connection's beginning to its proof
 * @param connectionsMax open at once, both directions
 * @param callsMax per service in work at once; more are answered BUSY
 * @param windowMax calls per connection that were sent and not answered; more wait
 * @param backoffMinNs after the first failed connect; doubles
 * @param backoffMaxNs where doubling ends
 */
public record TcpOptions(
    String secretHex,
    long handshakeTimeoutNs,
    int connectionsMax,
    int callsMax,
    int windowMax,
    long backoffMinNs,
    long backoffMaxNs) {

  /** What suits a cluster on one site. */
  public static TcpOptions withSecret(byte[] secret) {
    return new TcpOptions(
        HexFormat.of().formatHex(secret),
        TimeUnit.SECONDS.toNanos(3),
        1024,
        1024,
        256,
        TimeUnit.MILLISECONDS.toNanos(10),
        TimeUnit.SECONDS.toNanos(1));
  }

  public TcpOptions handshakeTimeoutNs(long ns) {
    return new TcpOptions(
        secretHex, ns, connectionsMax, callsMax, windowMax, backoffMinNs, backoffMaxNs);
  }

  public TcpOptions connectionsMax(int max) {
    return new TcpOptions(
        secretHex, handshakeTimeoutNs, max, callsMax, windowMax, backoffMinNs, backoffMaxNs);
  }

  public TcpOptions callsMax(int max) {
    return new TcpOptions(
        secretHex, handshakeTimeoutNs, connectionsMax, max, windowMax, backoffMinNs, backoffMaxNs);
  }

  public TcpOptions backoffNs(long minNs, long maxNs) {
    return new TcpOptions(
        secretHex, handshakeTimeoutNs, connectionsMax, callsMax, windowMax, minNs, maxNs);
  }

  /** Options as logs may show them: all but the secret. */
  @Override
  public String toString() {
    return ("TcpOptions[secretHex=withheld, handshakeTimeoutNs=%d, connectionsMax=%d, callsMax=%d,"
            + " windowMax=%d, backoffMinNs=%d, backoffMaxNs=%d]")
        .formatted(
            handshakeTimeoutNs, connectionsMax, callsMax, windowMax, backoffMinNs, backoffMaxNs);
  }

  byte[] secret() {
    return HexFormat.of().parseHex(secretHex);
  }
}
