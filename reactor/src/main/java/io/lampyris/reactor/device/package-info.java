/**
 * Block address spaces: files and block devices over io_uring, NVMe namespaces, simulated disks.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.reactor.device.Device} takes {@link io.lampyris.reactor.device.IoRequest}s and
 * completes them in any order. One conformance suite holds for all of them.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a submitted request completes exactly once, on the reactor that submitted it, and never
 *       inside {@code submit}.
 *   <li>I2: a completed write is durable only after a flush that was submitted later has completed,
 *       unless it was a {@code WRITE_FUA}.
 *   <li>I3: offset, length and memory address are multiples of {@code alignmentBytes}.
 *   <li>I4: a short transfer is an error, never a success.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Owner: reactor.
 *
 * <h2>Failure</h2>
 *
 * A request that failed has a status in its result and the device's errno beside it; the device
 * stays usable, its owner decides whether to take it offline.
 */
@NullMarked
package io.lampyris.reactor.device;

import org.jspecify.annotations.NullMarked;
