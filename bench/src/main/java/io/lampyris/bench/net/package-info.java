/**
 * Calls over TCP against plain blocking sockets on the same loopback device.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.bench.net.NetBench} drives one connection between two reactors of this JVM,
 * and {@code bench/perf/netlimit.c}, which moves the same bytes with two threads and blocking
 * sockets, in turns.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: both sides move the same number of bytes each way per operation, and neither looks at
 *       the payload.
 *   <li>I2: the two halves of a round follow each other directly; a ratio is one of the same round.
 *   <li>I3: a call that fails ends the run.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread starts loads and waits; {@link io.lampyris.bench.net.Pinger} belongs to the
 * calling reactor.
 *
 * <h2>Failure</h2>
 *
 * An exception that names the command or the call.
 */
@NullMarked
package io.lampyris.bench.net;

import org.jspecify.annotations.NullMarked;
