package io.lampyris.client;

import java.util.concurrent.atomic.LongAdder;

/** What one client did since its start. Any thread. */
public final class ClientCounters {
  /** A place holder in pooled objects. */
  static final ClientCounters NONE = new ClientCounters();

  /** Values of one moment, not of one instant. */
  public record Snapshot(
      long readOperations,
      long readBytes,
      long writeOperations,
      long writeBytes,
      long failedOperations,
      long chunkCalls,
      long retries,
      long failovers,
      long damagedPayloads,
      long readAheadHitBytes,
      long readAheadWastedBytes,
      long copiedBytes,
      long metaCalls) {}

  /** Operations of the data path, buffered ones and those of rings alike. */
  final LongAdder readOperations = new LongAdder();

  final LongAdder readBytes = new LongAdder();
  final LongAdder writeOperations = new LongAdder();
  final LongAdder writeBytes = new LongAdder();
  final LongAdder failedOperations = new LongAdder();
  final LongAdder chunkCalls = new LongAdder();
  final LongAdder retries = new LongAdder();

  /** Retries that went to another node, or under newer routing, without a pause. */
  final LongAdder failovers = new LongAdder();

  /** Payloads that did not arrive as they were sent. */
  final LongAdder damagedPayloads = new LongAdder();

  final LongAdder readAheadHitBytes = new LongAdder();
  final LongAdder readAheadWastedBytes = new LongAdder();

  /** Through write windows and read-ahead buffers. */
  final LongAdder copiedBytes = new LongAdder();

  final LongAdder metaCalls = new LongAdder();

  public Snapshot snapshot() {
    return new Snapshot(
        readOperations.sum(),
        readBytes.sum(),
        writeOperations.sum(),
        writeBytes.sum(),
        failedOperations.sum(),
        chunkCalls.sum(),
        retries.sum(),
        failovers.sum(),
        damagedPayloads.sum(),
        readAheadHitBytes.sum(),
        readAheadWastedBytes.sum(),
        copiedBytes.sum(),
        metaCalls.sum());
  }
}
