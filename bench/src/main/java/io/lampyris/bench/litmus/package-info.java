/**
 * <b>What.</b> Litmus tests of what programs and daemon share in a ring: for each index, what its
 * release promises and its acquire relies on, by jcstress. {@code bench/usrbio/litmus} runs them.
 *
 * <pre>
 *   sqeHead   program: args, sqe, then the index      daemon: the index, then args, sqe
 *   sqeTail   daemon: reads args, sqe, then the index program: the index, then writes args, sqe
 *   cqeHead   daemon: cqe, then the index             program: the index, then cqe
 *   cqeTail   program: reads cqe, then the index      daemon: the index, then writes cqe
 *   both      daemon: sqeTail, then cqeHead           program: cqeHead, then sqeTail
 * </pre>
 *
 * <p><b>Invariants.</b> Every access goes through {@link io.lampyris.usrbio.RingLayout}, as the
 * server's and the Java client's do. An outcome that is not listed as acceptable fails.
 *
 * <p><b>Threading.</b> Two actors of one process. That the C library's side is ordered alike is
 * what {@code make check-tsan} and the stress tests of its rings show.
 *
 * <p><b>Failure.</b> The run's exit code is not 0.
 */
@NullMarked
package io.lampyris.bench.litmus;

import org.jspecify.annotations.NullMarked;
