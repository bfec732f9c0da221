/**
 * The same rings from the other side: what a Java program uses to read and write files of a mount
 * without system calls, as C programs do with {@code libhf3fs_api_shared}.
 *
 * <h2>What</h2>
 *
 * <pre>
 *   try (RingMount mount = RingMount.of(Path.of("/mnt/data"));
 *       RingFile file = mount.open(mount.path().resolve("samples.bin"), StandardOpenOption.READ);
 *       IoVec memory = mount.allocate(64 &lt;&lt; 20);
 *       IoRing ring = mount.ring(RingOptions.reading(32))) {
 *     ring.prepare(file, 0, memory, 0, 1 &lt;&lt; 20, 7);
 *     ring.submit();
 *     ring.await(1, Duration.ofSeconds(1), (userdata, result) -&gt; use(memory.segment(), result));
 *   }
 * </pre>
 *
 * {@link io.lampyris.usrbio.client.IoVec} is memory that the daemon knows, and data arrive in it
 * without a copy; {@link io.lampyris.usrbio.client.IoRing} carries what is to be done; {@link
 * io.lampyris.usrbio.client.RingChannel} is a {@link java.nio.channels.SeekableByteChannel} for
 * reading, on a ring of its own.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a slot is free, or has one prepared I/O whose completion was not taken.
 *   <li>I2: what fails while something is made leaves nothing behind: no shared memory, no mapping,
 *       no registration.
 *   <li>I3: the descriptor of the directory of registrations stays open as long as the mount: when
 *       it goes, however the process ended, the daemon forgets all that was registered.
 *   <li>I4: preparing, submitting, and taking completions allocate nothing.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A mount, a file and memory are any thread's. A ring and a channel are one thread's at a time.
 * Closing memory or a file while I/O of theirs is under way is an error of the caller: the daemon
 * finishes what it has begun in memory that is still mapped there.
 *
 * <h2>Failure</h2>
 *
 * An {@link java.io.IOException} says what could not be made and what to do. A single I/O that
 * fails completes with {@code -errno}. When the daemon is gone a wait ends with an exception.
 */
@NullMarked
package io.lampyris.usrbio.client;

import org.jspecify.annotations.NullMarked;
