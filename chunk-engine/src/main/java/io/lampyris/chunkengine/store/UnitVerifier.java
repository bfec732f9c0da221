package io.lampyris.chunkengine.store;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import java.lang.foreign.MemorySegment;

/**
 * Holds a chunk's bytes, which come in order and in pieces of any size, against the checksums of
 * its units. Owner: reactor.
 */
final class UnitVerifier {
  private final boolean remembers;
  private int running;

  /**
   * @param remembers whether the blocks' checksums of units that come whole and are right are to be
   *     known afterwards: for who reads because it is asked, not for who passes by everything
   */
  UnitVerifier(boolean remembers) {
    this.remembers = remembers;
  }

  /**
   * Takes chunk bytes {@code start … end}, which follow the last ones or start a unit.
   *
   * @param memory has them from its beginning
   * @return the units that ended in them and are wrong, as bits; they were reported
   */
  int feed(TargetStore store, ChunkState chunk, MemorySegment memory, int start, int end) {
    assert end <= chunk.lengthBytes : "bytes behind the length mean nothing";
    Crc32c crc = store.crc();
    BlockCrcs blocks = store.blockCrcs();
    int unitBytes = chunk.unitBytes();
    boolean known = remembers && BlockCrcs.holds(unitBytes);
    int bad = 0;
    for (int at = start; at < end; ) {
      int unit = at / unitBytes;
      int unitEnd = Math.min((unit + 1) * unitBytes, chunk.lengthBytes);
      int bytes = Math.min(end, unitEnd) - at;
      boolean begins = at % unitBytes == 0;
      boolean inBlocks = known && begins && at + bytes == unitEnd;
      int part =
          inBlocks ? blocks.of(crc, memory, at - start, bytes) : crc.of(memory, at - start, bytes);
      running = begins ? part : crc.combine(running, part, bytes);
      at += bytes;
      if (at == unitEnd && running != chunk.unitCrcs[unit]) {
        store.corruptionFound(chunk, unit, running);
        bad |= 1 << unit;
      } else if (inBlocks) {
        blocks.put(chunk.inode, chunk.chunkIndex, unit, ~part, part, 0, BlockCrcs.blocksIn(bytes));
      }
    }
    return bad;
  }
}
