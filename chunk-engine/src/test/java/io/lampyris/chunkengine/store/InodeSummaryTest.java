package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.InodeSummary;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Summaries over ranges of an inode's chunks, and a target's statistics. */
final class InodeSummaryTest {
  private static final int CHUNKS = 2500;

  @TempDir Path tmp;

  private static void put(ChunkIndex index, long inode, int chunkIndex, int length) {
    ChunkState chunk = new ChunkState();
    chunk.clear();
    chunk.inode = inode;
    chunk.chunkIndex = chunkIndex;
    chunk.chunkSizeBytes = 1 << 20;
    chunk.lengthBytes = length;
    index.put(chunk);
  }

  @Test
  void aSummaryLooksAtABoundedNumberOfChunksAtATime() {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      for (int i = 0; i < CHUNKS; i++) {
        put(index, 1, i * 3, 10);
        put(index, 2, i, 7);
      }
      InodeSummary summary = new InodeSummary();
      summary.begin(1, 0);
      assertFalse(summary.advance(index, 1000));
      assertEquals(1000, summary.chunkCount);
      assertFalse(summary.advance(index, 1000));
      assertTrue(summary.advance(index, 1000));
      assertEquals(CHUNKS, summary.chunkCount);
      assertEquals(CHUNKS * 10L, summary.totalLengthBytes);
      assertEquals((CHUNKS - 1) * 3, summary.lastChunkIndex);
      summary.begin(1, 3000);
      assertFalse(summary.advance(index, 1000));
      assertTrue(summary.advance(index, 1000));
      assertEquals(CHUNKS - 1000, summary.chunkCount);
      summary.begin(3, 0);
      assertTrue(summary.advance(index, 1));
      assertEquals(-1, summary.lastChunkIndex);
    }
  }

  @Test
  void theLastIndexThereIsEndsASummary() {
    try (ChunkIndex index = new OffHeapChunkIndex()) {
      put(index, 1, -2, 5);
      put(index, 1, -1, 6);
      InodeSummary summary = new InodeSummary();
      summary.begin(1, 0);
      assertTrue(summary.advance(index, 10));
      assertEquals(2, summary.chunkCount);
      assertEquals(6, summary.lastChunkLength);
    }
  }

  @Test
  void statisticsTellWhatWasDoneAndWhatIsStored() throws Exception {
    Path dir = tmp.resolve("t");
    TargetStore.format(dir, new TargetSpec(1, 2, 257L << 20));
    try (StoreRig rig = new StoreRig(dir, TargetOptions.defaults())) {
      rig.write(1, 0, 0, new byte[100_000]);
      rig.write(1, 0, 100_000, new byte[20_000]);
      rig.write(1, 0, 4096, new byte[4096]);
      rig.write(1, 0, 0, new byte[90_000]);
      rig.truncate(1, 0, 50_000);
      rig.write(1, 1, 0, new byte[1000]);
      rig.write(1, 2, 0, new byte[1000]);
      rig.remove(1, 2);
      assertEquals(51_000, rig.read(1, 0).length + rig.read(1, 1).length);
      TargetStatistics statistics = rig.store.statistics();
      assertEquals(6, statistics.writes);
      assertEquals(216_096, statistics.writeBytes);
      assertEquals(4, statistics.copyUpdates);
      assertEquals(1, statistics.appendUpdates);
      assertEquals(1, statistics.redoUpdates);
      assertEquals(1, statistics.truncates);
      assertEquals(1, statistics.metadataUpdates);
      assertEquals(1, statistics.removes);
      assertEquals(2, statistics.reads);
      assertEquals(51_000, statistics.readBytes);
      assertTrue(statistics.writeAmplification() > 1);
      assertEquals(51_000, rig.store.chunkBytes());
      assertEquals(2, rig.store.chunkCount());
    }
    try (StoreRig rig = new StoreRig(dir, TargetOptions.defaults())) {
      assertEquals(51_000, rig.store.chunkBytes());
    }
  }
}
