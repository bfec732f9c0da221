package io.lampyris.chunkengine.check;

import java.nio.file.Path;
import java.util.List;

/**
 * What the offline check of one target found.
 *
 * @param targetId 0 when no superblock says it
 * @param chunks that the log names
 * @param generations that the log has
 * @param records of chunks that were read in the log
 * @param dataBytes that the chunks have
 * @param readBytes that were read and verified
 * @param units that were read and verified
 * @param errors how many, also those that are not listed
 * @param notes how many, also those that are not listed
 * @param findings in the order in which they were met; of one kind a thousand at most
 */
public record CheckReport(
    Path directory,
    long targetId,
    long chunks,
    int generations,
    long records,
    long dataBytes,
    long readBytes,
    long units,
    long errors,
    long notes,
    List<CheckFinding> findings) {
  public CheckReport {
    findings = List.copyOf(findings);
  }

  /** Whether nothing is broken. */
  public boolean isClean() {
    return errors == 0;
  }
}
