/**
 * The local chunk store of one target, while it runs.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.store.TargetStore} keeps chunks on a device, and all metadata in a
 * log beside it. Its operations are pooled state machines; {@code GroupCommit} makes their records
 * durable in groups, {@code GenerationSwitch} rewrites a log that is mostly dead, and {@code
 * Maintenance} is what the target does by itself. It stands on packages that know nothing of it,
 * each using only those to its left:
 *
 * <pre>
 *   format ◄─ host, space, index, session ◄─ options ◄─ log ◄─ redo ◄─ recovery ◄─ store
 *                                                                               ◄─ check
 * </pre>
 *
 * The device's tables are in {@code chunkengine.format}, the log's and the journal's in {@code
 * chunkengine.log}.
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
 *       by a COMMITTED record alone, and may be rolled back instead. Bytes that a pending version
 *       has in the committed version's block are not written again before it is committed or gone.
 *   <li>I13: an applied sequence is written into a group end only after a flush of the device that
 *       began when every overwrite up to it had been written in place.
 *   <li>I14: the checksum of a unit that is overwritten in part changes by the difference of old
 *       and new bytes: a byte that went bad before stays a wrong checksum.
 *   <li>I15: every content of CURRENT that a rewrite of the log passes through replays to the same
 *       chunks; a generation is deleted only when CURRENT, durably, does not name it.
 *   <li>I16: under strict nothing is acknowledged that goes into a log file without a name.
 *   <li>I17: who made a version, and whether it is to be remembered, is durable as long as that may
 *       be asked: in the version's own record, in a SESSION record in the group of the one that
 *       overwrites or removes it, and in the snapshot of every later log.
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
 * the files are still there) is done by the target's {@link io.lampyris.chunkengine.host.Keeper},
 * one job at a time; the reactor polls for what became of it and goes on meanwhile.
 *
 * <p>What a target does by itself (compaction, scrubbing, discarding) runs on its reactor too, in
 * slices of some microseconds, with few operations in flight and below rates of its own; it shares
 * the locks and the group commit with everyone else's operations.
 *
 * <h2>Failure</h2>
 *
 * What is wrong with a target at its start is a {@link
 * io.lampyris.chunkengine.format.StoreException} with a reason. A failed write or flush takes the
 * target offline: what was acknowledged stays, nothing more is. A failed read fails that read.
 */
@NullMarked
package io.lampyris.chunkengine.store;

import org.jspecify.annotations.NullMarked;
