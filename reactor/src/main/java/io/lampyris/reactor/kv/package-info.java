/**
 * The seam that metadata and cluster state are kept behind: an ordered, transactional key-value
 * store.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.reactor.kv.Kv} is shaped after FoundationDB: keys and values are byte strings
 * in unsigned order, a transaction reads one version of everything and its writes take effect at
 * once or not at all. {@link io.lampyris.reactor.kv.MemoryKv} is for tests and simulation; engines
 * that keep what they are given live with what they need (module meta has the embedded one), and
 * extend {@link io.lampyris.reactor.kv.OptimisticKv}. One conformance suite holds for all.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: transactions are strictly serializable: a commit is refused with {@link
 *       io.lampyris.reactor.kv.Transaction#CONFLICT} when anything that it read (other than by
 *       snapshot reads) was written by a commit since it began.
 *   <li>I2: a transaction reads its own writes, and otherwise the state as of its begin.
 *   <li>I3: a commit is visible to transactions that begin later, at once; it is durable when a
 *       {@link io.lampyris.reactor.kv.Kv#sync} that started later has returned.
 *   <li>I4: after a crash the store is a prefix of the commits: never a part of one, never one
 *       without those before it, and all that were synced.
 *   <li>I5: arrays that go in or come out are the caller's: the store keeps no reference to them.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A store and its transactions belong to one thread, which may have several transactions open.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.reactor.kv.KvException}: the engine failed; what the failed call wrote may or
 * may not survive. After a failed {@code sync} nothing unsynced may be trusted: reopen.
 */
@NullMarked
package io.lampyris.reactor.kv;

import org.jspecify.annotations.NullMarked;
