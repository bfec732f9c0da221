/**
 * How a chain moves through failures: a pure function of the chain and of what is seen.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.mgmtd.chain.ChainUpdate#next} takes a chain and a {@link
 * io.lampyris.mgmtd.chain.Sighting} per member and gives the next chain; {@link
 * io.lampyris.mgmtd.chain.ChainUpdate#apply} does the same for what an operator asks. What becomes
 * of one member is a row of {@link io.lampyris.mgmtd.chain.Row}.
 *
 * <p>Members are in the order SERVING, LAST_SERVING, SYNCING, WAITING, OFFLINE. Writes pass through
 * all SERVING members and then the SYNCING one, and are acknowledged when all of these hold them.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: the version rises by one with every change of membership, order or state, and with
 *       nothing else.
 *   <li>I2: one update promotes at most one member (to SYNCING or to SERVING), and at most one
 *       member of a chain is SYNCING.
 *   <li>I3: whoever is SERVING or LAST_SERVING holds every acknowledged write, unless an operator
 *       forced the chain and was told so.
 *   <li>I4: nobody is both: a chain with a SERVING member has no LAST_SERVING one, and only such a
 *       chain has a SYNCING one.
 *   <li>I5: a live member that serves is never dropped behind its back: it is asked to stop, and
 *       dropped when it says that it has.
 *   <li>I6: all members that were lost together at the end stay candidates to lead, and the first
 *       of the newest to return does lead.
 * </ul>
 *
 * <p>These hold when storage nodes keep five rules, which the exploration in this package's tests
 * includes: (a) a node serves only within its lease, under one chain version per request, and not
 * before it knows the routing that its grant names; (b) a node that restarts gets its lease by a
 * report of its new state, which replaces the old one; (c) a target that said OFFLINE serves again
 * only under a version that dropped it in between; (d) a SYNCING target that learns a new chain
 * version is ONLINE again until it has compared itself under that version; (e) a new store counts
 * as whole, and may serve, only once the report of its first complete copy was answered; the
 * manager remembers that with the promotion, as the answer may be lost and the node end. (The
 * exploration found what happens without (e): a manager that remembers the store as blank drops a
 * member that has become whole since.)
 *
 * <h2>Threading</h2>
 *
 * Immutable values and pure functions; any thread. Deciding a chain and granting leases must be one
 * sequence: a grant names the newest version that was decided, published or not.
 *
 * <h2>Failure</h2>
 *
 * A malformed chain is refused with {@link IllegalArgumentException}; what an operator may not do
 * comes back as {@link io.lampyris.mgmtd.chain.Outcome.Refused}.
 */
@NullMarked
package io.lampyris.mgmtd.chain;

import org.jspecify.annotations.NullMarked;
