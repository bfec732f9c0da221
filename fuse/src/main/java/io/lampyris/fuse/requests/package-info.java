/**
 * Requests of the kernel on their way through a process.
 *
 * <h2>What</h2>
 *
 * Reads and writes are answered without libfuse. A read that has nothing to wait for goes to the
 * reactor of the data path, which answers it from its completion, so that no thread waits for it;
 * bytes of a write that fit into the write buffer are taken where the request is. Everything else
 * is handled by the mount's threads.
 *
 * <pre>
 *            ┌─ threads ──► libfuse, or reads and writes that wait ─┐
 *   kernel ──┤    │ a read        ▲ the rest                        ├──► kernel
 *            └─ reactor ───────────┴──► data path ─► completion ────┘
 * </pre>
 *
 * Either threads take requests from {@code /dev/fuse} or the reactor does. At first threads do:
 * what they take they handle themselves, and a name costs what it would cost without a reactor. The
 * first read makes the reactor take what comes, and hand over what is not for it: a program with
 * reads under way wakes no other thread. The reactor stops when no read is under way and either
 * nothing has come for 20 µs or only requests for threads did.
 *
 * <p>A thread waits in epoll(7), of which one wakes up for each request, and then reads without
 * waiting, with a lock: requests are taken one after the other, in the order of the kernel's queue,
 * though any number of threads waits for them. The reactor's notes to threads, an eventfd, come by
 * the same epoll. Nobody polls while there is nothing to do.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a request has one holder, who answers it once and then recycles it.
 *   <li>I2: requests are taken in the kernel's order, whoever takes them; so appends are done in
 *       the order in which they were sent, for the kernel sends parts of one all at once.
 *   <li>I3: memory is unmapped, and descriptors given back, when the kernel has ended the mount and
 *       every request is recycled, those with the data path included.
 *   <li>I4: nothing is allocated per read that the reactor takes.
 *   <li>I5: whatever the reactor hands over has a note of its own, and when the reactor stops, a
 *       note makes one thread look at what the kernel has; each thread that takes a request and
 *       leaves nobody waiting makes another one wait.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The pool of requests belongs to whoever takes them: with the lock, or the reactor. Threads raise
 * {@code reactorTakes} with the lock, so that none is about to read then; the reactor lowers it.
 *
 * <h2>Failure</h2>
 *
 * When all requests are held no more are taken: the kernel keeps them. ENODEV is the mount's end.
 */
@NullMarked
package io.lampyris.fuse.requests;

import org.jspecify.annotations.NullMarked;
