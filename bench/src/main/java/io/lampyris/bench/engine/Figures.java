package io.lampyris.bench.engine;

/**
 * What one side did in one half of a round.
 *
 * @param operations how many completed
 * @param elapsedNs from the first submission to the last completion
 * @param cpuNs user and system time that the side's process used meanwhile
 * @param processWriteBytes what the process caused to be written, as the kernel accounts it
 * @param diskWriteBytes what the whole disk wrote, the file system's journal and others included
 * @param allocatedBytes Java heap allocated by the reactor's thread; 0 for fio
 */
record Figures(
    long operations,
    long elapsedNs,
    long cpuNs,
    long processWriteBytes,
    long diskWriteBytes,
    long allocatedBytes) {

  double perSecond() {
    return operations * 1e9 / elapsedNs;
  }

  double cpuNsPerOperation() {
    return (double) cpuNs / Math.max(1, operations);
  }

  double allocatedPerOperation() {
    return (double) allocatedBytes / Math.max(1, operations);
  }
}
