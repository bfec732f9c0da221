package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import java.lang.foreign.MemorySegment;

/**
 * The unit checksums of a version in the making, out of those of the version before it and the
 * bytes that are written. Owner: the update that makes it.
 */
final class UnitCrcs {
  private final int[] crcs = new int[Geometry.UNITS_MAX];
  private final int[] oldBlocks = new int[BlockCrcs.BLOCKS];
  private long inode;
  private int chunkIndex;
  private int unitBytes;

  // Of old bytes that are read through once more: the unit that was begun.
  private int running;

  /** Starts with the old version's. */
  void start(ChunkState old) {
    System.arraycopy(old.unitCrcs, 0, crcs, 0, crcs.length);
    inode = old.inode;
    chunkIndex = old.chunkIndex;
    unitBytes = old.unitBytes();
  }

  void set(int unit, int crc) {
    crcs[unit] = crc;
  }

  /** Gives the new version its checksums. */
  void finish(ChunkState made, Crc32c crc) {
    int unitCount = made.unitCount();
    for (int unit = 0; unit < crcs.length; unit++) {
      made.unitCrcs[unit] = unit < unitCount ? crcs[unit] : 0;
    }
    made.combineUnits(crc);
  }

  /**
   * Extends the units by chunk bytes {@code start … end} that lie in memory.
   *
   * @return the checksum of these bytes
   */
  int append(
      Crc32c crc, BlockCrcs remembered, MemorySegment memory, long offset, int start, int end) {
    int all = 0;
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int bytes = Math.min(end, (unit + 1) * unitBytes) - at;
      int part;
      if (at % unitBytes == 0 && BlockCrcs.holds(unitBytes)) {
        part = remembered.of(crc, memory, offset + at - start, bytes);
        remembered.put(inode, chunkIndex, unit, ~part, part, 0, BlockCrcs.blocksIn(bytes));
      } else {
        part = crc.of(memory, offset + at - start, bytes);
      }
      crcs[unit] = at % unitBytes == 0 ? part : crc.combine(crcs[unit], part, bytes);
      all = at == start ? part : crc.combine(all, part, bytes);
      at += bytes;
    }
    return all;
  }

  // ---- blocks whose old checksums are known ----

  /** Whether an overwrite is of whole blocks of one unit, which may be remembered. */
  private boolean isOfBlocks(int start, int end, int length) {
    return BlockCrcs.holds(unitBytes)
        && start % BlockCrcs.BLOCK_BYTES == 0
        && (end == length || (end < length && end % BlockCrcs.BLOCK_BYTES == 0))
        && start / unitBytes == (end - 1) / unitBytes;
  }

  /** Whether {@link #exchange} can do without the bytes that an overwrite replaces. */
  boolean knowsOld(BlockCrcs remembered, int start, int end, int length) {
    if (!isOfBlocks(start, end, length)) {
      return false;
    }
    int unit = start / unitBytes;
    int first = start % unitBytes / BlockCrcs.BLOCK_BYTES;
    int count = BlockCrcs.blocksIn(end - start);
    return remembered.get(inode, chunkIndex, unit, crcs[unit], first, count, oldBlocks);
  }

  /**
   * Puts new bytes in the place of those that {@link #knowsOld} knew, and remembers their blocks.
   *
   * @return the checksum of these bytes
   */
  int exchange(
      Crc32c crc,
      BlockCrcs remembered,
      MemorySegment memory,
      long offset,
      int start,
      int end,
      int length) {
    int all = remembered.of(crc, memory, offset, end - start);
    int old = oldBlocks[0];
    for (int block = 1, at = start + BlockCrcs.BLOCK_BYTES; at < end; block++) {
      int bytes = Math.min(BlockCrcs.BLOCK_BYTES, end - at);
      old =
          bytes == BlockCrcs.BLOCK_BYTES
              ? crc.combineBlock(old, oldBlocks[block])
              : crc.combine(old, oldBlocks[block], bytes);
      at += bytes;
    }
    int unit = start / unitBytes;
    int unitEnd = Math.min((unit + 1) * unitBytes, length);
    int was = crcs[unit];
    crcs[unit] ^= crc.move(old ^ all, unitEnd - end);
    put(remembered, was, start, end);
    return all;
  }

  /** Remembers the blocks of an overwrite that {@link #putIn} has put in their place. */
  void remember(
      Crc32c crc,
      BlockCrcs into,
      ChunkState old,
      MemorySegment memory,
      long offset,
      int start,
      int end,
      int length) {
    if (isOfBlocks(start, end, length)) {
      into.of(crc, memory, offset, end - start);
      put(into, old.unitCrcs[start / unitBytes], start, end);
    }
  }

  private void put(BlockCrcs into, int was, int start, int end) {
    int unit = start / unitBytes;
    int first = start % unitBytes / BlockCrcs.BLOCK_BYTES;
    into.put(inode, chunkIndex, unit, was, crcs[unit], first, BlockCrcs.blocksIn(end - start));
  }

  private boolean isWhole(int start, int end, int length) {
    int unitEnd = Math.min((start / unitBytes + 1) * unitBytes, length);
    return start % unitBytes == 0 && end == unitEnd;
  }

  /** Whether an overwrite of these bytes of a chunk of this length leaves no unit in parts. */
  boolean coversUnits(int start, int end, int length) {
    return start % unitBytes == 0 && (end >= length || end % unitBytes == 0);
  }

  /**
   * Takes the old bytes {@code start … end} out of the checksums of the units that an overwrite
   * leaves in parts. A checksum is linear but for a constant that comes in twice: what changes it
   * is the difference of old and new bytes, moved to the unit's end. A byte of the unit that went
   * bad before therefore stays a wrong checksum: nothing is healed unseen.
   */
  void takeOut(Crc32c crc, MemorySegment memory, long offset, int start, int end, int length) {
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = Math.min((unit + 1) * unitBytes, length);
      int to = Math.min(end, unitEnd);
      if (!isWhole(at, to, length)) {
        crcs[unit] ^= crc.move(crc.of(memory, offset + at - start, to - at), unitEnd - to);
      }
      at = to;
    }
  }

  /**
   * Puts new bytes in the place of the ones that were taken out.
   *
   * @return the checksum of these bytes
   */
  int putIn(Crc32c crc, MemorySegment memory, long offset, int start, int end, int length) {
    int all = 0;
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = Math.min((unit + 1) * unitBytes, length);
      int to = Math.min(end, unitEnd);
      int part = crc.of(memory, offset + at - start, to - at);
      if (isWhole(at, to, length)) {
        crcs[unit] = part;
      } else {
        crcs[unit] ^= crc.move(part, unitEnd - to);
      }
      all = at == start ? part : crc.combine(all, part, to - at);
      at = to;
    }
    return all;
  }

  // ---- the old bytes ----

  /**
   * Looks at the old version's bytes {@code start … end}, which follow those of the last call.
   *
   * @return the unit that ends here and does not have its checksum, or -1
   */
  int verify(Crc32c crc, MemorySegment memory, ChunkState old, int oldLength, int start, int end) {
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = Math.min((unit + 1) * unitBytes, oldLength);
      int bytes = Math.min(end, unitEnd) - at;
      int part = crc.of(memory, at - start, bytes);
      running = at % unitBytes == 0 ? part : crc.combine(running, part, bytes);
      at += bytes;
      if (at == unitEnd && running != old.unitCrcs[unit]) {
        return unit;
      }
    }
    return -1;
  }

  /** What {@link #verify} computed for the unit that it returned. */
  int observed() {
    return running;
  }
}
