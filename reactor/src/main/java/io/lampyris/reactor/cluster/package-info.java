/**
 * How a process takes part in a cluster: its lease, the routing it goes by, and what it asks of the
 * manager.
 *
 * <h2>What</h2>
 *
 * A storage process has a {@link io.lampyris.reactor.cluster.NodeAgent}: it keeps the node's lease
 * by heartbeats that report its targets, and hands on routing. A client has a {@link
 * io.lampyris.reactor.cluster.RoutingClient}, which polls. Operators' programs ask through an
 * {@link io.lampyris.reactor.cluster.AdminClient}. All find the primary among the managers they are
 * told of: who does not answer, or is not primary, is followed by the next.
 *
 * <h2>Invariants</h2>
 *
 * The rules that a storage node keeps, on which mgmtd's chains rest:
 *
 * <ul>
 *   <li>I1: a target serves only within the node's lease, and not before the node knows the routing
 *       that its grant names: {@code mayServe}, asked when the answer leaves.
 *   <li>I2: a lease is asked for together with the state of all targets.
 *   <li>I3: a target that was reported OFFLINE, or not at all, while it took part in its chain is
 *       reported OFFLINE and does not serve until a routing has come that dropped it.
 *   <li>I4: UP_TO_DATE is reported under the chain version that this node goes by, or not at all.
 *   <li>I5: a new store is called whole only once the report of its first complete copy was
 *       answered, or once routing shows that it was taken.
 *   <li>I6: routing goes forward only, by deltas that fit; after one that does not, all of it is
 *       asked for.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Everything belongs to one reactor, but for what says otherwise; the admin client belongs to a
 * thread that may wait.
 *
 * <h2>Failure</h2>
 *
 * Without a manager a node goes on until its lease ends, and clients go on with the routing they
 * have. Both try again until they are closed.
 */
@NullMarked
package io.lampyris.reactor.cluster;

import org.jspecify.annotations.NullMarked;
