/**
 * The cluster manager: who holds what, and who is alive.
 *
 * <h2>What</h2>
 *
 * Today: {@link io.lampyris.mgmtd.SingleNode}, which makes the routing of one node from its
 * configuration. It will become the service that owns chain tables, chain states and leases: a pure
 * function {@code (chain, local states, leases) → chain'} over a store, one primary by lease, and
 * routing that is handed out in versions and deltas.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: routing is a function of configuration alone: the same targets in the same order give
 *       the same chains, so files find their chunks after every restart.
 *   <li>I2: every target is a member of exactly one chain.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Immutable values; any thread.
 *
 * <h2>Failure</h2>
 *
 * A configuration that makes no sense is refused with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.mgmtd;

import org.jspecify.annotations.NullMarked;
