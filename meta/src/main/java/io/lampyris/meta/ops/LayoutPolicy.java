package io.lampyris.meta.ops;

import io.lampyris.protocol.FileLayout;

/**
 * Gives new files their layout: all alike, except that each begins on the chain after the last
 * one's stripe. Owner: the service's reactor.
 */
public final class LayoutPolicy {
  private final FileLayout first;
  private final int chainCount;
  private int chainBase;

  /**
   * Files of this chunk size over this many chains.
   *
   * @param chainCount how many chains the table has
   */
  public LayoutPolicy(
      int chunkSizeBytes, int stripeSize, int chainTableId, int chainTableVersion, int chainCount) {
    if (stripeSize > chainCount) {
      throw new IllegalArgumentException(
          "a stripe is wider than its chain table; observed=%d, limit=%d; remedy: lower stripe_size"
              .formatted(stripeSize, chainCount));
    }
    this.first =
        new FileLayout(
            chunkSizeBytes, stripeSize, chainTableId, chainTableVersion, 0, FileLayout.ROUND_ROBIN);
    this.chainCount = chainCount;
  }

  FileLayout next() {
    int base = chainBase;
    chainBase = (chainBase + first.stripeSize()) % chainCount;
    return new FileLayout(
        first.chunkSizeBytes(),
        first.stripeSize(),
        first.chainTableId(),
        first.chainTableVersion(),
        base,
        first.placement());
  }
}
