package io.lampyris.chunkengine.store;

import java.nio.file.Path;

/** The open end of a target's log: takes groups of records. Owner: reactor. */
interface ChunkLog extends AutoCloseable {
  /** The file whose flush makes appended groups durable. */
  Path file();

  /** Whether there is room for this many more records; false means the host's disk is full. */
  boolean reserve(int records, boolean urgent);

  /** Appends a chunk's new state to the open group. */
  void committed(ChunkState chunk);

  /** Appends a chunk's removal to the open group. */
  void removed(ChunkState chunk);

  /**
   * Ends the open group.
   *
   * @return its number
   */
  long endGroup();

  /** A flush that was submitted after this group's end has completed. */
  void durable(long group);

  long lastGroup();

  long lastSequence();

  /** Position in the file behind the last record. */
  long positionBytes();

  @Override
  void close();
}
