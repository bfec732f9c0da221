package io.lampyris.chunkengine.store;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.UUID;

/** The layout of the chunk log's records in format 1; the package page draws it. */
final class LogRecord {
  static final int MAGIC = 0x3152434C; // "LCR1" in memory order
  static final byte VERSION = 1;

  /** Record types; numbers are never reused. */
  static final byte GENERATION = 1;

  static final byte COMMITTED = 2;
  static final byte REMOVED = 3;

  /** Reserved: a version that is durable and not yet committed down the chain. */
  static final byte PENDING = 4;

  /** Reserved: a small overwrite with its payload. */
  static final byte REDO = 5;

  static final byte GROUP_END = 6;

  // Every record.
  static final long AT_MAGIC = 0;
  static final long AT_CRC = 4; // of what follows it
  static final long AT_LENGTH = 8;
  static final long AT_TYPE = 12;
  static final long AT_VERSION = 13;
  static final long AT_SEQUENCE = 16;
  static final long AT_GROUP = 24;
  static final int HEADER_BYTES = 32;

  // COMMITTED and REMOVED.
  static final long AT_INODE = 32;
  static final long AT_CHUNK_INDEX = 40;
  static final long AT_CHUNK_VERSION = 44;
  static final long AT_CHAIN_VERSION = 48;
  static final long AT_CHANNEL = 52;
  static final long AT_CLIENT_HIGH = 56;
  static final long AT_CLIENT_LOW = 64;
  static final long AT_CLIENT_SEQUENCE = 72;
  static final long AT_RESULT = 80;
  static final int REMOVED_BYTES = 88;

  // COMMITTED alone.
  static final long AT_BLOCK_OFFSET = 88;
  static final long AT_CHUNK_LENGTH = 96;
  static final long AT_CHUNK_SIZE = 100;
  static final long AT_CHUNK_CRC = 104;
  static final long AT_SIZE_CLASS = 108;
  static final long AT_UNIT_COUNT = 109;
  static final long AT_UNIT_CRCS = 112;
  static final int COMMITTED_MAX_BYTES = 112 + Geometry.UNITS_MAX * Integer.BYTES;

  // GENERATION.
  static final long AT_UUID_HIGH = 32;
  static final long AT_UUID_LOW = 40;
  static final long AT_GENERATION = 48;
  static final int GENERATION_BYTES = 56;

  // GROUP_END.
  static final long AT_RECORD_COUNT = 32;
  static final long AT_DURABLE_GROUP = 40;
  static final int GROUP_END_BYTES = 48;

  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static {
    assert COMMITTED_MAX_BYTES == 176 && COMMITTED_MAX_BYTES % 8 == 0 : "as the table says";
  }

  private LogRecord() {}

  // ---- encoding into a scratch array's segment ----

  private static void header(
      MemorySegment to, byte type, int lengthBytes, long sequence, long group) {
    to.asSlice(0, lengthBytes).fill((byte) 0);
    to.set(INT, AT_MAGIC, MAGIC);
    to.set(JAVA_BYTE, AT_TYPE, type);
    to.set(JAVA_BYTE, AT_VERSION, VERSION);
    to.set(INT, AT_LENGTH, lengthBytes);
    to.set(LONG, AT_SEQUENCE, sequence);
    to.set(LONG, AT_GROUP, group);
  }

  private static int seal(MemorySegment to, int lengthBytes, Crc32c crc) {
    to.set(INT, AT_CRC, crc.of(to, AT_LENGTH, lengthBytes - (int) AT_LENGTH));
    return lengthBytes;
  }

  static int encodeGeneration(
      MemorySegment to, long sequence, long group, UUID uuid, long generation, Crc32c crc) {
    header(to, GENERATION, GENERATION_BYTES, sequence, group);
    to.set(LONG, AT_UUID_HIGH, uuid.getMostSignificantBits());
    to.set(LONG, AT_UUID_LOW, uuid.getLeastSignificantBits());
    to.set(LONG, AT_GENERATION, generation);
    return seal(to, GENERATION_BYTES, crc);
  }

  static int encodeGroupEnd(
      MemorySegment to, long sequence, long group, int records, long durableGroup, Crc32c crc) {
    header(to, GROUP_END, GROUP_END_BYTES, sequence, group);
    to.set(INT, AT_RECORD_COUNT, records);
    to.set(LONG, AT_DURABLE_GROUP, durableGroup);
    return seal(to, GROUP_END_BYTES, crc);
  }

  static int encodeCommitted(
      MemorySegment to, long sequence, long group, ChunkState chunk, Crc32c crc) {
    int units = chunk.unitCount();
    int lengthBytes = (int) (AT_UNIT_CRCS + units * 4L + 7) & -8;
    header(to, COMMITTED, lengthBytes, sequence, group);
    encodeUpdate(to, chunk);
    to.set(LONG, AT_BLOCK_OFFSET, chunk.blockOffset);
    to.set(INT, AT_CHUNK_LENGTH, chunk.lengthBytes);
    to.set(INT, AT_CHUNK_SIZE, chunk.chunkSizeBytes);
    to.set(INT, AT_CHUNK_CRC, chunk.crc32c);
    to.set(JAVA_BYTE, AT_SIZE_CLASS, (byte) chunk.sizeClass);
    to.set(JAVA_BYTE, AT_UNIT_COUNT, (byte) units);
    for (int unit = 0; unit < units; unit++) {
      to.set(INT, AT_UNIT_CRCS + unit * 4L, chunk.unitCrcs[unit]);
    }
    return seal(to, lengthBytes, crc);
  }

  static int encodeRemoved(
      MemorySegment to, long sequence, long group, ChunkState chunk, Crc32c crc) {
    header(to, REMOVED, REMOVED_BYTES, sequence, group);
    encodeUpdate(to, chunk);
    return seal(to, REMOVED_BYTES, crc);
  }

  private static void encodeUpdate(MemorySegment to, ChunkState chunk) {
    to.set(LONG, AT_INODE, chunk.inode);
    to.set(INT, AT_CHUNK_INDEX, chunk.chunkIndex);
    to.set(INT, AT_CHUNK_VERSION, chunk.version);
    to.set(INT, AT_CHAIN_VERSION, chunk.chainVersion);
    to.set(INT, AT_CHANNEL, chunk.channel);
    to.set(LONG, AT_CLIENT_HIGH, chunk.clientHigh);
    to.set(LONG, AT_CLIENT_LOW, chunk.clientLow);
    to.set(LONG, AT_CLIENT_SEQUENCE, chunk.sequence);
    to.set(LONG, AT_RESULT, chunk.result);
  }

  // ---- reading out of a mapped file ----

  static byte type(MemorySegment from, long at) {
    return from.get(JAVA_BYTE, at + AT_TYPE);
  }

  static int lengthBytes(MemorySegment from, long at) {
    return from.get(INT, at + AT_LENGTH);
  }

  static long sequence(MemorySegment from, long at) {
    return from.get(LONG, at + AT_SEQUENCE);
  }

  static long group(MemorySegment from, long at) {
    return from.get(LONG, at + AT_GROUP);
  }

  static int recordCount(MemorySegment from, long at) {
    return from.get(INT, at + AT_RECORD_COUNT);
  }

  static long durableGroup(MemorySegment from, long at) {
    return from.get(LONG, at + AT_DURABLE_GROUP);
  }

  static long generation(MemorySegment from, long at) {
    return from.get(LONG, at + AT_GENERATION);
  }

  static UUID uuid(MemorySegment from, long at) {
    return new UUID(from.get(LONG, at + AT_UUID_HIGH), from.get(LONG, at + AT_UUID_LOW));
  }

  static boolean hasMagic(MemorySegment from, long at) {
    return from.get(INT, at + AT_MAGIC) == MAGIC;
  }

  /** Whether a whole record with the right checksum starts here and ends before {@code limit}. */
  static boolean isIntact(MemorySegment from, long at, long limit, Crc32c crc) {
    if (at + HEADER_BYTES > limit || !hasMagic(from, at)) {
      return false;
    }
    int lengthBytes = lengthBytes(from, at);
    if (lengthBytes < minBytes(type(from, at)) || lengthBytes > limit - at) {
      return false;
    }
    return crc.of(from, at + AT_LENGTH, lengthBytes - (int) AT_LENGTH)
        == from.get(INT, at + AT_CRC);
  }

  private static int minBytes(byte type) {
    return switch (type) {
      case GENERATION -> GENERATION_BYTES;
      case COMMITTED -> (int) AT_UNIT_CRCS;
      case REMOVED -> REMOVED_BYTES;
      case GROUP_END -> GROUP_END_BYTES;
      default -> HEADER_BYTES;
    };
  }

  /** Reads what COMMITTED and REMOVED share. */
  static void decodeUpdate(MemorySegment from, long at, ChunkState into) {
    into.clear();
    into.inode = from.get(LONG, at + AT_INODE);
    into.chunkIndex = from.get(INT, at + AT_CHUNK_INDEX);
    into.version = from.get(INT, at + AT_CHUNK_VERSION);
    into.chainVersion = from.get(INT, at + AT_CHAIN_VERSION);
    into.channel = from.get(INT, at + AT_CHANNEL);
    into.clientHigh = from.get(LONG, at + AT_CLIENT_HIGH);
    into.clientLow = from.get(LONG, at + AT_CLIENT_LOW);
    into.sequence = from.get(LONG, at + AT_CLIENT_SEQUENCE);
    into.result = (int) from.get(LONG, at + AT_RESULT);
  }

  /** Reads a COMMITTED record; false when its fields contradict each other. */
  static boolean decodeCommitted(MemorySegment from, long at, ChunkState into) {
    decodeUpdate(from, at, into);
    into.blockOffset = from.get(LONG, at + AT_BLOCK_OFFSET);
    into.lengthBytes = from.get(INT, at + AT_CHUNK_LENGTH);
    into.chunkSizeBytes = from.get(INT, at + AT_CHUNK_SIZE);
    into.crc32c = from.get(INT, at + AT_CHUNK_CRC);
    into.sizeClass = from.get(JAVA_BYTE, at + AT_SIZE_CLASS);
    int units = from.get(JAVA_BYTE, at + AT_UNIT_COUNT);
    if (!isPlausible(into)
        || units != into.unitCount()
        || lengthBytes(from, at) < AT_UNIT_CRCS + units * 4L) {
      return false;
    }
    for (int unit = 0; unit < units; unit++) {
      into.unitCrcs[unit] = from.get(INT, at + AT_UNIT_CRCS + unit * 4L);
    }
    return true;
  }

  private static boolean isPlausible(ChunkState chunk) {
    boolean sizeIsClass =
        Integer.bitCount(chunk.chunkSizeBytes) == 1
            && chunk.chunkSizeBytes >= 1 << Geometry.CLASS_MIN
            && chunk.chunkSizeBytes <= 1 << Geometry.CLASS_MAX;
    return sizeIsClass
        && chunk.lengthBytes >= 0
        && chunk.lengthBytes <= chunk.chunkSizeBytes
        && chunk.hasBlock() == (chunk.lengthBytes > 0);
  }
}
