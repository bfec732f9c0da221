/**
 * <b>What.</b> Linux as Java calls: libc functions ({@link Libc}), their numbers ({@link Fcntl},
 * {@link Errno}), memory from mmap ({@link NativeMemory}), POSIX semaphores in shared memory
 * ({@link Semaphores}), terminals ({@link Terminal}), and both where another process can shrink
 * what is mapped ({@link ShrinkableMemory}, {@link ShrinkableSemaphore}). The only module that uses
 * restricted methods of the FFM API. Struct layouts and constants are jextract's, in {@code
 * io.lampyris.bindings.linux}.
 *
 * <p><b>Invariants.</b>
 *
 * <ul>
 *   <li>I1: a call that can fail in operation returns {@code >= 0} or {@code -errno} and does not
 *       throw.
 *   <li>I2: what has no number to return (memory, records) throws {@link NativeException} with
 *       call, arguments and errno.
 *   <li>I3: every number here equals the one of the C headers, and every layout has C's sizes and
 *       offsets.
 *   <li>I4: memory is freed by an explicit call only.
 *   <li>I5: no call that can block is made with {@code Linker.Option.critical}.
 * </ul>
 *
 * <p><b>Threading.</b> Stateless; any thread may call anything. errno is captured into a segment of
 * the calling thread, in the same transition as the call. A blocked call pins a virtual thread's
 * carrier.
 *
 * <p><b>Failure.</b> EINTR comes back as {@code -EINTR} except where a method says that it retries.
 * A heap segment given as a buffer is a programmer's error (IllegalArgumentException).
 */
@NullMarked
package io.lampyris.bindings;

import org.jspecify.annotations.NullMarked;
