package io.lampyris.reactor.sim;

/**
 * Pseudo-random numbers from a seed: a counter in steps of the golden ratio through a 64-bit
 * finaliser (SplitMix64; Steele, Lea and Flood, OOPSLA 2014). Owner: one thread.
 */
public final class Prng {
  private static final long STEP = 0x9E3779B97F4A7C15L;

  private long state;

  public Prng(long seed) {
    state = seed;
  }

  public long nextLong() {
    state += STEP;
    long z = state;
    z = (z ^ z >>> 30) * 0xBF58476D1CE4E5B9L;
    z = (z ^ z >>> 27) * 0x94D049BB133111EBL;
    return z ^ z >>> 31;
  }

  /** 0 … bound - 1. */
  public int below(int bound) {
    assert bound > 0 : "bound " + bound;
    return (int) (((nextLong() >>> 32) * bound) >>> 32);
  }

  /** 0 … bound - 1. */
  public long below(long bound) {
    assert bound > 0 : "bound " + bound;
    return (nextLong() >>> 1) % bound;
  }

  /** from … to - 1. */
  public int between(int from, int to) {
    return from + below(to - from);
  }

  /** True once in so many; never for 0. */
  public boolean oneIn(int n) {
    return n > 0 && below(n) == 0;
  }

  public boolean coin() {
    return nextLong() < 0;
  }

  /** A stream of its own, so that more draws here change nothing there. */
  public Prng split() {
    return new Prng(nextLong() * STEP + 1);
  }
}
