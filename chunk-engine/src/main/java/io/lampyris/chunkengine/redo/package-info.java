/**
 * Versions that are durable and not yet what the device, or the index, has.
 *
 * <h2>What</h2>
 *
 * A small overwrite is durable with its record: its bytes lie in memory as a {@link
 * io.lampyris.chunkengine.redo.Redo} over what reads find on the device, until they are written in
 * their place. {@link io.lampyris.chunkengine.redo.RedoTable} knows how far the log's overwrites
 * are that; {@link io.lampyris.chunkengine.redo.PendingVersions} has the versions that wait for
 * their commit.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: at most one committed overwrite of a chunk is not in its place.
 *   <li>I2: the applied sequence is below every overwrite that is not in its place, durably.
 *   <li>I3: a chunk has at most one pending version, one above the committed one.
 *   <li>I4: memory, and slots of the journal, are given back when the last holder leaves.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: the loading thread, then the reactor.
 *
 * <h2>Failure</h2>
 *
 * A write in place that fails takes the target offline: its bytes are still in the log.
 */
@NullMarked
package io.lampyris.chunkengine.redo;

import org.jspecify.annotations.NullMarked;
