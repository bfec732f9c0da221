/**
 * What metadata operations do: POSIX rules over one transaction, in direct style.
 *
 * <h2>What</h2>
 *
 * One small class per group of operations. An operation reads and changes a {@link
 * io.lampyris.meta.ops.View}, which is a transaction with the namespace's words, and returns a
 * value {@code >= 0} or the code of a {@link io.lampyris.protocol.Status}; the inode whose
 * attributes are the answer is left in the view. An operation that fails is not committed, so it
 * may fail anywhere.
 *
 * <h2>Who checks permissions</h2>
 *
 * The kernel checks mode bits, groups and the search of paths ({@code default_permissions}). Here
 * is checked what it cannot see or may see too late: the sticky bit, and that mode, owner and times
 * are changed by the owner. A gid may be set by the owner to any group, for only the kernel knows
 * the caller's groups. Times may also be set by someone who is given write permission by group or
 * other bits: that is how "now" arrives, and explicit times of others were refused by the kernel.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: every dentry names an inode that exists; every inode except the root and those with
 *       link count 0 is named by a dentry.
 *   <li>I2: the link count of a directory is 2 plus its subdirectories; of anything else the number
 *       of its dentries.
 *   <li>I3: an inode with link count 0 has a session or a REMOVE chore, and exists until both are
 *       gone; symlinks, FIFOs and sockets are removed with their last name.
 *   <li>I4: a directory's {@code parent} is the directory that names it; the root is its own. No
 *       directory is its own ancestor.
 *   <li>I5: {@code truncateVersion} rises with every truncation, and a length report made before
 *       the last truncation changes nothing.
 *   <li>I6: a truncation leaves a TRUNCATE chore in the same transaction. Whoever opens a store
 *       runs these chores before it lets anybody write, for they cut what they find past the
 *       length.
 *   <li>I7: the stored count of inodes is exact.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Whoever owns the transaction.
 *
 * <h2>Failure</h2>
 *
 * Statuses for what callers do; {@link io.lampyris.meta.schema.CorruptValueException} and {@link
 * io.lampyris.reactor.kv.KvException} for what stores do.
 */
@NullMarked
package io.lampyris.meta.ops;

import org.jspecify.annotations.NullMarked;
