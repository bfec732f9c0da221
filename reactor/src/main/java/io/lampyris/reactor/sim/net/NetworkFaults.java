package io.lampyris.reactor.sim.net;

/**
 * How a simulated network misbehaves; rates are "one in so many" of what is sent, 0 for never.
 * Changes at will.
 */
public final class NetworkFaults {
  public long latencyMinNs = 20_000;

  /** The farther from the least, the more connections overtake each other. */
  public long latencyMaxNs = 120_000;

  /** Something is late by up to a hundred times the latency. */
  public int stragglerOneIn = 50;

  /** A packet is lost: it, and all behind it, comes after a retransmission. */
  public int loseOneIn;

  /** A connection ends while this is on its way. */
  public int resetOneIn;

  /** A bit of a request's payload flips. */
  public int flipRequestOneIn;

  /** A bit of an answer's payload flips. */
  public int flipAnswerOneIn;

  /** What one byte takes on a usual link: 10 Gbit/s. */
  public double nsPerByte = 0.8;

  /** The first wait before a retransmission; doubles up to ten times itself. */
  public long retransmitNs = 50_000_000;

  /** For how long something may not get through before its connection ends. */
  public long peerTimeoutNs = 3_000_000_000L;

  /** For how long requests of an ended connection may still wait to be carried out. */
  public long lateNs = 2_000_000_000L;

  public long backoffNs = 10_000_000;

  /** Everything gets through, quickly; what was commanded stays. */
  public void none() {
    stragglerOneIn = 0;
    loseOneIn = 0;
    resetOneIn = 0;
    flipRequestOneIn = 0;
    flipAnswerOneIn = 0;
  }
}
