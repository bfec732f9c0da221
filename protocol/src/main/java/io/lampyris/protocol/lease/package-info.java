/**
 * A node's own side of its lease, and the terms that both sides go by.
 *
 * <h2>What</h2>
 *
 * A node keeps a {@link io.lampyris.protocol.lease.HeldLease}: it asks, is given a {@link
 * io.lampyris.protocol.lease.Grant}, and may serve for as long as the {@link
 * io.lampyris.protocol.lease.LeaseTerms} say, counted from the moment it asked. The manager's side
 * lives in module mgmtd, whose lease package argues why the two never contradict each other.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a lease ends, by the node's clock, no later than its duration after the node sent the
 *       request that was granted.
 *   <li>I2: after a gap a node serves only under routing at least as new as its grant names.
 * </ul>
 *
 * <p>Clocks must go on while the machine sleeps (CLOCK_BOOTTIME): wall clocks play no part. A node
 * asks {@code mayServe} when it is about to answer, not when the request came in.
 *
 * <h2>Threading</h2>
 *
 * A lease belongs to one reactor. No clock is read here: time comes in.
 *
 * <h2>Failure</h2>
 *
 * Terms that cannot work are refused with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.protocol.lease;

import org.jspecify.annotations.NullMarked;
