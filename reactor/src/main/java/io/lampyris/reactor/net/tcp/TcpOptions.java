package io.lampyris.reactor.net.tcp;

import java.util.HexFormat;
import java.util.concurrent.TimeUnit;

/**
 * Limits of a {@link TcpNetwork}.
 *
 * @param secretHex what the nodes of one cluster share, in hex
 * @param handshakeTimeoutNs from the connection's beginning to its proof
 * @param peerTimeoutNs for how long a peer may acknowledge nothing, or take nothing of what it is
 *     sent, before it counts as gone; whole seconds are meant
 * @param connectionsMax open at once, both directions
 * @param callsMax per service in work at once; more are answered BUSY
 * @param windowMax calls per connection that were sent and not answered; more wait, and are
 *     answered BUSY when they do not
 * @param backoffMinNs after the first failed connect; doubles
 * @param backoffMaxNs where doubling ends
 * @param zeroCopyMinBytes payloads of this size and more are sent without the kernel's copy where
 *     kernel and device can; {@link #ZERO_COPY_NEVER} for never
 */
public record TcpOptions(
    String secretHex,
    long handshakeTimeoutNs,
    long peerTimeoutNs,
    int connectionsMax,
    int callsMax,
    int windowMax,
    long backoffMinNs,
    long backoffMaxNs,
    int zeroCopyMinBytes) {
  public static final int ZERO_COPY_NEVER = Integer.MAX_VALUE;

  /** What suits a cluster on one site. */
  public static TcpOptions withSecret(byte[] secret) {
    return new TcpOptions(
        HexFormat.of().formatHex(secret),
        TimeUnit.SECONDS.toNanos(3),
        TimeUnit.SECONDS.toNanos(10),
        1024,
        1024,
        256,
        TimeUnit.MILLISECONDS.toNanos(10),
        TimeUnit.SECONDS.toNanos(1),
        64 << 10);
  }

  public TcpOptions handshakeTimeoutNs(long ns) {
    return new TcpOptions(
        secretHex,
        ns,
        peerTimeoutNs,
        connectionsMax,
        callsMax,
        windowMax,
        backoffMinNs,
        backoffMaxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions peerTimeoutNs(long ns) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        ns,
        connectionsMax,
        callsMax,
        windowMax,
        backoffMinNs,
        backoffMaxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions connectionsMax(int max) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        peerTimeoutNs,
        max,
        callsMax,
        windowMax,
        backoffMinNs,
        backoffMaxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions callsMax(int max) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        peerTimeoutNs,
        connectionsMax,
        max,
        windowMax,
        backoffMinNs,
        backoffMaxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions windowMax(int max) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        peerTimeoutNs,
        connectionsMax,
        callsMax,
        max,
        backoffMinNs,
        backoffMaxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions backoffNs(long minNs, long maxNs) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        peerTimeoutNs,
        connectionsMax,
        callsMax,
        windowMax,
        minNs,
        maxNs,
        zeroCopyMinBytes);
  }

  public TcpOptions zeroCopyMinBytes(int bytes) {
    return new TcpOptions(
        secretHex,
        handshakeTimeoutNs,
        peerTimeoutNs,
        connectionsMax,
        callsMax,
        windowMax,
        backoffMinNs,
        backoffMaxNs,
        bytes);
  }

  /** Options as logs may show them: all but the secret. */
  @Override
  public String toString() {
    return ("TcpOptions[secretHex=withheld, handshakeTimeoutNs=%d, peerTimeoutNs=%d,"
            + " connectionsMax=%d, callsMax=%d, windowMax=%d, backoffMinNs=%d, backoffMaxNs=%d,"
            + " zeroCopyMinBytes=%d]")
        .formatted(
            handshakeTimeoutNs,
            peerTimeoutNs,
            connectionsMax,
            callsMax,
            windowMax,
            backoffMinNs,
            backoffMaxNs,
            zeroCopyMinBytes);
  }

  byte[] secret() {
    return HexFormat.of().parseHex(secretHex);
  }
}
