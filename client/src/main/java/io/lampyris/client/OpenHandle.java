package io.lampyris.client;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.Status;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.atomic.AtomicBoolean;

/** One open of a regular file. Any thread but a reactor's. */
final class OpenHandle implements FileSystem.Handle {
  private final BlockingFileSystem fileSystem;
  private final InodeState state;
  private final OpenInode inode;
  private final int uid;
  private final Access access;
  private final ReadAhead readAhead;
  private final AtomicBoolean released = new AtomicBoolean();

  /** Errors up to here were reported by this handle, or happened before it. Guarded by the lock. */
  private long seenErrors;

  OpenHandle(
      BlockingFileSystem fileSystem,
      InodeState state,
      OpenInode inode,
      int uid,
      Access access,
      ReadAhead readAhead) {
    this.fileSystem = fileSystem;
    this.state = state;
    this.inode = inode;
    this.uid = uid;
    this.access = access;
    this.readAhead = readAhead;
    this.seenErrors = state.buffer().errorSequence();
  }

  @Override
  public OpenInode inode() {
    return inode;
  }

  @Override
  public Attributes attributes() throws FileSystemException {
    return fileSystem.attributes(User.ROOT, state.number);
  }

  @Override
  public int read(long offset, MemorySegment into, int length) throws FileSystemException {
    checkRange(offset, length);
    if (length == 0) {
      return 0;
    }
    state.beforeRead(offset, length);
    if (offset >= inode.lengthBytes()) {
      return 0;
    }
    long result = readAhead.read(offset, into, length);
    if (result < 0) {
      Status status = Status.of(result);
      throw new FileSystemException(status.errno(), "read failed; observed=" + status);
    }
    return (int) result;
  }

  @Override
  public boolean mayReadNow(FileIo io) {
    long offset = io.fileOffset;
    int length = io.lengthBytes;
    if (released.get() || length <= 0 || isMalformed(offset, length)) {
      return false;
    }
    if (!state.mayReadNow(offset, length) || !readAhead.tryPass(offset, length)) {
      return false;
    }
    io.inode = inode;
    return true;
  }

  @Override
  public void readNow(FileIo io) {
    assert io.inode == inode : "it may be read now";
    fileSystem.submitClean(io);
  }

  @Override
  public boolean tryWrite(long offset, MemorySegment from, int length) {
    if (released.get() || !access.writes() || length <= 0 || isMalformed(offset, length)) {
      return false;
    }
    if (offset > inode.layout().lengthMaxBytes() - length || !state.lock.tryLock()) {
      return false;
    }
    try {
      return state.tryWrite(offset, from, length);
    } finally {
      state.lock.unlock();
    }
  }

  @Override
  public int write(long offset, MemorySegment from, int length) throws FileSystemException {
    checkRange(offset, length);
    if (!access.writes()) {
      throw new FileSystemException(Errno.EBADF, "write failed; observed=open for reading only");
    }
    if (offset > inode.layout().lengthMaxBytes() - length) {
      throw new FileSystemException(Errno.EFBIG, "write failed; observed=offset " + offset);
    }
    state.lock.lock();
    try {
      return length == 0 ? 0 : state.write(offset, from, length);
    } finally {
      state.lock.unlock();
    }
  }

  @Override
  public void punchHole(long from, long to) throws FileSystemException {
    checkRange(0, 0);
    if (from < 0 || from > to || to > inode.layout().lengthMaxBytes()) {
      throw new FileSystemException(
          Errno.EINVAL,
          "no such hole; observed=%d to %d, limit=0 to %d"
              .formatted(from, to, inode.layout().lengthMaxBytes()));
    }
    if (!access.writes()) {
      throw new FileSystemException(Errno.EBADF, "no hole; observed=open for reading only");
    }
    state.lock.lock();
    try {
      fileSystem.punchHole(state, from, to);
      reportErrors();
    } finally {
      state.lock.unlock();
    }
  }

  private void checkRange(long offset, int length) throws FileSystemException {
    if (released.get()) {
      throw new FileSystemException(Errno.EBADF, "file is closed");
    }
    if (isMalformed(offset, length)) {
      throw new FileSystemException(
          Errno.EINVAL, "range is malformed; observed=%d+%d".formatted(offset, length));
    }
  }

  private static boolean isMalformed(long offset, int length) {
    return offset < 0 || length < 0 || offset > Long.MAX_VALUE - length;
  }

  @Override
  public void flush() throws FileSystemException {
    settle(InodeState.Sync.LATER);
  }

  @Override
  public void fsync() throws FileSystemException {
    settle(InodeState.Sync.DURABLE);
  }

  @Override
  public void fdatasync() throws FileSystemException {
    settle(InodeState.Sync.DURABLE_LENGTH);
  }

  private void settle(InodeState.Sync how) throws FileSystemException {
    checkRange(0, 0);
    state.lock.lock();
    try {
      state.settle(how);
      reportErrors();
    } finally {
      state.lock.unlock();
    }
  }

  private void reportErrors() throws FileSystemException {
    WriteBuffer buffer = state.buffer();
    if (buffer.errorSequence() != seenErrors) {
      seenErrors = buffer.errorSequence();
      throw new FileSystemException(
          buffer.errorErrno(), "an earlier write failed; observed=errno " + buffer.errorErrno());
    }
  }

  @Override
  public void release() throws FileSystemException {
    if (!released.compareAndSet(false, true)) {
      return;
    }
    readAhead.close();
    state.lock.lock();
    try {
      fileSystem.detach(this, state, uid, access);
      reportErrors();
    } finally {
      fileSystem.unlock(state);
    }
  }
}
