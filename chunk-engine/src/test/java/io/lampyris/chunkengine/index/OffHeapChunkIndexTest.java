package io.lampyris.chunkengine.index;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import java.util.Map;
import java.util.NavigableMap;
import java.util.SplittableRandom;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

final class OffHeapChunkIndexTest {
  private static final NavigableMap<Integer, Integer> NOTHING = new TreeMap<>();

  private final ChunkState state = new ChunkState();

  private void put(ChunkIndex index, long inode, int chunk, int version) {
    state.clear();
    state.inode = inode;
    state.chunkIndex = chunk;
    state.version = version;
    state.chainVersion = version * 3;
    state.lengthBytes = version & 0xFFFF;
    state.chunkSizeBytes = 1 << 20;
    state.crc32c = version * 7;
    state.blockOffset = (long) version << 16;
    state.sizeClass = 20;
    state.clientHigh = inode * 5;
    state.clientLow = ~inode;
    state.sequence = version + 9L;
    state.channel = 77;
    state.result = version;
    for (int unit = 0; unit < 16; unit++) {
      state.unitCrcs[unit] = version * 31 + unit;
    }
    index.put(state);
  }

  private void check(long inode, int chunk, int version) {
    assertEquals(inode, state.inode);
    assertEquals(chunk, state.chunkIndex);
    assertEquals(version, state.version);
    assertEquals(version * 3, state.chainVersion);
    assertEquals(version & 0xFFFF, state.lengthBytes);
    assertEquals(1 << 20, state.chunkSizeBytes);
    assertEquals((long) version << 16, state.blockOffset);
    assertEquals(inode * 5, state.clientHigh);
    assertEquals(~inode, state.clientLow);
    assertEquals(version + 9L, state.sequence);
    assertEquals(version, state.result);
    assertEquals(version * 31 + 15, state.unitCrcs[15]);
  }

  @Test
  void agreesWithAModelUnderRandomChanges() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    SplittableRandom random = new SplittableRandom(seed);
    Map<Long, NavigableMap<Integer, Integer>> model = new TreeMap<>();
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      for (int op = 1; op <= 300_000; op++) {
        long inode = random.nextInt(20) == 0 ? random.nextInt(5000) : random.nextInt(8);
        int chunk = random.nextInt(2000);
        NavigableMap<Integer, Integer> chunks = model.computeIfAbsent(inode, i -> new TreeMap<>());
        // Phases of growth and of decay.
        if (random.nextInt(10) < (op / 30_000 % 2 == 0 ? 8 : 3)) {
          put(index, inode, chunk, op);
          chunks.put(chunk, op);
        } else {
          assertEquals(chunks.remove(chunk) != null, index.remove(inode, chunk), "seed=" + seed);
        }
        if (op % 16 == 0) {
          compare(index, inode, random.nextInt(2100), chunks);
        }
      }
      long count = model.values().stream().mapToLong(Map::size).sum();
      assertEquals(count, index.count());
      long walked = 0;
      for (ChunkIndex.Cursor cursor = index.cursor(); cursor.next(state); walked++) {
        int version = model.getOrDefault(state.inode, NOTHING).getOrDefault(state.chunkIndex, -1);
        check(state.inode, state.chunkIndex, version);
      }
      assertEquals(count, walked);
    }
  }

  private void compare(
      ChunkIndex index, long inode, int at, NavigableMap<Integer, Integer> chunks) {
    assertEquals(chunks.containsKey(at), index.getHead(inode, at, state));
    assertEquals(chunks.containsKey(at), index.get(inode, at, state));
    if (chunks.containsKey(at)) {
      check(inode, at, chunks.get(at));
    }
    Map.Entry<Integer, Integer> above = chunks.ceilingEntry(at);
    assertEquals(above != null, index.ceiling(inode, at, state));
    if (above != null) {
      check(inode, above.getKey(), above.getValue());
    }
    assertEquals(!chunks.isEmpty(), index.last(inode, state));
    if (!chunks.isEmpty()) {
      check(inode, chunks.lastKey(), chunks.lastEntry().getValue());
    }
  }

  @Test
  void staysUnderItsMemoryLimitWithFilesOfOneChunkAndOfMany() {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      int count = 500_000;
      for (int i = 0; i < count; i++) {
        put(index, i < count / 2 ? i : -1L - i / 1000, i, i + 1);
      }
      double perChunk = (double) index.memoryBytes() / count;
      System.out.println("index bytes per chunk=" + perChunk);
      assertTrue(perChunk <= 192, "observed=" + perChunk);
      assertFalse(index.get(1L << 40, 0, state));
    }
  }

  @Test
  void theHeadIsWhatSaysWhereTheBytesAre() {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      put(index, 7, -3, 12);
      put(index, 7, 4, 13);
      state.clear();
      assertTrue(index.getHead(7, -3, state));
      assertEquals(7, state.inode);
      assertEquals(-3, state.chunkIndex);
      assertEquals(12, state.version);
      assertEquals(36, state.chainVersion);
      assertEquals(12, state.lengthBytes);
      assertEquals(1 << 20, state.chunkSizeBytes);
      assertEquals(84, state.crc32c);
      assertEquals(12L << 16, state.blockOffset);
      assertEquals(20, state.sizeClass);
      assertEquals(0, state.unitCrcs[0], "not of the head");
      assertFalse(index.getHead(8, -3, state));
    }
  }

  @Test
  void chunksWithEqualHashesAreToldApart() {
    Map<Integer, Integer> chunkOfHash = new TreeMap<>();
    int collisions = 0;
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      for (int chunk = 0; chunk < 300_000; chunk++) {
        Integer other = chunkOfHash.put(OffHeapChunkIndex.hash(5, chunk), chunk);
        if (other != null) {
          collisions++;
          put(index, 5, other, 1);
          assertFalse(index.get(5, chunk, state));
          put(index, 5, chunk, 2);
          assertTrue(index.get(5, other, state));
          check(5, other, 1);
          assertTrue(index.remove(5, other));
          assertFalse(index.get(5, other, state));
          assertTrue(index.get(5, chunk, state));
          check(5, chunk, 2);
        }
      }
      assertEquals(collisions, index.count());
    }
    assertTrue(collisions > 0, "of so many some have equal hashes");
  }
}
