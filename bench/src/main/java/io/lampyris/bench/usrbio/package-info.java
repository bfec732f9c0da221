/**
 * Rings as programs use them, on a mount.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.bench.usrbio.JavaRings} writes a file through a ring of the Java client, reads
 * it by all of that client's ways and by FUSE, compares, and says how fast each way was.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: every byte is compared; what differs ends the run with exit code 1.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * One thread.
 *
 * <h2>Failure</h2>
 *
 * An exception that says what was done.
 */
@NullMarked
package io.lampyris.bench.usrbio;

import org.jspecify.annotations.NullMarked;
