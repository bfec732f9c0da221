package io.lampyris.client;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Connection;
import org.jspecify.annotations.Nullable;

/**
 * A storage node as this client sees it: what it was sent and has not answered, whether it answers
 * at all, and who waits until it has room. Owner: reactor.
 */
final class StorageNode {
  /** What a call costs beside its bytes, when load is compared. */
  private static final int CALL_COST_BYTES = 16 << 10;

  private static final long SHUN_MIN_NS = 100_000_000;
  private static final int SHUN_DOUBLINGS_MAX = 4;

  final int id;
  final Connection way;
  final boolean local;

  /** Calls that were sent here last, those that pause before they are sent again included. */
  int held;

  // Sent and not answered, oldest first.
  @Nullable ChunkCall oldest;
  private @Nullable ChunkCall youngest;
  private long loadBytes;

  /** When it last answered, or was first asked after that. */
  private long heardNs;

  private int failures;
  private long shunnedUntilNs;

  /** Operations that wait for room, in the order in which they are to go on. */
  final OperationQueue blocked = new OperationQueue();

  /** One of them is on its way out of the queue: the others keep their order behind it. */
  boolean waking;

  StorageNode(int id, Connection way, boolean local) {
    this.id = id;
    this.way = way;
    this.local = local;
  }

  long loadBytes() {
    return loadBytes;
  }

  void sent(ChunkCall call, long nowNs) {
    if (oldest == null) {
      heardNs = nowNs;
      oldest = call;
    } else if (youngest != null) {
      youngest.younger = call;
    }
    call.older = youngest;
    call.younger = null;
    youngest = call;
    loadBytes += CALL_COST_BYTES + call.payloadLength;
  }

  void answered(ChunkCall call, long nowNs) {
    ChunkCall older = call.older;
    ChunkCall younger = call.younger;
    if (older == null) {
      oldest = younger;
    } else {
      older.younger = younger;
    }
    if (younger == null) {
      youngest = older;
    } else {
      younger.older = older;
    }
    call.older = null;
    call.younger = null;
    loadBytes -= CALL_COST_BYTES + call.payloadLength;
    boolean silent =
        call.result == Status.TIMEOUT.code() || call.result == Status.UNREACHABLE.code();
    if (silent) {
      shunnedUntilNs = nowNs + (SHUN_MIN_NS << Math.min(failures, SHUN_DOUBLINGS_MAX));
      failures++;
    } else {
      heardNs = nowNs;
      failures = 0;
    }
  }

  /** For how long it has had calls and answered none. */
  long silentNs(long nowNs) {
    return oldest == null ? 0 : nowNs - heardNs;
  }

  /** It was this process that stood still. */
  void excuse(long nowNs) {
    heardNs = nowNs;
  }

  /** Whether it failed of late, and another member had better be asked. */
  boolean isShunned(long nowNs) {
    return failures > 0 && nowNs - shunnedUntilNs < 0;
  }

  /** One call finds out whether it is there again; the next one when that has taken too long. */
  void probing(long nowNs, long silentNs) {
    if (failures > 0) {
      shunnedUntilNs = nowNs + 2 * silentNs;
    }
  }
}
