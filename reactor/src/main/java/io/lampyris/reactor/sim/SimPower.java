package io.lampyris.reactor.sim;

import java.util.function.Predicate;

/**
 * Counts the points at which power may fail, and fails it at the chosen one. Owner: the
 * simulation's thread.
 */
public final class SimPower {
  private final Predicate<String> where;
  private long cutAt;
  private long points;
  private boolean off;

  private SimPower(long cutAt, Predicate<String> where) {
    this.cutAt = cutAt;
    this.where = where;
  }

  /** Fails at the n-th point from now, counted from 1. */
  public static SimPower cutAt(long n) {
    assert n > 0 : "points are counted from 1";
    return new SimPower(n, what -> false);
  }

  /** Fails at the first point that is said to be such a one. */
  public static SimPower cutWhere(Predicate<String> where) {
    return new SimPower(Long.MAX_VALUE, where);
  }

  /** Never fails by itself. */
  public static SimPower steady() {
    return new SimPower(Long.MAX_VALUE, what -> false);
  }

  /**
   * Something that outlives a cut is about to happen, or has just happened.
   *
   * @throws PowerCut when this is where it fails
   */
  public void point(String what) {
    assert !off : "nothing runs without power: " + what;
    points++;
    if (points == cutAt || where.test(what)) {
      off = true;
      throw new PowerCut(points, what);
    }
  }

  /** Does not fail by itself any more. */
  public void hold() {
    cutAt = Long.MAX_VALUE;
  }

  /** Fails now, from outside. */
  public void cut() {
    off = true;
  }

  public boolean isOff() {
    return off;
  }

  /** How many points there were. */
  public long points() {
    return points;
  }
}
