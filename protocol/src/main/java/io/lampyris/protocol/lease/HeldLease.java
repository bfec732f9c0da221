package io.lampyris.protocol.lease;

/** A node's own side of its lease. Owner: the node's reactor. */
public final class HeldLease {
  private static final int ASKED_MAX = 16;

  private final LeaseTerms terms;
  private final long incarnation;
  private final long[] sentNs = new long[ASKED_MAX];
  private final long[] sentSequence = new long[ASKED_MAX];
  private long sequence;
  private boolean held;
  private long endNs;
  private long routingVersionMin;

  /**
   * @param incarnation higher for every start of the node's process
   */
  public HeldLease(LeaseTerms terms, long incarnation) {
    this.terms = terms;
    this.incarnation = incarnation;
  }

  public long incarnation() {
    return incarnation;
  }

  /** A request is about to be sent; its sequence number. The lease that it brings starts now. */
  public long ask(long nowNs) {
    sequence++;
    int slot = (int) (sequence % ASKED_MAX);
    sentNs[slot] = nowNs;
    sentSequence[slot] = sequence;
    return sequence;
  }

  /**
   * A grant has arrived.
   *
   * @return whether the lease is longer now; not when the grant is old, or not this process's
   */
  public boolean onGrant(Grant grant, long nowNs) {
    int slot = (int) Math.floorMod(grant.sequence(), (long) ASKED_MAX);
    boolean known = grant.incarnation() == incarnation && sentSequence[slot] == grant.sequence();
    if (!known || grant.sequence() == 0) {
      return false;
    }
    long end = sentNs[slot] + terms.durationNs();
    if (end - nowNs <= 0 || (held && end - endNs <= 0)) {
      return false;
    }
    if (!held || endNs - nowNs <= 0) {
      routingVersionMin = Math.max(routingVersionMin, grant.routingVersion());
    }
    endNs = end;
    held = true;
    return true;
  }

  /**
   * Whether the node may answer now, under routing of this version (I2). Allocates nothing.
   *
   * <p>A grant's routing counts only after a gap: while a lease goes on, the manager has not
   * declared this node failed, and no chain has gone on without it.
   */
  public boolean mayServe(long nowNs, long routingVersion) {
    return held && endNs - nowNs > 0 && routingVersion - routingVersionMin >= 0;
  }

  /** When the lease ends by this node's clock; meaningful once one was granted. */
  public long endNs() {
    return endNs;
  }
}
