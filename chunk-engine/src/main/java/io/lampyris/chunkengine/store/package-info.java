/**
 * The local chunk store of one target, format 1.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.store.TargetStore} keeps chunks on a device, and all metadata in a
 * log beside it. A target's directory:
 *
 * <pre>
 *   device                 superblocks and extents
 *   lock                   flock of the process that has the target open
 *   unfinished             there while the target is being made: it is none yet
 *   log/CURRENT            which generations make up the log
 *   log/gen-000001/X.cq4   one generation: a Chronicle Queue of one file
 * </pre>
 *
 * All integers are little-endian. Checksums are CRC32C (Castagnoli, reflected, inverted).
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
 * <p>The journal of groups is a ring of images. An image is all records of one group of updates, as
 * they are going to be in the log's file, where they come after the image is durable. It fills
 * whole slots, the rest of the last one zeros:
 *
 * <pre>
 *    0  u64  magic "LLYJRNL" 0         32  u64  group
 *    8  u32  version, 1                40  u64  the last group with updates before it
 *   12  u32  checksum of 16 … length   48  u32  length, this included
 *   16  u64  target uuid, xored        52  zeros
 *   24  u64  generation                64  records, the last a GROUP_END
 * </pre>
 *
 * The journal of payloads has sectors that REDO records name, each in slots of its own.
 *
 * <h3>Log</h3>
 *
 * {@code CURRENT} is text: a title, one line for each generation from oldest to newest, and a
 * checksum of what is above it. Groups of a closed generation count up to its durable-group.
 *
 * <pre>
 *   lampyris chunk log, format 1
 *   generation 1 first-group 1 durable-group 57 closed
 *   generation 2 first-group 58 durable-group 58 open
 *   crc32c 0a1b2c3d
 * </pre>
 *
 * A generation's file is a sequence of excerpts as Chronicle Queue writes them: a 4-byte header
 * (bits 0-29 length, bit 30 queue's own data, bit 31 unfinished; 0 is the end), then that many
 * bytes, then up to 3 bytes so that the next header is at a multiple of 4. Excerpts that are not
 * the queue's own are records:
 *
 * <pre>
 *    0  u32  magic "LCR1"              12  u8   type
 *    4  u32  checksum of 8 … length    13  u8   version, 1
 *    8  u32  length, this included     14  u16  0
 *   16  u64  sequence number: one more with every record of the target
 *   24  u64  group: all records up to and with a GROUP_END
 *
 *   GENERATION 1      32  u128 target uuid     48  u64 generation
 *   GROUP_END 6       32  u32  records before it in the group
 *                     36  u32  0
 *                     40  u64  a group that was durable when this was written
 *                     48  u64  applied sequence: every overwrite that was committed by a record up
 *                              to this sequence number is in its place on the device, durably
 *                     56  u64  target uuid, its halves xored
 *   REMOVED 3, COMMITTED 2, PENDING 4, REDO 5
 *                     32  u64  inode           56  u64  client, high half
 *                     40  u32  chunk index     64  u64  client, low half
 *                     44  u32  version         72  u64  the client's sequence number
 *                     48  u32  chain version   80  u64  the result it was answered
 *                     52  u32  channel
 *   COMMITTED 2, PENDING 4, REDO 5
 *                     88  u64  block's device offset; -1 for a chunk of length 0
 *                     96  u32  length         108  u8   size class, logarithm of 2
 *                    100  u32  chunk size     109  u8   units
 *                    104  u32  checksum       110  u16  flags
 *                    112  u32  checksum of each unit of max(64 KiB, chunk size / 16), zeros to a
 *                              multiple of 8
 *   REDO 5, behind the checksums
 *                      0  u32  where in the chunk the payload belongs
 *                      4  u32  payload's length, at most 1 MiB
 *                      8       payload, zeros to a multiple of 8; with flag 4 instead:
 *                      8  u64  payload's device offset, in the journal
 *                     16  u32  payload's checksum
 *                     20  u32  0
 *   flags              1       of a REDO: the version is pending
 *                      4       of a REDO: the payload is in the journal
 *                      2       of a COMMITTED: it is the pending version, with its payload if any
 * </pre>
 *
 * <p>A COMMITTED record is a chunk's whole new state, a REMOVED one its end. PENDING is a version
 * one above the committed one that waits for a COMMITTED with flag 2; another PENDING, or a
 * COMMITTED of its version without that flag, replaces it. REDO is COMMITTED (or, with flag 1,
 * PENDING) for a version that differs in the payload's bytes alone, which are written over the old
 * ones in the same block after the record that commits them is durable. Replay ends with the
 * pending versions, and with what is redone before the target serves:
 *
 * <pre>
 *   what follows an overwrite that was committed     │ then
 *   ─────────────────────────────────────────────────┼──────────────────────────────────────────
 *   a group end whose applied sequence covers it     │ forget it
 *   COMMITTED of the chunk in another block          │ forget it: it was copied there
 *   REMOVED of the chunk                             │ forget it
 *   COMMITTED of a smaller length                    │ cut it there: what is behind it may have
 *                                                    │ been appended since
 *   none of these                                    │ write it in its place, flush, then serve
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: an update is acknowledged when its data and its record are durable (strict): data
 *       written, device flushed, image of the group in the journal, device flushed, appended to the
 *       log's file, answered. Payloads in the journal may share the second flush, because of the
 *       last image it is asked whether all that it names is there.
 *   <li>I2: a group counts whole or not at all. One group is in flight at a time, so a crash tears
 *       at most the last one; a torn group was never acknowledged.
 *   <li>I2a: an image stays in its slots until the log's file has its group durably; a payload
 *       until a durable group end says that it need not be redone, or a durable record has
 *       overtaken the one that names it.
 *   <li>I3: a damaged group that any later group end calls durable, or that CURRENT calls durable,
 *       is corruption, not a torn tail: the target does not open.
 *   <li>I4: a block that holds a committed version is written behind that version's length, or with
 *       the payload of a redo record that is durable. The chunk stays locked meanwhile, so at most
 *       one redo of a chunk is not in its place.
 *   <li>I5: a block is free again only after the record that killed it is durable and its last
 *       reader has left, whatever the durability: under interval and none it is held for the next
 *       sync, or a power cut would bring back a version whose block has other bytes.
 *   <li>I6: one update of a chunk at a time, in order of arrival; a read sees one version, whole,
 *       that was the last committed one at some time while it ran (or the pending one, if it asks
 *       for that): redos that are not in their place are laid over what the device has, and a read
 *       whose bytes an overwrite or a truncation could have changed begins again.
 *   <li>I7: a unit that is read whole is answered only if it has its checksum.
 *   <li>I8: a log file is appended to only by the process that created it: every start opens a new
 *       generation, and what an earlier process left is read by our own scanner, which trusts
 *       nothing.
 *   <li>I9: log space is reserved before it is written: a full host is NO_SPACE, never a SIGBUS.
 *       Updates leave some of it to what makes space. A rewriting of the log reserves its snapshot
 *       before it begins, and so ends; on a full host none begins, and no target starts.
 *   <li>I10: a chunk that compaction moves stays the same version; no unit is committed in its new
 *       block that was not verified in its old one, which then dies as any other (I5). The new
 *       block is durable before the record that names it, whatever the durability.
 *   <li>I11: blocks for new bytes leave a reserve free, so that what is there can always be
 *       overwritten, truncated, removed and moved.
 *   <li>I12: a chunk has at most one pending version, one above the committed one; it takes effect
 *       by a COMMITTED record alone. Bytes that a pending version has in the committed version's
 *       block are not written again before it is committed or gone.
 *   <li>I13: an applied sequence is written into a group end only after a flush of the device that
 *       began when every overwrite up to it had been written in place.
 *   <li>I14: the checksum of a unit that is overwritten in part changes by the difference of old
 *       and new bytes: a byte that went bad before stays a wrong checksum.
 *   <li>I15: every content of CURRENT that a rewrite of the log passes through replays to the same
 *       chunks; a generation is deleted only when CURRENT, durably, does not name it.
 *   <li>I16: under strict nothing is acknowledged that goes into a log file without a name.
 * </ul>
 *
 * Under strict the log's file is flushed only now and then (each MiB of images, and when the target
 * idles); what a power cut takes from it is in the journal. Chronicle Queue writes through a shared
 * mapping; the flush of the log is {@code fdatasync} on the file, submitted to the reactor's
 * io_uring. Linux tracks pages of a file that were dirtied through a mapping as it tracks written
 * ones (the first store to a clean page faults and marks it), and fdatasync writes back and waits
 * for all of the file's dirty pages, so the reactor never blocks in msync. Seen on ext4, Linux
 * 6.18: 400,000 bytes stored through a mapping into reserved space, then fdatasync on another
 * descriptor: the disk wrote 792 sectors and the extents became written ones.
 *
 * <h2>Threading</h2>
 *
 * Opening and closing block and run on any thread; in between everything belongs to the reactor
 * that the store is attached to.
 *
 * <p>What would block (making, naming and deleting generations, reserving space, looking whether
 * the files are still there) is done by the target's {@link io.lampyris.chunkengine.store.Keeper},
 * one job at a time; the reactor polls for what became of it and goes on meanwhile.
 *
 * <p>What a target does by itself (compaction, scrubbing, discarding) runs on its reactor too, in
 * slices of some microseconds, with few operations in flight and below rates of its own; it shares
 * the locks and the group commit with everyone else's operations.
 *
 * <h2>Failure</h2>
 *
 * What is wrong with a target at its start is a {@link
 * io.lampyris.chunkengine.store.StoreException} with a reason. A failed write or flush takes the
 * target offline: what was acknowledged stays, nothing more is. A failed read fails that read.
 */
@NullMarked
package io.lampyris.chunkengine.store;

import org.jspecify.annotations.NullMarked;
