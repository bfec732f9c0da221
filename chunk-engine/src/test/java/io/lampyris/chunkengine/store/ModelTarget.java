package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.Crc32c;
import java.lang.foreign.MemorySegment;
import java.util.function.BooleanSupplier;

/** A target that a {@link SimWorkload} works on, on one thread, which is its reactor's too. */
interface ModelTarget {
  TargetStore store();

  /** What its client makes checksums with. */
  Crc32c crc();

  void runUntil(BooleanSupplier done);

  void runFor(long durationNs);

  /** Memory for a client's transfers; as long as transfers of it may be under way. */
  MemorySegment allocate(int sizeBytes);
}
