package io.lampyris.cli.sim;

import io.lampyris.chunkengine.chain.ChainCounters;
import io.lampyris.reactor.sim.Probe;

/** Turns what targets count anyway into probes. */
final class ChainProbes {
  private ChainProbes() {}

  /** A process has ended. */
  static void count(ChainCounters counters) {
    mark(counters.forwards, "chain: an update is forwarded");
    mark(counters.forwardRetries, "chain: a forward is tried again");
    mark(counters.staleForwards, "chain: a late copy of a forward is recognised");
    mark(counters.wholeForwards, "chain: an update goes down as a whole chunk");
    mark(counters.tailQueries, "chain: the tail is asked which version is committed");
    mark(counters.repeatedBySession, "chain: a retry is recognised by its session");
    mark(counters.readsQueued, "chain: a read waits for an update");
    mark(counters.settled, "chain: a pending version is settled");
    mark(counters.rolledBack, "chain: a pending version is rolled back");
    mark(counters.partsPending, "chain: a part of a copy waits for the last one");
    mark(counters.left, "chain: a member leaves by itself");
    mark(counters.repairs, "chain: a bad chunk is repaired");
    mark(counters.repairFailures, "chain: a repair fails");
    mark(counters.chunksCopied, "chain: a chunk is copied to a new member");
    mark(counters.chunksRemoved, "chain: a chunk is removed from a new member");
    mark(counters.copyRetries, "chain: a page of a copy is tried again");
  }

  private static void mark(long count, String what) {
    Probe probe = Probe.of(what);
    if (count > 0) {
      probe.reached();
    }
  }
}
