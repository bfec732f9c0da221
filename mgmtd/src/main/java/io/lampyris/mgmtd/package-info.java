/**
 * The cluster manager: who holds what, and who is alive.
 *
 * <h2>What</h2>
 *
 * {@code service} is the manager: it answers nodes, clients and operators, and decides. What it
 * decides by is pure, each in a package of its own: {@code chain} moves a chain through failures,
 * {@code lease} says who may serve and until when, {@code placement} makes chains that share a
 * failed node's load, {@code config} holds settings. {@code state} is what it knows for good.
 * {@link io.lampyris.mgmtd.SingleNode} makes the routing of one node from its configuration,
 * without a manager.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: routing of one node is a function of configuration alone: the same targets in the same
 *       order give the same chains, so files find their chunks after every restart.
 *   <li>I2: every target is a member of at most one chain.
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
