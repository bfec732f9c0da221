/**
 * The host that a target lives on: its file system, and a thread for what blocks.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.host.Host} is every call on a file system that is not the I/O of a
 * running reactor. A {@link io.lampyris.chunkengine.host.Keeper} runs jobs that would block a
 * reactor, which polls a {@link io.lampyris.chunkengine.host.KeeperJob} for its end and is woken by
 * it. Both are seams: a simulation has its own.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: jobs of a target run one at a time, in the order of submission.
 *   <li>I2: a job's fields are the reactor's before it is submitted and once it is done, and the
 *       keeper's in between.
 *   <li>I3: a small file that is replaced is, after a crash, the old or the new one, whole.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Calls of a host block, on any thread but reactors; {@code isLinked} alone never does. Submitting
 * a job and waking a reactor never block.
 *
 * <h2>Failure</h2>
 *
 * A {@code StoreException} of reason IO, or NO_SPACE when the file system is full; of a job, when
 * the reactor takes it back.
 */
@NullMarked
package io.lampyris.chunkengine.host;

import org.jspecify.annotations.NullMarked;
