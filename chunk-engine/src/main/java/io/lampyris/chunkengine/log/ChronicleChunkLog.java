package io.lampyris.chunkengine.log;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.format.Zeros;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.HostFiles;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.host.KeeperJob;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.session.Session;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.UUID;
import java.util.stream.Stream;
import net.openhft.chronicle.bytes.Bytes;
import net.openhft.chronicle.bytes.BytesStore;
import net.openhft.chronicle.bytes.MappedBytesStore;
import net.openhft.chronicle.bytes.PointerBytesStore;
import net.openhft.chronicle.queue.ExcerptAppender;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueue;
import net.openhft.chronicle.queue.impl.single.SingleChronicleQueueBuilder;
import net.openhft.chronicle.queue.rollcycles.LargeRollCycles;
import net.openhft.chronicle.wire.DocumentContext;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * One generation as a Chronicle Queue of one file, created by this process and appended to by it
 * alone; another process's file is only ever read ({@link LogScanner}).
 *
 * <p>The queue's clock stands still, so that it never rolls to a second file. Space is reserved
 * ahead of the position: the queue writes through a mapping, where a full disk would be a SIGBUS.
 */
public final class ChronicleChunkLog implements ChunkLog {
  /** A group's end, and index pages that the queue may put between two records. */
  private static final long GROUP_OVERHEAD_BYTES = 1 << 20;

  /** On a full host, less than this is not worth a call. */
  private static final long STEP_MIN_BYTES = 1 << 16;

  private static final Logger LOGGER = LoggerFactory.getLogger(ChronicleChunkLog.class);

  private final Host host;
  private final UUID uuid;
  private final long generation;
  private final long reserveBytes;
  private final SingleChronicleQueue queue;
  private final ExcerptAppender appender;
  private final Path file;
  private final int fd;
  private final Crc32c crc = new Crc32c();
  private final byte[] scratch = new byte[LogRecord.REDO_PREFIX_MAX_BYTES];
  private final MemorySegment record = MemorySegment.ofArray(scratch);

  private final Keeper keeper;
  private final Reservation reservation;
  private final long startPosition;
  private long reservedBytes;
  private long asideBytes;
  private long position;
  private long sequence;
  private long group;
  private long durableGroup;
  private long appliedSequence;
  private int groupRecords;
  private @Nullable BytesStore<?, ?> advised;
  private final int redoMaxBytes;
  private final PointerBytesStore payload = BytesStore.nativePointer();

  /** The last group with records, and the last one that a group's end has called durable. */
  private long recordGroup;

  private long statedGroup;
  private long statedSequence;

  /** Where records go instead of the queue, if anywhere, from where to where. */
  private @Nullable MemorySegment staging;

  private int stagingStart;
  private int stagingEnd;
  private long appendedGroup;

  /**
   * Creates the directory, the queue, and in it the first group, which names the generation.
   *
   * @param keeper reserves space while the log is in use
   * @param wake ends the sleep of who waits for that
   * @param durableGroup as for {@link #durable}
   * @param appliedSequence as for {@link #applied}
   */
  public ChronicleChunkLog(
      TargetOptions options,
      Keeper keeper,
      Runnable wake,
      Path directory,
      UUID uuid,
      long generation,
      long lastSequence,
      long lastGroup,
      long durableGroup,
      long appliedSequence)
      throws StoreException {
    host = options.host();
    this.uuid = uuid;
    this.generation = generation;
    this.keeper = keeper;
    reservation = new Reservation(wake);
    reserveBytes = options.log().reserveBytes();
    checkRoom(options, directory);
    sequence = lastSequence;
    group = lastGroup + 1;
    this.durableGroup = durableGroup;
    this.appliedSequence = appliedSequence;
    // The queue maps a quarter more than a mapping: no record may be longer than that.
    redoMaxBytes = Math.min(LogRecord.REDO_PAYLOAD_MAX_BYTES, options.log().mapBytes() / 8);
    host.createDirectories(directory);
    queue = build(options, directory);
    try {
      appender = queue.createAppender();
      // The loading thread or the keeper creates it, the reactor goes on, and whoever closes it
      // comes after the reactor: one owner at a time, handed over with a happens-before.
      appender.singleThreadedCheckDisabled(true);
      append(LogRecord.encodeGeneration(record, ++sequence, group, uuid, generation, crc));
      endGroup();
      startPosition = position;
      file = fileIn(directory);
      fd = openReserved(host, file, position + reserveBytes);
      reservedBytes = position + reserveBytes;
    } catch (StoreException e) {
      queue.close();
      throw e;
    } catch (RuntimeException | InternalError e) {
      queue.close();
      throw notCreated(directory, e);
    }
  }

  private static int openReserved(Host host, Path file, long sizeBytes) throws StoreException {
    int opened = host.open(file, Fcntl.O_RDWR);
    try {
      host.reserve(opened, file, 0, sizeBytes, false);
    } catch (StoreException e) {
      host.close(opened);
      throw e;
    }
    return opened;
  }

  private static SingleChronicleQueue build(TargetOptions options, Path directory)
      throws StoreException {
    try {
      return SingleChronicleQueueBuilder.binary(directory.toFile())
          .rollCycle(LargeRollCycles.LARGE_DAILY)
          .timeProvider(() -> 0L)
          .blockSize(options.log().mapBytes())
          .build();
    } catch (RuntimeException | InternalError e) {
      throw notCreated(directory, e);
    }
  }

  private static StoreException notCreated(Path directory, Throwable e) {
    return new StoreException(
        Reason.IO,
        "cannot create the chunk log; observed=%s in %s, limit=a writable directory; remedy: look at the cause"
            .formatted(e, directory),
        e);
  }

  private void checkRoom(TargetOptions options, Path directory) throws StoreException {
    long available = host.availableBytes(HostFiles.directoryOf(directory));
    long needed = createBytes(options);
    if (available < needed) {
      throw new StoreException(
          Reason.NO_SPACE,
          "no room for the chunk log; observed=%d bytes free at %s, limit=%d; remedy: free space on the host file system"
              .formatted(available, directory, needed));
    }
  }

  /** What a new generation needs free on the host at once. */
  public static long createBytes(TargetOptions options) {
    return options.log().reserveBytes() + options.log().mapBytes();
  }

  /** The one queue file of a generation. */
  public static Path fileIn(Path directory) throws StoreException {
    List<Path> files;
    try (Stream<Path> entries = Files.list(directory)) {
      files = entries.filter(p -> p.toString().endsWith(".cq4")).toList();
    } catch (IOException e) {
      throw HostFiles.io("list", directory, e);
    }
    if (files.size() != 1) {
      throw new StoreException(
          Reason.LOG_CORRUPT,
          "a log generation has one .cq4 file; observed=%d in %s, limit=1; remedy: restore the target's log directory"
              .formatted(files.size(), directory));
    }
    return files.getFirst();
  }

  @Override
  public Path file() {
    return file;
  }

  @Override
  public Room room(int records, long payloadBytes, boolean urgent) {
    takeReservation();
    long needed =
        position
            + (stagingEnd - stagingStart) * 2L
            + records * (LogRecord.REDO_PREFIX_MAX_BYTES + 16L)
            + payloadBytes
            + GROUP_OVERHEAD_BYTES
            + (urgent ? 0 : urgentBytes() + asideBytes);
    long usual = position + asideBytes + reserveBytes;
    boolean low = usual - reservedBytes > reserveBytes / 2 && !reservation.full;
    if ((low || needed > reservedBytes) && !reservation.isUnderWay()) {
      reservation.wantedBytes = Math.max(usual, needed) - reservedBytes;
      reservation.submitTo(keeper);
      takeReservation();
    }
    if (needed <= reservedBytes) {
      return Room.READY;
    }
    // Where there was none, it is asked for again, but nobody waits for it.
    return reservation.isUnderWay() && !reservation.full ? Room.WAIT : Room.FULL;
  }

  /** What updates that need space leave for removals, which make some. */
  private long urgentBytes() {
    return reserveBytes / 8;
  }

  @Override
  public void reserveAside(long bytes) throws StoreException {
    long end = position + reserveBytes + bytes;
    if (end > reservedBytes) {
      host.reserve(fd, file, reservedBytes, end - reservedBytes, false);
      reservedBytes = end;
    }
  }

  @Override
  public void setAside(long bytes) {
    asideBytes = bytes;
  }

  private void takeReservation() {
    if (!reservation.isDone()) {
      return;
    }
    StoreException failure = reservation.finish();
    reservedBytes += reservation.gotBytes;
    boolean full = failure != null && failure.reason() == Reason.NO_SPACE;
    if (failure != null && (!full || !reservation.full)) {
      LOGGER.error(
          "the chunk log cannot grow, {} bytes of it are left: {}",
          reservedBytes - position,
          failure.getMessage());
    }
    reservation.full = full;
  }

  /** Reserves space ahead of the position, without the reactor's waiting for it. */
  private final class Reservation extends KeeperJob {
    long wantedBytes;
    long gotBytes;

    /** The last one got less than it wanted. */
    boolean full;

    Reservation(Runnable wake) {
      super(wake);
    }

    @Override
    protected void work() throws StoreException {
      gotBytes = 0;
      long step = wantedBytes;
      while (gotBytes < wantedBytes) {
        try {
          host.reserve(fd, file, reservedBytes + gotBytes, step, false);
          gotBytes += step;
        } catch (StoreException e) {
          step /= 2;
          if (e.reason() != Reason.NO_SPACE || step < STEP_MIN_BYTES) {
            throw e;
          }
        }
        step = Math.min(step, wantedBytes - gotBytes);
      }
    }
  }

  @Override
  public int redoMaxBytes() {
    return redoMaxBytes;
  }

  @Override
  public void committed(ChunkState chunk, boolean commitsPending) {
    append(LogRecord.encodeCommitted(record, ++sequence, group, chunk, commitsPending, crc));
  }

  @Override
  public void pending(ChunkState chunk) {
    append(LogRecord.encodePending(record, ++sequence, group, chunk, crc));
  }

  @Override
  public void redo(
      ChunkState chunk,
      boolean pending,
      int from,
      MemorySegment memory,
      long offset,
      int payloadBytes,
      int payloadCrc) {
    assert payloadBytes <= redoMaxBytes : "a payload of " + payloadBytes;
    int prefix =
        LogRecord.encodeRedoPrefix(
            record, ++sequence, group, chunk, pending, from, payloadBytes, payloadCrc, crc);
    MemorySegment staged = staging;
    if (staged != null) {
      stage(staged, prefix);
      MemorySegment.copy(memory, offset, staged, stagingEnd, payloadBytes);
      int padded = payloadBytes + (-(prefix + payloadBytes) & 7);
      Zeros.fill(staged, stagingEnd + payloadBytes, stagingEnd + padded);
      stagingEnd += padded;
      groupRecords++;
      return;
    }
    payload.set(memory.address() + offset, payloadBytes);
    try (DocumentContext document = appender.writingDocument()) {
      Bytes<?> bytes = java.util.Objects.requireNonNull(document.wire()).bytes();
      bytes.write(scratch, 0, prefix);
      bytes.write(payload, 0L, payloadBytes);
      for (int end = prefix + payloadBytes; (end & 7) != 0; end++) {
        bytes.writeByte((byte) 0);
      }
      position = bytes.writePosition();
      adviseOnce(bytes);
    }
    groupRecords++;
  }

  @Override
  public void redoJournaled(
      ChunkState chunk,
      boolean pending,
      int from,
      int payloadBytes,
      long deviceOffset,
      int payloadCrc) {
    append(
        LogRecord.encodePayloadJournaled(
            record,
            ++sequence,
            group,
            chunk,
            pending,
            from,
            payloadBytes,
            deviceOffset,
            payloadCrc,
            crc));
  }

  @Override
  public void removed(ChunkState chunk) {
    append(LogRecord.encodeRemoved(record, ++sequence, group, chunk, crc));
  }

  @Override
  public void rolledBack(ChunkState pending) {
    append(LogRecord.encodeRolledBack(record, ++sequence, group, pending, crc));
  }

  @Override
  public void session(Session session) {
    append(LogRecord.encodeSession(record, ++sequence, group, session, crc));
  }

  @Override
  public long endGroup() {
    append(
        LogRecord.encodeGroupEnd(
            record, ++sequence, group, groupRecords, durableGroup, appliedSequence, uuid, crc));
    if (groupRecords > 1) {
      recordGroup = group;
    }
    statedGroup = durableGroup;
    statedSequence = appliedSequence;
    groupRecords = 0;
    if (staging == null) {
      appendedGroup = group;
    }
    return group++;
  }

  @Override
  public void stageIn(MemorySegment memory, int offset) {
    assert staging == null && groupRecords == 0 : "one whole group at a time is staged";
    staging = memory;
    stagingStart = offset;
    stagingEnd = offset;
  }

  @Override
  public int stagedEnd() {
    return stagingEnd;
  }

  /** From the scratch array. */
  private void stage(MemorySegment to, int lengthBytes) {
    MemorySegment.copy(record, 0, to, stagingEnd, lengthBytes);
    stagingEnd += lengthBytes;
  }

  @Override
  public void stageNothing() {
    assert stagingEnd == stagingStart && groupRecords == 0 : "something was staged";
    staging = null;
    stagingStart = 0;
    stagingEnd = 0;
  }

  @Override
  public void appendStaged() {
    MemorySegment staged = staging;
    assert staged != null && groupRecords == 0 : "a whole group was staged";
    for (int at = stagingStart; at < stagingEnd; ) {
      int lengthBytes = LogRecord.lengthBytes(staged, at);
      payload.set(staged.address() + at, lengthBytes);
      try (DocumentContext document = appender.writingDocument()) {
        Bytes<?> bytes = java.util.Objects.requireNonNull(document.wire()).bytes();
        bytes.write(payload, 0L, lengthBytes);
        position = bytes.writePosition();
        adviseOnce(bytes);
      }
      at += lengthBytes;
    }
    stagingEnd = stagingStart;
    stageNothing();
    appendedGroup = group - 1;
  }

  @Override
  public long appendedGroup() {
    return appendedGroup;
  }

  private void append(int lengthBytes) {
    MemorySegment staged = staging;
    if (staged != null) {
      stage(staged, lengthBytes);
      groupRecords++;
      return;
    }
    try (DocumentContext document = appender.writingDocument()) {
      Bytes<?> bytes = java.util.Objects.requireNonNull(document.wire()).bytes();
      bytes.write(scratch, 0, lengthBytes);
      position = bytes.writePosition();
      adviseOnce(bytes);
    }
    groupRecords++;
  }

  /**
   * Without read-ahead the page cache takes single pages; with it, folios of 32 KiB and more, which
   * one changed byte makes dirty as a whole: groups of 32 small overwrites wrote 6 times their
   * bytes (ext4, Linux 6.18).
   */
  private void adviseOnce(Bytes<?> bytes) {
    BytesStore<?, ?> mapping = bytes.bytesStore();
    if (mapping != advised && mapping instanceof MappedBytesStore mapped) {
      long sizeBytes = mapped.underlyingCapacity();
      NativeMemory.madvise(
          NativeMemory.ofAddress(mapped.addressForRead(mapped.start()), sizeBytes),
          Fcntl.MADV_RANDOM);
      advised = mapping;
    }
  }

  @Override
  public void durable(long durable) {
    durableGroup = Math.max(durableGroup, durable);
  }

  @Override
  public void applied(long applied) {
    assert applied <= sequence : "only what was appended can be applied";
    appliedSequence = Math.max(appliedSequence, applied);
  }

  @Override
  public long appliedSequence() {
    return appliedSequence;
  }

  @Override
  public long statedSequence() {
    return statedSequence;
  }

  @Override
  public long durableGroup() {
    return durableGroup;
  }

  @Override
  public boolean isDurabilityStated() {
    return statedGroup >= recordGroup;
  }

  @Override
  public boolean isLinked() {
    return host.isLinked(fd);
  }

  @Override
  public boolean isInPlace() throws StoreException {
    return host.leadsTo(file, fd);
  }

  @Override
  public long generation() {
    return generation;
  }

  @Override
  public long lastGroup() {
    return group - 1;
  }

  @Override
  public long lastSequence() {
    return sequence;
  }

  @Override
  public long positionBytes() {
    return position;
  }

  @Override
  public long recordBytes() {
    return position - startPosition;
  }

  @Override
  public void close() {
    appender.close();
    queue.close();
    host.close(fd);
  }
}
