package io.lampyris.protocol;

/**
 * Where a file's chunks live: chunk {@code i} is on the chain at position {@code (chainBase + i mod
 * stripeSize) mod n} of the {@code n} chains of a chain table.
 *
 * @param chunkSizeBytes a power of two, 64 KiB … 64 MiB
 * @param stripeSize over how many chains the file is spread; at least 1
 * @param chainTableId which chain table
 * @param chainTableVersion which version of it; fixed for the file's life
 * @param chainBase first position in the table; at least 0
 * @param placement how chunks walk the stripe; {@link #ROUND_ROBIN}
 */
public record FileLayout(
    int chunkSizeBytes,
    int stripeSize,
    int chainTableId,
    int chainTableVersion,
    int chainBase,
    int placement) {

  public static final int CHUNK_SIZE_MIN_BYTES = 64 << 10;
  public static final int CHUNK_SIZE_MAX_BYTES = 64 << 20;
  public static final int ROUND_ROBIN = 0;

  /** What directories, links and special files have. */
  public static final FileLayout NONE = new FileLayout(0, 0, 0, 0, 0, ROUND_ROBIN);

  public FileLayout {
    boolean none = chunkSizeBytes == 0 && stripeSize == 0;
    if (!none && (!isChunkSize(chunkSizeBytes) || stripeSize < 1 || chainBase < 0)) {
      throw new IllegalArgumentException(
          "layout is malformed; observed=chunkSizeBytes %d, stripeSize %d, chainBase %d"
                  .formatted(chunkSizeBytes, stripeSize, chainBase)
              + ", limit=chunk a power of two in 64 KiB … 64 MiB, stripe >= 1, base >= 0"
              + "; remedy: correct [layout] in the configuration");
    }
  }

  /** Whether files may have chunks of this size. */
  public static boolean isChunkSize(int sizeBytes) {
    return sizeBytes >= CHUNK_SIZE_MIN_BYTES
        && sizeBytes <= CHUNK_SIZE_MAX_BYTES
        && Integer.bitCount(sizeBytes) == 1;
  }

  public long chunkIndexAt(long fileOffset) {
    return fileOffset >>> Integer.numberOfTrailingZeros(chunkSizeBytes);
  }

  public int offsetInChunk(long fileOffset) {
    return (int) (fileOffset & (chunkSizeBytes - 1));
  }

  /** The position in a table of {@code chainCount} chains that holds this chunk (I2). */
  public int chainPosition(long chunkIndex, int chainCount) {
    assert chainCount > 0 : "a chain table has chains";
    return (int) ((chainBase + chunkIndex % stripeSize) % chainCount);
  }

  /** The longest file of this layout: chunk indices have 31 bits. */
  public long lengthMaxBytes() {
    return (long) chunkSizeBytes * Integer.MAX_VALUE;
  }
}
