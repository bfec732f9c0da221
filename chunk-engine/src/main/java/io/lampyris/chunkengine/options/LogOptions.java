package io.lampyris.chunkengine.options;

import io.lampyris.chunkengine.space.PayloadJournal;

/**
 * How a target's log lives.
 *
 * @param reserveBytes space that is kept reserved ahead of the log's end
 * @param mapBytes one mapping of the log, and how far its file is extended at a time
 * @param rewriteBytes a log that has this many bytes, most of them dead, is rewritten
 * @param lowBytes when the host has less free than this, a log is rewritten sooner, and said so
 * @param lookMs how often the keeper looks whether the log is still in its place
 * @param payloadSlots how many slots of the journal of payloads are used; fewer in tests, so that
 *     they are used again soon
 */
public record LogOptions(
    long reserveBytes,
    int mapBytes,
    long rewriteBytes,
    long lowBytes,
    int lookMs,
    int payloadSlots) {
  public static final LogOptions DEFAULTS =
      new LogOptions(32 << 20, 16 << 20, 64 << 20, 256 << 20, 1_000, PayloadJournal.SLOTS);

  public LogOptions withSizes(long reserve, int map) {
    return new LogOptions(reserve, map, rewriteBytes, lowBytes, lookMs, payloadSlots);
  }

  public LogOptions withRewriteBytes(long wanted) {
    return new LogOptions(reserveBytes, mapBytes, wanted, lowBytes, lookMs, payloadSlots);
  }

  public LogOptions withLowBytes(long wanted) {
    return new LogOptions(reserveBytes, mapBytes, rewriteBytes, wanted, lookMs, payloadSlots);
  }

  public LogOptions withLookMs(int wanted) {
    return new LogOptions(reserveBytes, mapBytes, rewriteBytes, lowBytes, wanted, payloadSlots);
  }

  public LogOptions withPayloadSlots(int wanted) {
    return new LogOptions(reserveBytes, mapBytes, rewriteBytes, lowBytes, lookMs, wanted);
  }
}
