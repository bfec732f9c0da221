package io.lampyris.chunkengine.recovery;

import io.lampyris.bindings.Fcntl;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.RecoveryRow;
import io.lampyris.chunkengine.format.RecoveryRow.Copy;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.log.ChronicleChunkLog;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A target's directory: formatting it, and reading its superblocks. Blocks. */
public final class TargetFiles {
  public static final String DEVICE = "device";
  public static final String LOG = "log";
  public static final String LOCK = "lock";

  /** There while a target is being made: what lies beside it is none yet, and in nobody's way. */
  public static final String UNFINISHED = "unfinished";

  private static final Logger LOGGER = LoggerFactory.getLogger(TargetFiles.class);

  private final TargetOptions options;
  private final Host host;

  public TargetFiles(TargetOptions options) {
    this.options = options;
    this.host = options.host();
  }

  public void format(Path dir, TargetSpec spec) throws StoreException {
    checkSize(spec.sizeBytes());
    if (!isUnfinished(dir) && (host.exists(dir.resolve(DEVICE)) || host.exists(dir.resolve(LOG)))) {
      throw new StoreException(
          Reason.EXISTS,
          "there is a target already; observed=%s, limit=an empty directory; remedy: choose another directory"
              .formatted(dir));
    }
    long onHostBytes = host.checkDevice(dir.resolve(DEVICE), spec.sizeBytes());
    boolean fresh = !host.exists(dir);
    try {
      host.createDirectories(dir);
      host.deleteTree(dir.resolve(LOG));
      host.deleteTree(dir.resolve(DEVICE));
      host.deleteTree(dir.resolve(WholeFile.NAME));
      checkRoom(dir, onHostBytes + ChronicleChunkLog.createBytes(options));
      write(dir, spec);
    } catch (StoreException e) {
      undo(dir, fresh, e);
      throw e;
    }
  }

  private boolean isUnfinished(Path dir) {
    return host.exists(dir.resolve(UNFINISHED));
  }

  /**
   * The mark is durable before anything else is there, and everything is before the mark is gone:
   * wherever this ends, there is no target and the next attempt begins again, or a whole one.
   */
  private void write(Path dir, TargetSpec spec) throws StoreException {
    UUID uuid = UUID.randomUUID();
    mark(dir);
    host.syncDirectory(HostFiles.directoryOf(dir));
    Path device = dir.resolve(DEVICE);
    int fd = host.open(device, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL);
    try {
      host.reserve(fd, device, 0, spec.sizeBytes(), true);
    } finally {
      host.close(fd);
    }
    LogFiles.create(options, dir.resolve(LOG), uuid);
    writeSuperblocks(
        device,
        new Superblock(
            uuid, spec.targetId(), spec.chainId(), spec.sizeBytes(), System.currentTimeMillis()));
    host.syncDirectory(dir);
    host.deleteTree(dir.resolve(UNFINISHED));
    host.syncDirectory(dir);
  }

  private void mark(Path dir) throws StoreException {
    host.close(host.open(dir.resolve(UNFINISHED), Fcntl.O_RDWR | Fcntl.O_CREAT));
    host.syncDirectory(dir);
  }

  /** The power may fail here too: the mark is there, durably, until nothing else is. */
  private void undo(Path dir, boolean fresh, StoreException cause) {
    try {
      if (!host.exists(dir)) {
        return;
      }
      mark(dir);
      host.deleteTree(dir.resolve(LOG));
      host.deleteTree(dir.resolve(DEVICE));
      host.syncDirectory(dir);
      host.deleteTree(dir.resolve(UNFINISHED));
      if (fresh) {
        host.deleteTree(dir);
      }
    } catch (StoreException e) {
      cause.addSuppressed(e);
    }
  }

  /**
   * Refuses what is not whole yet.
   *
   * @throws StoreException UNFINISHED
   */
  public static void checkFinished(Host host, Path dir) throws StoreException {
    if (host.exists(dir.resolve(UNFINISHED))) {
      throw new StoreException(
          Reason.UNFINISHED,
          "formatting this target was interrupted; observed=%s, limit=a target that was formatted to the end; remedy: format it again, it holds nothing yet"
              .formatted(dir.resolve(UNFINISHED)));
    }
  }

  private static void checkSize(long sizeBytes) throws StoreException {
    if (sizeBytes < Geometry.DEVICE_SIZE_MIN_BYTES
        || sizeBytes > Geometry.DEVICE_SIZE_MAX_BYTES
        || sizeBytes % Geometry.DEVICE_SIZE_STEP_BYTES != 0) {
      throw new StoreException(
          Reason.INVALID_ARGUMENT,
          "a target cannot have this size; observed=%d bytes, limit=%d … %d in steps of %d; remedy: choose another size"
              .formatted(
                  sizeBytes,
                  Geometry.DEVICE_SIZE_MIN_BYTES,
                  Geometry.DEVICE_SIZE_MAX_BYTES,
                  Geometry.DEVICE_SIZE_STEP_BYTES));
    }
  }

  private void checkRoom(Path dir, long bytes) throws StoreException {
    long available = host.availableBytes(dir);
    if (bytes > available) {
      throw new StoreException(
          Reason.NO_SPACE,
          "the target and its log are larger than the disk has room for; observed=%d bytes, limit=%d bytes free at %s; remedy: choose a smaller size or another disk"
              .formatted(bytes, available, dir));
    }
  }

  private void writeSuperblocks(Path device, Superblock superblock) throws StoreException {
    byte[] sector = new byte[Superblock.SIZE_BYTES];
    for (int copy = 0; copy < 2; copy++) {
      superblock.encode(MemorySegment.ofArray(sector), copy);
      host.write(device, offset(copy), MemorySegment.ofArray(sector));
    }
    host.syncFile(device);
  }

  private static long offset(int copy) {
    return copy == 0 ? Superblock.OFFSET_A : Superblock.OFFSET_B;
  }

  /** Reads the first intact superblock and holds the device's size against it. */
  public Superblock readSuperblock(Path device) throws StoreException {
    MemorySegment sector = MemorySegment.ofArray(new byte[Superblock.SIZE_BYTES]);
    Copy a = readCopy(device, 0, sector);
    Copy b = a == Copy.DAMAGED ? readCopy(device, 1, sector) : Copy.DAMAGED;
    boolean intact = a == Copy.INTACT || b == Copy.INTACT;
    long expected = intact ? Superblock.decode(sector, device.toString()).deviceSizeBytes() : 0;
    long observed = host.sizeBytes(device);
    RecoveryRow row = RecoveryRow.of(new RecoveryRow.Device(a, b, expected == observed));
    switch (row) {
      case SUPERBLOCK_A -> {}
      case OTHER_VERSION, OTHER_GEOMETRY -> {
        // Decoding it says what is other.
      }
      case SUPERBLOCK_B ->
          LOGGER.warn("superblock A of {} is damaged; superblock B is used", device);
      case OTHER_SIZE ->
          throw new StoreException(
              Reason.SIZE_MISMATCH,
              "device %s does not have its size; observed=%d bytes, limit=%d; remedy: restore the whole device file"
                  .formatted(device, observed, expected));
      case NO_SUPERBLOCK ->
          throw new StoreException(
              Reason.CORRUPT_SUPERBLOCK,
              "no superblock of %s is readable; observed=wrong magic or checksum at %d and at %d, limit=one intact; remedy: check that this is a Lampyris device, restore it from a copy or format a new target"
                  .formatted(device, Superblock.OFFSET_A, Superblock.OFFSET_B));
      default -> throw new AssertionError("not a row of this stage: " + row);
    }
    return Superblock.decode(sector, device.toString());
  }

  private Copy readCopy(Path device, int copy, MemorySegment sector) throws StoreException {
    int read = host.read(device, offset(copy), sector);
    return read == Superblock.SIZE_BYTES ? Superblock.stateOf(sector, copy) : Copy.DAMAGED;
  }
}
