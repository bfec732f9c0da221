/**
 * The control channel of a running instance: a Unix domain socket in DIR, one JSON line each way.
 *
 * <h2>What</h2>
 *
 * A request is {@code {"command": NAME}}, an answer is an object; {@code "error"} in it says that
 * the request failed. Commands: {@code status}, and of a process that mounts {@code rings}.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: only the owner of DIR can connect: the socket has mode 0600.
 *   <li>I2: a client that sends nothing, or rubbish, holds up nobody else.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * One virtual thread accepts, one serves each connection; none runs on a reactor.
 *
 * <h2>Failure</h2>
 *
 * A channel that breaks ends that conversation, never the instance.
 */
@NullMarked
package io.lampyris.cli.control;

import org.jspecify.annotations.NullMarked;
