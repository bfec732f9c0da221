package io.lampyris.reactor.sim.history;

/**
 * What a check came to.
 *
 * @param kind the answer
 * @param why for people; empty when there is nothing to say
 * @param configurations how many were looked at
 */
public record Verdict(Kind kind, String why, long configurations) {
  /** The answers. */
  public enum Kind {
    /** There is an order that explains everything. */
    LINEARIZABLE,
    /** There is none. */
    VIOLATION,
    /** It would have taken too much to find out. */
    UNDECIDED
  }
}
