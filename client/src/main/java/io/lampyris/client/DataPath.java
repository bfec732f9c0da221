package io.lampyris.client;

/** Reads and writes of file ranges, on one reactor. Owner: reactor. */
public interface DataPath {
  /**
   * Takes an operation; it completes later or before this returns. A write is complete when storage
   * has acknowledged it (durable, as the target's durability says) and the inode's length as this
   * client sees it covers it.
   */
  void submit(FileIo io);

  /** How many operations are submitted and not complete. */
  int inFlight();
}
