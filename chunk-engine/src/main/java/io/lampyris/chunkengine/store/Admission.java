package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.protocol.Status;
import org.jspecify.annotations.Nullable;

/**
 * What becomes of an update, from what it says, the committed version v of its chunk, and the
 * pending version v + 1 if there is one: the first of these rows that applies. A chunk that does
 * not exist has v = 0. "Same" is the same client, channel and sequence number; both are recorded
 * with each version, so that the answers survive a restart.
 */
enum Admission {
  /** Same as the committed version, and asks for it or for none: answered as the first time. */
  REPEAT_COMMITTED(0),
  /** To be left pending, the same as the pending version: it is durable, answered as before. */
  REPEAT_PENDING(0),
  /** The client has sent a later one over this channel that was recorded here. */
  STALE(Status.CHUNK_STALE_UPDATE.code()),
  /** The chunk, or its pending version, has another size. */
  SIZE_MISMATCH(Status.CHUNK_SIZE_MISMATCH.code()),
  /** The chain has moved on since the sender looked: what is here was made by a later chain. */
  CHAIN_MISMATCH(Status.CHAIN_VERSION_MISMATCH.code()),
  /** Asks for no version, and one is pending that is another's: that has to be settled first. */
  ADVANCED(Status.CHUNK_ADVANCE_UPDATE.code()),
  /** Asks for a version up to v. */
  COMMITTED_ALREADY(Status.CHUNK_COMMITTED_UPDATE.code()),
  /** Asks for a version above v + 1. */
  MISSING(Status.CHUNK_MISSING_UPDATE.code()),
  /** A truncate that changes nothing and asks for no version: answered with the length. */
  UNCHANGED(0),
  /** Takes the place of the pending version: it asks for it, or is the same and commits at once. */
  REPLACE_PENDING(0),
  /** Becomes version v + 1. */
  PROCEED(0);

  /** The answer of a row that ends the update with a failure, else 0. */
  final long status;

  Admission(long status) {
    this.status = status;
  }

  boolean goesOn() {
    return this == PROCEED || this == REPLACE_PENDING;
  }

  /**
   * Finds the row.
   *
   * @param committed null when the chunk does not exist
   * @param pending null when nothing is pending
   */
  static Admission of(
      UpdateOp update, @Nullable ChunkState committed, @Nullable ChunkState pending) {
    int version = committed == null ? 0 : committed.version;
    int asked = update.updateVersion;
    if (isSame(update, committed) && (asked == 0 || asked == version)) {
      return REPEAT_COMMITTED;
    }
    boolean whole = pending != null && !pending.isPartOfCopy();
    boolean samePending = whole && isSame(update, pending) && (asked == 0 || asked == version + 1);
    if (samePending && update.stage == UpdateOp.Stage.PENDING) {
      return REPEAT_PENDING;
    }
    if (isStale(update, committed) || isStale(update, pending)) {
      return STALE;
    }
    if (isOfOtherSize(update, committed) || isOfOtherSize(update, pending)) {
      return SIZE_MISMATCH;
    }
    if (isOfLaterChain(update, committed) || isOfLaterChain(update, pending)) {
      return CHAIN_MISMATCH;
    }
    if (asked == 0 && pending != null && !samePending) {
      return ADVANCED;
    }
    if (asked != 0 && asked <= version) {
      return COMMITTED_ALREADY;
    }
    if (asked > version + 1) {
      return MISSING;
    }
    if (asked == 0 && pending == null && changesNothing(update, committed)) {
      return UNCHANGED;
    }
    return pending == null ? PROCEED : REPLACE_PENDING;
  }

  static boolean isFromSameSource(UpdateOp update, ChunkState made) {
    return (update.clientHigh | update.clientLow) != 0
        && made.clientHigh == update.clientHigh
        && made.clientLow == update.clientLow
        && made.channel == update.channel;
  }

  private static boolean isSame(UpdateOp update, @Nullable ChunkState made) {
    return made != null && isFromSameSource(update, made) && made.sequence == update.sequence;
  }

  /** Channel 0 sends in no order. */
  private static boolean isStale(UpdateOp update, @Nullable ChunkState made) {
    return made != null
        && update.channel != 0
        && isFromSameSource(update, made)
        && update.sequence < made.sequence;
  }

  private static boolean isOfOtherSize(UpdateOp update, @Nullable ChunkState made) {
    return made != null && made.chunkSizeBytes != update.chunkSizeBytes;
  }

  private static boolean isOfLaterChain(UpdateOp update, @Nullable ChunkState made) {
    return made != null && update.chainVersion < made.chainVersion;
  }

  private static boolean changesNothing(UpdateOp update, @Nullable ChunkState committed) {
    if (update.kind != UpdateOp.Kind.TRUNCATE) {
      return false;
    }
    int length = committed == null ? 0 : committed.lengthBytes;
    return update.lengthBytes == length || (update.extendOnly && update.lengthBytes < length);
  }
}
