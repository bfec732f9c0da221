/**
 * The log of a target, and the journal before it: writing and reading them, format 1.
 *
 * <h2>What</h2>
 *
 * All metadata of a target is in its log: generations, each a file of records in groups. {@link
 * io.lampyris.chunkengine.log.ChunkLog} is its open end; {@link
 * io.lampyris.chunkengine.log.GroupJournal} has groups on the device before the log's file has them
 * durably; {@link io.lampyris.chunkengine.log.LogScanner} reads what an earlier process left, and
 * {@link io.lampyris.chunkengine.log.LogCatalog} is {@code CURRENT}. What the records amount to is
 * made of them by {@code chunkengine.recovery}.
 *
 * <h3>Journal</h3>
 *
 * The journal of groups is a ring of images. An image is all records of one group of updates, as
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
 *   REMOVED 3, ROLLED_BACK 8, COMMITTED 2, PENDING 4, REDO 5
 *                     32  u64  inode           56  u64  client, high half
 *                     40  u32  chunk index     64  u64  client, low half
 *                     44  u32  version         72  u64  the client's sequence number
 *                     48  u32  chain version   80  u64  the result it was answered;
 *                                               0x7FFFFFFF, pending: a removal; 0x7FFFFFFE,
 *                                               pending: the first part of a copy
 *                     52  u32  channel
 *   SESSION 7, as those but for
 *                     44  u32  version; 0: removed; -1: a removal of all chunks from an index on is
 *                              done; -2: the same, and more follow
 *                     48  u32  length          88  u32  checksum
 *                                              92  u32  0
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
 * COMMITTED of its version without that flag, replaces it, and a ROLLED_BACK ends it. REDO is
 * COMMITTED (or, with flag 1, PENDING) for a version that differs in the payload's bytes alone,
 * which are written over the old ones in the same block after the record that commits them is
 * durable. SESSION is what a client was answered: a chunk's own record says that too, so it is
 * written in the group of the record that overwrites or removes the chunk, and before it, unless
 * the client's channel has gone on. Replay ends with the pending versions, the last session of each
 * channel, and with what is redone before the target serves:
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
 *   <li>I1: a group counts whole or not at all: a scan hands over whole groups only.
 *   <li>I2: a file is appended to only by the process that created it; what another one left is
 *       read by our own scanner, which trusts nothing.
 *   <li>I3: what is behind the last whole group is a torn tail only if no later group end, and not
 *       CURRENT, calls a missing group durable.
 *   <li>I4: space is reserved before it is written through the mapping: a full host is no room,
 *       never a SIGBUS.
 *   <li>I5: an image stays in its slots until the log's file has its group durably.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The open end and the ring of images belong to the reactor; opening, closing and scanning block,
 * on any other thread. Space is reserved by the keeper.
 *
 * <h2>Failure</h2>
 *
 * What cannot be read, and was acknowledged, is LOG_CORRUPT with the position. A record that does
 * not fit is a result before it is appended; appending does not fail.
 */
@NullMarked
package io.lampyris.chunkengine.log;

import org.jspecify.annotations.NullMarked;
