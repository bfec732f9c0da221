/**
 * The chunk engine against fio on the same disk.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.bench.engine.EngineBench} drives one target on one reactor, without network or
 * client, and fio with the same block size and queue depth, in turns.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: both sides work on bytes that were written before, so that neither pays for the first
 *       touch of a disk's blocks.
 *   <li>I2: the two halves of a round follow each other directly; a ratio is one of the same round.
 *   <li>I3: an operation that fails ends the run.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread starts loads and waits; {@link io.lampyris.bench.engine.Load} belongs to the
 * reactor.
 *
 * <h2>Failure</h2>
 *
 * An exception that names the command or the operation; the scratch directory is removed.
 */
@NullMarked
package io.lampyris.bench.engine;

import org.jspecify.annotations.NullMarked;
