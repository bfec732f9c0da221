package io.lampyris.mgmtd.chain;

import java.util.List;

/**
 * What is lost when a certain member leads: writes that were acknowledged under these chain
 * versions and that no later copy brought to it.
 *
 * @param targetId the member; 0: whichever is the best that is left
 * @param fromVersion the first chain version of which writes may be lost
 * @param toVersion the last one; less than {@code fromVersion}: nothing is lost
 * @param holders targets that still hold writes of these versions, should they return
 */
public record Loss(long targetId, int fromVersion, int toVersion, List<Long> holders) {
  public Loss {
    holders = List.copyOf(holders);
  }

  public boolean isNothing() {
    return fromVersion > toVersion;
  }
}
