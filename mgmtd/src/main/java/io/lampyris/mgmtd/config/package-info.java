/**
 * The configuration of a cluster: which keys there are, what they may be, and what is in force.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.mgmtd.config.ConfigRegistry} holds typed {@link
 * io.lampyris.mgmtd.config.ConfigKey}s. A {@link io.lampyris.mgmtd.config.ConfigLayer} is text as
 * people write it, with a version. {@link io.lampyris.mgmtd.config.ConfigRegistry#merge} lays
 * layers over the defaults, the later one wins (central, then the node's tags, then node-local),
 * and gives either an {@link io.lampyris.mgmtd.config.EffectiveConfig} or everything that is wrong
 * with them.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a configuration in force is complete and valid: every key has a value that its own rule
 *       and the rules between keys admit.
 *   <li>I2: a bad layer changes nothing and all its faults are told at once, each with what was
 *       seen, what is allowed and what to do.
 *   <li>I3: the result depends on the layers alone, not on the order of keys within them.
 *   <li>I4: an update says of each changed key whether it is in force now or after a restart, and
 *       never mixes the two: what needs a restart keeps its old value until then.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Immutable values and pure functions; any thread.
 *
 * <h2>Failure</h2>
 *
 * Faults in layers are values. A registry that contradicts itself is refused with {@link
 * IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.mgmtd.config;

import org.jspecify.annotations.NullMarked;
