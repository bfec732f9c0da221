/**
 * What an operator asks of a cluster and what then takes its time.
 *
 * <h2>What</h2>
 *
 * An {@link io.lampyris.cli.operate.Operation} is an order to the manager together with how one
 * sees that it is done: {@link io.lampyris.cli.operate.Rebalance}, {@link
 * io.lampyris.cli.operate.Drain}, {@link io.lampyris.cli.operate.Retire} and {@link
 * io.lampyris.cli.operate.Replace}. {@link io.lampyris.cli.operate.Follow} gives the order, looks
 * at the cluster again and again and shows through a {@link io.lampyris.cli.operate.Display} how
 * far it is: on one line that is rewritten on a terminal, on plain lines elsewhere, or as a JSON
 * object on each line.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: the manager does the work and remembers it. Whoever follows may end at any time; the
 *       same command again goes on, because what is done is read from the cluster alone.
 *   <li>I2: every wait ends: when it is done, after a bounded time in which nothing can go on, and
 *       after the time that was given.
 *   <li>I3: a manager that is away for a while is waited for.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * One thread, which waits between looks.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.InputException} for an order that was refused, {@link
 * io.lampyris.cli.base.FailedException} for one that does not come to its end, with what keeps it
 * and how to go on.
 */
@NullMarked
package io.lampyris.cli.operate;

import org.jspecify.annotations.NullMarked;
