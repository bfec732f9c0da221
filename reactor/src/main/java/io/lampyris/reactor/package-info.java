/**
 * The thread-per-core runtime: one reactor is one thread that runs agents by duty cycle.
 *
 * <h2>What</h2>
 *
 * A cycle is: inbox (other threads' tasks, bounded), completions (io_uring), pollers, agents,
 * timers, then one submission of everything that was decided. When a cycle did nothing, the idle
 * policy says whether to spin, back off or block; blocking is a wait in {@code io_uring_enter} that
 * any thread ends through an eventfd.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: all state of an agent, its timers, buffers and I/O requests is touched by its reactor's
 *       thread alone; other threads only {@link io.lampyris.reactor.ReactorContext#offer}.
 *   <li>I2: an offered task runs exactly once, in the order in which its thread offered it.
 *   <li>I3: a task that is offered while the reactor goes to sleep wakes it (the flag is raised
 *       before the last look into the inbox, and read after the publication).
 *   <li>I4: the clock is read once a cycle; agents see that value.
 *   <li>I5: every buffer acquired has been released when the reactor closes.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Each class says {@code owner: reactor} or {@code any thread}. Nothing here locks.
 *
 * <h2>Failure</h2>
 *
 * An exception that leaves an agent is a defect: it goes to the reactor's fault handler, which ends
 * the process by default, for half an agent is worse than none.
 */
@NullMarked
package io.lampyris.reactor;

import org.jspecify.annotations.NullMarked;
