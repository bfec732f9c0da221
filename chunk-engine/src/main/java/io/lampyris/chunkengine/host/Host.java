package io.lampyris.chunkengine.host;

import io.lampyris.chunkengine.format.StoreException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.List;

/**
 * The host file system as a target sees it: everything but the I/O of a running reactor, the
 * mapping that Chronicle Queue writes through, and plain reading of the log. A simulated one can
 * stop the world at any call and leave what a power cut would. Every call blocks; any thread but
 * reactors. The exceptions' reason is IO, or NO_SPACE when the file system is full.
 */
public interface Host {
  /** The operating system's. */
  static Host posix() {
    return HostFiles.INSTANCE;
  }

  boolean exists(Path path);

  /** What a directory holds, in the order of names. */
  List<Path> list(Path directory) throws StoreException;

  void createDirectories(Path directory) throws StoreException;

  /** Bytes that an unprivileged process may still write to the file system of a path. */
  long availableBytes(Path path) throws StoreException;

  /**
   * Opens a file.
   *
   * @param flags as for open(2); O_CLOEXEC is added
   * @return its descriptor, for {@link #close}
   */
  int open(Path path, int flags) throws StoreException;

  void close(int fd);

  /** Of a file, or of the device that a path leads to. */
  long sizeBytes(Path path) throws StoreException;

  /**
   * Looks whether a device of this size can be made at a path, before anything is; one that is half
   * made there is in nobody's way.
   *
   * @return how many bytes of the file system it takes: none, when it lies elsewhere
   * @throws StoreException INVALID_ARGUMENT when what is there is too small, or something else's
   */
  long checkDevice(Path device, long sizeBytes) throws StoreException;

  /** Opens a device to read much of it, past the page cache where that is possible. */
  Reader openReader(Path device) throws StoreException;

  /** Reads of a device, one at a time. */
  interface Reader extends AutoCloseable {
    /**
     * Fills memory, of whole sectors of 4096 bytes.
     *
     * @return how many bytes there were, fewer than asked only at the device's end
     */
    long read(long offset, MemorySegment into) throws StoreException;

    @Override
    void close();
  }

  /**
   * Whether an open file still has a name. Never blocks: reactors ask before they acknowledge what
   * is in it.
   */
  boolean isLinked(int fd);

  /** Whether a path leads to this open file. */
  boolean leadsTo(Path path, int fd) throws StoreException;

  /**
   * Takes a target for this process; the lock goes with the descriptor.
   *
   * @throws StoreException IN_USE when another process has it
   */
  int lock(Path path) throws StoreException;

  /**
   * Reserves real space for a range of a file.
   *
   * @param extend whether the file's size grows with it
   */
  void reserve(int fd, Path path, long offset, long sizeBytes, boolean extend)
      throws StoreException;

  /**
   * Fills memory from a file.
   *
   * @return how many bytes there were, fewer than asked only at the file's end
   */
  int read(Path path, long offset, MemorySegment into) throws StoreException;

  /** Writes memory into an existing file; durable after {@link #syncFile}. */
  void write(Path path, long offset, MemorySegment from) throws StoreException;

  void truncate(Path path, long sizeBytes) throws StoreException;

  /** Makes a file's content and size durable. */
  void syncFile(Path path) throws StoreException;

  /** Makes the names in a directory durable. */
  void syncDirectory(Path path) throws StoreException;

  /** Replaces a small file, durably, so that a crash leaves the old or the new one, whole. */
  void replace(Path path, byte[] content) throws StoreException;

  /** Deletes a file, or a directory with all below it; nothing when there is none. */
  void deleteTree(Path root) throws StoreException;
}
