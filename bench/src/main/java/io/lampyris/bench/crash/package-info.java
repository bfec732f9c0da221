/**
 * kill -9 of a process that updates one target as fast as it can.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.bench.crash.EngineCrash} starts a child again and again and kills it with
 * SIGKILL. The child, {@link io.lampyris.bench.crash.EngineLoad}, notes each update in a journal
 * before it submits it and again when it was acknowledged, and on its next start holds every chunk
 * against what the journal says.
 *
 * <pre>
 *   journal: intent 17 ─► submit ─► acknowledged ─► journal: done 17
 *                 └──── killed anywhere here: the chunk has update 17 whole, or not at all
 * </pre>
 *
 * The journal is written with write(2): the kernel keeps it when the process dies, which is all
 * that dies here. Power cuts are the simulated device's.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: an update that the journal calls done is there, bit for bit.
 *   <li>I2: an update without its answer is there whole, or not at all; one at most per chunk.
 *   <li>I3: submitted again under the same identity it is answered and changes nothing twice.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The load runs on the target's reactor, journal included: it is a test, not a data path.
 *
 * <h2>Failure</h2>
 *
 * What differs is printed with the seed and the round, and the exit code is 1.
 */
@NullMarked
package io.lampyris.bench.crash;

import org.jspecify.annotations.NullMarked;
