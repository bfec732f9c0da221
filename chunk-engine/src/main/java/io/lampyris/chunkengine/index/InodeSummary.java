package io.lampyris.chunkengine.index;

import io.lampyris.chunkengine.format.ChunkState;

/**
 * What an inode's committed chunks from an index on amount to: pooled, begun by {@link #begin}, and
 * brought on by {@code TargetStore.summarise} in slices, because an inode may have millions. Chunks
 * that change in between are counted as they are when their turn comes. Owner: reactor.
 */
public final class InodeSummary {
  public long chunkCount;
  public long totalLengthBytes;

  /** -1 without chunks; so far, until it is through. */
  public int lastChunkIndex;

  public int lastChunkLength;

  private final ChunkState chunk = new ChunkState();
  private long inode;
  private int next;
  private boolean through;

  /** Starts over, with the chunks of an inode whose index is not below {@code fromIndex}. */
  public void begin(long ofInode, int fromIndex) {
    inode = ofInode;
    next = fromIndex;
    through = false;
    chunkCount = 0;
    totalLengthBytes = 0;
    lastChunkIndex = -1;
    lastChunkLength = 0;
  }

  /** Looks at so many chunks more; true when there are no others. */
  public boolean advance(ChunkIndex index, int chunksMax) {
    for (int i = 0; i < chunksMax && !through; i++) {
      if (!index.ceiling(inode, next, chunk)) {
        through = true;
        break;
      }
      chunkCount++;
      totalLengthBytes += chunk.lengthBytes;
      lastChunkIndex = chunk.chunkIndex;
      lastChunkLength = chunk.lengthBytes;
      // The last index there is: the next one would be the first again.
      through = chunk.chunkIndex == -1;
      next = chunk.chunkIndex + 1;
    }
    return through;
  }
}
