package io.lampyris.reactor.sim;

import java.lang.foreign.MemorySegment;

/** What a simulated device stores on. Owner: the simulation's thread. */
public interface SimMedium {
  long sizeBytes();

  void read(long at, MemorySegment into, long offset, int sizeBytes);

  /** Writes into the medium's volatile cache. */
  void write(long at, MemorySegment from, long offset, int sizeBytes);

  /** Gives a range back. */
  void discard(long at, long sizeBytes);

  /** A flush begins: what was written so far is what {@link #flushed} makes durable. */
  long flushMark();

  /** What was written before the mark is durable now. */
  void flushed(long mark);
}
