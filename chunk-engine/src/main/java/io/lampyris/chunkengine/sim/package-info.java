/**
 * What a target lives on in a simulation, for tests and for the simulator of whole clusters.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.sim.SimHost} is a host file system that forgets what was not made
 * durable when its power fails. {@link io.lampyris.chunkengine.sim.SimKeeper} does a target's
 * blocking jobs on the simulation's thread. {@link io.lampyris.chunkengine.sim.ChunkCells} says
 * what a chunk holds, and {@link io.lampyris.chunkengine.sim.ChunkCellsModel} what operations do to
 * it, for checkers of histories.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: what was synced survives every power cut; a file or name that was not is left old or
 *       new, a file's sectors each for itself.
 *   <li>I2: after the end of its process's power nothing is done any more.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the simulation's thread.
 *
 * <h2>Failure</h2>
 *
 * A power cut is thrown as {@link io.lampyris.reactor.sim.PowerCut} by the step that it hits.
 */
@NullMarked
package io.lampyris.chunkengine.sim;

import org.jspecify.annotations.NullMarked;
