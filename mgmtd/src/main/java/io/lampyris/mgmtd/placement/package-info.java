/**
 * Which targets make a chain: balanced incomplete blocks, and what they cost when nodes fail.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.mgmtd.placement.Generator} makes a {@link
 * io.lampyris.mgmtd.placement.Placement} for nodes with disks; {@link
 * io.lampyris.mgmtd.placement.Rebalance} changes one when nodes join or drain, with few moves;
 * {@link io.lampyris.mgmtd.placement.Quality} says how good a placement is. Chains read from every
 * replica alike, so when a node fails, the others take over its reads in proportion to the chains
 * that they share with it: the flatter the pairs, the less anyone has to take.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: the replicas of a chain are on nodes of different failure domains.
 *   <li>I2: no disk holds more targets than it was given room for, and where the numbers allow it,
 *       every disk holds exactly so many. (A rebalance evens out nodes; within a node, replicas
 *       that stay where they are may leave disks one apart.)
 *   <li>I3: the same input and seed give the same placement, everywhere.
 *   <li>I4: a rebalance moves no more replicas than draining and balance demand: each replica on a
 *       drained node once, and as many others as the joined nodes lack; more only where failure
 *       domains leave no other way, and the plan says how many would have done.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Immutable values and pure functions; any thread.
 *
 * <h2>Failure</h2>
 *
 * Input that allows no placement is refused with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.mgmtd.placement;

import org.jspecify.annotations.NullMarked;
