package io.lampyris.chunkengine.format;

import java.util.Arrays;

/**
 * Everything a target knows of one committed chunk, out of the index: a pooled copy that operations
 * work on. Owner: whoever holds it.
 */
public final class ChunkState {
  /** A chunk of length 0 has no block. */
  public static final long NO_BLOCK = -1;

  /** The result of a pending version of length 0 that is no version but the chunk's removal. */
  public static final int REMOVAL = Integer.MAX_VALUE;

  /** The result of a pending version that is the first part of a copy. */
  public static final int PART_OF_COPY = Integer.MAX_VALUE - 1;

  private static final long MIX = 0x9E37_79B9_7F4A_7C15L;

  public long inode;

  /** Unsigned; files use 31 bits. */
  public int chunkIndex;

  public int version;
  public int chainVersion;
  public int lengthBytes;
  public int chunkSizeBytes;

  /** Of the {@link #lengthBytes}. */
  public int crc32c;

  public long blockOffset;
  public int sizeClass;

  /** One per started unit; the last covers only what the chunk's length covers. */
  public final int[] unitCrcs = new int[Geometry.UNITS_MAX];

  // Who made this version, and what was answered: a retry gets the same answer.
  public long clientHigh;
  public long clientLow;
  public long sequence;
  public int channel;
  public int result;

  public void clear() {
    inode = 0;
    chunkIndex = 0;
    version = 0;
    chainVersion = 0;
    lengthBytes = 0;
    chunkSizeBytes = 0;
    crc32c = 0;
    blockOffset = NO_BLOCK;
    sizeClass = 0;
    Arrays.fill(unitCrcs, 0);
    clientHigh = 0;
    clientLow = 0;
    sequence = 0;
    channel = 0;
    result = 0;
  }

  public void copyFrom(ChunkState other) {
    inode = other.inode;
    chunkIndex = other.chunkIndex;
    version = other.version;
    chainVersion = other.chainVersion;
    lengthBytes = other.lengthBytes;
    chunkSizeBytes = other.chunkSizeBytes;
    crc32c = other.crc32c;
    blockOffset = other.blockOffset;
    sizeClass = other.sizeClass;
    System.arraycopy(other.unitCrcs, 0, unitCrcs, 0, unitCrcs.length);
    clientHigh = other.clientHigh;
    clientLow = other.clientLow;
    sequence = other.sequence;
    channel = other.channel;
    result = other.result;
  }

  /** Takes over who updates, and the answer. */
  public void updatedBy(long high, long low, int over, long number, int answer) {
    clientHigh = high;
    clientLow = low;
    channel = over;
    sequence = number;
    result = answer;
  }

  /** A hash of who made it; members that have the same update have the same. */
  public int maker() {
    long mixed = clientHigh * MIX;
    mixed = (Long.rotateLeft(mixed, 29) + clientLow) * MIX;
    mixed = (Long.rotateLeft(mixed, 29) + channel) * MIX;
    mixed = (Long.rotateLeft(mixed, 29) + sequence) * MIX;
    return (int) (mixed >>> 32);
  }

  /** Of a pending version: whether the chunk is removed when it is committed. */
  public boolean isRemoval() {
    return lengthBytes == 0 && result == REMOVAL;
  }

  /** Of a pending version: whether it is the first part of a copy that is not here whole. */
  public boolean isPartOfCopy() {
    return lengthBytes > 0 && result == PART_OF_COPY;
  }

  /**
   * Whether it is the very version that another replica has: made of the same bytes by the same.
   */
  public boolean isLike(int otherVersion, int otherLength, int otherCrc32c, int otherMaker) {
    return version == otherVersion
        && lengthBytes == otherLength
        && crc32c == otherCrc32c
        && maker() == otherMaker;
  }

  public int unitBytes() {
    return Geometry.unitBytes(chunkSizeBytes);
  }

  public int unitCount() {
    return Geometry.unitCount(lengthBytes, unitBytes());
  }

  public boolean hasBlock() {
    return blockOffset != NO_BLOCK;
  }

  /** Sets {@link #crc32c} from the units'. */
  public void combineUnits(Crc32c crc) {
    int unitBytes = unitBytes();
    int combined = 0;
    for (int unit = 0, at = 0; at < lengthBytes; unit++, at += unitBytes) {
      int bytes = Math.min(unitBytes, lengthBytes - at);
      combined = unit == 0 ? unitCrcs[0] : crc.combine(combined, unitCrcs[unit], bytes);
    }
    crc32c = combined;
  }
}
