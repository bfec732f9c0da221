/**
 * Rings and buffers that programs share with this client: the daemon's side of USRBIO.
 *
 * <h2>What</h2>
 *
 * A program makes a symlink in {@code 3fs-virt/iovs}; its name ({@link
 * io.lampyris.usrbio.RegistrationKey}) says what it registers, its target is a file under {@code
 * /dev/shm}. {@link io.lampyris.usrbio.IovRegistry} maps the file; {@link
 * io.lampyris.usrbio.RingServer} polls the rings from a reactor, moves data between files and the
 * registered memory, reads without a copy, and writes completions.
 *
 * <h2>Ring memory, version 1</h2>
 *
 * x86-64, little endian. {@code E = entries + 1}: one slot of each queue stays empty, so that full
 * and empty differ. {@link io.lampyris.usrbio.RingLayout} has the accessors.
 *
 * <table>
 * <caption>A ring</caption>
 * <tr><th>offset</th><th>bytes</th><th>content</th><th>who writes</th></tr>
 * <tr><td>0</td><td>4</td><td>sqeHead, in 0 … E-1</td><td>program</td></tr>
 * <tr><td>4</td><td>4</td><td>sqeTail</td><td>daemon</td></tr>
 * <tr><td>8</td><td>4</td><td>cqeHead</td><td>daemon</td></tr>
 * <tr><td>12</td><td>4</td><td>cqeTail</td><td>program</td></tr>
 * <tr><td>16</td><td>56 E</td><td>args: what an I/O is, by slot</td><td>program</td></tr>
 * <tr><td>16 + 56 E</td><td>24 E</td><td>cqe: completions as they happened</td><td>daemon</td></tr>
 * <tr><td>16 + 80 E</td><td>16 E</td><td>sqe: slots as they were prepared</td><td>program</td></tr>
 * <tr><td>16 + 96 E</td><td>32</td><td>sem_t: a completion was written</td><td>both</td></tr>
 * <tr><td>48 + 96 E</td><td>4096</td><td>slack</td><td>nobody</td></tr>
 * </table>
 *
 * <table>
 * <caption>Its entries</caption>
 * <tr><th>entry</th><th>offset: field</th></tr>
 * <tr><td>args</td><td>0: iov id[16], 16: offset in the iov u64, 24: inode u64, 32: offset in the
 * file u64, 40: length u64, 48: userdata u64</td></tr>
 * <tr><td>cqe</td><td>0: slot i32, 4: reserved i32, 8: result i64 (bytes or -errno), 16: userdata
 * u64</td></tr>
 * <tr><td>sqe</td><td>0: slot i32, 4: reserved, 8: userdata u64</td></tr>
 * </table>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: whatever is in a ring's memory, no access leaves the mapped ring or the named iov, and
 *       no loop runs longer than the ring has slots. Each value is read once, then checked.
 *   <li>I2: every claimed entry gets exactly one completion, unless its ring is gone.
 *   <li>I3: sqeTail moves over an entry when it is claimed, which copies it: a slow one holds back
 *       no other, and who has at most {@code entries} prepared and not reaped finds room.
 *   <li>I4: in flight and not reaped are at most {@code entries} together: each completion has its
 *       place before its entry is claimed, also when the program lies.
 *   <li>I5: memory is unmapped when no I/O uses it any more, never earlier, and then soon.
 *   <li>I6: a ring reaches only memory that its own user registered, and only files that its own
 *       user holds open at this mount, for what the ring does.
 *   <li>I7: everything a process registered goes when the last directory handle that it held on
 *       {@code iovs} is released, however it ended.
 *   <li>I8: a prepared entry is served without a post of the submit semaphore, only later.
 *   <li>I9: a completion is announced by a post of the ring's semaphore, at once when somebody
 *       sleeps in it, else within microseconds unless the program has taken all completions before.
 *   <li>I10: the reactor's code meets a fault in a ring's memory inside {@code RingServer}'s guards
 *       and nowhere else: ring memory is touched between two fault barriers.
 * </ul>
 *
 * <h2>Board of changes</h2>
 *
 * {@code 3fs-virt/iovs/changes} leads to 16,384 words of 32 bits, native order, that all may read.
 * Word {@code inode * 0x9e3779b97f4a7c15 >>> 50} counts changes of the inode, and of others. See
 * {@link io.lampyris.usrbio.ChangeBoard}; an extension, by which {@code liblampyris_preload.so}
 * reads ahead.
 *
 * <h2>Threading</h2>
 *
 * {@code IovRegistry} is any thread's, behind one lock. A registration's in-flight count, rings and
 * the server are the reactor's; they meet through its inbox. One doorbell thread per priority
 * sleeps on a submit semaphore while the reactor is about to sleep; a janitor thread unmaps.
 *
 * <h2>Failure</h2>
 *
 * A bad entry fails alone, with {@code -errno} in its completion. A ring with impossible indices,
 * or whose file shrank under us, is retired: it gets no more service until it is registered anew.
 * Shared memory is claimed whole when it is registered, so a full {@code /dev/shm} is an error then
 * and no fault later; an I/O into an iov that is shrunk before or while its bytes move fails with
 * EFAULT.
 *
 * <h2>Memory that is shrunk</h2>
 *
 * A program can shrink at any moment what it registered, and what is gone answers with SIGBUS (see
 * {@link io.lampyris.bindings.ShrinkableMemory}). So no native code touches it:
 *
 * <ul>
 *   <li>Ring memory: single loads and stores between fault barriers (I10).
 *   <li>Semaphores: the kernel does the atomic part ({@link
 *       io.lampyris.bindings.ShrinkableSemaphore}). A submit semaphore, whose file all users may
 *       write, is restored within a second or two when somebody shrank it.
 *   <li>Writes: the network takes the bytes from the iov itself, and the receiver verifies them; a
 *       store of the same process copies them first, and checks and writes the copy (decision
 *       0008). So no program can change bytes between their checksum and the disk.
 *   <li>Reads: the device writes into the iov itself, where lost memory is {@code -EFAULT} of that
 *       transfer; the client adds the zeros of holes under a fault barrier.
 *   <li>Large transfers pin the iov's pages for the device, a MiB at a time, until it is
 *       unregistered. A program that takes pages out of the file (a hole, or shrinking and growing)
 *       and puts others in their place does not see in those what is read afterwards, as with
 *       memory that is registered with a network card.
 * </ul>
 */
@NullMarked
package io.lampyris.usrbio;

import org.jspecify.annotations.NullMarked;
