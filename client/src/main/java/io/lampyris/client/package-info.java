/**
 * The file client that fuse and usrbio share: files in terms of chunks on chains.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.client.DataPath} runs on a reactor and turns file ranges into chunk calls;
 * {@link io.lampyris.client.FileSystem} is what threads outside reactors use: metadata, open files
 * with write buffering and read-ahead.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a retry carries the identity of the first attempt.
 *   <li>I2: what one open file wrote, every other reader of this client sees at once.
 *   <li>I3: a write that was acknowledged by storage and failed to reach metadata (its length) is
 *       found again from the chunks when the client's session is settled.
 *   <li>I4: a buffered write's error is reported by the next fsync and by close.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Each class says whether its owner is a reactor or whether any thread may call it.
 *
 * <h2>Failure</h2>
 *
 * Outcomes on the data path are {@code long}s; the blocking side throws {@link
 * io.lampyris.client.FileSystemException} with a Linux errno.
 */
@NullMarked
package io.lampyris.client;

import org.jspecify.annotations.NullMarked;
