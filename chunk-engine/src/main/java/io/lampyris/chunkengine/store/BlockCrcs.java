package io.lampyris.chunkengine.store;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import java.lang.foreign.MemorySegment;

/**
 * Remembers the checksums of 4 KiB blocks of units that were written or verified lately. So an
 * overwrite of whole blocks need not read the old bytes to know what they take out of the unit's
 * checksum, and a read of some blocks need not read the whole unit to verify them. Owner: reactor.
 *
 * <p>What it says of a unit counts only while the unit has the checksum that it had when it was
 * remembered. So nothing has to be told when a unit changes by another way, when its block is freed
 * or an update is aborted: what was remembered then just does not count any more. Units of 64 KiB
 * only, those of chunks of up to 1 MiB. A cache, and no part of the format.
 *
 * <pre>
 *    0  u64  tag: inode, chunk index and unit, mixed; 0 for nothing
 *    8  u32  the unit's checksum
 *   12  u32  bit n: block n is known
 *   16  u32  checksum of each block
 * </pre>
 */
final class BlockCrcs implements AutoCloseable {
  static final int BLOCK_BYTES = 4096;
  static final int BLOCKS = Geometry.BLOCK_UNIT_BYTES / BLOCK_BYTES;

  /** For 16 GiB of chunks; 20 MiB, of which the system gives what is used. */
  private static final int LINES = 1 << 18;

  private static final int WAYS = 4;
  private static final int LINE_BYTES = 16 + BLOCKS * Integer.BYTES;
  private static final int AT_UNIT_CRC = 8;
  private static final int AT_KNOWN = 12;
  private static final int AT_CRCS = 16;
  private static final long NONE = -1;

  private final MemorySegment lines = NativeMemory.allocateAligned((long) LINES * LINE_BYTES);
  private final int[] made = new int[BLOCKS];
  private int victim;

  /** Whether units of this size are remembered. */
  static boolean holds(int unitBytes) {
    return unitBytes == Geometry.BLOCK_UNIT_BYTES;
  }

  private static long tag(long inode, int chunkIndex, int unit) {
    long h = inode * 0x9E3779B97F4A7C15L + Integer.toUnsignedLong(chunkIndex);
    h = (h ^ (h >>> 32)) * 0xD6E8FEB86659FD93L + unit;
    h = (h ^ (h >>> 32)) * 0xD6E8FEB86659FD93L;
    h ^= h >>> 32;
    return h == 0 ? 1 : h;
  }

  private static long set(long tag) {
    return (tag & LINES / WAYS - 1) * WAYS * LINE_BYTES;
  }

  private long line(long tag) {
    long line = set(tag);
    for (int way = 0; way < WAYS; way++, line += LINE_BYTES) {
      if (lines.get(JAVA_LONG, line) == tag) {
        return line;
      }
    }
    return NONE;
  }

  private static int mask(int first, int count) {
    return ((1 << count) - 1) << first;
  }

  static int blocksIn(int bytes) {
    return (bytes + BLOCK_BYTES - 1) / BLOCK_BYTES;
  }

  /** The checksum of bytes; {@link #put} remembers those of their blocks. */
  int of(Crc32c crc, MemorySegment memory, long offset, int bytes) {
    int all = 0;
    int block = 0;
    for (int at = 0; at < bytes; at += BLOCK_BYTES, block++) {
      int length = Math.min(BLOCK_BYTES, bytes - at);
      int part = crc.of(memory, offset + at, length);
      made[block] = part;
      if (at == 0) {
        all = part;
      } else if (length == BLOCK_BYTES) {
        all = crc.combineBlock(all, part);
      } else {
        all = crc.combine(all, part, length);
      }
    }
    return all;
  }

  /**
   * Copies the checksums of some blocks of a unit.
   *
   * @param unitCrc the unit's checksum now
   * @return false when they are not all known
   */
  boolean get(long inode, int chunkIndex, int unit, int unitCrc, int first, int count, int[] into) {
    long line = line(tag(inode, chunkIndex, unit));
    if (line == NONE || lines.get(JAVA_INT, line + AT_UNIT_CRC) != unitCrc) {
      return false;
    }
    int wanted = mask(first, count);
    if ((lines.get(JAVA_INT, line + AT_KNOWN) & wanted) != wanted) {
      return false;
    }
    for (int block = 0; block < count; block++) {
      into[block] = lines.get(JAVA_INT, line + AT_CRCS + (first + block) * 4L);
    }
    return true;
  }

  /**
   * Remembers the blocks of a unit that {@link #of} was called with last; of the others what is
   * known of the unit as it was before.
   *
   * @param oldUnitCrc the unit's checksum before these blocks were written
   * @param unitCrc and after
   */
  void put(
      long inode, int chunkIndex, int unit, int oldUnitCrc, int unitCrc, int first, int count) {
    long tag = tag(inode, chunkIndex, unit);
    long line = line(tag);
    int known = 0;
    if (line == NONE) {
      line = set(tag) + (victim++ & WAYS - 1) * (long) LINE_BYTES;
      lines.set(JAVA_LONG, line, tag);
    } else if (lines.get(JAVA_INT, line + AT_UNIT_CRC) == oldUnitCrc) {
      known = lines.get(JAVA_INT, line + AT_KNOWN);
    }
    lines.set(JAVA_INT, line + AT_UNIT_CRC, unitCrc);
    lines.set(JAVA_INT, line + AT_KNOWN, known | mask(first, count));
    for (int block = 0; block < count; block++) {
      lines.set(JAVA_INT, line + AT_CRCS + (first + block) * 4L, made[block]);
    }
  }

  @Override
  public void close() {
    NativeMemory.unmap(lines);
  }
}
