package io.lampyris.bindings;

import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * CRC32C of {@link ShrinkableMemory}, which the intrinsic may not touch: the bytes are copied to
 * where it may, block by block. From 64 KiB on this costs nothing that can be measured. Owner: one
 * thread.
 */
public final class ShrinkableCrc32c {
  /** The memory is not there any more. */
  public static final long GONE = -1;

  /** Stays in the first-level cache. */
  private static final int BLOCK_BYTES = 16 << 10;

  private final CRC32C crc = new CRC32C();
  private final byte[] block = new byte[BLOCK_BYTES];
  private final MemorySegment blockMemory = MemorySegment.ofArray(block);

  /**
   * The checksum of {@code length} bytes of {@code memory} from {@code offset}.
   *
   * @return it as an unsigned number, or {@link #GONE}
   */
  public long of(MemorySegment memory, long offset, int length) {
    crc.reset();
    for (int at = 0; at < length; at += BLOCK_BYTES) {
      int bytes = Math.min(BLOCK_BYTES, length - at);
      if (!ShrinkableMemory.copy(memory, offset + at, blockMemory, 0, bytes)) {
        return GONE;
      }
      crc.update(block, 0, bytes);
    }
    return crc.getValue();
  }
}
