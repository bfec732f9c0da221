package io.lampyris.cli.sim;

/**
 * What became of one seed.
 *
 * @param failure empty when all went well
 * @param simulatedNs how long the cluster ran
 * @param operations that were answered
 * @param crashes ends of processes
 * @param partitions and other troubles of the network
 * @param undecided histories that would have taken too much to check
 * @param traceHash equal for equal runs
 */
public record SimResult(
    long seed,
    String failure,
    long simulatedNs,
    long operations,
    long crashes,
    long partitions,
    long undecided,
    long traceHash) {
  public boolean isGood() {
    return failure.isEmpty();
  }
}
