package io.lampyris.mgmtd.lease;

import io.lampyris.protocol.lease.Grant;

/** What a manager makes of a node's request for a lease. */
public sealed interface Renewal {
  /**
   * @param returned the node had no lease: what it held before is decided anew
   */
  record Granted(Grant grant, boolean returned) implements Renewal {}

  /**
   * The request is of a process that has been replaced, or older than one that was granted (I3).
   */
  record Refused(String reason) implements Renewal {}
}
