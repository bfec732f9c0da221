package io.lampyris.chunkengine.log;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_SHORT_UNALIGNED;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.session.Session;
import io.lampyris.chunkengine.space.PayloadJournal;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.util.UUID;

/** The layout of the chunk log's records in format 1; the package page draws it. */
public final class LogRecord {
  static final int MAGIC = 0x3152434C; // "LCR1" in memory order
  static final byte VERSION = 1;

  /** Record types; numbers are never reused. */
  static final byte GENERATION = 1;

  static final byte COMMITTED = 2;
  static final byte REMOVED = 3;

  /** A version that is durable and not yet committed. */
  static final byte PENDING = 4;

  /** A small overwrite with its payload, which is written in place once this is durable. */
  public static final byte REDO = 5;

  public static final byte GROUP_END = 6;

  /** What a client was answered, when no chunk's record says it any more. */
  static final byte SESSION = 7;

  /** The end of a pending version that is not committed. */
  static final byte ROLLED_BACK = 8;

  // Every record.
  static final long AT_MAGIC = 0;
  static final long AT_CRC = 4; // of what follows it
  static final long AT_LENGTH = 8;
  public static final long AT_TYPE = 12;
  static final long AT_VERSION = 13;
  static final long AT_SEQUENCE = 16;
  static final long AT_GROUP = 24;
  public static final int HEADER_BYTES = 32;

  // COMMITTED, PENDING, REDO, REMOVED and ROLLED_BACK; SESSION but for the chain's version.
  static final long AT_INODE = 32;
  static final long AT_CHUNK_INDEX = 40;
  static final long AT_CHUNK_VERSION = 44;
  static final long AT_CHAIN_VERSION = 48;
  static final long AT_CHANNEL = 52;
  static final long AT_CLIENT_HIGH = 56;
  static final long AT_CLIENT_LOW = 64;
  static final long AT_CLIENT_SEQUENCE = 72;
  static final long AT_RESULT = 80;
  static final int UPDATE_BYTES = 88;

  // SESSION.
  static final long AT_SESSION_LENGTH = 48;
  static final long AT_SESSION_CRC = 88;
  public static final int SESSION_BYTES = 96;

  // COMMITTED, PENDING and REDO.
  static final long AT_BLOCK_OFFSET = 88;
  static final long AT_CHUNK_LENGTH = 96;
  static final long AT_CHUNK_SIZE = 100;
  static final long AT_CHUNK_CRC = 104;
  static final long AT_SIZE_CLASS = 108;
  static final long AT_UNIT_COUNT = 109;
  static final long AT_FLAGS = 110;
  static final long AT_UNIT_CRCS = 112;
  public static final int COMMITTED_MAX_BYTES = 112 + Geometry.UNITS_MAX * Integer.BYTES;

  /** Of a REDO: its version is pending, the payload is not applied before it is committed. */
  static final short FLAG_PENDING = 1;

  /** Of a COMMITTED: commits the pending version before it, and the payload of that if any. */
  static final short FLAG_COMMITS_PENDING = 2;

  /** Of a REDO: its payload is in the device's journal, not in the record. */
  public static final short FLAG_JOURNALED = 4;

  // REDO alone, behind the checksums of the units: these two, then the payload, ...
  static final long REDO_PAYLOAD_OFFSET = 0;
  static final long REDO_PAYLOAD_BYTES = 4;
  static final int REDO_HEAD_BYTES = 8;

  // ... or these two.
  static final long REDO_DEVICE_OFFSET = 8;
  static final long REDO_PAYLOAD_CRC = 16;
  static final int REDO_JOURNALED_BYTES = 24;

  /** A REDO record without its payload. */
  public static final int REDO_PREFIX_MAX_BYTES = COMMITTED_MAX_BYTES + REDO_JOURNALED_BYTES;

  /** A payload has at most this many bytes. */
  static final int REDO_PAYLOAD_MAX_BYTES = 1 << 20;

  // GENERATION.
  static final long AT_UUID_HIGH = 32;
  static final long AT_UUID_LOW = 40;
  static final long AT_GENERATION = 48;
  static final int GENERATION_BYTES = 56;

  // GROUP_END.
  static final long AT_RECORD_COUNT = 32;
  static final long AT_DURABLE_GROUP = 40;
  static final long AT_APPLIED_SEQUENCE = 48;
  static final long AT_TARGET = 56;
  public static final int GROUP_END_BYTES = 64;

  private static final ValueLayout.OfShort SHORT =
      JAVA_SHORT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  static {
    assert COMMITTED_MAX_BYTES == 176 && COMMITTED_MAX_BYTES % 8 == 0 : "as the table says";
    assert (GENERATION_BYTES | GROUP_END_BYTES | UPDATE_BYTES | SESSION_BYTES) % 8 == 0
        : "zeroed by longs";
    assert GROUP_END_BYTES <= COMMITTED_MAX_BYTES : "all but payloads fit one scratch array";
  }

  private LogRecord() {}

  // ---- encoding into a scratch array's segment ----

  private static void header(
      MemorySegment to, byte type, int lengthBytes, long sequence, long group) {
    // Not by a slice, which would be garbage for every record.
    for (int at = 0; at < lengthBytes; at += Long.BYTES) {
      to.set(LONG, at, 0);
    }
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
      MemorySegment to,
      long sequence,
      long group,
      int records,
      long durableGroup,
      long appliedSequence,
      UUID uuid,
      Crc32c crc) {
    header(to, GROUP_END, GROUP_END_BYTES, sequence, group);
    to.set(INT, AT_RECORD_COUNT, records);
    to.set(LONG, AT_DURABLE_GROUP, durableGroup);
    to.set(LONG, AT_APPLIED_SEQUENCE, appliedSequence);
    to.set(LONG, AT_TARGET, mixed(uuid));
    return seal(to, GROUP_END_BYTES, crc);
  }

  private static long mixed(UUID uuid) {
    return uuid.getMostSignificantBits() ^ uuid.getLeastSignificantBits();
  }

  /** Of a GROUP_END: whether this target wrote it; a payload may be a copy of another's log. */
  static boolean isOf(MemorySegment from, long at, UUID uuid) {
    return from.get(LONG, at + AT_TARGET) == mixed(uuid);
  }

  /** Where what follows the units' checksums starts. */
  private static int stateBytes(int units) {
    return (int) (AT_UNIT_CRCS + units * 4L + 7) & -8;
  }

  static int encodeCommitted(
      MemorySegment to,
      long sequence,
      long group,
      ChunkState chunk,
      boolean commitsPending,
      Crc32c crc) {
    int lengthBytes = stateBytes(chunk.unitCount());
    header(to, COMMITTED, lengthBytes, sequence, group);
    encodeState(to, chunk, commitsPending ? FLAG_COMMITS_PENDING : 0);
    return seal(to, lengthBytes, crc);
  }

  static int encodePending(
      MemorySegment to, long sequence, long group, ChunkState chunk, Crc32c crc) {
    int lengthBytes = stateBytes(chunk.unitCount());
    header(to, PENDING, lengthBytes, sequence, group);
    encodeState(to, chunk, (short) 0);
    return seal(to, lengthBytes, crc);
  }

  /** The length of a REDO record without its payload, and with it. */
  static int redoPrefixBytes(ChunkState chunk) {
    return stateBytes(chunk.unitCount()) + REDO_HEAD_BYTES;
  }

  static int redoBytes(ChunkState chunk, int payloadBytes) {
    return redoPrefixBytes(chunk) + payloadBytes + 7 & -8;
  }

  /**
   * Encodes a REDO record but for its payload, which follows the prefix, and zeros to a multiple of
   * 8, which follow the payload.
   *
   * @param payloadCrc the payload's checksum
   * @return the prefix's length
   */
  static int encodeRedoPrefix(
      MemorySegment to,
      long sequence,
      long group,
      ChunkState chunk,
      boolean pending,
      int payloadOffset,
      int payloadBytes,
      int payloadCrc,
      Crc32c crc) {
    int prefix = redoPrefixBytes(chunk);
    int lengthBytes = redoBytes(chunk, payloadBytes);
    header(to, REDO, prefix, sequence, group);
    to.set(INT, AT_LENGTH, lengthBytes);
    encodeState(to, chunk, pending ? FLAG_PENDING : 0);
    to.set(INT, prefix - REDO_HEAD_BYTES + REDO_PAYLOAD_OFFSET, payloadOffset);
    to.set(INT, prefix - REDO_HEAD_BYTES + REDO_PAYLOAD_BYTES, payloadBytes);
    int sealed = crc.of(to, AT_LENGTH, prefix - (int) AT_LENGTH);
    sealed = crc.combine(sealed, payloadCrc, payloadBytes);
    int padding = lengthBytes - prefix - payloadBytes;
    to.set(INT, AT_CRC, padding == 0 ? sealed : crc.combine(sealed, crc.ofZeros(padding), padding));
    return prefix;
  }

  /**
   * Encodes a REDO record whose payload is on the device.
   *
   * @param payloadOffset where in the chunk it belongs
   * @param deviceOffset of its first byte
   * @return the record's length
   */
  static int encodePayloadJournaled(
      MemorySegment to,
      long sequence,
      long group,
      ChunkState chunk,
      boolean pending,
      int payloadOffset,
      int payloadBytes,
      long deviceOffset,
      int payloadCrc,
      Crc32c crc) {
    int head = stateBytes(chunk.unitCount());
    int lengthBytes = head + REDO_JOURNALED_BYTES;
    header(to, REDO, lengthBytes, sequence, group);
    encodeState(to, chunk, (short) (FLAG_JOURNALED | (pending ? FLAG_PENDING : 0)));
    to.set(INT, head + REDO_PAYLOAD_OFFSET, payloadOffset);
    to.set(INT, head + REDO_PAYLOAD_BYTES, payloadBytes);
    to.set(LONG, head + REDO_DEVICE_OFFSET, deviceOffset);
    to.set(INT, head + REDO_PAYLOAD_CRC, payloadCrc);
    return seal(to, lengthBytes, crc);
  }

  private static void encodeState(MemorySegment to, ChunkState chunk, short flags) {
    int units = chunk.unitCount();
    encodeUpdate(to, chunk);
    to.set(LONG, AT_BLOCK_OFFSET, chunk.blockOffset);
    to.set(INT, AT_CHUNK_LENGTH, chunk.lengthBytes);
    to.set(INT, AT_CHUNK_SIZE, chunk.chunkSizeBytes);
    to.set(INT, AT_CHUNK_CRC, chunk.crc32c);
    to.set(JAVA_BYTE, AT_SIZE_CLASS, (byte) chunk.sizeClass);
    to.set(JAVA_BYTE, AT_UNIT_COUNT, (byte) units);
    to.set(SHORT, AT_FLAGS, flags);
    for (int unit = 0; unit < units; unit++) {
      to.set(INT, AT_UNIT_CRCS + unit * 4L, chunk.unitCrcs[unit]);
    }
  }

  static int encodeRemoved(
      MemorySegment to, long sequence, long group, ChunkState chunk, Crc32c crc) {
    return encodeEnd(to, REMOVED, sequence, group, chunk, crc);
  }

  static int encodeRolledBack(
      MemorySegment to, long sequence, long group, ChunkState pending, Crc32c crc) {
    return encodeEnd(to, ROLLED_BACK, sequence, group, pending, crc);
  }

  private static int encodeEnd(
      MemorySegment to, byte type, long sequence, long group, ChunkState chunk, Crc32c crc) {
    header(to, type, UPDATE_BYTES, sequence, group);
    encodeUpdate(to, chunk);
    return seal(to, UPDATE_BYTES, crc);
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

  static int encodeSession(
      MemorySegment to, long sequence, long group, Session session, Crc32c crc) {
    header(to, SESSION, SESSION_BYTES, sequence, group);
    to.set(LONG, AT_INODE, session.inode);
    to.set(INT, AT_CHUNK_INDEX, session.chunkIndex);
    to.set(INT, AT_CHUNK_VERSION, session.version);
    to.set(INT, AT_SESSION_LENGTH, session.lengthBytes);
    to.set(INT, AT_CHANNEL, session.channel);
    to.set(LONG, AT_CLIENT_HIGH, session.clientHigh);
    to.set(LONG, AT_CLIENT_LOW, session.clientLow);
    to.set(LONG, AT_CLIENT_SEQUENCE, session.sequence);
    to.set(LONG, AT_RESULT, session.result);
    to.set(INT, AT_SESSION_CRC, session.crc32c);
    return seal(to, SESSION_BYTES, crc);
  }

  // ---- reading out of a mapped file ----

  public static byte type(MemorySegment from, long at) {
    return from.get(JAVA_BYTE, at + AT_TYPE);
  }

  public static int lengthBytes(MemorySegment from, long at) {
    return from.get(INT, at + AT_LENGTH);
  }

  static long sequence(MemorySegment from, long at) {
    return from.get(LONG, at + AT_SEQUENCE);
  }

  public static long group(MemorySegment from, long at) {
    return from.get(LONG, at + AT_GROUP);
  }

  static int recordCount(MemorySegment from, long at) {
    return from.get(INT, at + AT_RECORD_COUNT);
  }

  public static long durableGroup(MemorySegment from, long at) {
    return from.get(LONG, at + AT_DURABLE_GROUP);
  }

  static long appliedSequence(MemorySegment from, long at) {
    return from.get(LONG, at + AT_APPLIED_SEQUENCE);
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
      case COMMITTED, PENDING -> (int) AT_UNIT_CRCS;
      case REDO -> (int) AT_UNIT_CRCS + REDO_HEAD_BYTES;
      case REMOVED, ROLLED_BACK -> UPDATE_BYTES;
      case SESSION -> SESSION_BYTES;
      case GROUP_END -> GROUP_END_BYTES;
      default -> HEADER_BYTES;
    };
  }

  /** Reads what all records of a chunk share. */
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

  /** Reads a SESSION record; false when nobody could have it. */
  static boolean decodeSession(MemorySegment from, long at, Session into) {
    into.inode = from.get(LONG, at + AT_INODE);
    into.chunkIndex = from.get(INT, at + AT_CHUNK_INDEX);
    into.version = from.get(INT, at + AT_CHUNK_VERSION);
    into.lengthBytes = from.get(INT, at + AT_SESSION_LENGTH);
    into.channel = from.get(INT, at + AT_CHANNEL);
    into.clientHigh = from.get(LONG, at + AT_CLIENT_HIGH);
    into.clientLow = from.get(LONG, at + AT_CLIENT_LOW);
    into.sequence = from.get(LONG, at + AT_CLIENT_SEQUENCE);
    into.result = from.get(LONG, at + AT_RESULT);
    into.crc32c = from.get(INT, at + AT_SESSION_CRC);
    return into.isNamed() && into.lengthBytes >= 0;
  }

  /** Reads a COMMITTED, PENDING or REDO record; false when its fields contradict each other. */
  static boolean decodeState(MemorySegment from, long at, ChunkState into) {
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

  public static boolean hasFlag(MemorySegment from, long at, short flag) {
    return (from.get(SHORT, at + AT_FLAGS) & flag) != 0;
  }

  private static long redoHead(MemorySegment from, long at) {
    return at + stateBytes(from.get(JAVA_BYTE, at + AT_UNIT_COUNT));
  }

  /** Of a REDO record: where in the chunk its payload belongs. */
  static int redoPayloadOffset(MemorySegment from, long at) {
    return from.get(INT, redoHead(from, at) + REDO_PAYLOAD_OFFSET);
  }

  static int redoPayloadBytes(MemorySegment from, long at) {
    return from.get(INT, redoHead(from, at) + REDO_PAYLOAD_BYTES);
  }

  /** Of a REDO record with {@link #FLAG_JOURNALED}: where on the device its payload is. */
  static long redoDeviceOffset(MemorySegment from, long at) {
    return from.get(LONG, redoHead(from, at) + REDO_DEVICE_OFFSET);
  }

  static int redoPayloadCrc(MemorySegment from, long at) {
    return from.get(INT, redoHead(from, at) + REDO_PAYLOAD_CRC);
  }

  /** A REDO record's payload. */
  public static RedoPayload redoPayload(MemorySegment from, long at) {
    int bytes = redoPayloadBytes(from, at);
    if (hasFlag(from, at, FLAG_JOURNALED)) {
      return RedoPayload.inJournal(redoDeviceOffset(from, at), bytes, redoPayloadCrc(from, at));
    }
    return RedoPayload.inRecord(from.asSlice(redoPayloadAt(from, at), bytes).toArray(JAVA_BYTE));
  }

  /** Where a REDO record's payload starts. */
  static long redoPayloadAt(MemorySegment from, long at) {
    return redoHead(from, at) + REDO_HEAD_BYTES;
  }

  /**
   * Whether a REDO record, whose state was decoded, has its payload within the chunk, and within
   * itself or the journal.
   */
  static boolean isRedoPlausible(MemorySegment from, long at, ChunkState chunk) {
    int offset = redoPayloadOffset(from, at);
    int bytes = redoPayloadBytes(from, at);
    return chunk.hasBlock()
        && offset >= 0
        && bytes > 0
        && bytes <= REDO_PAYLOAD_MAX_BYTES
        && (long) offset + bytes <= chunk.lengthBytes
        && (hasFlag(from, at, FLAG_JOURNALED)
            ? lengthBytes(from, at) == stateBytes(chunk.unitCount()) + REDO_JOURNALED_BYTES
                && PayloadJournal.holds(redoDeviceOffset(from, at), bytes)
            : lengthBytes(from, at) == redoBytes(chunk, bytes));
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
