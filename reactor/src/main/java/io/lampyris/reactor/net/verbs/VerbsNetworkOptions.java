package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.verbs.VerbsOptions;
import java.util.concurrent.TimeUnit;

/**
 * Limits and times of a network.
 *
 * @param device which device, port and address
 * @param connectionsMax RDMA connections, made and accepted; beyond it peers go by TCP
 * @param callsMax calls under way to one node; others wait
 * @param patienceNs how long calls wait for the first try of RDMA with a node before they go by TCP
 * @param attemptNs how long a try takes at most
 * @param retryMinNs after a failed try, calls go by TCP for this long; doubled with each
 * @param peerTimeoutNs a peer that is silent for so long is gone
 * @param releaseNs how long a peer may keep a cancelled call's memory
 * @param ackTimeoutExponent 4.096 µs · 2^n until the device sends again what was not acknowledged
 * @param retries how often the device does
 */
public record VerbsNetworkOptions(
    VerbsOptions device,
    int connectionsMax,
    int callsMax,
    long patienceNs,
    long attemptNs,
    long retryMinNs,
    long retryMaxNs,
    long peerTimeoutNs,
    long releaseNs,
    int ackTimeoutExponent,
    int retries) {
  /** What suits a cluster on one site: a peer that is gone is found out in about half a second. */
  public static VerbsNetworkOptions of(VerbsOptions device) {
    return new VerbsNetworkOptions(
        device,
        128,
        128,
        TimeUnit.MILLISECONDS.toNanos(200),
        TimeUnit.SECONDS.toNanos(3),
        TimeUnit.SECONDS.toNanos(1),
        TimeUnit.SECONDS.toNanos(30),
        TimeUnit.SECONDS.toNanos(10),
        TimeUnit.SECONDS.toNanos(1),
        14,
        7);
  }
}
