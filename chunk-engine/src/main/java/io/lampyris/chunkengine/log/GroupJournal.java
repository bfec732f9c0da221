package io.lampyris.chunkengine.log;

import static java.lang.foreign.ValueLayout.JAVA_INT_UNALIGNED;
import static java.lang.foreign.ValueLayout.JAVA_LONG_UNALIGNED;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.Zeros;
import io.lampyris.chunkengine.host.Host;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.UUID;

/**
 * A ring of group images on the device: the records of a group, in one write and one flush of the
 * device, are durable here before the log file has them durably. An image is kept until the log
 * does. Owner: reactor.
 *
 * <pre>
 *   records staged behind the header ─► seal ─► image written, device flushed ─► group acknowledged
 *   ─► records appended to the log ─► (the log was flushed) ─► release
 * </pre>
 */
public final class GroupJournal implements AutoCloseable {
  static final long MAGIC = 0x4C4E524A594C4CL; // "LLYJRNL" and a zero in memory order
  static final int VERSION = 1;
  public static final int HEADER_BYTES = 64;
  static final int SLOT_BYTES = 4096;
  public static final int SLOTS =
      (int) ((Geometry.PAYLOADS_OFFSET - Geometry.JOURNAL_OFFSET) / SLOT_BYTES);

  /** Holds a group of one update with the longest payload. */
  public static final int IMAGE_MAX_BYTES = LogRecord.REDO_PAYLOAD_MAX_BYTES + (64 << 10);

  /** With so many slots taken the log should be flushed. */
  private static final int SLOTS_HIGH = SLOTS / 3;

  private static final long AT_MAGIC = 0;
  private static final long AT_VERSION = 8;
  private static final long AT_CRC = 12; // of what follows it
  private static final long AT_TARGET = 16;
  private static final long AT_GENERATION = 24;
  private static final long AT_GROUP = 32;
  private static final long AT_PREVIOUS = 40;
  private static final long AT_LENGTH = 48;

  private static final ValueLayout.OfInt INT =
      JAVA_INT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);
  private static final ValueLayout.OfLong LONG =
      JAVA_LONG_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  /**
   * An image that was found on the device.
   *
   * @param previous the last group with updates before this one
   * @param records of the group, its end included
   */
  public record Image(long generation, long group, long previous, MemorySegment records) {}

  private final UUID uuid;
  private final MemorySegment image = NativeMemory.allocateAligned(IMAGE_MAX_BYTES);

  private int next;
  private int taken;

  /** Images in the order of the ring; never more than slots. */
  private final long[] groups = new long[SLOTS];

  private final int[] slots = new int[SLOTS];
  private int oldest;
  private int count;

  public GroupJournal(UUID uuid) {
    this.uuid = uuid;
  }

  /** Where records are staged, from {@link #HEADER_BYTES} on. */
  public MemorySegment image() {
    return image;
  }

  // ---- slots ----

  /** Whether the largest image fits. */
  public boolean hasRoom() {
    int wanted = slotsOf(IMAGE_MAX_BYTES);
    return Math.max(freeAtNext(), freeAtStart()) >= wanted;
  }

  /** Whether the log should be flushed so that images can go. */
  public boolean isFilling() {
    return taken > SLOTS_HIGH;
  }

  private int tail() {
    return (next - taken + SLOTS) % SLOTS;
  }

  private boolean wraps() {
    return taken > 0 && tail() >= next;
  }

  private int freeAtNext() {
    return wraps() ? tail() - next : SLOTS - next;
  }

  /** Free from the region's start, when what is left at its end is passed over. */
  private int freeAtStart() {
    return wraps() ? 0 : tail();
  }

  private static int slotsOf(int bytes) {
    return (bytes + SLOT_BYTES - 1) / SLOT_BYTES;
  }

  /**
   * Finishes the image of a group, whose records were staged, and takes slots for it.
   *
   * @param previous the last group with updates before it
   * @param endBytes where the records end in the image
   * @return its place on the device; its length there is {@link #deviceBytes}
   */
  public long seal(long generation, long group, long previous, int endBytes, Crc32c crc) {
    int padded = deviceBytes(endBytes);
    Zeros.fill(image, endBytes, padded);
    for (long at = 0; at < HEADER_BYTES; at += Long.BYTES) {
      image.set(LONG, at, 0);
    }
    image.set(LONG, AT_MAGIC, MAGIC);
    image.set(INT, AT_VERSION, VERSION);
    image.set(LONG, AT_TARGET, mixed(uuid));
    image.set(LONG, AT_GENERATION, generation);
    image.set(LONG, AT_GROUP, group);
    image.set(LONG, AT_PREVIOUS, previous);
    image.set(INT, AT_LENGTH, endBytes);
    image.set(INT, AT_CRC, crc.of(image, AT_TARGET, endBytes - (int) AT_TARGET));
    return take(group, slotsOf(endBytes));
  }

  private static long mixed(UUID uuid) {
    return uuid.getMostSignificantBits() ^ uuid.getLeastSignificantBits();
  }

  public static int deviceBytes(int endBytes) {
    return slotsOf(endBytes) * SLOT_BYTES;
  }

  private long take(long group, int wanted) {
    if (taken == 0) {
      next = 0;
    }
    int passedOver = freeAtNext() >= wanted ? 0 : SLOTS - next;
    int first = passedOver == 0 ? next : 0;
    assert passedOver == 0 || freeAtStart() >= wanted : "asked for room before";
    int entry = (oldest + count) % SLOTS;
    groups[entry] = group;
    slots[entry] = passedOver + wanted;
    count++;
    taken += passedOver + wanted;
    next = (first + wanted) % SLOTS;
    return Geometry.JOURNAL_OFFSET + (long) first * SLOT_BYTES;
  }

  /** The log has everything up to a group, durably. */
  public void release(long durableGroup) {
    while (count > 0 && groups[oldest] <= durableGroup) {
      taken -= slots[oldest];
      oldest = (oldest + 1) % SLOTS;
      count--;
    }
  }

  @Override
  public void close() {
    NativeMemory.unmap(image);
  }

  // ---- at the start ----

  /**
   * The target's images that are whole, in the order of generations and groups.
   *
   * @throws StoreException IO when the device cannot be read
   */
  public static List<Image> find(Host host, Path device, UUID uuid) throws StoreException {
    MemorySegment region = NativeMemory.allocateAligned((long) SLOTS * SLOT_BYTES);
    try {
      long read = host.read(device, Geometry.JOURNAL_OFFSET, region);
      List<Image> found = new ArrayList<>();
      Crc32c crc = new Crc32c();
      for (long at = 0; at + SLOT_BYTES <= read; at += SLOT_BYTES) {
        if (isIntact(region, at, read, uuid, crc)) {
          found.add(copy(region, at));
        }
      }
      found.sort(Comparator.comparingLong(Image::generation).thenComparingLong(Image::group));
      return found;
    } finally {
      NativeMemory.unmap(region);
    }
  }

  private static boolean isIntact(
      MemorySegment region, long at, long limit, UUID uuid, Crc32c crc) {
    if (region.get(LONG, at + AT_MAGIC) != MAGIC
        || region.get(INT, at + AT_VERSION) != VERSION
        || region.get(LONG, at + AT_TARGET) != mixed(uuid)) {
      return false;
    }
    int length = region.get(INT, at + AT_LENGTH);
    return length > HEADER_BYTES
        && length <= limit - at
        && crc.of(region, at + AT_TARGET, length - (int) AT_TARGET) == region.get(INT, at + AT_CRC);
  }

  private static Image copy(MemorySegment region, long at) {
    int bytes = region.get(INT, at + AT_LENGTH) - HEADER_BYTES;
    MemorySegment records = MemorySegment.ofArray(new byte[bytes]);
    MemorySegment.copy(region, at + HEADER_BYTES, records, 0, bytes);
    return new Image(
        region.get(LONG, at + AT_GENERATION),
        region.get(LONG, at + AT_GROUP),
        region.get(LONG, at + AT_PREVIOUS),
        records);
  }
}
