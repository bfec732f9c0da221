package io.lampyris.chunkengine.check;

import io.lampyris.chunkengine.check.CheckFinding.Code;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.log.RedoPayload;
import io.lampyris.chunkengine.recovery.Replayer;
import io.lampyris.chunkengine.space.ExtentAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;

/**
 * The part of the offline check that is about blocks: where they lie, and what is in them. Reads
 * past the page cache where that is possible, in the order of the device. Blocks; one thread.
 */
final class BlockChecker {
  private static final int BUFFER_BYTES = 4 << 20;
  private static final int SECTOR_BYTES = 4096;
  private static final long PENDING_BIT = 1L << 31;

  private final long deviceSizeBytes;
  private final Host host;
  private final Path device;
  private final ChunkIndex index;
  private final List<Replayer.Pending> pending;
  private final Map<Long, List<Replayer.Redo>> redos = new HashMap<>();
  private final Crc32c crc;
  private final Consumer<CheckFinding> findings;
  private final ChunkState chunk = new ChunkState();
  private final ChunkState other = new ChunkState();

  /** Blocks in the order of the device: number of the block's first 64 KiB, then slot. */
  private long[] order = new long[0];

  private long dataBytes;
  private long readBytes;
  private long units;

  BlockChecker(
      long deviceSizeBytes,
      Host host,
      Path device,
      ChunkIndex index,
      Replayer replayer,
      Crc32c crc,
      Consumer<CheckFinding> findings) {
    this.deviceSizeBytes = deviceSizeBytes;
    this.host = host;
    this.device = device;
    this.index = index;
    this.pending = new ArrayList<>(replayer.pending());
    this.crc = crc;
    this.findings = findings;
    for (Replayer.Redo redo : replayer.redos()) {
      redos.computeIfAbsent(redo.blockOffset, block -> new ArrayList<>()).add(redo);
    }
  }

  // ---- places ----

  /** Checks that all blocks are possible and apart, and each chunk's own checksum. */
  void checkPlaces() {
    ExtentAllocator allocator = new ExtentAllocator(deviceSizeBytes);
    long[] found = new long[(int) Math.min(Integer.MAX_VALUE, index.count() + pending.size())];
    int count = 0;
    for (int slot = 0; slot < index.slots(); slot++) {
      if (index.at(slot, chunk)) {
        checkSum(chunk);
        if (chunk.hasBlock()) {
          found[count++] = key(chunk.blockOffset, slot);
          dataBytes += chunk.lengthBytes;
          checkPlace(chunk, allocator);
        }
      }
    }
    for (int i = 0; i < pending.size(); i++) {
      ChunkState state = pending.get(i).state;
      checkSum(state);
      if (state.hasBlock() && !isBlockOfCommitted(state)) {
        checkPlace(state, allocator);
      }
      if (state.hasBlock()) {
        found[count++] = key(state.blockOffset, PENDING_BIT | i);
        dataBytes += state.lengthBytes;
      }
    }
    order = Arrays.copyOf(found, count);
    Arrays.sort(order);
  }

  private static long key(long blockOffset, long source) {
    return blockOffset >> Geometry.BLOCK_UNIT_SHIFT << 32 | source;
  }

  private boolean isBlockOfCommitted(ChunkState state) {
    return index.get(state.inode, state.chunkIndex, other)
        && other.blockOffset == state.blockOffset;
  }

  private void checkSum(ChunkState state) {
    int said = state.crc32c;
    state.combineUnits(crc);
    if (state.crc32c != said) {
      findings.accept(
          CheckFinding.of(
              Code.CHUNK_CHECKSUM,
              device,
              state.blockOffset,
              state,
              -1,
              "the chunk's checksum is not that of its units; observed=%08x, limit=%08x"
                  .formatted(said, state.crc32c)));
    }
  }

  private void checkPlace(ChunkState state, ExtentAllocator allocator) {
    if (!allocator.isPossible(state.blockOffset, state.sizeClass)
        || state.lengthBytes > Geometry.classBytes(state.sizeClass)) {
      findings.accept(
          CheckFinding.of(
              Code.BLOCK_IMPOSSIBLE,
              device,
              state.blockOffset,
              state,
              -1,
              "there can be no such block; observed=class %d at %d for %d bytes, limit=inside the device of %d bytes, at a multiple of its size in its extent"
                  .formatted(
                      state.sizeClass, state.blockOffset, state.lengthBytes, deviceSizeBytes)));
    } else if (!allocator.take(state.blockOffset, state.sizeClass)) {
      findings.accept(
          CheckFinding.of(
              Code.BLOCK_SHARED,
              device,
              state.blockOffset,
              state,
              -1,
              "the block is taken; observed=class %d at %d is also of %s, limit=disjoint blocks, one class in an extent"
                  .formatted(state.sizeClass, state.blockOffset, holderOf(state))));
    }
  }

  /** Who else has bytes of this block, or of its extent in another class. */
  private String holderOf(ChunkState state) {
    String inExtent = "another class in the extent";
    int extent = ExtentAllocator.extentOf(state.blockOffset);
    for (int slot = 0; slot < index.slots(); slot++) {
      long block = index.blockAt(slot);
      if (block == ChunkState.NO_BLOCK
          || ExtentAllocator.extentOf(block) != extent
          || !index.at(slot, other)
          || (other.inode == state.inode && other.chunkIndex == state.chunkIndex)) {
        continue;
      }
      boolean overlaps =
          block < state.blockOffset + (1L << state.sizeClass)
              && state.blockOffset < block + (1L << other.sizeClass);
      String name =
          "inode %d chunk %s, class %d at %d"
              .formatted(
                  other.inode, Integer.toUnsignedString(other.chunkIndex), other.sizeClass, block);
      if (overlaps) {
        return name;
      }
      inExtent = name;
    }
    return inExtent;
  }

  // ---- bytes ----

  /** Reads every block and verifies its units. */
  void read(TargetChecker.Progress progress) throws StoreException {
    try (Host.Reader reader = host.openReader(device);
        Arena arena = Arena.ofConfined()) {
      MemorySegment buffer = arena.allocate(BUFFER_BYTES, SECTOR_BYTES);
      long done = 0;
      for (long key : order) {
        long source = key & 0xFFFFFFFFL;
        if ((source & PENDING_BIT) != 0) {
          Replayer.Pending waiting = pending.get((int) (source ^ PENDING_BIT));
          chunk.copyFrom(waiting.state);
          verify(reader, buffer, waiting);
        } else if (index.at((int) source, chunk)) {
          verify(reader, buffer, null);
        }
        done += chunk.lengthBytes;
        progress.onRead(done, dataBytes);
      }
    }
  }

  private void verify(
      Host.Reader reader,
      MemorySegment buffer,
      Replayer.@org.jspecify.annotations.Nullable Pending waiting) {
    int unitBytes = chunk.unitBytes();
    for (int unit = 0; unit < chunk.unitCount(); unit++) {
      int from = unit * unitBytes;
      int bytes = Math.min(unitBytes, chunk.lengthBytes - from);
      long at = chunk.blockOffset + from;
      String why = read(reader, at, bytes, buffer);
      if (!why.isEmpty()) {
        findings.accept(
            CheckFinding.of(
                Code.UNREADABLE,
                device,
                at,
                chunk,
                unit,
                "the unit cannot be read; observed=%s, limit=%d bytes".formatted(why, bytes)));
        continue;
      }
      overlay(buffer, from, bytes, waiting);
      readBytes += bytes;
      units++;
      int observed = crc.of(buffer, 0, bytes);
      if (observed != chunk.unitCrcs[unit]) {
        findings.accept(
            CheckFinding.of(
                Code.UNIT_DAMAGED,
                device,
                at,
                chunk,
                unit,
                "the unit's bytes are not what was written; observed=crc %08x of %d bytes, limit=%08x of version %d"
                    .formatted(observed, bytes, chunk.unitCrcs[unit], chunk.version)));
      }
    }
  }

  /** Empty when all of a unit was read; else why not. */
  private static String read(Host.Reader reader, long at, int bytes, MemorySegment into) {
    try {
      long read = reader.read(at, into.asSlice(0, bytes + SECTOR_BYTES - 1 & -SECTOR_BYTES));
      return read >= bytes ? "" : read + " bytes";
    } catch (StoreException e) {
      return String.valueOf(e.getMessage());
    }
  }

  /** What the next start would put in place, and for a pending version its own bytes. */
  private void overlay(
      MemorySegment buffer,
      int from,
      int bytes,
      Replayer.@org.jspecify.annotations.Nullable Pending waiting) {
    for (Replayer.Redo redo : redos.getOrDefault(chunk.blockOffset, List.of())) {
      copyIn(buffer, from, bytes, redo.from, redo.payload.bytes(), redo.bytes);
    }
    RedoPayload payload = waiting == null ? null : waiting.payload;
    if (waiting != null && payload != null) {
      copyIn(buffer, from, bytes, waiting.from, payload.bytes(), payload.lengthBytes());
    }
  }

  private static void copyIn(
      MemorySegment buffer, int from, int bytes, int at, byte[] payload, int payloadBytes) {
    int start = Math.max(from, at);
    int end = Math.min(from + bytes, at + payloadBytes);
    if (start < end) {
      MemorySegment.copy(
          MemorySegment.ofArray(payload), start - at, buffer, start - from, end - start);
    }
  }

  long dataBytes() {
    return dataBytes;
  }

  long readBytes() {
    return readBytes;
  }

  long units() {
    return units;
  }
}
