/**
 * The {@code lampyris} command.
 *
 * <h2>What</h2>
 *
 * Each command is a class; what it needs lies in the packages below: configuration, the instance's
 * directory, the control channel, the embedded cluster, processes of a cluster and clusters of
 * processes on this machine, the quick start.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: exit code 0 means done, 1 failed, 2 wrong input; with 2 nothing on disk has changed.
 *   <li>I2: standard output has results alone; progress and errors go to standard error.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Commands run on the main thread; the shutdown hook stops an instance.
 *
 * <h2>Failure</h2>
 *
 * Every message says what; observed and limit; remedy.
 */
@NullMarked
package io.lampyris.cli;

import org.jspecify.annotations.NullMarked;
