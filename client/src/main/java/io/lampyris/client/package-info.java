/**
 * The file client that fuse and usrbio share: files in terms of chunks on chains.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.client.ReactorDataPath} runs on a reactor and turns file ranges into chunk
 * calls; {@link io.lampyris.client.BlockingFileSystem} is what threads outside reactors use:
 * metadata, open files with write buffering and read-ahead. Its {@link io.lampyris.client.Janitor}
 * finishes what metadata remembers: dead clients' sessions, truncations, removed files.
 *
 * <pre>
 *   fuse ──► BlockingFileSystem ──► OpenHandle ──► WriteBuffer, ReadAhead
 *                 │ metadata calls                        │ Flight (inbox)
 *                 ▼                                       ▼
 *           MetaService      usrbio ──► ReactorDataPath ──► ChunkClient ──► storage services
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a retry carries the identity of the first attempt.
 *   <li>I2: what one open file wrote, every other reader of this client sees at once.
 *   <li>I3: a write that was acknowledged by storage and failed to reach metadata (its length) is
 *       found again from the chunks when the client's session is settled.
 *   <li>I4: a buffered write's error is reported once by every handle: by its next flush, fsync or
 *       release.
 *   <li>I5: operations complete in a flat stack: what a completion submits waits for its return.
 *   <li>I6: metadata hears of a length only after storage has acknowledged the bytes below it.
 *   <li>I7: an update goes to the head of its chain and a read to any member that serves, as the
 *       newest routing says; who does not answer is asked for no longer than another one can be,
 *       and a call is another's only when nothing refers to its memory any more.
 *   <li>I8: no storage node takes what calls to others need.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * Each class says whether its owner is a reactor or whether any thread may call it. The two sides
 * meet in {@code OpenInode} (atomics) and {@code Flight} (handed over by inbox); a reactor never
 * waits for a lock of the blocking side. Two threads work in the background, parked when there is
 * nothing to do: the housekeeper (write-back, lengths) and the janitor.
 *
 * <h2>Failure</h2>
 *
 * {@code Failover} has the table of what becomes of a call that was not answered as hoped; every
 * operation ends at its deadline with its last status. Outcomes on the data path are {@code long}s;
 * the blocking side throws {@link io.lampyris.client.FileSystemException} with a Linux errno.
 */
@NullMarked
package io.lampyris.client;

import org.jspecify.annotations.NullMarked;
