package io.lampyris.chunkengine.chain;

/**
 * How a node takes part in its chains.
 *
 * @param incarnation higher for every start of the node's process
 * @param forwardTimeoutNs how long an attempt to reach another member may take
 * @param retryMinNs the first pause after a failed attempt; each is twice as long as the last
 * @param retryMaxNs the longest pause
 * @param copyBytesPerSecond how fast one chain is copied to a new member
 * @param copyPartBytes how much of a chunk one message of a copy has; what every reactor has
 *     buffers for
 */
public record ChainOptions(
    long incarnation,
    long forwardTimeoutNs,
    long retryMinNs,
    long retryMaxNs,
    long copyBytesPerSecond,
    int copyPartBytes) {
  private static final long MS = 1_000_000;

  /** What a node of a cluster runs with. */
  public static ChainOptions defaults(long incarnation) {
    return new ChainOptions(incarnation, 1000 * MS, 2 * MS, 100 * MS, 256L << 20, 1 << 20);
  }

  public ChainOptions withCopyBytesPerSecond(long wanted) {
    return new ChainOptions(
        incarnation, forwardTimeoutNs, retryMinNs, retryMaxNs, wanted, copyPartBytes);
  }

  public ChainOptions withForwardTimeoutNs(long wanted) {
    return new ChainOptions(
        incarnation, wanted, retryMinNs, retryMaxNs, copyBytesPerSecond, copyPartBytes);
  }

  public ChainOptions withCopyPartBytes(int wanted) {
    return new ChainOptions(
        incarnation, forwardTimeoutNs, retryMinNs, retryMaxNs, copyBytesPerSecond, wanted);
  }
}
