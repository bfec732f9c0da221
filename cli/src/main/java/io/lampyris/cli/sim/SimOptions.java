package io.lampyris.cli.sim;

/**
 * What simulated clusters go through.
 *
 * @param nodesMin storage machines, at least
 * @param nodesMax and at most
 * @param clients processes, each with {@code workers}
 * @param workers of a client
 * @param chunks that they share
 * @param safetyNs for how long there are faults
 * @param livenessNs within which everything must be over after the faults
 * @param thinkNs a worker's longest pause
 * @param logRewriteBytes a chunk log of this size is rewritten
 * @param defect what is broken on purpose
 */
public record SimOptions(
    int nodesMin,
    int nodesMax,
    int clients,
    int workers,
    int chunks,
    long safetyNs,
    long livenessNs,
    long thinkNs,
    long logRewriteBytes,
    Defect defect) {
  private static final long SECOND = 1_000_000_000L;

  /** What the command runs. */
  public static final SimOptions DEFAULT =
      new SimOptions(3, 5, 3, 2, 8, 10 * SECOND, 60 * SECOND, 80_000_000, 256 << 10, Defect.NONE);

  public SimOptions with(Defect wanted) {
    return new SimOptions(
        nodesMin,
        nodesMax,
        clients,
        workers,
        chunks,
        safetyNs,
        livenessNs,
        thinkNs,
        logRewriteBytes,
        wanted);
  }
}
