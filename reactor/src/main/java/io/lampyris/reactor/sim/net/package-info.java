/**
 * A network in a simulation, with the promises and the faults of connections over TCP.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.reactor.sim.net.SimFabric} joins machines; each process has its {@link
 * io.lampyris.reactor.sim.net.SimNetwork}. One connection between a process and a node carries all
 * calls between the two: requests in order one way, answers in the order of their giving the other.
 * What the fabric does to them is {@link io.lampyris.reactor.sim.net.NetworkFaults}' and its
 * commands' to say.
 *
 * <p>A lost packet is no lost call: it is sent again, and all behind it waits. What cannot get
 * through for {@code peerTimeoutNs} ends its connection, and so does chance. A connection that ends
 * answers all its calls UNREACHABLE. Of the requests that were on their way then, the first few may
 * have reached the other machine and are <em>carried out all the same, later</em>, even after their
 * caller has tried again over a new connection: that is how a request comes twice. A deadline that
 * passes is answered TIMEOUT and the request goes on.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: it keeps every invariant of {@code reactor.net}; it passes the same conformance suite.
 *   <li>I2: a request is carried out at most once; not at all only if its connection ended.
 *   <li>I3: what one connection carries arrives in order, and the requests of an ended connection
 *       that arrive are its first ones.
 *   <li>I4: messages arrive as they were sent, for frames have checksums; of a payload a bit may
 *       flip, which TCP's own checksum may miss.
 *   <li>I5: nothing arrives at a process that has ended, and its answers do not either.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * All of it belongs to the simulation's thread; what arrives runs in the cycle of its reactor.
 *
 * <h2>Failure</h2>
 *
 * As over TCP: UNREACHABLE, TIMEOUT, and BUSY when the receiver has no memory for a payload.
 */
@NullMarked
package io.lampyris.reactor.sim.net;

import org.jspecify.annotations.NullMarked;
