package io.lampyris.client;

import io.lampyris.protocol.ChoreKind;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;

/**
 * What dead clients left undone, where other clients live. Owner: the janitor's thread.
 *
 * <p>A session belongs to a client, so it is settled when that one is not known any more. A
 * truncation does not say whose it is: whoever began it has given up, or ended it, when it is still
 * there after longer than its steps are tried. Both wait for so long from when they were first seen
 * that a manager which has just started, and has heard of nobody yet, misleads nobody.
 *
 * <p>One client does it for all: the first one in the order of ids.
 */
final class SharedChores {
  /** Longer than a truncation takes, whose three steps are tried for 30 s each. */
  static final long GRACE_NS = TimeUnit.SECONDS.toNanos(120);

  private static final long SWEEP_MIN_NS = TimeUnit.SECONDS.toNanos(10);

  /** How a chore is done. */
  interface Work {
    void run(MetaClient.Chore chore) throws FileSystemException;
  }

  private record Seen(ChoreKind kind, long inode, long truncateVersion, String client) {}

  private final MetaClient meta;
  private final ClientCensus census;
  private final String self;
  private final long graceNs;
  private final Work finishTruncation;
  private final Work settle;
  private Map<Seen, Long> since = new HashMap<>();
  private boolean swept;
  private long sweptNs;

  SharedChores(
      MetaClient meta,
      ClientCensus census,
      String self,
      long graceNs,
      Work finishTruncation,
      Work settle) {
    this.meta = meta;
    this.census = census;
    this.self = self;
    this.graceNs = graceNs;
    this.finishTruncation = finishTruncation;
    this.settle = settle;
  }

  /** Looks around, but not all the time; does what has been due for long enough. */
  void sweep(long nowNs) throws FileSystemException {
    if (swept && nowNs - sweptNs < Math.min(SWEEP_MIN_NS, graceNs)) {
      return;
    }
    swept = true;
    sweptNs = nowNs;
    Set<String> living = census.living();
    if (living.isEmpty() || !self.equals(Collections.min(living))) {
      since = new HashMap<>();
      return;
    }
    Map<Seen, Long> still = new HashMap<>();
    Set<Long> beingCut = new HashSet<>();
    forEach(
        ChoreKind.TRUNCATE,
        chore -> {
          Seen seen = new Seen(ChoreKind.TRUNCATE, chore.inode(), chore.truncateVersion(), "");
          if (isDue(seen, nowNs, still)) {
            finishTruncation.run(chore);
          } else {
            beingCut.add(chore.inode());
          }
        });
    // Of a file that is being cut the chunks do not say where it ends.
    forEach(
        ChoreKind.SETTLE,
        chore -> {
          String client = ClientCensus.id(chore.clientHigh(), chore.clientLow());
          Seen seen = new Seen(ChoreKind.SETTLE, chore.inode(), 0, client);
          if (!living.contains(client)
              && isDue(seen, nowNs, still)
              && !beingCut.contains(chore.inode())) {
            settle.run(chore);
          }
        });
    since = still;
  }

  private boolean isDue(Seen seen, long nowNs, Map<Seen, Long> still) {
    long firstNs = since.getOrDefault(seen, nowNs);
    still.put(seen, firstNs);
    return nowNs - firstNs >= graceNs;
  }

  private void forEach(ChoreKind kind, Work work) throws FileSystemException {
    for (var page = meta.chores(kind, 0); !page.isEmpty(); ) {
      for (MetaClient.Chore chore : page) {
        work.run(chore);
      }
      page = meta.chores(kind, page.getLast().inode());
    }
  }
}
