package io.lampyris.client;

import java.util.concurrent.TimeUnit;

/**
 * Times and sizes of a {@link ReactorDataPath}.
 *
 * @param retryNs how long an operation is tried before its last failure is final
 * @param silentNs how long a node that has calls of ours may answer none before reads go elsewhere
 * @param readAttemptNs how long one member may take for a read that another one can answer
 * @param updateAttemptNs how long the head of a chain may take before it is asked again
 * @param pieceMaxBytes of one call's payload: what networks and storage nodes have buffers for
 * @param checksums payloads have checksums on their way, as they go over a network: of what is
 *     written they are sent along, of what is read they are asked for and verified
 * @param localNodeId whose targets are read first; 0: none is preferred
 */
public record DataPathOptions(
    long retryNs,
    long silentNs,
    long readAttemptNs,
    long updateAttemptNs,
    int pieceMaxBytes,
    boolean checksums,
    int localNodeId) {

  /** What is looked through at once takes a millisecond of the reactor. */
  static final int CHECKED_MAX_BYTES = 4 << 20;

  /** Storage in this very process: nothing gets lost or damaged on the way. */
  public static final DataPathOptions EMBEDDED =
      new DataPathOptions(
          TimeUnit.SECONDS.toNanos(30),
          TimeUnit.MILLISECONDS.toNanos(400),
          TimeUnit.SECONDS.toNanos(2),
          TimeUnit.SECONDS.toNanos(10),
          Integer.MAX_VALUE,
          false,
          0);

  /** Storage on other machines. */
  public static final DataPathOptions REMOTE =
      EMBEDDED.withPieceMaxBytes(CHECKED_MAX_BYTES).withChecksums(true);

  public DataPathOptions {
    if (retryNs <= 0 || silentNs <= 0 || readAttemptNs <= 0 || updateAttemptNs <= 0) {
      throw new IllegalArgumentException(
          "a time is not positive; observed=%d %d %d %d, limit=> 0; remedy: correct it"
              .formatted(retryNs, silentNs, readAttemptNs, updateAttemptNs));
    }
    if (pieceMaxBytes < 4096) {
      throw new IllegalArgumentException(
          "pieces are too small; observed=%d, limit=>= 4096; remedy: correct pieceMaxBytes"
              .formatted(pieceMaxBytes));
    }
  }

  public DataPathOptions withRetryNs(long wanted) {
    return new DataPathOptions(
        wanted, silentNs, readAttemptNs, updateAttemptNs, pieceMaxBytes, checksums, localNodeId);
  }

  public DataPathOptions withPieceMaxBytes(int wanted) {
    return new DataPathOptions(
        retryNs, silentNs, readAttemptNs, updateAttemptNs, wanted, checksums, localNodeId);
  }

  public DataPathOptions withChecksums(boolean wanted) {
    return new DataPathOptions(
        retryNs, silentNs, readAttemptNs, updateAttemptNs, pieceMaxBytes, wanted, localNodeId);
  }

  public DataPathOptions withLocalNodeId(int wanted) {
    return new DataPathOptions(
        retryNs, silentNs, readAttemptNs, updateAttemptNs, pieceMaxBytes, checksums, wanted);
  }
}
