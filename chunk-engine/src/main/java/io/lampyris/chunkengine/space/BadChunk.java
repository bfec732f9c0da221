package io.lampyris.chunkengine.space;

/**
 * A chunk in quarantine.
 *
 * @param chunkIndex unsigned
 * @param units the bad ones, as bits
 */
public record BadChunk(long inode, int chunkIndex, int units) {}
