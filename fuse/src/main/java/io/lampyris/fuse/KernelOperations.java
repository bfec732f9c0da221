package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.fuse.requests.Request;
import io.lampyris.fuse.requests.RequestHandler;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.Attributes;
import java.lang.foreign.MemorySegment;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The handlers that libfuse calls: they take C's arguments apart and call {@link InodeView}. Paths
 * are null for operations on handles. Handlers run on {@link FuseWorker}s only. Reads and writes
 * come without libfuse, and some on the reactor.
 */
final class KernelOperations implements RequestHandler {
  private static final Logger LOG = LoggerFactory.getLogger(KernelOperations.class);

  /** Invalidates the kernel's attributes of a node. */
  interface Forget {
    void attributesOf(long nodeId);

    /** The kernel takes the directory's lock for that: not for a request that came with it. */
    void name(long nodeId, byte[] name);
  }

  /** Larger ones are copied by a thread, while the reactor does other work. */
  private static final int INLINE_WRITE_MAX_BYTES = 64 << 10;

  private static final long UTIME_NOW = (1L << 30) - 1;
  private static final long UTIME_OMIT = (1L << 30) - 2;
  private static final long TIMESPEC_BYTES = 16;
  private static final long NANOS = 1_000_000_000L;

  private final InodeView view;
  private final Ioctls ioctls;
  private final OpenNodes nodes;
  private final Forget forget;
  private final InstantSource clock;
  private final HandleTable<OpenFile> files = new HandleTable<>();
  private final HandleTable<OpenDirectory> directories = new HandleTable<>();
  private volatile @Nullable DirectoryFiller filler;

  KernelOperations(
      InodeView view, Ioctls ioctls, OpenNodes nodes, Forget forget, InstantSource clock) {
    this.view = view;
    this.ioctls = ioctls;
    this.nodes = nodes;
    this.forget = forget;
    this.clock = clock;
  }

  int init(long connection) {
    FuseLayout.wantDirectoryIoctls(connection);
    return 0;
  }

  // ---- Attributes

  int getattr(long path, long stat) throws FileSystemException {
    FuseLayout.writeStat(stat, view.attributes(caller(), FuseLayout.string(path)));
    return 0;
  }

  int fgetattr(long stat, long info) throws FileSystemException {
    OpenFile file = files.get(FuseLayout.handle(info));
    Attributes attributes =
        file != null
            ? file.handle().attributes()
            : view.attributes(caller(), FuseWorker.current().nodeInode());
    FuseLayout.writeStat(stat, attributes);
    return 0;
  }

  int chmod(long path, int mode) throws FileSystemException {
    view.setAttributes(caller(), FuseLayout.string(path), AttributeMask.MODE, mode, -1, -1, 0, 0);
    return 0;
  }

  int chown(long path, int uid, int gid) throws FileSystemException {
    int mask = (uid == -1 ? 0 : AttributeMask.UID) | (gid == -1 ? 0 : AttributeMask.GID);
    view.setAttributes(caller(), FuseLayout.string(path), mask, 0, uid, gid, 0, 0);
    return 0;
  }

  int utimens(long path, long times) throws FileSystemException {
    MemorySegment specs = NativeMemory.ofAddress(times, 2 * TIMESPEC_BYTES);
    long atimeKind = specs.get(JAVA_LONG, Long.BYTES);
    long mtimeKind = specs.get(JAVA_LONG, TIMESPEC_BYTES + Long.BYTES);
    int mask =
        (atimeKind == UTIME_OMIT ? 0 : AttributeMask.ATIME)
            | (mtimeKind == UTIME_OMIT ? 0 : AttributeMask.MTIME);
    // One reading, so that touch(1) sets both to the same.
    long nowNs = nowNs();
    long atimeNs = timeNs(specs, 0, nowNs);
    long mtimeNs = timeNs(specs, TIMESPEC_BYTES, nowNs);
    view.setAttributes(caller(), FuseLayout.string(path), mask, 0, -1, -1, atimeNs, mtimeNs);
    return 0;
  }

  int truncate(long path, long length) throws FileSystemException {
    view.truncate(caller(), FuseLayout.string(path), length);
    return 0;
  }

  int ftruncate(long length, long info) throws FileSystemException {
    view.truncate(caller(), file(FuseLayout.handle(info)).inode(), length);
    return 0;
  }

  // ---- Names

  int mkdir(long path, int mode) throws FileSystemException {
    view.makeDirectory(caller(), FuseLayout.string(path), mode);
    return 0;
  }

  int mknod(long path, int mode) throws FileSystemException {
    view.makeNode(caller(), FuseLayout.string(path), mode);
    return 0;
  }

  int unlink(long path) throws FileSystemException {
    view.unlink(caller(), FuseLayout.string(path));
    return 0;
  }

  int rmdir(long path) throws FileSystemException {
    view.removeDirectory(caller(), FuseLayout.string(path));
    return 0;
  }

  int symlink(long target, long path) throws FileSystemException {
    view.makeSymlink(caller(), FuseLayout.string(target), FuseLayout.string(path));
    return 0;
  }

  /** Writes the target with a NUL, cut to the buffer. */
  int readlink(long path, long buffer, long size) throws FileSystemException {
    byte[] target = view.readSymlink(caller(), FuseLayout.string(path));
    MemorySegment into = NativeMemory.ofAddress(buffer, size);
    int length = (int) Math.min(target.length, size - 1);
    FuseLayout.writeString(into, target, length);
    return 0;
  }

  /** The old name is another node to libfuse, whose link count the kernel has to ask for again. */
  int link(long path, long newPath) throws FileSystemException {
    view.link(caller(), FuseLayout.string(path), FuseLayout.string(newPath));
    forget.attributesOf(FuseWorker.current().linkedNodeId());
    return 0;
  }

  int rename(long path, long newPath) throws FileSystemException {
    view.rename(caller(), FuseLayout.string(path), FuseLayout.string(newPath));
    return 0;
  }

  // ---- Open files

  int open(long path, long info) throws FileSystemException {
    OpenFile file = view.open(caller(), FuseLayout.string(path), FuseLayout.openFlags(info));
    long handle = files.add(file);
    nodes.opened(file, FuseWorker.current().nodeId(), handle);
    FuseLayout.writeOpened(info, handle, file.directIo());
    return 0;
  }

  /** The node id is told by the reply, which {@link #onCreateReply} sees. */
  int create(long path, int mode, long info) throws FileSystemException {
    byte[] name = FuseLayout.string(path);
    OpenFile file = view.create(caller(), name, mode, FuseLayout.openFlags(info));
    FuseLayout.writeOpened(info, files.add(file), file.directIo());
    FuseWorker.current().created(file);
    return 0;
  }

  /** A create has succeeded and its reply is about to leave. */
  void onCreateReply(long nodeId, long handle) {
    OpenFile file = files.get(handle);
    assert file != null && file == FuseWorker.current().created() : "the reply is of this create";
    nodes.opened(file, nodeId, handle);
  }

  @Override
  public void onAppend(Request request) {
    OpenFile file = files.get(request.handle());
    if (file != null) {
      request.place(file.written().queueAppend());
    }
  }

  @Override
  public boolean tryWrite(Request request) {
    OpenFile file = files.get(request.handle());
    return file != null
        && request.lengthBytes <= INLINE_WRITE_MAX_BYTES
        && InodeView.tryWrite(file, request);
  }

  @Override
  public boolean mayBegin(Request request) {
    OpenFile file = files.get(request.handle());
    return file != null && file.handle().mayReadNow(request);
  }

  @Override
  public void begin(Request request) {
    OpenFile file = files.get(request.handle());
    if (file == null) {
      request.complete(-Errno.EBADF);
    } else {
      file.handle().readNow(request);
    }
  }

  /** The others, on a thread that may wait; how many bytes. */
  int move(Request request) throws FileSystemException {
    OpenFile file = file(request.handle());
    if (request.write) {
      return InodeView.write(file, request);
    }
    return file.handle().read(request.fileOffset, request.payload(), request.lengthBytes);
  }

  int flush(long info) throws FileSystemException {
    file(FuseLayout.handle(info)).handle().flush();
    return 0;
  }

  /** A ring may have extended the file, and stat has to show it from now on. */
  int fsync(boolean dataOnly, long info) throws FileSystemException {
    OpenFile file = file(FuseLayout.handle(info));
    if (dataOnly) {
      file.handle().fdatasync();
    } else {
      file.handle().fsync();
    }
    if (file.nodeId() != 0) {
      forget.attributesOf(file.nodeId());
    }
    return 0;
  }

  /** Space is given out when bytes come; only holes are made ahead. */
  int fallocate(int mode, long offset, long length, long info) throws FileSystemException {
    if (mode != (Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE)) {
      return -Errno.EOPNOTSUPP;
    }
    OpenFile file = file(FuseLayout.handle(info));
    long limit = file.handle().inode().layout().lengthMaxBytes();
    punchHoles(file, Math.min(offset, limit), length > limit - offset ? limit : offset + length);
    return 0;
  }

  int release(long info) throws FileSystemException {
    OpenFile file = files.remove(FuseLayout.handle(info));
    if (file != null) {
      nodes.closed(file);
      view.release(file);
    }
    return 0;
  }

  // ---- Directories

  int opendir(long path, long info) throws FileSystemException {
    OpenDirectory directory = view.openDirectory(caller(), FuseLayout.string(path));
    FuseLayout.writeHandle(info, directories.add(directory));
    return 0;
  }

  /** Gives all entries at once; libfuse keeps them and hands them out in pieces. */
  int readdir(long buffer, long fillFunction, long info) throws FileSystemException {
    OpenDirectory directory = directory(info);
    DirectoryFiller fill = fillerOf(fillFunction);
    MemorySegment scratch = FuseWorker.current().scratch();
    view.list(
        caller(), directory, (name, inode, mode) -> fill.add(buffer, scratch, name, inode, mode));
    return 0;
  }

  int releasedir(long info) {
    OpenDirectory directory = directories.remove(FuseLayout.handle(info));
    if (directory != null) {
      view.releaseDirectory(directory);
    }
    return 0;
  }

  /** Names are durable when the operation that made them has returned. */
  int fsyncdir(long info) throws FileSystemException {
    directory(info);
    return 0;
  }

  // ---- The rest

  int statfs(long into) throws FileSystemException {
    FuseLayout.writeSpace(into, view.space());
    return 0;
  }

  int ioctl(int command, long info, int flags, long data) throws FileSystemException {
    boolean directory = (flags & Ioctls.ON_DIRECTORY) != 0;
    switch (Ioctls.kind(command)) {
      case QUESTION -> {
        return ioctls.answer(command, data);
      }
      case FSYNC -> {
        if (!directory) {
          fsync(false, info);
        }
        ioctls.writeDone(command, data);
      }
      case HARD_LINK -> {
        if (directory) {
          throw new FileSystemException(Errno.EPERM, "a directory has one name");
        }
        OpenFile file = file(FuseLayout.handle(info));
        new NamedByInode(view, caller()).link(file, Ioctls.readLink(command, data));
        forget.attributesOf(file.nodeId());
      }
      case PUNCH_HOLE -> {
        if (directory) {
          throw new FileSystemException(Errno.EISDIR, "a directory has no holes");
        }
        punchHoles(file(FuseLayout.handle(info)), Ioctls.readHoles(command, data));
      }
      case REMOVE_TREE -> {
        if (!directory) {
          throw new FileSystemException(Errno.ENOTDIR, "only a directory is a tree");
        }
        new NamedByInode(view, caller()).removeTree(directory(info));
        forget.attributesOf(FuseWorker.current().nodeId());
        ioctls.writeDone(command, data);
      }
      case MOVE -> {
        Ioctls.Move move = Ioctls.readMove(command, data);
        checkIsOf(directory, info, move.from());
        new NamedByInode(view, caller()).rename(move.from(), move.to());
        forget.name(FuseWorker.current().nodeId(), move.from().name());
      }
      case REMOVE -> {
        Ioctls.Removal removal = Ioctls.readRemoval(command, data);
        checkIsOf(directory, info, removal.key());
        new NamedByInode(view, caller()).remove(removal.key(), removal.recursive());
        forget.name(FuseWorker.current().nodeId(), removal.key().name());
      }
    }
    return 0;
  }

  private void checkIsOf(boolean isDirectory, long info, NameKey key) throws FileSystemException {
    if (!isDirectory) {
      throw new FileSystemException(Errno.ENOTDIR, "names are in directories");
    }
    long inode = directory(info).inode();
    if (inode != key.parent()) {
      throw new FileSystemException(
          Errno.EINVAL,
          "another directory's name; observed=inode %d, limit=%d".formatted(key.parent(), inode));
    }
  }

  /** All of them have to be possible before the first one is made. */
  private void punchHoles(OpenFile file, long... holes) throws FileSystemException {
    long limit = file.handle().inode().layout().lengthMaxBytes();
    for (int i = 0; i < holes.length; i += 2) {
      if (holes[i] < 0 || holes[i] > holes[i + 1] || holes[i + 1] > limit) {
        throw new FileSystemException(
            Errno.EINVAL,
            "no such hole; observed=%d to %d, limit=0 to %d"
                .formatted(holes[i], holes[i + 1], limit));
      }
    }
    for (int i = 0; i < holes.length; i += 2) {
      view.punchHole(file, holes[i], holes[i + 1]);
    }
  }

  /** Ends what the kernel will not end any more, for its connection is gone. */
  void releaseAll() {
    for (OpenFile file : files.drain()) {
      try {
        view.release(file);
      } catch (FileSystemException e) {
        LOG.warn(
            "release at unmount failed; observed={}, limit=success; remedy: none", e.toString());
      }
    }
    for (OpenDirectory directory : directories.drain()) {
      view.releaseDirectory(directory);
    }
  }

  private OpenFile file(long handle) throws FileSystemException {
    OpenFile file = files.get(handle);
    if (file == null) {
      throw new FileSystemException(Errno.EBADF, "no such handle");
    }
    return file;
  }

  private OpenDirectory directory(long info) throws FileSystemException {
    OpenDirectory directory = directories.get(FuseLayout.handle(info));
    if (directory == null) {
      throw new FileSystemException(Errno.EBADF, "no such handle");
    }
    return directory;
  }

  /** libfuse gives the same function every time. */
  private DirectoryFiller fillerOf(long function) {
    DirectoryFiller known = filler;
    if (known == null || known.function() != function) {
      known = new DirectoryFiller(function);
      filler = known;
    }
    return known;
  }

  private static Caller caller() {
    return FuseWorker.current().caller();
  }

  private long nowNs() {
    Instant now = clock.instant();
    return now.getEpochSecond() * NANOS + now.getNano();
  }

  private static long timeNs(MemorySegment specs, long at, long nowNs) {
    long nanos = specs.get(JAVA_LONG, at + Long.BYTES);
    if (nanos == UTIME_NOW) {
      return nowNs;
    }
    return nanos == UTIME_OMIT ? 0 : specs.get(JAVA_LONG, at) * NANOS + nanos;
  }
}
