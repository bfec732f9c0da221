package io.lampyris.cli.sim;

import io.lampyris.chunkengine.sim.ChunkOperation;
import io.lampyris.reactor.sim.history.History;

/** A chunk that clients of a simulation use, and all that they did with it. */
final class SimChunk {
  static final int SIZE_BYTES = 64 << 10;

  final long inode;
  final int index;
  final int chainId;
  final int cellBytes;
  final int cells;
  final History<ChunkOperation> history = new History<>();

  SimChunk(long inode, int index, int chainId, int cellBytes) {
    this.inode = inode;
    this.index = index;
    this.chainId = chainId;
    this.cellBytes = cellBytes;
    this.cells = SIZE_BYTES / cellBytes;
  }

  @Override
  public String toString() {
    return "chunk %d/%d of chain %d, cells of %d bytes".formatted(inode, index, chainId, cellBytes);
  }
}
