/**
 * What the bytes of a target are, format 1.
 *
 * <h2>What</h2>
 *
 * A target's directory:
 *
 * <pre>
 *   device                 superblocks and extents
 *   lock                   flock of the process that has the target open
 *   unfinished             there while the target is being made: it is none yet
 *   log/CURRENT            which generations make up the log
 *   log/gen-000001/X.cq4   one generation: a Chronicle Queue of one file
 * </pre>
 *
 * All integers are little-endian. Checksums are CRC32C (Castagnoli, reflected, inverted). Here are
 * the sizes and offsets, the superblock, the checksum, what is known of one chunk ({@link
 * io.lampyris.chunkengine.format.ChunkState}), and the table by which a start decides what to make
 * of what it finds ({@link io.lampyris.chunkengine.format.RecoveryRow}). The records of the log and
 * the images of the journal are in {@code chunkengine.log}.
 *
 * <h3>Device</h3>
 *
 * <pre>
 *        0  superblock A, 4096 bytes
 *   524288  superblock B, 4096 bytes
 *  1048576  journal of groups, slots of 4096 bytes
 *  4194304  journal of payloads, slots of 4096 bytes
 *  8388608  extents of 64 MiB to the end of the device; the last may be shorter
 * </pre>
 *
 * Superblock; either copy suffices:
 *
 * <pre>
 *    0  u64  magic "LLYRCHNK"          48  u64  extent size, 67108864
 *    8  u32  format version, 1         56  u64  first extent's offset, 8388608
 *   12  u32  checksum of the 4096      64  u64  time of formatting, ms since the epoch
 *            bytes with 0 here         72  u32  chain id
 *   16  u128 target uuid, high first   76  u32  block unit, 65536
 *   32  u64  target id                 80  u32  copy: 0 for A, 1 for B
 *   40  u64  device size in bytes      84  zeros to 4096
 * </pre>
 *
 * An extent belongs to one size class (64 KiB … 64 MiB, powers of two) while it holds blocks; block
 * n of an extent starts n class sizes behind the extent's start. Nothing on the device says which
 * blocks are taken: that is what the live records of the log name. Bytes of a block behind the
 * chunk's length mean nothing and are never handed out.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: nothing here does I/O or has a thread; everything else of the engine may use it, and it
 *       uses nothing of the engine.
 *   <li>I2: a number, offset or flag of format 1 never changes what it means.
 *   <li>I3: for all inputs of each stage of a start exactly one row of the table applies.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Functions and values; what is mutable ({@code ChunkState}, {@code Crc32c}) belongs to whoever
 * made it.
 *
 * <h2>Failure</h2>
 *
 * What is wrong with a target is a {@link io.lampyris.chunkengine.format.StoreException} with a
 * reason: bytes that no version of the format has, another version's, or the host's failure.
 */
@NullMarked
package io.lampyris.chunkengine.format;

import org.jspecify.annotations.NullMarked;
