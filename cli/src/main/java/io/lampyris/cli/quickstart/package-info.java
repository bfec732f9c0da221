/**
 * The quick start: a real tree put on a new cluster, a kill, and everything read back and compared.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.cli.quickstart.Quickstart} is the story; the other classes are one step each.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: success is reported only when every file's SHA-256 was equal through FUSE after the
 *       kill, and that of the largest files through USRBIO too.
 *   <li>I2: whatever ends it, nothing of it is left (mount, process, files) unless it was asked to
 *       keep the cluster.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * The main thread; signals set a flag that it looks at between two I/Os. The raw read has threads
 * of its own.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.cli.base.FailedException} says which comparison or step failed.
 */
@NullMarked
package io.lampyris.cli.quickstart;

import org.jspecify.annotations.NullMarked;
