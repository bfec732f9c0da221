/**
 * The committed chunks of a target, in memory.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.chunkengine.index.ChunkIndex} finds a chunk by inode and index, walks an
 * inode's chunks in order, and all chunks in none. {@link
 * io.lampyris.chunkengine.index.OffHeapChunkIndex} has them in entries of fixed size outside the
 * heap, found by hash tables whose buckets are cache lines.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a key is there at most once.
 *   <li>I2: what is copied out is one version of the chunk, whole; nobody holds a reference into
 *       the index.
 *   <li>I3: an operation does a bounded amount of work, but for the growing of a table; longer
 *       walks are in steps.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the loading thread, then the reactor.
 *
 * <h2>Failure</h2>
 *
 * None but that of memory.
 */
@NullMarked
package io.lampyris.chunkengine.index;

import org.jspecify.annotations.NullMarked;
