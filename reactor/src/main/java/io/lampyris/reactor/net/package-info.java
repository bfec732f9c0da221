/**
 * Calls between services: messages plus payloads that are described, not embedded.
 *
 * <h2>What</h2>
 *
 * A {@link io.lampyris.reactor.net.Call} carries an SBE message, the description of a payload, and
 * later the answer. {@link io.lampyris.reactor.net.Network} is the seam; {@link
 * io.lampyris.reactor.net.LocalNetwork} moves calls inside one JVM without a copy: straight when
 * caller and service share a reactor, by inbox otherwise.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: every sent call is answered exactly once, at its home.
 *   <li>I2: message, payload and call belong to the service from send to answer, to the caller
 *       otherwise.
 *   <li>I3: calls of one caller to one service arrive in the order in which they were sent.
 *   <li>I4: a payload that the request carries arrives whole; a payload that the answer carries has
 *       {@code result} bytes, and bytes behind them in the caller's memory mean nothing.
 *   <li>I5: a call whose service is not there, or goes away, is answered all the same.
 *   <li>I6: a call that was cancelled, or is overdue, comes back once nothing refers to its memory;
 *       its late answer touches nothing.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A call has a home: a reactor, or none, when a thread waits for the answer.
 *
 * <h2>Failure</h2>
 *
 * A peer that is not there answers {@link io.lampyris.protocol.Status#UNREACHABLE}.
 */
@NullMarked
package io.lampyris.reactor.net;

import org.jspecify.annotations.NullMarked;
