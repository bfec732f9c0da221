/**
 * The cluster manager as a service.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.mgmtd.service.MgmtdService} answers heartbeats, questions for routing and
 * operators' commands. Of several managers over one store one is primary: it alone holds leases'
 * other ends, decides chains and changes the store; the others answer NOT_PRIMARY and wait. What
 * the primary knows for good is the store's; what it hears (reports, leases, clients) it forgets
 * when it ends, and the next one hears it again.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: at most one manager decides at a time: a primary acts for no longer than its lease,
 *       counted from before the transaction that renewed it, and a candidate waits longer than that
 *       after the last sign of life; every transaction checks the epoch besides.
 *   <li>I2: decisions and grants are one sequence: a grant names the newest routing that was
 *       decided when it was made, and a decision is durable before anything is answered that knows
 *       of it.
 *   <li>I3: a manager that takes over presumes that every node holds a lease, of the longest terms
 *       that were ever in force, from that moment on.
 *   <li>I4: a spare replaces a lost, draining, retiring or moving member without there being fewer
 *       copies than before: a member leaves only when enough others serve. One that does not serve
 *       may have the only good bytes of what went bad at those that do.
 *   <li>I5: the same store, calls and times give the same decisions.
 *   <li>I6: of the members that are to stay no two are on a node. A spare may be on the node of the
 *       one whose place it takes, so both may take part for a while; where a spare of the same node
 *       has taken a lost target's place and that returns, the one whose state comes first stays.
 * </ul>
 *
 * <p>{@code exclusiveStore} says that no other process can have the store open (an embedded
 * engine's lock says so): then the last primary is gone for certain, and nobody waits for it.
 *
 * <h2>Threading</h2>
 *
 * Everything belongs to the service's reactor, which waits while the store makes a decision
 * durable.
 *
 * <h2>Failure</h2>
 *
 * Who is deposed forgets what it knows and becomes a candidate. When the store fails, the service
 * answers NOT_PRIMARY from then on and lets its reactor fail, because only a new start shows what
 * was stored.
 */
@NullMarked
package io.lampyris.mgmtd.service;

import org.jspecify.annotations.NullMarked;
