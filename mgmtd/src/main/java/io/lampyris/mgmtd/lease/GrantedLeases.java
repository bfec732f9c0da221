package io.lampyris.mgmtd.lease;

import io.lampyris.protocol.lease.Grant;
import io.lampyris.protocol.lease.LeaseTerms;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/** The manager's side of all leases. Owner: the manager's reactor. */
public final class GrantedLeases {
  /** What is promised to a node, or was. */
  private record Promise(long incarnation, long sequence, long sinceNs, boolean runs) {}

  private final LeaseTerms terms;
  private final Map<Integer, Promise> promises = new TreeMap<>();

  public GrantedLeases(LeaseTerms terms) {
    this.terms = terms;
  }

  /** Taking over: any of these nodes may hold a lease from the manager before (I4). */
  public void presume(Collection<Integer> nodeIds, long nowNs) {
    for (Integer nodeId : nodeIds) {
      promises.put(nodeId, new Promise(Long.MIN_VALUE, 0, nowNs, true));
    }
  }

  /**
   * A node asks.
   *
   * @param decidedVersion the newest routing that was decided, published or not
   */
  public Renewal renew(
      int nodeId, long incarnation, long sequence, long nowNs, long decidedVersion) {
    Promise old = promises.get(nodeId);
    if (old != null && incarnation < old.incarnation()) {
      return refused("process of node was replaced", incarnation, old.incarnation());
    }
    boolean same = old != null && incarnation == old.incarnation();
    if (same && old != null && sequence <= old.sequence()) {
      return refused("request is older than one that was granted", sequence, old.sequence() + 1);
    }
    boolean returned = !same || (old != null && !old.runs());
    promises.put(nodeId, new Promise(incarnation, sequence, nowNs, true));
    return new Renewal.Granted(new Grant(nodeId, incarnation, sequence, decidedVersion), returned);
  }

  /**
   * The manager was stopped, or slept, for longer than a lease: who renewed meanwhile has not been
   * heard yet, and is waited for as by one that takes over.
   */
  public void wakeUp(long nowNs) {
    promises.replaceAll((nodeId, promise) ->
        promise.runs()
            ? new Promise(promise.incarnation(), promise.sequence(), nowNs, true)
            : promise);
  }

  /** Declares failed whoever must have stopped by now (I1); each is told once, in order of ids. */
  public List<Integer> expire(long nowNs) {
    List<Integer> lapsed = new ArrayList<>();
    for (Map.Entry<Integer, Promise> entry : promises.entrySet()) {
      Promise promise = entry.getValue();
      if (promise.runs() && nowNs - promise.sinceNs() >= terms.waitNs()) {
        entry.setValue(
            new Promise(promise.incarnation(), promise.sequence(), promise.sinceNs(), false));
        lapsed.add(entry.getKey());
      }
    }
    return lapsed;
  }

  /** Whether the node may still hold a lease. */
  public boolean mayHold(int nodeId) {
    Promise promise = promises.get(nodeId);
    return promise != null && promise.runs();
  }

  /** A node has left for good. */
  public void forget(int nodeId) {
    assert !mayHold(nodeId) : "a node that may serve is not forgotten: " + nodeId;
    promises.remove(nodeId);
  }

  private static Renewal refused(String what, long observed, long limit) {
    return new Renewal.Refused(
        "%s; observed=%d, limit=>= %d; remedy: stop the older process, or ask anew"
            .formatted(what, observed, limit));
  }
}
