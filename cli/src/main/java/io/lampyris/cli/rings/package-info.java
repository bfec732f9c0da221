/**
 * What {@code lampyris usrbio top} shows of rings.
 *
 * <h2>What</h2>
 *
 * A mount says over its control channel what each ring holds and has done so far ({@link
 * io.lampyris.cli.rings.RingSamples}); rates and latencies are what two samples differ by ({@link
 * io.lampyris.cli.rings.RingRates}). On a terminal {@link io.lampyris.cli.rings.RingTop} shows
 * them.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a ring is compared with itself alone: uuid and time of registration are the same.
 *   <li>I2: who watches costs the mount nothing between two samples.
 *   <li>I3: a terminal is left as it was found: settings, cursor and what it showed; when the user
 *       ends or stops the process, when a signal ends it, and when it fails.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Samples and rates are values, any thread's. {@code RingTop} is its caller's; a thread reads keys,
 * one asks the mount.
 *
 * <h2>Failure</h2>
 *
 * What a sample lacks is zero; one that is no sample is an {@code IllegalArgumentException}. A
 * mount that does not answer is asked again after each interval, and the user told.
 */
@NullMarked
package io.lampyris.cli.rings;

import org.jspecify.annotations.NullMarked;
