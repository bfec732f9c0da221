package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.client.FileSystem;
import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.fuse.requests.Request;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.TimeUnit;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;

/**
 * The mount's operations by inode: resolves paths through a cache of names, and sends what is below
 * {@link VirtualTree#NAME} there. Paths are absolute in the mount, raw bytes, without a slash at
 * the end. Any thread; everything throws {@link FileSystemException} with the errno to return.
 */
final class InodeView {
  /** Takes directory entries. */
  interface EntrySink {
    void onEntry(byte[] name, long inode, int mode);
  }

  private static final byte[] VIRTUAL = ("/" + VirtualTree.NAME).getBytes(StandardCharsets.UTF_8);
  static final byte[] VIRTUAL_NAME = VirtualTree.NAME.getBytes(StandardCharsets.UTF_8);
  private static final byte[] SELF = {'.'};
  private static final byte[] PARENT = {'.', '.'};
  private static final int ACCESS_MODE_MASK = 3;

  private final FileSystem files;
  private final VirtualTree virtual;
  private final MountOptions options;
  private final LongSupplier clockNs;
  private final StripedCache<NameKey, Long> names;
  private final StripedCache<Long, Attributes> attributes;

  /** By inode, what is open for writing here (I6). */
  private final ConcurrentHashMap<Long, WrittenFile> writers = new ConcurrentHashMap<>();

  InodeView(
      FileSystem files,
      VirtualTree virtual,
      Path mountPoint,
      MountOptions options,
      LongSupplier clockNs) {
    this.files = files;
    this.virtual =
        new RemovalDirectory(
            virtual,
            mountPoint.toString(),
            (caller, path) -> new NamedByInode(this, caller).removeTree(path));
    this.options = options;
    this.clockNs = clockNs;
    this.names =
        new StripedCache<>(
            options.cacheEntries(), TimeUnit.MILLISECONDS.toNanos(options.entryTimeoutMs()));
    this.attributes =
        new StripedCache<>(
            options.cacheEntries(), TimeUnit.MILLISECONDS.toNanos(options.attributeTimeoutMs()));
  }

  // ---- Attributes

  Attributes attributes(Caller caller, byte[] path) throws FileSystemException {
    String virtualPath = virtualPath(path);
    if (virtualPath != null) {
      return virtual.lookup(caller, virtualPath);
    }
    if (isRoot(path)) {
      return attributes(caller, Inodes.ROOT);
    }
    NameKey key = keyOf(caller, path);
    Long cached = names.get(key, clockNs.getAsLong());
    if (cached != null) {
      try {
        return attributes(caller, cached);
      } catch (FileSystemException gone) {
        // Somebody other than this mount may have removed it and put another there.
        names.invalidate(key);
      }
    }
    long stamp = attributes.stamp();
    return settle(caller, lookup(caller, key), stamp);
  }

  Attributes attributes(Caller caller, long inode) throws FileSystemException {
    Attributes cached = attributes.get(inode, clockNs.getAsLong());
    if (cached != null) {
      return cached;
    }
    long stamp = attributes.stamp();
    return keep(files.attributes(caller.user(), inode), stamp);
  }

  void setAttributes(
      Caller caller, byte[] path, int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs)
      throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    long inode = resolve(caller, path, path.length);
    try {
      files.setAttributes(
          caller.user(), inode, mask, mode & FileMode.PERMISSION_MASK, uid, gid, atimeNs, mtimeNs);
    } finally {
      attributes.invalidate(inode);
    }
  }

  void truncate(Caller caller, byte[] path, long lengthBytes) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    truncate(caller, resolve(caller, path, path.length), lengthBytes);
  }

  void truncate(Caller caller, long inode, long lengthBytes) throws FileSystemException {
    try {
      files.truncate(caller.user(), inode, lengthBytes);
      WrittenFile written = writers.get(inode);
      if (written != null) {
        written.truncated(lengthBytes);
      }
    } finally {
      attributes.invalidate(inode);
    }
  }

  // ---- Names

  void makeDirectory(Caller caller, byte[] path, int mode) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    NameKey key = keyOf(caller, path);
    try {
      files.makeDirectory(caller.user(), key.parent(), key.name(), mode & FileMode.PERMISSION_MASK);
    } finally {
      changed(key);
    }
  }

  void makeNode(Caller caller, byte[] path, int mode) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    NameKey key = keyOf(caller, path);
    try {
      files.makeNode(caller.user(), key.parent(), key.name(), mode);
    } finally {
      changed(key);
    }
  }

  void makeSymlink(Caller caller, byte[] target, byte[] path) throws FileSystemException {
    String virtualPath = virtualPath(path);
    if (virtualPath != null) {
      virtual.makeSymlink(caller, virtualPath, target);
      return;
    }
    NameKey key = keyOf(caller, path);
    try {
      files.makeSymlink(caller.user(), key.parent(), key.name(), target);
    } finally {
      changed(key);
    }
  }

  byte[] readSymlink(Caller caller, byte[] path) throws FileSystemException {
    String virtualPath = virtualPath(path);
    if (virtualPath != null) {
      return virtual.readSymlink(caller, virtualPath);
    }
    return files.readSymlink(caller.user(), resolve(caller, path, path.length));
  }

  void link(Caller caller, byte[] path, byte[] newPath) throws FileSystemException {
    refuseVirtual(path, Errno.EXDEV);
    refuseVirtual(newPath, Errno.EXDEV);
    link(caller, resolve(caller, path, path.length), keyOf(caller, newPath));
  }

  void link(Caller caller, long inode, NameKey key) throws FileSystemException {
    try {
      files.link(caller.user(), inode, key.parent(), key.name());
    } finally {
      changed(key);
      attributes.invalidate(inode);
    }
  }

  void unlink(Caller caller, byte[] path) throws FileSystemException {
    String virtualPath = virtualPath(path);
    if (virtualPath != null) {
      virtual.unlink(caller, virtualPath);
      return;
    }
    unlink(caller, keyOf(caller, path));
  }

  void unlink(Caller caller, NameKey key) throws FileSystemException {
    long inode = known(caller, key);
    try {
      files.unlink(caller.user(), key.parent(), key.name());
    } finally {
      changed(key);
      // It may have other names, whose link count has changed.
      attributes.invalidate(inode);
    }
  }

  void removeDirectory(Caller caller, byte[] path) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    removeDirectory(caller, keyOf(caller, path));
  }

  void removeDirectory(Caller caller, NameKey key) throws FileSystemException {
    long inode = known(caller, key);
    try {
      files.removeDirectory(caller.user(), key.parent(), key.name());
    } finally {
      changed(key);
      attributes.invalidate(inode);
    }
  }

  void rename(Caller caller, byte[] path, byte[] newPath) throws FileSystemException {
    refuseVirtual(path, Errno.EXDEV);
    refuseVirtual(newPath, Errno.EXDEV);
    rename(caller, keyOf(caller, path), keyOf(caller, newPath));
  }

  void rename(Caller caller, NameKey key, NameKey newKey) throws FileSystemException {
    long inode = known(caller, key);
    long replaced = knownOrNone(caller, newKey);
    try {
      files.rename(
          caller.user(), key.parent(), key.name(), newKey.parent(), newKey.name(), /* flags= */ 0);
    } finally {
      changed(key);
      changed(newKey);
      attributes.invalidate(inode);
      attributes.invalidate(replaced);
    }
  }

  // ---- Open files

  OpenFile create(Caller caller, byte[] path, int mode, int flags) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    NameKey key = keyOf(caller, path);
    boolean exclusive = (flags & Fcntl.O_EXCL) != 0;
    try {
      FileSystem.Handle handle =
          files.create(
              caller.user(),
              key.parent(),
              key.name(),
              mode & FileMode.PERMISSION_MASK,
              exclusive,
              accessOf(flags));
      return opened(caller, handle, flags);
    } finally {
      changed(key);
    }
  }

  OpenFile open(Caller caller, byte[] path, int flags) throws FileSystemException {
    refuseVirtual(path, Errno.EPERM);
    long inode = resolve(caller, path, path.length);
    return opened(caller, files.open(caller.user(), inode, accessOf(flags)), flags);
  }

  private OpenFile opened(Caller caller, FileSystem.Handle handle, int flags)
      throws FileSystemException {
    boolean forWrite = accessOf(flags).writes();
    long inode = handle.inode().inode();
    WrittenFile written = WrittenFile.NONE;
    if (forWrite) {
      written =
          writers.merge(inode, WrittenFile.openedOnce(), (known, first) -> known.withOpens(+1));
      attributes.invalidate(inode);
    }
    OpenFile file = new OpenFile(handle, written, isDirect(inode, flags));
    if (forWrite && (flags & Fcntl.O_TRUNC) != 0 && endOf(file) > 0) {
      try {
        truncate(caller, inode, 0);
      } catch (FileSystemException e) {
        release(file);
        throw e;
      }
    }
    return file;
  }

  /**
   * Writes; with O_APPEND at the end of the file, which the kernel may not know when a ring has
   * extended it.
   */
  static int write(OpenFile file, Request request) throws FileSystemException {
    int written;
    if (request.appends()) {
      written = append(file, request);
    } else {
      written = write(file, request, request.fileOffset);
    }
    int flags = request.openFlags();
    if ((flags & Fcntl.O_SYNC) == Fcntl.O_SYNC) {
      file.handle().fsync();
    } else if ((flags & Fcntl.O_DSYNC) != 0) {
      file.handle().fdatasync();
    }
    return written;
  }

  /** Each name of a file has appenders of its own, as the kernel sees it. */
  private static int append(OpenFile file, Request request) throws FileSystemException {
    file.written().awaitAppend(request.place());
    try {
      return write(file, request, Math.max(request.fileOffset, endOf(file)));
    } finally {
      file.written().appended();
    }
  }

  /** As {@link #write} if that does not wait; false when nothing was written. */
  static boolean tryWrite(OpenFile file, Request request) {
    long offset = request.fileOffset;
    int length = request.lengthBytes;
    boolean mustSync = (request.openFlags() & Fcntl.O_DSYNC) != 0;
    if (mustSync || !file.handle().tryWrite(offset, request.payload(), length)) {
      return false;
    }
    file.written().wroteTo(offset + length);
    return true;
  }

  private static int write(OpenFile file, Request request, long offset) throws FileSystemException {
    int written = file.handle().write(offset, request.payload(), request.lengthBytes);
    file.written().wroteTo(offset + written);
    return written;
  }

  /** What storage has acknowledged, rings' writes included, or what is buffered behind it. */
  private static long endOf(OpenFile file) {
    return Math.max(file.handle().inode().lengthBytes(), file.written().endBytes());
  }

  void punchHole(OpenFile file, long from, long to) throws FileSystemException {
    try {
      file.handle().punchHole(from, to);
    } finally {
      attributes.invalidate(file.inode());
    }
  }

  void release(OpenFile file) throws FileSystemException {
    try {
      file.handle().release();
    } finally {
      if (file.forWrite()) {
        writers.computeIfPresent(
            file.inode(), (inode, known) -> known.opens() == 1 ? null : known.withOpens(-1));
        attributes.invalidate(file.inode());
      }
    }
  }

  // ---- Directories

  OpenDirectory openDirectory(Caller caller, byte[] path) throws FileSystemException {
    String virtualPath = virtualPath(path);
    if (virtualPath != null) {
      long handle = virtual.openDirectory(caller, virtualPath);
      return new OpenDirectory(0, virtualPath, handle);
    }
    return new OpenDirectory(resolve(caller, path, path.length), null, 0);
  }

  void list(Caller caller, OpenDirectory directory, EntrySink sink) throws FileSystemException {
    String virtualPath = directory.virtualPath();
    if (virtualPath != null) {
      listVirtual(caller, virtualPath, sink);
      return;
    }
    boolean root = directory.inode() == Inodes.ROOT;
    Attributes self = attributes(caller, directory.inode());
    long parent = root || self.parent() == 0 ? directory.inode() : self.parent();
    sink.onEntry(SELF, directory.inode(), FileMode.DIRECTORY);
    sink.onEntry(PARENT, parent, FileMode.DIRECTORY);
    if (root) {
      sink.onEntry(VIRTUAL_NAME, virtual.lookup(caller, "").inode(), FileMode.DIRECTORY);
    }
    list(
        caller,
        directory.inode(),
        (inode, mode, name) -> {
          if (!root || !Arrays.equals(name, VIRTUAL_NAME)) {
            sink.onEntry(name, inode, mode);
          }
          return true;
        });
  }

  void list(Caller caller, long inode, FileSystem.EntryVisitor entries) throws FileSystemException {
    files.list(caller.user(), inode, entries);
  }

  /** The name that a directory has now; looks through all that are beside it. */
  NameKey nameOf(Caller caller, long inode) throws FileSystemException {
    long parent = files.attributes(caller.user(), inode).parent();
    NameKey[] found = new NameKey[1];
    list(
        caller,
        parent,
        (child, mode, name) -> {
          if (child == inode) {
            found[0] = new NameKey(parent, name);
          }
          return child != inode;
        });
    if (found[0] == null) {
      throw new FileSystemException(Errno.ENOENT, "removed already; observed=inode " + inode);
    }
    return found[0];
  }

  void releaseDirectory(OpenDirectory directory) {
    if (directory.virtualPath() != null) {
      virtual.releaseDirectory(directory.virtualHandle());
    }
  }

  FileSystem.Space space() throws FileSystemException {
    return files.space();
  }

  private void listVirtual(Caller caller, String path, EntrySink sink) throws FileSystemException {
    long self = virtual.lookup(caller, path).inode();
    int slash = path.lastIndexOf('/');
    long parent =
        path.isEmpty()
            ? Inodes.ROOT
            : virtual.lookup(caller, path.substring(0, Math.max(slash, 0))).inode();
    sink.onEntry(SELF, self, FileMode.DIRECTORY);
    sink.onEntry(PARENT, parent, FileMode.DIRECTORY);
    for (String name : virtual.list(caller, path)) {
      Attributes child;
      try {
        child = virtual.lookup(caller, path.isEmpty() ? name : path + "/" + name);
      } catch (FileSystemException gone) {
        continue;
      }
      sink.onEntry(
          name.getBytes(StandardCharsets.UTF_8), child.inode(), child.mode() & FileMode.TYPE_MASK);
    }
  }

  // ---- Resolution

  /** The inode of the first {@code length} bytes of a path. */
  private long resolve(Caller caller, byte[] path, int length) throws FileSystemException {
    long inode = Inodes.ROOT;
    int at = 1;
    while (at < length) {
      int end = at;
      while (end < length && path[end] != '/') {
        end++;
      }
      NameKey key = new NameKey(inode, Arrays.copyOfRange(path, at, end));
      Long cached = names.get(key, clockNs.getAsLong());
      inode = cached != null ? cached : lookup(caller, key).inode();
      at = end + 1;
    }
    return inode;
  }

  /** The parent and name that a path other than the root's ends in. */
  NameKey keyOf(Caller caller, byte[] path) throws FileSystemException {
    int slash = path.length - 1;
    while (path[slash] != '/') {
      slash--;
    }
    assert slash < path.length - 1 : "a path ends in a name";
    long parent = resolve(caller, path, slash);
    return new NameKey(parent, Arrays.copyOfRange(path, slash + 1, path.length));
  }

  private Attributes lookup(Caller caller, NameKey key) throws FileSystemException {
    long stamp = names.stamp();
    Attributes found = files.lookup(caller.user(), key.parent(), key.name());
    names.put(key, found.inode(), stamp, clockNs.getAsLong());
    return found;
  }

  /** The inode of a name that should be there. */
  long known(Caller caller, NameKey key) throws FileSystemException {
    Long cached = names.get(key, clockNs.getAsLong());
    return cached != null ? cached : lookup(caller, key).inode();
  }

  private long knownOrNone(Caller caller, NameKey key) throws FileSystemException {
    try {
      return known(caller, key);
    } catch (FileSystemException e) {
      if (e.errno() == Errno.ENOENT) {
        return 0;
      }
      throw e;
    }
  }

  /** A name now means something else, and its directory's times have changed. */
  private void changed(NameKey key) {
    names.invalidate(key);
    attributes.invalidate(key.parent());
  }

  /** A lookup's attributes may lack what an open file has buffered. */
  private Attributes settle(Caller caller, Attributes found, long stamp)
      throws FileSystemException {
    if (found.isRegular() && writers.containsKey(found.inode())) {
      return files.attributes(caller.user(), found.inode());
    }
    return keep(found, stamp);
  }

  private Attributes keep(Attributes found, long stamp) {
    // An open that comes after this test invalidates, which the stamp shows (I6).
    if (!found.isRegular() || !writers.containsKey(found.inode())) {
      attributes.put(found.inode(), found, stamp, clockNs.getAsLong());
    }
    return found;
  }

  private boolean isDirect(long inode, int flags) {
    if ((flags & Fcntl.O_NONBLOCK) != 0) {
      return false;
    }
    return options.pageCache() == MountOptions.PageCache.ON_REQUEST
        || accessOf(flags).writes()
        || writers.containsKey(inode);
  }

  /** The fourth mode, for ioctl alone, needs permission for both. */
  private static Access accessOf(int flags) {
    return switch (flags & ACCESS_MODE_MASK) {
      case Fcntl.O_RDONLY -> Access.READ;
      case Fcntl.O_WRONLY -> Access.WRITE;
      default -> Access.READ_WRITE;
    };
  }

  private static boolean isRoot(byte[] path) {
    return path.length == 1;
  }

  /** A path below the virtual directory, relative to it; null for any other. */
  private static @Nullable String virtualPath(byte[] path) {
    int prefix = VIRTUAL.length;
    if (path.length < prefix
        || !Arrays.equals(path, 0, prefix, VIRTUAL, 0, prefix)
        || (path.length > prefix && path[prefix] != '/')) {
      return null;
    }
    int from = Math.min(prefix + 1, path.length);
    return new String(path, from, path.length - from, StandardCharsets.UTF_8);
  }

  private static void refuseVirtual(byte[] path, int errno) throws FileSystemException {
    if (virtualPath(path) != null) {
      throw new FileSystemException(errno, "not in the virtual directory");
    }
  }
}
