package io.lampyris.chunkengine.log;

import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.RecoveryRow.Stored;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * The payload of an overwrite as replay finds it: bytes in the record, or a place in the journal,
 * which {@link #load} turns into bytes. Owner: the loading thread.
 */
public final class RedoPayload {
  /** Reads begin and end at whole sectors, of at most this. */
  private static final int SECTOR_BYTES = 4096;

  private static final long IN_RECORD = -1;

  private final long deviceOffset;
  private final int lengthBytes;
  private final int crc32c;
  private byte @Nullable [] bytes;

  private RedoPayload(long deviceOffset, int lengthBytes, int crc32c, byte @Nullable [] bytes) {
    this.deviceOffset = deviceOffset;
    this.lengthBytes = lengthBytes;
    this.crc32c = crc32c;
    this.bytes = bytes;
  }

  static RedoPayload inRecord(byte[] bytes) {
    return new RedoPayload(IN_RECORD, bytes.length, 0, bytes);
  }

  static RedoPayload inJournal(long deviceOffset, int lengthBytes, int crc32c) {
    return new RedoPayload(deviceOffset, lengthBytes, crc32c, null);
  }

  public boolean isInJournal() {
    return deviceOffset != IN_RECORD;
  }

  public long deviceOffset() {
    return deviceOffset;
  }

  /** Of one in the journal: its checksum. */
  public int crc32c() {
    return crc32c;
  }

  public int lengthBytes() {
    return lengthBytes;
  }

  /** The bytes, of one that was loaded. */
  public byte[] bytes() {
    return Objects.requireNonNull(bytes, "loaded after replay");
  }

  /**
   * Fetches the bytes.
   *
   * @throws StoreException IO when the journal cannot be read
   */
  public Stored load(Host host, Path device, Crc32c crc) throws StoreException {
    if (bytes != null) {
      return isInJournal() ? Stored.JOURNAL_INTACT : Stored.IN_RECORD;
    }
    long start = deviceOffset & -SECTOR_BYTES;
    int lead = (int) (deviceOffset - start);
    try (Arena arena = Arena.ofConfined()) {
      int whole = lead + lengthBytes + SECTOR_BYTES - 1 & -SECTOR_BYTES;
      MemorySegment sectors = arena.allocate(whole, SECTOR_BYTES);
      int read = host.read(device, start, sectors);
      if (read < lead + lengthBytes || crc.of(sectors, lead, lengthBytes) != crc32c) {
        return Stored.JOURNAL_DAMAGED;
      }
      byte[] found = new byte[lengthBytes];
      MemorySegment.copy(sectors, lead, MemorySegment.ofArray(found), 0, lengthBytes);
      bytes = found;
      return Stored.JOURNAL_INTACT;
    }
  }
}
