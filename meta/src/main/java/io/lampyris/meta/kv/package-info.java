/**
 * The embedded engine behind the key-value seam: RocksDB.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.meta.kv.RocksDbKv} is a {@link io.lampyris.reactor.kv.Kv} over RocksDB with
 * its write-ahead log. What it promises is the seam's package: the conformance suite is here,
 * because every engine that there is can be reached from here.
 *
 * <h2>Invariants</h2>
 *
 * Those of {@link io.lampyris.reactor.kv}.
 *
 * <h2>Threading</h2>
 *
 * A store and its transactions belong to one thread. One process at a time has a store open.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.reactor.kv.KvException} when the engine fails.
 *
 * <h2>Memory and files</h2>
 *
 * <p>Native memory is bounded by 32 MiB of block cache (index and filter blocks included) and three
 * write buffers of 16 MiB. Its library (17 MB) lies inside a 92 MB jar; it is unpacked once per
 * version into {@code $lampyris.native.dir}, by default {@code ~/.cache/lampyris/native}.
 */
@NullMarked
package io.lampyris.meta.kv;

import org.jspecify.annotations.NullMarked;
