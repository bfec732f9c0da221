package io.lampyris.chunkengine.format;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.lampyris.chunkengine.format.StoreException.Reason;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.UUID;

/**
 * A device's identity and geometry; two copies, of which one suffices. Offsets: package page.
 *
 * @param uuid of this target; its log carries it too
 */
public record Superblock(
    UUID uuid, long targetId, int chainId, long deviceSizeBytes, long createdMs) {
  static final long MAGIC = 0x4B4E484352594C4CL; // "LLYRCHNK" in memory order
  static final int FORMAT_VERSION = 1;
  public static final int SIZE_BYTES = 4096;
  public static final long OFFSET_A = 0;
  public static final long OFFSET_B = 512 << 10;

  static final long AT_MAGIC = 0;
  static final long AT_FORMAT_VERSION = 8;
  public static final long AT_CRC = 12;
  static final long AT_UUID_HIGH = 16;
  static final long AT_UUID_LOW = 24;
  static final long AT_TARGET_ID = 32;
  static final long AT_DEVICE_SIZE = 40;
  static final long AT_EXTENT_SIZE = 48;
  static final long AT_FIRST_EXTENT = 56;
  static final long AT_CREATED_MS = 64;
  static final long AT_CHAIN_ID = 72;
  static final long AT_BLOCK_UNIT = 76;
  public static final long AT_COPY = 80;

  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static {
    assert OFFSET_A + SIZE_BYTES <= OFFSET_B && OFFSET_B + SIZE_BYTES <= Geometry.JOURNAL_OFFSET
        : "superblocks lie apart, before the journal";
  }

  /** Writes copy 0 (A) or 1 (B) at the start of a sector. */
  public void encode(MemorySegment sector, int copy) {
    sector.fill((byte) 0);
    sector.set(LONG, AT_MAGIC, MAGIC);
    sector.set(INT, AT_FORMAT_VERSION, FORMAT_VERSION);
    sector.set(LONG, AT_UUID_HIGH, uuid.getMostSignificantBits());
    sector.set(LONG, AT_UUID_LOW, uuid.getLeastSignificantBits());
    sector.set(LONG, AT_TARGET_ID, targetId);
    sector.set(LONG, AT_DEVICE_SIZE, deviceSizeBytes);
    sector.set(LONG, AT_EXTENT_SIZE, Geometry.EXTENT_BYTES);
    sector.set(LONG, AT_FIRST_EXTENT, Geometry.FIRST_EXTENT_OFFSET);
    sector.set(LONG, AT_CREATED_MS, createdMs);
    sector.set(INT, AT_CHAIN_ID, chainId);
    sector.set(INT, AT_BLOCK_UNIT, Geometry.BLOCK_UNIT_BYTES);
    sector.set(INT, AT_COPY, copy);
    sector.set(INT, AT_CRC, checksum(sector));
  }

  private static int checksum(MemorySegment sector) {
    int stored = sector.get(INT, AT_CRC);
    sector.set(INT, AT_CRC, 0);
    int crc = new Crc32c().of(sector, 0, SIZE_BYTES);
    sector.set(INT, AT_CRC, stored);
    return crc;
  }

  /** Whether a sector is a superblock with the right checksum, of whatever version. */
  static boolean isIntact(MemorySegment sector, int copy) {
    return damage(sector, copy).isEmpty();
  }

  /** What the recovery table asks of it. */
  public static RecoveryRow.Copy stateOf(MemorySegment sector, int copy) {
    if (!isIntact(sector, copy)) {
      return RecoveryRow.Copy.DAMAGED;
    }
    if (sector.get(INT, AT_FORMAT_VERSION) != FORMAT_VERSION) {
      return RecoveryRow.Copy.OTHER_VERSION;
    }
    return hasKnownGeometry(sector) ? RecoveryRow.Copy.INTACT : RecoveryRow.Copy.OTHER_GEOMETRY;
  }

  private static boolean hasKnownGeometry(MemorySegment sector) {
    return sector.get(LONG, AT_EXTENT_SIZE) == Geometry.EXTENT_BYTES
        && sector.get(LONG, AT_FIRST_EXTENT) == Geometry.FIRST_EXTENT_OFFSET
        && sector.get(INT, AT_BLOCK_UNIT) == Geometry.BLOCK_UNIT_BYTES;
  }

  /** Why a sector is no such superblock; empty when it is one. */
  public static String damage(MemorySegment sector, int copy) {
    long magic = sector.get(LONG, AT_MAGIC);
    int crc = sector.get(INT, AT_CRC);
    int computed = checksum(sector);
    if (magic != MAGIC) {
      return "observed=magic %016x, limit=%016x".formatted(magic, MAGIC);
    }
    if (crc != computed) {
      return "observed=checksum %08x of bytes that have %08x, limit=the same"
          .formatted(crc, computed);
    }
    int observed = sector.get(INT, AT_COPY);
    return observed == copy ? "" : "observed=copy %d, limit=copy %d".formatted(observed, copy);
  }

  /** Reads an intact sector. */
  public static Superblock decode(MemorySegment sector, String device) throws StoreException {
    int version = sector.get(INT, AT_FORMAT_VERSION);
    if (version != FORMAT_VERSION) {
      throw new StoreException(
          Reason.OTHER_FORMAT_VERSION,
          "device %s has another format version; observed=%d, limit=%d; remedy: use the release that wrote it, or format a new target"
              .formatted(device, version, FORMAT_VERSION));
    }
    if (!hasKnownGeometry(sector)) {
      throw new StoreException(
          Reason.CORRUPT_SUPERBLOCK,
          "device %s has a geometry that format 1 does not know; observed=extents of %d from %d, unit %d, limit=%d from %d, unit %d; remedy: restore the device or format a new target"
              .formatted(
                  device,
                  sector.get(LONG, AT_EXTENT_SIZE),
                  sector.get(LONG, AT_FIRST_EXTENT),
                  sector.get(INT, AT_BLOCK_UNIT),
                  Geometry.EXTENT_BYTES,
                  Geometry.FIRST_EXTENT_OFFSET,
                  Geometry.BLOCK_UNIT_BYTES));
    }
    return new Superblock(
        new UUID(sector.get(LONG, AT_UUID_HIGH), sector.get(LONG, AT_UUID_LOW)),
        sector.get(LONG, AT_TARGET_ID),
        sector.get(INT, AT_CHAIN_ID),
        sector.get(LONG, AT_DEVICE_SIZE),
        sector.get(LONG, AT_CREATED_MS));
  }
}
