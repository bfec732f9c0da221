/**
 * Who may serve, and until when: promises on monotonic clocks.
 *
 * <h2>What</h2>
 *
 * A storage node keeps its side in {@link io.lampyris.protocol.lease.HeldLease}, the manager its
 * own in {@link io.lampyris.mgmtd.lease.GrantedLeases}; both go by the same {@link
 * io.lampyris.protocol.lease.LeaseTerms}. A node's lease runs from the moment it <em>sent</em> the
 * request that was granted; the manager's wait runs from the moment it <em>granted</em> it, which
 * is later, and is longer by what two clocks may drift apart.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: when the manager declares a node failed, that node has stopped by its own clock, if
 *       each clock gains or loses no more than {@code driftPpm} against true time.
 *   <li>I2: a node serves only under routing at least as new as its grant names, so one that was
 *       declared failed and returns does not serve under what it knew before.
 *   <li>I3: a new incarnation of a node ends the promises to the old one; an old request, delayed,
 *       is refused.
 *   <li>I4: a manager that takes over presumes that every node holds a lease from that moment on.
 *       So does one that was stopped, or slept, for longer than a lease.
 *   <li>I5: with the default terms, less than 5 s pass from a node's death to the new chain.
 * </ul>
 *
 * <p>Clocks must go on while the machine sleeps (CLOCK_BOOTTIME): wall clocks play no part. A node
 * asks {@code mayServe} when it is about to answer, not when the request came in.
 *
 * <h2>Threading</h2>
 *
 * Each object belongs to one reactor. No clock is read here: time comes in.
 *
 * <h2>Failure</h2>
 *
 * Terms that cannot work are refused with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.mgmtd.lease;

import org.jspecify.annotations.NullMarked;
