/**
 * Benchmarks, and end-to-end tests that take whole processes down.
 *
 * <h2>What</h2>
 *
 * Programs that drive a running cluster from outside through {@code bin/lampyris}, as a user would,
 * and JMH benchmarks of the parts.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: every random choice comes from a seed that is printed.
 *   <li>I2: every process that a program here started has ended, and every mount is gone, when it
 *       exits.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Ordinary threads; nothing here runs on a reactor.
 *
 * <h2>Failure</h2>
 *
 * A check that does not hold ends the program with exit code 1 and says what differs and which seed
 * replays it.
 */
@NullMarked
package io.lampyris.bench;

import org.jspecify.annotations.NullMarked;
