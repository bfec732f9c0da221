/**
 * What {@code lampyris usrbio top} shows of rings.
 *
 * <h2>What</h2>
 *
 * A mount says over its control channel what each ring holds and has done so far ({@link
 * io.lampyris.cli.rings.RingSamples}); rates and latencies are what two samples differ by ({@link
 * io.lampyris.cli.rings.RingRates}).
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a ring is compared with itself alone: uuid and time of registration are the same.
 *   <li>I2: who watches costs the mount nothing between two samples.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Values; any thread.
 *
 * <h2>Failure</h2>
 *
 * What a sample lacks is zero; one that is no sample is an {@code IllegalArgumentException}.
 */
@NullMarked
package io.lampyris.cli.rings;

import org.jspecify.annotations.NullMarked;
