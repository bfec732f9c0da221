/**
 * A whole cluster in one JVM: what {@code lampyris up} runs.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.cli.embedded.Instance} is one run of an instance: checks, lock, first use,
 * start, wait for a signal, stop. {@link io.lampyris.cli.embedded.EmbeddedCluster} is the parts
 * between start and stop:
 *
 * <pre>
 *   libfuse's threads ─► FileSystem ──┐ BlockingCall          reactor meta:   MetaService ─ RocksDB
 *                                     ├───────────────────►
 *   shared-memory rings ─► RingServer ┤ direct calls          reactor data-0: DataPath ─ StorageService
 *                                     └───────────────────►                   ─ io_uring ─ device files
 * </pre>
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: parts stop in the reverse order of their start, also when a start fails half-way.
 *   <li>I2: READY is printed when the kernel answers a look at the mount, not before.
 *   <li>I3: a stop that does not end in time ends the process; the next start recovers.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread starts and stops everything; signals only wake it.
 *
 * <h2>Failure</h2>
 *
 * A start that fails leaves nothing mounted and nothing running.
 */
@NullMarked
package io.lampyris.cli.embedded;

import org.jspecify.annotations.NullMarked;
