package io.lampyris.chunkengine.chain;

/** What a target did as a member of its chain since it was opened. Owner: reactor. */
public final class ChainCounters {
  public long forwards;
  public long forwardRetries;
  public long staleForwards;

  /** Updates that the successor took as whole chunks. */
  public long wholeForwards;

  public long tailQueries;
  public long repeatedBySession;

  /** Reads that waited for an update, as nobody could be asked. */
  public long readsQueued;

  /** Versions that nobody finished any more, and that were committed, or rolled back. */
  public long settled;

  public long rolledBack;

  /** Parts of copies that stayed pending until the last one came. */
  public long partsPending;

  /** How often it left its chain because it was not like its neighbour. */
  public long left;

  public long repairs;
  public long repairFailures;

  // What was copied to the last member that was copied to, since the chain changed last meanwhile.
  public int slotsToCompare;
  public int slotsCompared;
  public long chunksCompared;
  public long chunksCopied;
  public long bytesCopied;
  public long chunksRemoved;
  public long copyRetries;
  public boolean copied;
}
