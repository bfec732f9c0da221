package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.space.BlockAllocator;
import io.lampyris.chunkengine.space.BlockReferences;
import org.agrona.collections.LongArrayQueue;

/**
 * Blocks whose death is in the log, but not durably: under {@code interval} and {@code none} an
 * update is committed before its record is on stable storage. Until then a power cut brings back
 * the version that lies in the block, so the block must not be used again. Operations that found no
 * space wait here for what these blocks hold. Empty under {@code strict}. Owner: reactor.
 */
final class HeldBlocks {
  /** A sync is asked for when so much is held, whatever the interval, ... */
  private static final long HELD_MAX_BYTES = 256L << 20;

  /** ... or this part of a smaller device. */
  private static final int HELD_PART = 32;

  private static final int INITIAL = 1 << 6;

  private final long maxBytes;

  /** In order of their deaths: offset and class as an allocator packs them. */
  private final LongArrayQueue blocks = new LongArrayQueue(INITIAL, Long.MIN_VALUE);

  /** Of each block: how many syncs have to be complete. */
  private final LongArrayQueue dueSyncs = new LongArrayQueue(INITIAL, Long.MIN_VALUE);

  private final OpQueue spaceless = new OpQueue();
  private long bytes;

  HeldBlocks(long capacityBytes) {
    maxBytes = Math.min(HELD_MAX_BYTES, capacityBytes / HELD_PART);
  }

  /** A block died in an update that was appended; it is free when so many syncs are complete. */
  void add(long offset, int sizeClass, long sync) {
    blocks.addLong(offset | sizeClass);
    dueSyncs.addLong(sync);
    bytes += Geometry.classBytes(sizeClass);
  }

  /** Whether a sync should not wait for its time. */
  boolean wantsSync() {
    return !spaceless.isEmpty() || bytes > maxBytes;
  }

  /** A sync is complete: kills what it covers and lets those go on that wait for space. */
  void release(long syncs, BlockReferences references, OpQueue resumed) {
    while (!blocks.isEmpty() && dueSyncs.peekLong() <= syncs) {
      long block = blocks.pollLong();
      dueSyncs.pollLong();
      int sizeClass = BlockAllocator.classOf(block);
      bytes -= Geometry.classBytes(sizeClass);
      references.kill(BlockAllocator.offsetOf(block), sizeClass);
    }
    resumed.takeAll(spaceless);
  }

  /** An operation, with the lock of its chunk, waits for space that is held. */
  void await(StoreOp op) {
    spaceless.add(op);
  }

  /** Those that wait go on, to be told that the target is offline. */
  void abandon(OpQueue resumed) {
    resumed.takeAll(spaceless);
  }

  boolean hasWaiting() {
    return !spaceless.isEmpty();
  }

  boolean isEmpty() {
    return blocks.isEmpty();
  }

  /** What the device gets back by and by. */
  long bytes() {
    return bytes;
  }
}
