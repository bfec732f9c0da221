package io.lampyris.client;

import io.lampyris.client.RouteTable.Positions;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/**
 * Whom a call goes to, and what its failure means for the next attempt. Owner: reactor.
 *
 * <pre>
 *   answer                             a read                         what goes to the head
 *   NO_ROUTE, CHAIN_VERSION_MISMATCH,  another member at once;        again at once when routing
 *   TARGET_OFFLINE, UNREACHABLE,       all were asked: after a pause  has changed meanwhile;
 *   TIMEOUT                            (news of routing are asked     else after a pause
 *                                      for)                           (likewise)
 *   BUSY                               another one after a pause      after a pause
 *   CHECKSUM_MISMATCH                  like the first row; final after some times
 *   DATA_CORRUPTION, DEVICE_ERROR      another one at once, or final  final
 *   another failure                    final                          final
 * </pre>
 */
final class Failover {
  /** What to do with a call that has an answer. */
  enum Next {
    FINAL,
    AT_ONCE,
    AFTER_PAUSE
  }

  /** Whoever changes memory while it is read or written gets an answer in the end. */
  private static final int DAMAGES_MAX = 16;

  private static final long REFRESH_EVERY_NS = 20_000_000;
  private static final int DOUBLINGS_MAX = 4;

  private final RouteSource source;
  private final RouteTable routes;
  private final DataPathOptions options;
  private final ClientCounters counters;
  private int rotation;
  private long refreshedNs;
  private boolean refreshed;

  Failover(
      RouteSource source, Connector connector, DataPathOptions options, ClientCounters counters) {
    this.source = source;
    this.routes = new RouteTable(connector, options.localNodeId());
    this.options = options;
    this.counters = counters;
  }

  RouteTable routes() {
    return routes;
  }

  /** Takes newer routing; false when there is none. */
  boolean follow() {
    return routes.follow(source.routing());
  }

  /** Asks for newer routing than this, but not for every call. */
  void refresh(long staleVersion, long nowNs) {
    if (!refreshed || nowNs - refreshedNs >= REFRESH_EVERY_NS) {
      refreshed = true;
      refreshedNs = nowNs;
      source.refresh(staleVersion);
    }
  }

  // ---- whom to ask ----

  /** Null when nobody serves. */
  @Nullable StorageNode choose(ChunkCall call, Positions positions, int at, long nowNs) {
    StorageNode[] members = positions.members[at];
    if (members.length == 0) {
      return null;
    }
    if (call.kind != ChunkCall.Kind.READ || members.length == 1) {
      return members[0];
    }
    return reader(call, members, nowNs);
  }

  /** The member with least to do; those that failed of late come last. */
  private StorageNode reader(ChunkCall call, StorageNode[] members, long nowNs) {
    StorageNode best = null;
    StorageNode spare = null;
    int first = Integer.remainderUnsigned(rotation++, members.length);
    for (int i = 0; i < members.length; i++) {
      StorageNode node = members[(first + i) % members.length];
      if (call.isTried(node.id)) {
        continue;
      }
      if (node.isShunned(nowNs) || node.held >= ChunkClient.NODE_CALLS_MAX) {
        spare = node;
      } else if (node.local) {
        best = node;
        break;
      } else if (best == null || node.loadBytes() < best.loadBytes()) {
        best = node;
      }
    }
    if (best == null) {
      best = spare == null ? members[first] : spare;
    }
    best.probing(nowNs, options.silentNs());
    return best;
  }

  /** Until when an attempt may take, given its operation's deadline. */
  long deadlineNs(ChunkCall call, int memberCount, long nowNs) {
    if (memberCount <= 1) {
      return call.tryUntilNs;
    }
    boolean read = call.kind == ChunkCall.Kind.READ;
    long attemptNs = read ? options.readAttemptNs() : options.updateAttemptNs();
    return Math.min(call.tryUntilNs, nowNs + (attemptNs << Math.min(call.rounds, DOUBLINGS_MAX)));
  }

  /** Whether a call under way had better be sent to somebody else. */
  boolean isLost(ChunkCall call, StorageNode node, long nowNs) {
    StorageNode[] members = routes.members(call.layout, call.chunkIndex);
    if (call.kind != ChunkCall.Kind.READ) {
      return members.length > 0 && members[0] != node;
    }
    if (!has(members, node)) {
      // Its chain does without it: who is left may have been asked by the version before.
      return members.length > 0;
    }
    long silentNs = options.silentNs();
    if (node.silentNs(nowNs) < silentNs << Math.min(call.rounds, DOUBLINGS_MAX)) {
      return false;
    }
    // The other one may look silent too, as a head does whose updates wait for this very node.
    for (StorageNode other : members) {
      if (other != node && !call.isTried(other.id) && !other.isShunned(nowNs)) {
        return true;
      }
    }
    return false;
  }

  private static boolean has(StorageNode[] members, StorageNode node) {
    for (StorageNode member : members) {
      if (member == node) {
        return true;
      }
    }
    return false;
  }

  // ---- what an answer means ----

  Next next(ChunkCall call, long nowNs) {
    long result = call.result;
    boolean read = call.kind == ChunkCall.Kind.READ;
    boolean damaged = result == Status.CHECKSUM_MISMATCH.code();
    boolean bad = read && isBadMember(result);
    boolean busy = result == Status.BUSY.code();
    boolean stale = isStale(result);
    if (!(damaged || bad || busy || stale) || nowNs - call.tryUntilNs >= 0) {
      return Next.FINAL;
    }
    if (stale) {
      refresh(call.routesVersion, nowNs);
      follow();
    }
    if (damaged) {
      counters.damagedPayloads.increment();
      if (++call.damages > DAMAGES_MAX) {
        return Next.FINAL;
      }
    }
    Next next = read ? nextOfRead(call, busy) : nextAtHead(call, damaged);
    return bad && next == Next.AFTER_PAUSE ? Next.FINAL : next;
  }

  /** Whether another attempt could have had another result. */
  static boolean isPassing(long result) {
    return isStale(result)
        || result == Status.BUSY.code()
        || result == Status.CHECKSUM_MISMATCH.code();
  }

  private static boolean isStale(long result) {
    return result == Status.CHAIN_VERSION_MISMATCH.code()
        || result == Status.UNREACHABLE.code()
        || result == Status.TIMEOUT.code()
        || result == Status.TARGET_OFFLINE.code()
        || result == Status.NO_ROUTE.code();
  }

  private static boolean isBadMember(long result) {
    return result == Status.DATA_CORRUPTION.code() || result == Status.DEVICE_ERROR.code();
  }

  private Next nextOfRead(ChunkCall call, boolean busy) {
    StorageNode asked = call.node;
    if (asked != null) {
      call.triedOne(asked.id);
    }
    for (StorageNode member : routes.members(call.layout, call.chunkIndex)) {
      if (!call.isTried(member.id)) {
        return busy ? Next.AFTER_PAUSE : Next.AT_ONCE;
      }
    }
    call.triedAll();
    return Next.AFTER_PAUSE;
  }

  private Next nextAtHead(ChunkCall call, boolean damaged) {
    Positions positions = routes.positions(call.layout);
    if (positions == null || !call.sent) {
      return Next.AFTER_PAUSE;
    }
    int at = call.layout.chainPosition(call.chunkIndex, positions.count());
    StorageNode[] members = positions.members[at];
    boolean moved =
        members.length > 0
            && (members[0] != call.node || positions.chainVersions[at] != call.chainVersion);
    return moved || (damaged && call.damages == 1) ? Next.AT_ONCE : Next.AFTER_PAUSE;
  }
}
