package io.lampyris.chunkengine.format;

/** Sizes of format 1 and the arithmetic of size classes, blocks and units. */
public final class Geometry {
  /** Offsets and sizes of blocks are multiples of this; the smallest block. */
  public static final int BLOCK_UNIT_BYTES = 64 << 10;

  public static final int BLOCK_UNIT_SHIFT = 16;

  /** A size class is the logarithm of its block size. */
  public static final int CLASS_MIN = 16;

  public static final int CLASS_MAX = 26;
  public static final int CLASSES = CLASS_MAX - CLASS_MIN + 1;

  public static final long EXTENT_BYTES = 64L << 20;
  public static final int BLOCK_UNITS_PER_EXTENT = (int) (EXTENT_BYTES >> BLOCK_UNIT_SHIFT);

  /** Behind the superblocks; from here on is {@code GroupJournal}. */
  public static final long JOURNAL_OFFSET = 1 << 20;

  /** From here to the first extent is {@code PayloadJournal}. */
  public static final long PAYLOADS_OFFSET = 4 << 20;

  /** Blocks start here, so that blocks of up to 8 MiB are aligned to their size. */
  public static final long FIRST_EXTENT_OFFSET = 8 << 20;

  public static final long DEVICE_SIZE_MIN_BYTES = 16L << 20;
  public static final long DEVICE_SIZE_STEP_BYTES = 1L << 20;

  /** Block numbers of 64 KiB are kept in 31 bits. */
  public static final long DEVICE_SIZE_MAX_BYTES = (long) Integer.MAX_VALUE << BLOCK_UNIT_SHIFT;

  /** A chunk has at most this many units, each with a checksum of its own. */
  public static final int UNITS_MAX = 16;

  private Geometry() {}

  /** The class of the smallest block that holds a length of at least 1. */
  public static int classFor(int lengthBytes) {
    assert lengthBytes > 0 && lengthBytes <= 1 << CLASS_MAX : "length " + lengthBytes;
    return Math.max(CLASS_MIN, 32 - Integer.numberOfLeadingZeros(lengthBytes - 1));
  }

  public static int classBytes(int sizeClass) {
    assert sizeClass >= CLASS_MIN && sizeClass <= CLASS_MAX : "size class " + sizeClass;
    return 1 << sizeClass;
  }

  /** How many bytes of a chunk one checksum covers. */
  static int unitBytes(int chunkSizeBytes) {
    return Math.max(BLOCK_UNIT_BYTES, chunkSizeBytes / UNITS_MAX);
  }

  static int unitCount(int lengthBytes, int unitBytes) {
    return (lengthBytes + unitBytes - 1) / unitBytes;
  }
}
