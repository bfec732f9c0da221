package io.lampyris.chunkengine.store;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.chunkengine.store.StoreException.Reason;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.UUID;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A target's directory: formatting it, and reading its superblocks. Blocks. */
final class TargetFiles {
  static final String DEVICE = "device";
  static final String LOG = "log";
  static final String LOCK = "lock";

  private static final Logger LOGGER = LoggerFactory.getLogger(TargetFiles.class);

  private TargetFiles() {}

  static void format(Path dir, TargetSpec spec) throws StoreException {
    checkSize(spec.sizeBytes());
    Path device = dir.resolve(DEVICE);
    if (Files.exists(device) || Files.exists(dir.resolve(LOG))) {
      throw new StoreException(
          Reason.EXISTS,
          "there is a target already; observed=%s, limit=an empty directory; remedy: choose another directory"
              .formatted(dir));
    }
    boolean fresh = !Files.exists(dir);
    try {
      Files.createDirectories(dir);
      checkRoom(dir, spec.sizeBytes());
      write(dir, device, spec);
      HostFiles.syncDirectory(dir);
      HostFiles.syncDirectory(HostFiles.directoryOf(dir));
    } catch (IOException e) {
      throw HostFiles.io("create", dir, e);
    } catch (StoreException e) {
      undo(dir, fresh, e);
      throw e;
    }
  }

  private static void write(Path dir, Path device, TargetSpec spec) throws StoreException {
    UUID uuid = UUID.randomUUID();
    int fd = HostFiles.open(device, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL);
    try {
      HostFiles.reserve(fd, device, 0, spec.sizeBytes(), true);
    } finally {
      HostFiles.close(fd);
    }
    LogFiles.create(dir.resolve(LOG), uuid);
    // Last: a device without superblocks is no target.
    Superblock superblock =
        new Superblock(
            uuid, spec.targetId(), spec.chainId(), spec.sizeBytes(), System.currentTimeMillis());
    writeSuperblocks(device, superblock);
  }

  private static void undo(Path dir, boolean fresh, StoreException cause) {
    try {
      HostFiles.deleteTree(dir.resolve(LOG));
      HostFiles.deleteTree(dir.resolve(DEVICE));
      if (fresh) {
        HostFiles.deleteTree(dir);
      }
    } catch (StoreException e) {
      cause.addSuppressed(e);
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

  private static void checkRoom(Path dir, long sizeBytes) throws StoreException {
    long available = Libc.statfs(dir.toString()).availableBytes();
    if (sizeBytes + ChronicleChunkLog.CREATE_BYTES > available) {
      throw new StoreException(
          Reason.NO_SPACE,
          "the target and its log are larger than the disk has room for; observed=%d bytes, limit=%d bytes free at %s; remedy: choose a smaller size or another disk"
              .formatted(sizeBytes + ChronicleChunkLog.CREATE_BYTES, available, dir));
    }
  }

  private static void writeSuperblocks(Path device, Superblock superblock) throws StoreException {
    byte[] sector = new byte[Superblock.SIZE_BYTES];
    try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
      for (int copy = 0; copy < 2; copy++) {
        superblock.encode(MemorySegment.ofArray(sector), copy);
        ByteBuffer bytes = ByteBuffer.wrap(sector);
        while (bytes.hasRemaining()) {
          channel.write(bytes, offset(copy) + bytes.position());
        }
      }
      channel.force(true);
    } catch (IOException e) {
      throw HostFiles.io("write superblocks of", device, e);
    }
  }

  private static long offset(int copy) {
    return copy == 0 ? Superblock.OFFSET_A : Superblock.OFFSET_B;
  }

  /** Reads the first intact superblock and holds the device's size against it. */
  static Superblock readSuperblock(Path device) throws StoreException {
    MemorySegment sector = MemorySegment.ofArray(new byte[Superblock.SIZE_BYTES]);
    try (FileChannel channel = FileChannel.open(device)) {
      for (int copy = 0; copy < 2; copy++) {
        ByteBuffer bytes = sector.asByteBuffer();
        int read = channel.read(bytes, offset(copy));
        if (read == Superblock.SIZE_BYTES && Superblock.isIntact(sector, copy)) {
          Superblock superblock = Superblock.decode(sector, device.toString());
          checkSize(device, superblock, channel.size());
          if (copy == 1) {
            LOGGER.warn("superblock A of {} is damaged; superblock B is used", device);
          }
          return superblock;
        }
      }
    } catch (IOException e) {
      throw HostFiles.io("read superblocks of", device, e);
    }
    throw new StoreException(
        Reason.CORRUPT_SUPERBLOCK,
        "no superblock of %s is readable; observed=wrong magic or checksum at %d and at %d, limit=one intact; remedy: check that this is a Lampyris device, restore it from a copy or format a new target"
            .formatted(device, Superblock.OFFSET_A, Superblock.OFFSET_B));
  }

  private static void checkSize(Path device, Superblock superblock, long observed)
      throws StoreException {
    if (observed != superblock.deviceSizeBytes()) {
      throw new StoreException(
          Reason.SIZE_MISMATCH,
          "device %s does not have its size; observed=%d bytes, limit=%d; remedy: restore the whole device file"
              .formatted(device, observed, superblock.deviceSizeBytes()));
    }
  }
}
