/**
 * The mount: a kernel FUSE file system in front of {@link io.lampyris.client.FileSystem} and {@link
 * io.lampyris.client.VirtualTree}.
 *
 * <h2>What</h2>
 *
 * {@link io.lampyris.fuse.FuseMount} is the life cycle: it clears what a killed daemon left, checks
 * the mount point, mounts, waits until the mount answers, and unmounts. {@code InodeView} does each
 * operation by inode. {@link io.lampyris.fuse.FuseChannel} is the seam to the kernel; {@code
 * JnrFuseChannel} drives libfuse 2 (high-level, path based) with the structures of jnr-fuse.
 *
 * <p>Requests come through {@link io.lampyris.fuse.requests} instead of {@code fuse_main}: the
 * mount's own threads, whose number is bounded, take them, or the reactor of the data path while it
 * answers reads. Reads and writes never reach libfuse. No signal handler is replaced, names stay
 * bytes, and each request's header is seen, which the high-level interface hides. Its node id is
 * needed for two things: to answer fstat of an open file by its handle (libfuse 2 would look for a
 * path, which an unlinked file has not), and to drop the kernel's attributes after fsync.
 *
 * <p>What libfuse 2 cannot do stays undone: each name of a file is a node of its own to the kernel,
 * so what is changed by one name shows in the attributes by another after 1 s; and a file without a
 * name is read, written, synced, truncated and looked at by its descriptors, but cannot have its
 * mode, owner or times changed, nor be opened again through {@code /proc/self/fd}. What an ioctl or
 * {@code rm-rf} removes or replaces in another directory than that of its descriptor may show for 1
 * s more, for the kernel does not tell that directory's node.
 *
 * <p><b>Page cache.</b> Rings write into files behind the kernel's back, and such a write must be
 * readable at once. So every open is {@code direct_io} by default: reads and writes come here,
 * nothing of a file is kept in the kernel, not even its length for the sake of read(2) (libaio and
 * io_uring do go by the length that the kernel has seen last). The price is that {@code
 * mmap(MAP_SHARED)} fails with ENODEV ({@code MAP_PRIVATE}, and so running programs, works); a
 * program that opens with {@code O_NONBLOCK} asks for the page cache and has it until its last
 * close. {@link io.lampyris.fuse.MountOptions.PageCache} can give it to all readers of files that
 * nobody has open for writing.
 *
 * <h2>Invariants</h2>
 *
 * <ul>
 *   <li>I1: a change made through this mount is never hidden by this mount's caches: once an
 *       operation has returned, no later one sees what was before.
 *   <li>I2: operations on an open file go by its handle, never by a path; they work when the file
 *       has no name any more.
 *   <li>I3: a handle number is never mistaken for another's: a stale one finds nothing.
 *   <li>I4: bytes go between the kernel's request buffer and the file client without a copy on the
 *       Java heap.
 *   <li>I5: whatever a handler throws becomes {@code -errno}; what nobody expected is logged once
 *       with its stack and becomes {@code -EIO}.
 *   <li>I6: attributes of a regular file are cached only while nobody has it open for writing here.
 * </ul>
 *
 * <h2>Threading</h2>
 *
 * A fixed number of request threads per mount, each with one request at a time; they block in the
 * file client. Everything in {@code InodeView} may be called by any of them; its {@code tryWrite},
 * and what {@code KernelOperations} has of {@code RequestHandler}, by the reactor as well, which
 * they never keep waiting.
 *
 * <h2>Failure</h2>
 *
 * {@link io.lampyris.fuse.MountException} says why a mount cannot be, and the remedy. A daemon that
 * dies leaves a mount that answers ENOTCONN; the next start detaches it.
 */
@NullMarked
package io.lampyris.fuse;

import org.jspecify.annotations.NullMarked;
