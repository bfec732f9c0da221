package io.lampyris.chunkengine.recovery;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.RecoveryRow;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.log.RedoPayload;
import io.lampyris.chunkengine.redo.PendingVersions;
import io.lampyris.chunkengine.redo.Redo;
import io.lampyris.chunkengine.redo.RedoTable;
import io.lampyris.chunkengine.space.BlockAllocator;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;

/**
 * What a start does between replaying the log and serving: takes the blocks that the log names,
 * writes overwrites in their place again, and brings pending versions back. Blocks; a crash in the
 * middle of it is harmless, because all of it comes out of the log again. Owner: the loading
 * thread.
 */
public final class Recovery {
  /** Devices take whole sectors, of at most this. */
  private static final int SECTOR_BYTES = 4096;

  private final Path dir;
  private final Host host;
  private final ChunkIndex index;
  private final Replayer replayer;
  private final Crc32c crc = new Crc32c();
  private long chunkBytes;

  public Recovery(Path dir, Host host, ChunkIndex index, Replayer replayer) {
    this.dir = dir;
    this.host = host;
    this.index = index;
    this.replayer = replayer;
  }

  /**
   * Takes the blocks of all chunks and pending versions.
   *
   * @throws StoreException LOG_CORRUPT when they overlap or leave the device
   */
  public void takeBlocks(BlockAllocator allocator) throws StoreException {
    ChunkState chunk = new ChunkState();
    for (ChunkIndex.Cursor cursor = index.cursor(); cursor.next(chunk); ) {
      take(allocator, chunk);
      chunkBytes += chunk.lengthBytes;
    }
    for (Replayer.Pending pending : replayer.pending()) {
      ChunkState made = pending.state;
      boolean shared =
          index.get(made.inode, made.chunkIndex, chunk) && chunk.blockOffset == made.blockOffset;
      if (!shared) {
        take(allocator, made);
      } else {
        decide(made, made.lengthBytes <= 1 << chunk.sizeClass, true);
      }
    }
  }

  /** How many bytes the chunks have whose blocks were taken. */
  public long chunkBytes() {
    return chunkBytes;
  }

  private void take(BlockAllocator allocator, ChunkState chunk) throws StoreException {
    if (chunk.hasBlock()) {
      boolean holds = chunk.lengthBytes <= 1 << chunk.sizeClass;
      decide(chunk, holds, allocator.take(chunk.blockOffset, chunk.sizeClass));
    }
  }

  private void decide(ChunkState chunk, boolean holds, boolean given) throws StoreException {
    // There may be many millions of the usual row.
    boolean usual = holds && given;
    if (!usual
        && RecoveryRow.of(new RecoveryRow.Block(holds, given)) == RecoveryRow.BLOCK_REFUSED) {
      throw corrupt(chunk);
    }
  }

  private StoreException corrupt(ChunkState chunk) {
    return new StoreException(
        Reason.LOG_CORRUPT,
        "the chunk log gives a block away twice or outside the device; observed=inode %d chunk %d at %d, class %d, in %s, limit=disjoint blocks on the device; remedy: restore the target from a replica"
            .formatted(chunk.inode, chunk.chunkIndex, chunk.blockOffset, chunk.sizeClass, dir));
  }

  /**
   * Writes what may not be in its place; durable after a flush of the device.
   *
   * @return how many overwrites
   */
  public int redo(Path device) throws StoreException {
    int redone = 0;
    for (Replayer.Redo redo : replayer.redos()) {
      long at = redo.blockOffset + (redo.from & -SECTOR_BYTES);
      MemorySegment sectors =
          merged(device, redo.blockOffset, redo.from, redo.payload.bytes(), redo.bytes);
      host.write(device, at, sectors);
      redone++;
    }
    return redone;
  }

  /** The sectors of a block that a payload touches, with it. */
  private MemorySegment merged(Path device, long block, int from, byte[] payload, int bytes)
      throws StoreException {
    int start = from & -SECTOR_BYTES;
    int end = from + bytes + SECTOR_BYTES - 1 & -SECTOR_BYTES;
    MemorySegment memory = Arena.ofAuto().allocate(end - start, SECTOR_BYTES);
    host.read(device, block + start, memory);
    MemorySegment.copy(MemorySegment.ofArray(payload), 0, memory, from - start, bytes);
    return memory;
  }

  /** Brings pending versions back; those with a payload need the sectors around it. */
  public void restorePending(Path device, PendingVersions into, RedoTable redos)
      throws StoreException {
    for (Replayer.Pending pending : replayer.pending()) {
      RedoPayload payload = pending.payload;
      into.add(pending.state, payload == null ? null : restore(device, pending, payload, redos), 0);
    }
  }

  private Redo restore(Path device, Replayer.Pending pending, RedoPayload payload, RedoTable redos)
      throws StoreException {
    int from = pending.from;
    int to = from + payload.lengthBytes();
    int start = from & -SECTOR_BYTES;
    MemorySegment memory =
        merged(device, pending.state.blockOffset, from, payload.bytes(), payload.lengthBytes());
    int end = start + (int) memory.byteSize();
    Redo redo = redos.make(pending.state, null, memory, start, end);
    redo.from = from;
    redo.to = to;
    redo.payloadCrc = crc.of(memory, from - start, payload.lengthBytes());
    if (payload.isInJournal()) {
      redo.slot = redos.journal().take(payload.deviceOffset(), payload.lengthBytes());
      redo.slotLead = (int) (payload.deviceOffset() - redo.slot);
      redo.slotBytes = redo.slotLead + payload.lengthBytes();
    }
    return redo;
  }
}
