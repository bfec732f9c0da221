/**
 * A world in one thread: time, chance and disks that are the test's to command.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.reactor.sim.Simulation} owns virtual time; {@link
 * io.lampyris.reactor.sim.SimReactor}s run agents in it, {@link io.lampyris.reactor.sim.SimDevice}s
 * complete requests in it, late, out of order, or not at all. What a device stores on is a {@link
 * io.lampyris.reactor.sim.SimMedium}: a {@link io.lampyris.reactor.sim.SimDisk} remembers what was
 * flushed, and a power cut leaves of the rest what a real disk could: each sector of 512 bytes old
 * or new. A {@link io.lampyris.reactor.sim.SimPower} counts the steps at which the power may fail
 * and cuts it at the chosen one. A machine may have a {@link io.lampyris.reactor.sim.SimClock} of
 * its own. All chance comes from one seeded {@link io.lampyris.reactor.sim.Prng}.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: the same seed and the same program give the same run, step by step.
 *   <li>I2: a simulated device keeps every invariant of the device package; it passes the same
 *       conformance suite as the real one.
 *   <li>I3: a sector that was written before a completed flush was submitted survives every cut; of
 *       a later one any version since may be left, whole sectors only.
 *   <li>I4: after a cut nothing completes and nothing more is written.
 *   <li>I5: a machine's monotonic clock never runs backwards, whatever its wall clock does.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A simulation and all that is in it belong to the thread that made it. Other threads may offer
 * tasks to a reactor, at the price of I1.
 *
 * <h2>Failure</h2>
 *
 * A cut is thrown as {@link io.lampyris.reactor.sim.PowerCut} through whatever runs; what is left
 * of it is thrown away. Where one machine of several is cut off, the simulation catches it and goes
 * on without it. A wait for something that can no longer happen is an AssertionError.
 */
@NullMarked
package io.lampyris.reactor.sim;

import org.jspecify.annotations.NullMarked;
