/**
 * What is said to a cluster manager, and what it answers, as values.
 *
 * <h2>What</h2>
 *
 * A storage node sends {@link io.lampyris.protocol.cluster.Heartbeat}s and gets {@link
 * io.lampyris.protocol.cluster.HeartbeatAnswer}s; whoever follows routing sends a {@link
 * io.lampyris.protocol.cluster.RoutingQuery}; operators send {@link
 * io.lampyris.protocol.cluster.AdminRequest}s, each an {@link
 * io.lampyris.protocol.cluster.AdminCommand} with named arguments, and get tables. {@link
 * io.lampyris.protocol.cluster.ClusterCodec} turns all of them into the schema's messages and back.
 *
 * <p>A delta of routing travels behind the answer in the same message when it fits into the room
 * that the caller named, and else in the payload that the caller offers when it asks again.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: what is decoded is what was encoded.
 *   <li>I2: numbers of commands, states and orders are part of the protocol: they are never reused.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Immutable values and pure functions; any thread. Nothing of this is for the data path.
 *
 * <h2>Failure</h2>
 *
 * Bytes that are no such message are refused with {@link IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.protocol.cluster;

import org.jspecify.annotations.NullMarked;
