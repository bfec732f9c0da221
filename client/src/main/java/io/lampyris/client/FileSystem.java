package io.lampyris.client;

import io.lampyris.protocol.Attributes;
import java.lang.foreign.MemorySegment;

/**
 * The inode-based file system for threads outside reactors; every call blocks until answered. Names
 * are raw bytes, as Linux has them. Any thread.
 *
 * <p>Every method throws {@link FileSystemException} with the errno that POSIX names for it.
 */
public interface FileSystem extends AutoCloseable {
  /** On whose behalf. */
  record User(int uid, int gid) {
    public static final User ROOT = new User(0, 0);
  }

  /** What a file is opened for: the modes of open(2). */
  enum Access {
    READ,
    WRITE,
    READ_WRITE;

    public boolean reads() {
      return this != WRITE;
    }

    public boolean writes() {
      return this != READ;
    }
  }

  /** Takes directory entries. */
  interface EntryVisitor {
    /**
     * @param mode the type bits alone
     * @return false when no more are wanted
     */
    boolean onEntry(long inode, int mode, byte[] name);
  }

  /** For statfs. */
  record Space(long capacityBytes, long freeBytes, long inodeCount) {}

  Attributes lookup(User user, long parent, byte[] name) throws FileSystemException;

  /** With the length as this client sees it, unflushed writes included. */
  Attributes attributes(User user, long inode) throws FileSystemException;

  /**
   * Sets what {@code mask} ({@link io.lampyris.protocol.AttributeMask}) names of mode, uid, gid and
   * times.
   */
  Attributes setAttributes(
      User user, long inode, int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs)
      throws FileSystemException;

  /** Sets the length: chunks past it are gone when this returns, what grows reads as zeros. */
  Attributes truncate(User user, long inode, long lengthBytes) throws FileSystemException;

  Attributes makeDirectory(User user, long parent, byte[] name, int mode)
      throws FileSystemException;

  Attributes makeSymlink(User user, long parent, byte[] name, byte[] target)
      throws FileSystemException;

  /** Creates a file that stays closed (mknod): regular, FIFO or socket. */
  Attributes makeNode(User user, long parent, byte[] name, int mode) throws FileSystemException;

  byte[] readSymlink(User user, long inode) throws FileSystemException;

  Attributes link(User user, long inode, long newParent, byte[] newName) throws FileSystemException;

  void unlink(User user, long parent, byte[] name) throws FileSystemException;

  void removeDirectory(User user, long parent, byte[] name) throws FileSystemException;

  void rename(User user, long parent, byte[] name, long newParent, byte[] newName, int flags)
      throws FileSystemException;

  /** All entries in byte order of their names, without {@code .} and {@code ..}. */
  void list(User user, long inode, EntryVisitor entries) throws FileSystemException;

  Space space() throws FileSystemException;

  /** Creates (or, unless {@code exclusive}, opens) a regular file. */
  Handle create(User user, long parent, byte[] name, int mode, boolean exclusive, Access access)
      throws FileSystemException;

  Handle open(User user, long inode, Access access) throws FileSystemException;

  /**
   * The inode if a user holds it open here, for rings that name it by number. Who opened it was
   * allowed to, and that is all that is known of permissions; root may use what anybody opened.
   *
   * @param forWrite what is to be done: write or read
   * @throws FileSystemException EBADF when this user does not hold it open, EACCES when only for
   *     the other
   */
  OpenInode openInode(User user, long inode, boolean forWrite) throws FileSystemException;

  /** An open file. Any thread. */
  interface Handle {
    OpenInode inode();

    Attributes attributes() throws FileSystemException;

    /** Reads up to {@code length} bytes; short only at the end of the file. */
    int read(long offset, MemorySegment into, int length) throws FileSystemException;

    /**
     * Whether a read can go straight to storage, waiting for nothing: no bytes of it are buffered,
     * and it is no part of a stream that is read ahead. If so it has to be {@link #readNow begun}.
     * Any thread, a reactor's too.
     *
     * @param io says what to read and where to put it
     * @return false when nothing was done: only {@link #read} can tell
     */
    boolean mayReadNow(FileIo io);

    /**
     * Begins such a read, which completes as {@link #read} does. Owner: reactor of the data path.
     */
    void readNow(FileIo io);

    /** Takes all bytes into the write buffer; a deferred error is reported by fsync and close. */
    int write(long offset, MemorySegment from, int length) throws FileSystemException;

    /**
     * As {@link #write}, if that does not wait for anything. Any thread, a reactor's too.
     *
     * @return false when nothing was written: it has to wait, or cannot be, and {@link #write} says
     *     which
     */
    boolean tryWrite(long offset, MemorySegment from, int length);

    /**
     * Makes bytes zeros and gives back the space of whole chunks; the length stays. Both ends from
     * 0, the first not behind the second; what is behind the end of the file is a hole already.
     */
    void punchHole(long from, long to) throws FileSystemException;

    /** Sends what is buffered to storage; reports deferred errors. What close(2) calls. */
    void flush() throws FileSystemException;

    /** Flushes, and makes length and attributes durable. */
    void fsync() throws FileSystemException;

    /** Flushes, and makes the length durable if that is not so already: not times. */
    void fdatasync() throws FileSystemException;

    /** Ends the handle; the last one of an inode ends its session. */
    void release() throws FileSystemException;
  }

  /** Flushes and ends everything that is still open. */
  @Override
  void close();
}
