package io.lampyris.chunkengine.check;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.chunkengine.check.CheckFinding.Code;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.index.ChunkIndex;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import io.lampyris.chunkengine.recovery.Replayer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** What a log that is intact and wrong all the same would look like. */
final class BlockCheckerTest {
  private static final long FIRST = Geometry.FIRST_EXTENT_OFFSET;
  private static final long DEVICE = FIRST + 2 * Geometry.EXTENT_BYTES;
  private static final int MIB = 1 << 20;

  private final ChunkIndex index = new OffHeapChunkIndex();
  private final Crc32c crc = new Crc32c();
  private final List<CheckFinding> findings = new ArrayList<>();

  @AfterEach
  void close() {
    index.close();
  }

  private ChunkState chunk(int chunkIndex, long block, int sizeClass, int length) {
    ChunkState chunk = new ChunkState();
    chunk.clear();
    chunk.inode = 5;
    chunk.chunkIndex = chunkIndex;
    chunk.version = 1;
    chunk.chunkSizeBytes = MIB;
    chunk.blockOffset = block;
    chunk.sizeClass = sizeClass;
    chunk.lengthBytes = length;
    chunk.unitCrcs[0] = 77;
    chunk.combineUnits(crc);
    return chunk;
  }

  private void put(int chunkIndex, long block, int sizeClass, int length) {
    index.put(chunk(chunkIndex, block, sizeClass, length));
  }

  private BlockChecker check() {
    BlockChecker checker =
        new BlockChecker(
            DEVICE,
            Host.posix(),
            Path.of("device"),
            index,
            new Replayer(index),
            crc,
            findings::add);
    checker.checkPlaces();
    return checker;
  }

  private CheckFinding only(Code code) {
    assertEquals(1, findings.size(), findings.toString());
    assertEquals(code, findings.getFirst().code(), findings.toString());
    return findings.getFirst();
  }

  @Test
  void chunksThatLieApartAreFine() {
    put(0, FIRST, 17, 100_000);
    put(1, FIRST + (128 << 10), 17, 70_000);
    put(2, FIRST + Geometry.EXTENT_BYTES, 20, MIB);
    put(3, ChunkState.NO_BLOCK, 0, 0);
    assertEquals(MIB + 170_000, check().dataBytes());
    assertEquals(List.of(), findings);
  }

  @Test
  void twoChunksInOneBlockAreBothNamed() {
    put(0, FIRST, 17, 100_000);
    put(1, FIRST, 17, 70_000);
    check();
    CheckFinding finding = only(Code.BLOCK_SHARED);
    assertEquals(1, finding.chunkIndex());
    assertEquals(FIRST, finding.offset());
    assertTrue(finding.message().contains("inode 5 chunk 0"), finding.message());
  }

  @Test
  void anExtentWithTwoClassesIsFound() {
    put(0, FIRST, 17, 100_000);
    put(1, FIRST + (8 << 20), 20, MIB);
    check();
    assertTrue(only(Code.BLOCK_SHARED).message().contains("chunk 0, class 17"));
  }

  @Test
  void blocksThatCannotBeAreFound() {
    put(0, FIRST + (64 << 10), 17, 100_000);
    put(1, DEVICE, 17, 100_000);
    put(2, 0, 17, 100_000);
    put(3, FIRST, 16, 70_000);
    check();
    assertEquals(4, findings.size());
    findings.forEach(finding -> assertEquals(Code.BLOCK_IMPOSSIBLE, finding.code()));
  }

  @Test
  void aChunksChecksumIsHeldAgainstItsUnits() {
    ChunkState chunk = chunk(0, FIRST, 17, 100_000);
    chunk.crc32c ^= 1;
    index.put(chunk);
    check();
    only(Code.CHUNK_CHECKSUM);
  }
}
