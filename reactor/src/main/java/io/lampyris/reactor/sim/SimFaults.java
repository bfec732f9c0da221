package io.lampyris.reactor.sim;

/** How a simulated device misbehaves; rates are "one in so many", 0 for never. Changes at will. */
public final class SimFaults {
  /** Told of what went wrong silently, so that a test can say what it expects. */
  @FunctionalInterface
  public interface Witness {
    /** A write of this many bytes for one place went to another. */
    void onMisdirected(long meantFor, long wentTo, int sizeBytes);
  }

  public int readErrorOneIn;
  public int writeErrorOneIn;
  public int flushErrorOneIn;

  /** A write is refused for want of space. */
  public int noSpaceOneIn;

  /** A write lands elsewhere. */
  public int misdirectOneIn;

  /** It lands no farther from where it was meant to; 0: anywhere. */
  public long misdirectWithinBytes;

  /** Writes do not go astray from or to this range of the device. */
  public long sparedFrom;

  public long sparedTo;

  public Witness witness = (meantFor, wentTo, sizeBytes) -> {};

  public long latencyMinNs = 10_000;

  /** The farther from the least, the more requests overtake each other. */
  public long latencyMaxNs = 200_000;

  /** One request in so many takes up to thirty times longer: others begin and end meanwhile. */
  public int stragglerOneIn = 10;
}
