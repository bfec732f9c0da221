package io.lampyris.chunkengine.recovery;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The file of a target that says that it has held everything of its chain once. It names the target
 * by uuid, so that a copy beside another device says nothing. Written once, never changed. Blocks.
 *
 * <pre>
 *    0  u64  magic "LLYRWHOL"     16  u128 target uuid, high first
 *    8  u32  version, 1           32  end
 *   12  u32  checksum of the 32 bytes with 0 here
 * </pre>
 */
public final class WholeFile {
  public static final String NAME = "whole";

  static final int SIZE_BYTES = 32;
  private static final long MAGIC = 0x4C4F485752594C4CL; // "LLYRWHOL" in memory order
  private static final int VERSION = 1;
  private static final long AT_MAGIC = 0;
  private static final long AT_VERSION = 8;
  private static final long AT_CRC = 12;
  private static final long AT_UUID_HIGH = 16;
  private static final long AT_UUID_LOW = 24;

  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final Logger LOGGER = LoggerFactory.getLogger(WholeFile.class);

  private WholeFile() {}

  private static byte[] encoded(UUID uuid) {
    byte[] bytes = new byte[SIZE_BYTES];
    MemorySegment to = MemorySegment.ofArray(bytes);
    to.set(LONG, AT_MAGIC, MAGIC);
    to.set(INT, AT_VERSION, VERSION);
    to.set(LONG, AT_UUID_HIGH, uuid.getMostSignificantBits());
    to.set(LONG, AT_UUID_LOW, uuid.getLeastSignificantBits());
    to.set(INT, AT_CRC, new Crc32c().of(to, 0, SIZE_BYTES));
    return bytes;
  }

  /** Whether the file of a target is there and says so. What is not intact says nothing. */
  public static boolean says(Host host, Path dir, UUID uuid) throws StoreException {
    Path file = dir.resolve(NAME);
    if (!host.exists(file)) {
      return false;
    }
    MemorySegment found = MemorySegment.ofArray(new byte[SIZE_BYTES]);
    int read = host.read(file, 0, found);
    boolean says = read == SIZE_BYTES && found.mismatch(MemorySegment.ofArray(encoded(uuid))) == -1;
    if (!says) {
      LOGGER.warn(
          "the file that calls a target whole does not count; observed={} of another target,"
              + " damaged, or of another version, limit=target {}; remedy: none, the manager has"
              + " the target copied to, or called whole, anew",
          file,
          uuid);
    }
    return says;
  }

  /** Durable on return; a crash leaves it or nothing. */
  public static void write(Host host, Path dir, UUID uuid) throws StoreException {
    host.replace(dir.resolve(NAME), encoded(uuid));
  }
}
