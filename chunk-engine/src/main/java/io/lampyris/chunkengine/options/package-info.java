/**
 * What a target is to be, and how it is run.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.chunkengine.options.TargetSpec} is what formatting makes; {@link
 * io.lampyris.chunkengine.options.TargetOptions} how a target is run: when an update is
 * acknowledged, how its log lives, how it deals with its space, how it looks for bad bytes, and
 * what host it lives on.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: options are not stored with the target: any target can be opened with any.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Values.
 *
 * <h2>Failure</h2>
 *
 * Numbers that contradict each other are programmer errors; text of a configuration that means
 * nothing is refused by who parses it.
 */
@NullMarked
package io.lampyris.chunkengine.options;

import org.jspecify.annotations.NullMarked;
