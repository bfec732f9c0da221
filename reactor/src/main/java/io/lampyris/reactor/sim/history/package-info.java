/**
 * What was asked and answered, and whether it could have happened one thing at a time.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.reactor.sim.history.History} records invocations and responses of operations
 * on one object; a {@link io.lampyris.reactor.sim.history.SequentialModel} says what the object
 * does when it is used by one; {@link io.lampyris.reactor.sim.history.LinearizabilityChecker} finds
 * out whether there is an order of the operations, each at some moment between its invocation and
 * its response, in which the model gives the answers that were given (Herlihy and Wing, TOPLAS
 * 1990).
 *
 * <p>The search is that of Wing and Gong (JPDC 1993) in Lowe's just-in-time form ("Testing for
 * linearizability", Concurrency and Computation 2017): walking through the events it keeps all
 * configurations (a state, and which of the operations under way have taken effect) that explain
 * what was answered so far; operations take effect only when a response demands it. Equal
 * configurations are merged. Objects are checked one by one, as linearizability is local.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: an operation that was never answered may take effect at any time after its invocation,
 *       or never.
 *   <li>I2: the verdict is that of trying all orders; where that would take too much, it is
 *       UNDECIDED and never a guess.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: one thread.
 *
 * <h2>Failure</h2>
 *
 * A violation names the response that no order explains.
 */
@NullMarked
package io.lampyris.reactor.sim.history;

import org.jspecify.annotations.NullMarked;
