/**
 * The check of a stopped target.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.check.TargetChecker} goes through superblocks, {@code CURRENT},
 * every record, every block and every unit, and makes a {@link
 * io.lampyris.chunkengine.check.CheckReport} of what it finds.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a check changes nothing, not even what the next start would repair.
 *   <li>I2: what it finds wrong is a finding, and the check goes on where that has a meaning.
 *   <li>I3: a target without errors opens, and reads of it find no bad unit.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Blocks; any thread. It holds the target's lock.
 *
 * <h2>Failure</h2>
 *
 * A {@code StoreException} when the target is in use, or is none.
 */
@NullMarked
package io.lampyris.chunkengine.check;

import org.jspecify.annotations.NullMarked;
