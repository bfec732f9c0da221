package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.redo.PendingVersions;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.Map;
import java.util.TreeMap;

/** What has to hold for an open target with nothing in flight, whatever has happened to it. */
final class StoreAudit {
  private StoreAudit() {}

  /** Index against blocks against allocator: every block inside, disjoint, and accounted for. */
  static void blocks(TargetStore store) {
    ChunkState chunk = new ChunkState();
    TreeMap<Long, Long> blocks = new TreeMap<>();
    long chunks = 0;
    long taken = 0;
    for (ChunkIndex.Cursor cursor = store.index().cursor(); cursor.next(chunk); ) {
      chunks++;
      assertEquals(chunk.hasBlock(), chunk.lengthBytes > 0, "a block for each length");
      if (chunk.hasBlock()) {
        long size = Geometry.classBytes(chunk.sizeClass);
        taken += size;
        assertTrue(chunk.lengthBytes <= size, "a chunk fits its block");
        assertTrue(chunk.blockOffset >= Geometry.FIRST_EXTENT_OFFSET);
        Map.Entry<Long, Long> below = blocks.floorEntry(chunk.blockOffset);
        Map.Entry<Long, Long> above = blocks.ceilingEntry(chunk.blockOffset);
        assertTrue(below == null || below.getValue() <= chunk.blockOffset, "blocks are disjoint");
        assertTrue(
            above == null || above.getKey() >= chunk.blockOffset + size, "blocks are disjoint");
        blocks.put(chunk.blockOffset, chunk.blockOffset + size);
      }
      ChunkState found = new ChunkState();
      assertTrue(store.index().get(chunk.inode, chunk.chunkIndex, found), "found by its key");
      assertEquals(text(chunk), text(found));
    }
    assertEquals(store.index().count(), chunks);
    taken += pendingBlocks(store, blocks);
    assertEquals(
        store.allocator().capacityBytes() - taken,
        store.allocator().freeBytes() + store.held().bytes(),
        "what no chunk has is free, or will be");
  }

  /** What pending versions have taken beside their chunks. */
  private static long pendingBlocks(TargetStore store, Map<Long, Long> blocks) {
    long taken = 0;
    ChunkState committed = new ChunkState();
    PendingVersions.Entry entry = store.pending().first();
    for (; entry != null; entry = PendingVersions.after(entry)) {
      ChunkState made = entry.state;
      boolean exists = store.index().get(made.inode, made.chunkIndex, committed);
      if (!made.isPartOfCopy()) {
        assertEquals(exists ? committed.version + 1 : 1, made.version, "one above the committed");
      }
      boolean shared = exists && committed.blockOffset == made.blockOffset;
      if (made.hasBlock() && !shared) {
        assertEquals(null, blocks.get(made.blockOffset), "blocks are disjoint");
        taken += Geometry.classBytes(made.sizeClass);
      }
    }
    return taken;
  }

  /** All that the index knows, as text by key. */
  static Map<String, String> states(TargetStore store) {
    Map<String, String> all = new TreeMap<>();
    ChunkState chunk = new ChunkState();
    for (ChunkIndex.Cursor cursor = store.index().cursor(); cursor.next(chunk); ) {
      all.put(chunk.inode + "/" + chunk.chunkIndex, text(chunk));
    }
    PendingVersions.Entry entry = store.pending().first();
    for (; entry != null; entry = PendingVersions.after(entry)) {
      all.put("pending " + entry.state.inode + "/" + entry.state.chunkIndex, text(entry.state));
    }
    return all;
  }

  static String text(ChunkState chunk) {
    StringBuilder text = new StringBuilder();
    text.append(
        "%d/%d v%d cv%d length %d of %d crc %x at %d class %d"
            .formatted(
                chunk.inode,
                chunk.chunkIndex,
                chunk.version,
                chunk.chainVersion,
                chunk.lengthBytes,
                chunk.chunkSizeBytes,
                chunk.crc32c,
                chunk.blockOffset,
                chunk.sizeClass));
    text.append(
        " by %d.%d.%d.%d result %d"
            .formatted(
                chunk.clientHigh, chunk.clientLow, chunk.channel, chunk.sequence, chunk.result));
    for (int unit = 0; unit < chunk.unitCount(); unit++) {
      text.append(' ').append(Integer.toHexString(chunk.unitCrcs[unit]));
    }
    return text.toString();
  }

  /** How many chunks on the device do not have their checksums, read past the engine. */
  static int badChunks(TargetStore store) throws StoreException {
    Crc32c crc = new Crc32c();
    ChunkState chunk = new ChunkState();
    Path device = store.deviceFile();
    int bad = 0;
    for (ChunkIndex.Cursor cursor = store.index().cursor(); cursor.next(chunk); ) {
      int whole = chunk.crc32c;
      chunk.combineUnits(crc);
      assertEquals(whole, chunk.crc32c, "the chunk's checksum is its units'");
      MemorySegment bytes = MemorySegment.ofArray(new byte[chunk.lengthBytes]);
      if (chunk.hasBlock()) {
        assertEquals(chunk.lengthBytes, Host.posix().read(device, chunk.blockOffset, bytes));
      }
      bad += crc.of(bytes, 0, chunk.lengthBytes) == chunk.crc32c ? 0 : 1;
    }
    return bad;
  }
}
