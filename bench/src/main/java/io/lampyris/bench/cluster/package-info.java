/**
 * Clusters of real processes under load, while some of them die, stop, or are cut off.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.bench.cluster.VerifiedLoad} writes and reads through a mount and knows what
 * every block has to hold; {@link io.lampyris.bench.cluster.ClusterTrials} lets things happen to
 * the processes beside it and asks afterwards whether anything was lost.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: only processes of the cluster that was started here are sent signals, by their pids.
 *   <li>I2: everything that was started has ended, and what was mounted is not any more, when the
 *       program ends.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Threads of the load have their files to themselves; one thread makes things happen.
 *
 * <h2>Failure</h2>
 *
 * Wrong bytes, a lost acknowledged write or an unexpected error end the program with exit code 1.
 */
@NullMarked
package io.lampyris.bench.cluster;

import org.jspecify.annotations.NullMarked;
