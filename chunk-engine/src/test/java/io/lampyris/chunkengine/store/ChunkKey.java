package io.lampyris.chunkengine.store;

/** A chunk's place. */
record ChunkKey(long inode, int index) implements Comparable<ChunkKey> {
  @Override
  public int compareTo(ChunkKey other) {
    int byInode = Long.compare(inode, other.inode);
    return byInode != 0 ? byInode : Integer.compareUnsigned(index, other.index);
  }
}
