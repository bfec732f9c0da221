package io.lampyris.meta.ops;

import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import org.jspecify.annotations.Nullable;

/**
 * Gives new files their layout: all alike, except that each begins on the chain after the last
 * one's stripe. Owner: the service's reactor.
 */
public final class LayoutPolicy {
  /** There are no chains to put a file on yet. */
  public static final class NoChainsException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoChainsException(int chainTableId) {
      super(
          "no chain table for new files; observed=none, limit=table %d; remedy: lampyris chain create"
              .formatted(chainTableId));
    }
  }

  private final int chunkSizeBytes;
  private final int stripeMax;
  private final int chainTableId;
  private @Nullable FileLayout first;
  private int chainCount;
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
    this(chunkSizeBytes, stripeSize, chainTableId);
    begin(chainTableVersion, chainCount);
  }

  private LayoutPolicy(int chunkSizeBytes, int stripeMax, int chainTableId) {
    this.chunkSizeBytes = chunkSizeBytes;
    this.stripeMax = stripeMax;
    this.chainTableId = chainTableId;
  }

  /** Files over a table that is not known yet: none can be made before {@link #onTable}. */
  public static LayoutPolicy ofTable(int chunkSizeBytes, int stripeMax, int chainTableId) {
    return new LayoutPolicy(chunkSizeBytes, stripeMax, chainTableId);
  }

  /** The table is known, and never changes; whether that is news. */
  public boolean onTable(Routing.ChainTable table) {
    assert table.id() == chainTableId : "the table that was asked for";
    boolean news = first == null;
    if (news) {
      begin(table.version(), table.chainIds().size());
    }
    return news;
  }

  private void begin(int chainTableVersion, int chains) {
    chainCount = chains;
    first =
        new FileLayout(
            chunkSizeBytes,
            Math.min(stripeMax, chains),
            chainTableId,
            chainTableVersion,
            0,
            FileLayout.ROUND_ROBIN);
  }

  FileLayout next() {
    FileLayout first = this.first;
    if (first == null) {
      throw new NoChainsException(chainTableId);
    }
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
