package io.lampyris.chunkengine.recovery;

/**
 * What opening a target found in its log.
 *
 * @param generations how many files were replayed
 * @param records how many records of chunks
 * @param journalGroups groups that only the journal had, which were put into the log: a crash
 *     leaves the last second's
 * @param redone overwrites that were put in their place, as the last run had not done it durably
 * @param tornRecords intact records of a group that was not finished, which were dropped: a crash
 *     in the middle of a group commit leaves them, and nobody was told of them
 * @param tornBytes from the end of the last whole group to the end of what was dropped; 0 when the
 *     log ended with a whole group
 */
public record OpenReport(
    int generations,
    long records,
    int journalGroups,
    int redone,
    long tornRecords,
    long tornBytes) {
  public OpenReport withRedone(int overwrites) {
    return new OpenReport(generations, records, journalGroups, overwrites, tornRecords, tornBytes);
  }
}
