/**
 * Schema version 1: the keys and values that the namespace is made of.
 *
 * <h2>What</h2>
 *
 * <pre>
 * key                                                value
 * "INOD" inode:8 LE                                  inode     see below
 * "DENT" parent:8 LE, name                           dentry    inode:8, mode:4 (type bits), version:1
 * "SESS" inode:8 LE, clientHigh:8 LE, clientLow:8 LE session   version:1, flags:1 (bit 0: may write)
 * "CHOR" kind:1, inode:8 BE                          chore     truncateVersion:8, version:1
 * "IDEM" clientHigh:8 LE, clientLow:8 LE, channel:4  outcome   see {@link io.lampyris.meta.schema.Outcome}
 * "SING" "schema" | "inode-next" | "inode-count"     counter   value:8
 * </pre>
 *
 * An inode's key is little-endian, so that numbers given out in a row scatter over the key space; a
 * directory is one contiguous range; chores ascend by inode, so that they are listed by a cursor.
 *
 * <pre>
 * inode value, little-endian
 *  0 version:1 (1)   1 reserved:3      4 mode:4 (as st_mode)
 *  8 uid:4          12 gid:4          16 linkCount:4       20 reserved:4
 * 24 lengthBytes:8  32 atimeNs:8      40 mtimeNs:8         48 ctimeNs:8
 * 56 truncateVersion:8                64 parent:8 (of a directory; 0 otherwise)
 * 72 chunkSizeBytes:4 76 stripeSize:4 80 chainTableId:4    84 chainTableVersion:4
 * 88 chainBase:4    92 placement:4
 * 96 the target of a symlink, lengthBytes long
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: an inode number is given out once, ever: the counter moves by blocks, durably before or
 *       with the first use, and what is left of a block is lost with the process.
 *   <li>I2: {@code inode-count} is the number of {@code INOD} keys.
 *   <li>I3: a value begins or ends with a version byte, as drawn; one that is unknown is refused,
 *       never guessed.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Flyweights belong to one thread.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.meta.schema.CorruptValueException}: a value is not what its key promises.
 */
@NullMarked
package io.lampyris.meta.schema;

import org.jspecify.annotations.NullMarked;
