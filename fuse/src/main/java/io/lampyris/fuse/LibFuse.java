package io.lampyris.fuse;

import jnr.ffi.LibraryLoader;

/**
 * What is called of libfuse.so.2, version 2.9. Pointers and size_t are {@code long}s (64-bit
 * Linux). Public because jnr-ffi implements it.
 *
 * <p>{@code fuse_new} is not here: the library exports its oldest, incompatible form under the
 * unversioned name, which is what a lookup by name finds. {@code fuse_setup} does the same job.
 */
public interface LibFuse {
  /** The file name of the library, with the version of its ABI. */
  String FILE_NAME = "libfuse.so.2";

  /** The one instance per process. */
  final class Holder {
    static final LibFuse INSTANCE =
        LibraryLoader.create(LibFuse.class).failImmediately().load(FILE_NAME);

    private Holder() {}
  }

  /**
   * Mounts, and makes a session that serves it. Installs no handler for a signal that has one: the
   * JVM's stay.
   *
   * @return {@code struct fuse *}, or 0 when it failed and has said why on standard error
   */
  long fuse_setup(
      int argc,
      long argv,
      long operations,
      long operationsSize,
      long mountPointOut,
      long multithreadedOut,
      long userData);

  long fuse_get_session(long fuse);

  long fuse_session_next_chan(long session, long previous);

  /** Handles a request on the calling thread; replies leave through {@code channel}. */
  void fuse_session_process(long session, long buffer, long sizeBytes, long channel);

  int fuse_chan_fd(long channel);

  long fuse_chan_bufsize(long channel);

  long fuse_chan_new(long operations, int fd, long bufferSize, long data);

  int fuse_chan_send(long channel, long vectors, long count);

  void fuse_chan_destroy(long channel);

  /** With a negative offset: the kernel forgets the attributes of a node, and keeps its pages. */
  int fuse_lowlevel_notify_inval_inode(long channel, long nodeId, long offset, long length);

  /** The kernel forgets a name in a directory, and with it all below. */
  int fuse_lowlevel_notify_inval_entry(long channel, long nodeId, long name, long length);

  /** Frees everything, and closes the device. */
  void fuse_destroy(long fuse);
}
