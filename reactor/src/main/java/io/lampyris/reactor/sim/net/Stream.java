package io.lampyris.reactor.sim.net;

import java.util.ArrayDeque;

/**
 * One way of one connection: what is put in comes out in order, or the connection ends. Owner: the
 * simulation's thread.
 */
final class Stream {
  private record Segment(long atNs, Runnable arrival) {}

  private static final int DOUBLINGS_MAX = 3;

  private final SimFabric fabric;
  private final int from;
  private final int to;
  private final Runnable onDead;
  private final ArrayDeque<Segment> segments = new ArrayDeque<>();
  private long lastNs;
  private boolean pumping;
  private boolean ended;
  private long stalledSinceNs = -1;
  private int retransmissions;

  Stream(SimFabric fabric, int from, int to, Runnable onDead) {
    this.fabric = fabric;
    this.from = from;
    this.to = to;
    this.onDead = onDead;
  }

  /** Has something arrive, after all that was put in before. */
  void put(long sizeBytes, Runnable arrival) {
    assert !ended : "an ended stream takes nothing";
    long nowNs = fabric.simulation().nowNs();
    long atNs = nowNs + fabric.latencyNs(from, to, sizeBytes);
    if (fabric.prng().oneIn(fabric.faults().loseOneIn)) {
      fabric.statistics().lost++;
      atNs += fabric.faults().retransmitNs * (1 + fabric.prng().below(3));
    }
    lastNs = Math.max(lastNs, atNs);
    segments.add(new Segment(lastNs, arrival));
    if (!pumping) {
      schedule(lastNs);
    }
  }

  private void schedule(long atNs) {
    pumping = true;
    fabric.simulation().after(Math.max(0, atNs - fabric.simulation().nowNs()), this::pump);
  }

  private void pump() {
    pumping = false;
    long nowNs = fabric.simulation().nowNs();
    while (!ended && !segments.isEmpty() && segments.element().atNs <= nowNs) {
      if (fabric.isBlocked(from, to)) {
        stall(nowNs);
        return;
      }
      stalledSinceNs = -1;
      retransmissions = 0;
      segments.remove().arrival.run();
    }
    if (!ended && !segments.isEmpty() && !pumping) {
      schedule(segments.element().atNs);
    }
  }

  private void stall(long nowNs) {
    if (stalledSinceNs < 0) {
      stalledSinceNs = nowNs;
      fabric.statistics().held++;
    }
    if (nowNs - stalledSinceNs >= fabric.faults().peerTimeoutNs) {
      onDead.run();
    } else {
      int doublings = Math.min(retransmissions++, DOUBLINGS_MAX);
      schedule(nowNs + (fabric.faults().retransmitNs << doublings));
    }
  }

  /** Ends; of what is under way, the first {@code late} arrive later all the same. */
  void end(boolean late) {
    ended = true;
    int arriving = late && !segments.isEmpty() ? fabric.prng().below(segments.size() + 1) : 0;
    long nowNs = fabric.simulation().nowNs();
    long atNs = nowNs + fabric.prng().below(fabric.faults().lateNs + 1);
    for (; arriving > 0; arriving--) {
      Segment next = segments.remove();
      atNs = Math.max(atNs, next.atNs);
      fabric.statistics().late++;
      fabric.simulation().after(atNs - nowNs, next.arrival::run);
    }
    segments.clear();
  }
}
