package io.lampyris.chunkengine.chain;

import org.jspecify.annotations.Nullable;

/** Something that wants a chunk for itself for a while. Owner: reactor. */
abstract class ChunkTask {
  long inode;
  int chunkIndex;
  @Nullable ChunkTask next;

  /** The chunk is its own now, until it gives it back. */
  abstract void onGranted();
}
