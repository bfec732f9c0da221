package io.lampyris.cli.sim;

/**
 * What a simulated cluster is and goes through.
 *
 * @param nodes storage machines
 * @param clients processes, each with {@code workers}
 * @param workers of a client
 * @param chunks that they share
 * @param safetyNs for how long there are faults
 * @param livenessNs within which everything must be over after the faults
 * @param thinkNs a worker's longest pause
 * @param logRewriteBytes a chunk log of this size is rewritten
 * @param hard whether several workers update one chunk at the same time, and chunks are removed;
 *     else each chunk has one that updates it, and stays
 * @param defect what is broken on purpose
 */
public record SimOptions(
    int nodes,
    int clients,
    int workers,
    int chunks,
    long safetyNs,
    long livenessNs,
    long thinkNs,
    long logRewriteBytes,
    boolean hard,
    Defect defect) {
  private static final long SECOND = 1_000_000_000L;

  /** What the command runs. */
  public static final SimOptions DEFAULT =
      new SimOptions(
          3, 3, 2, 12, 12 * SECOND, 120 * SECOND, 60_000_000, 256 << 10, false, Defect.NONE);

  public SimOptions with(Defect wanted) {
    return new SimOptions(
        nodes,
        clients,
        workers,
        chunks,
        safetyNs,
        livenessNs,
        thinkNs,
        logRewriteBytes,
        hard,
        wanted);
  }

  public SimOptions withHard(boolean wanted) {
    return new SimOptions(
        nodes,
        clients,
        workers,
        chunks,
        safetyNs,
        livenessNs,
        thinkNs,
        logRewriteBytes,
        wanted,
        defect);
  }
}
