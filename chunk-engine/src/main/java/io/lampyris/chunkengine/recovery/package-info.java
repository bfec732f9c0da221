/**
 * From a target's directory to what a target serves: formatting and starting.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.recovery.TargetFiles} makes a target's directory and reads its
 * superblocks; {@link io.lampyris.chunkengine.recovery.LogFiles} replays the log's generations and
 * opens the next; {@link io.lampyris.chunkengine.recovery.Replayer} makes of the records the index,
 * the pending versions and what has to be redone; {@link io.lampyris.chunkengine.recovery.Recovery}
 * takes the blocks and does it. What is decided is a row of {@code RecoveryRow}. {@link
 * io.lampyris.chunkengine.recovery.WholeFile} says whether the target has held everything once.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: formatting that was interrupted leaves no target, and stands in nobody's way.
 *   <li>I2: a start that was interrupted changed nothing that the next one needs: it finds the same
 *       chunks.
 *   <li>I3: every start closes what it read at the last whole group and appends to a fresh
 *       generation.
 *   <li>I4: a generation is deleted only when CURRENT, durably, does not name it.
 *   <li>I5: a target is called whole by a file that names it, which is made durable at once or not
 *       at all; formatting takes it away.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Everything blocks: the loading thread's, then the keeper's, then whoever closes the target.
 *
 * <h2>Failure</h2>
 *
 * A {@code StoreException} with a reason; the target does not open, and is as it was.
 */
@NullMarked
package io.lampyris.chunkengine.recovery;

import org.jspecify.annotations.NullMarked;
