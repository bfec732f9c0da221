/**
 * The simulator of whole clusters: {@code lampyris sim}.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.cli.sim.ClusterRun} is a cluster in one thread under one seed: managers,
 * storage machines whose disks forget what was not flushed, clients that try until they are
 * answered, a network and clocks that misbehave. {@link io.lampyris.cli.sim.Shape} says how large
 * it is, {@link io.lampyris.cli.sim.Troubles} decides what befalls it. First it must be safe, then,
 * once the faults are over, everything must be answered, and every chain be whole and have the same
 * bytes in all members. What clients asked and were told is checked chunk by chunk for
 * linearizability. {@link io.lampyris.cli.sim.Defect} breaks something on purpose. It lives in this
 * module because this one sees all roles and is what {@code bin/lampyris} runs.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: the same seed and options give the same run, step by step.
 *   <li>I2: no trouble takes the last copy of anything that was durable: what is lost is our loss.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A run belongs to one thread; several run beside each other.
 *
 * <h2>Failure</h2>
 *
 * A run that failed says why in its {@link io.lampyris.cli.sim.SimResult}; its seed replays it.
 */
@NullMarked
package io.lampyris.cli.sim;

import org.jspecify.annotations.NullMarked;
