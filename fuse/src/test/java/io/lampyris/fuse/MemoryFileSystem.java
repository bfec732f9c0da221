package io.lampyris.fuse;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileIo;
import io.lampyris.client.FileSystem;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.OpenInode;
import io.lampyris.client.TestInodes;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.HashMap;
import java.util.Map;
import java.util.Queue;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import org.jspecify.annotations.Nullable;

/**
 * A file system in memory, one lock around everything: the tests' model of what {@link FileSystem}
 * promises. Names are kept as Latin-1 strings, which hold any byte.
 */
final class MemoryFileSystem implements FileSystem {
  private static final int PIECE_BYTES = 64 << 10;
  private static final long CAPACITY_BYTES = 1L << 40;

  private static final class Node {
    final long inode;
    int mode;
    int uid;
    int gid;
    int links;
    long atimeNs;
    long mtimeNs;
    long ctimeNs;
    long parent;
    int opens;
    byte[] target = {};
    final TreeMap<String, Long> entries = new TreeMap<>();

    /** Pieces that were written; what is missing reads as zeros. */
    final TreeMap<Long, byte[]> pieces = new TreeMap<>();

    /** Knows what was flushed, as a client's does; {@link #length} knows all. */
    final OpenInode open;

    long length;
    int writers;

    Node(long inode, int mode, User user) {
      this.inode = inode;
      this.mode = mode;
      this.uid = user.uid();
      this.gid = user.gid();
      this.open = TestInodes.open(inode, 0);
      this.links = FileMode.isDirectory(mode) ? 2 : 1;
      long now = nowNs();
      atimeNs = now;
      mtimeNs = now;
      ctimeNs = now;
    }
  }

  private final Map<Long, Node> nodes = new HashMap<>();
  private final AtomicLong nextInode = new AtomicLong(Inodes.FIRST);
  final AtomicInteger openHandles = new AtomicInteger();
  final AtomicInteger fsyncs = new AtomicInteger();
  final AtomicInteger tries = new AtomicInteger();

  /** Reads that the reactor began. */
  final AtomicInteger begun = new AtomicInteger();

  final AtomicInteger readMaxBytes = new AtomicInteger();
  final AtomicInteger writeMaxBytes = new AtomicInteger();

  /** How many of the next reads that the reactor begins are not answered for now. */
  final AtomicInteger holdNext = new AtomicInteger();

  final Queue<Runnable> held = new ConcurrentLinkedQueue<>();

  final AtomicInteger lookups = new AtomicInteger();

  MemoryFileSystem() {
    Node root = new Node(Inodes.ROOT, FileMode.DIRECTORY | 0755, User.ROOT);
    root.parent = Inodes.ROOT;
    nodes.put(Inodes.ROOT, root);
  }

  /** On the reactor that began them. */
  void answerHeld() {
    for (Runnable answer = held.poll(); answer != null; answer = held.poll()) {
      answer.run();
    }
  }

  /** Writes as a ring does: behind the mount's back. */
  synchronized void writeAside(long inode, long offset, byte[] bytes) throws FileSystemException {
    Node node = node(inode);
    store(node, offset, MemorySegment.ofArray(bytes), bytes.length);
    flush(node);
  }

  @Override
  public synchronized Attributes lookup(User user, long parent, byte[] name)
      throws FileSystemException {
    lookups.incrementAndGet();
    return attributesOf(child(parent, name));
  }

  @Override
  public synchronized Attributes attributes(User user, long inode) throws FileSystemException {
    return attributesOf(node(inode));
  }

  @Override
  public synchronized Attributes setAttributes(
      User user, long inode, int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs)
      throws FileSystemException {
    Node node = node(inode);
    if ((mask & AttributeMask.MODE) != 0) {
      node.mode = (node.mode & FileMode.TYPE_MASK) | mode;
    }
    if ((mask & AttributeMask.UID) != 0) {
      node.uid = uid;
    }
    if ((mask & AttributeMask.GID) != 0) {
      node.gid = gid;
    }
    if ((mask & AttributeMask.ATIME) != 0) {
      node.atimeNs = atimeNs;
    }
    if ((mask & AttributeMask.MTIME) != 0) {
      node.mtimeNs = mtimeNs;
    }
    node.ctimeNs = nowNs();
    return attributesOf(node);
  }

  @Override
  public synchronized Attributes truncate(User user, long inode, long lengthBytes)
      throws FileSystemException {
    Node node = node(inode);
    long keep = lengthBytes / PIECE_BYTES;
    node.pieces.tailMap(keep, false).clear();
    byte[] last = node.pieces.get(keep);
    if (last != null && lengthBytes < node.length) {
      java.util.Arrays.fill(last, (int) (lengthBytes % PIECE_BYTES), PIECE_BYTES, (byte) 0);
    }
    node.length = lengthBytes;
    TestInodes.truncated(node.open, lengthBytes);
    touch(node);
    return attributesOf(node);
  }

  @Override
  public synchronized Attributes makeDirectory(User user, long parent, byte[] name, int mode)
      throws FileSystemException {
    Node node = add(user, parent, name, FileMode.DIRECTORY | mode);
    node.parent = parent;
    node(parent).links++;
    return attributesOf(node);
  }

  @Override
  public synchronized Attributes makeSymlink(User user, long parent, byte[] name, byte[] target)
      throws FileSystemException {
    Node node = add(user, parent, name, FileMode.SYMLINK | 0777);
    node.target = target;
    node.length = target.length;
    return attributesOf(node);
  }

  @Override
  public synchronized Attributes makeNode(User user, long parent, byte[] name, int mode)
      throws FileSystemException {
    return attributesOf(add(user, parent, name, mode));
  }

  @Override
  public synchronized byte[] readSymlink(User user, long inode) throws FileSystemException {
    return node(inode).target;
  }

  @Override
  public synchronized Attributes link(User user, long inode, long newParent, byte[] newName)
      throws FileSystemException {
    Node node = node(inode);
    enter(newParent, newName, inode);
    node.links++;
    node.ctimeNs = nowNs();
    return attributesOf(node);
  }

  @Override
  public synchronized void unlink(User user, long parent, byte[] name) throws FileSystemException {
    Node node = child(parent, name);
    if (FileMode.isDirectory(node.mode)) {
      throw new FileSystemException(Errno.EISDIR, "unlink of a directory");
    }
    leave(parent, name);
    drop(node);
  }

  @Override
  public synchronized void removeDirectory(User user, long parent, byte[] name)
      throws FileSystemException {
    Node node = child(parent, name);
    if (!FileMode.isDirectory(node.mode)) {
      throw new FileSystemException(Errno.ENOTDIR, "rmdir of a file");
    }
    if (!node.entries.isEmpty()) {
      throw new FileSystemException(Errno.ENOTEMPTY, "rmdir of a full directory");
    }
    leave(parent, name);
    node(parent).links--;
    nodes.remove(node.inode);
  }

  @Override
  public synchronized void rename(
      User user, long parent, byte[] name, long newParent, byte[] newName, int flags)
      throws FileSystemException {
    Node node = child(parent, name);
    Long there = node(newParent).entries.get(text(newName));
    if (there != null && there == node.inode) {
      return;
    }
    if (there != null) {
      if (FileMode.isDirectory(node(there).mode)) {
        removeDirectory(user, newParent, newName);
      } else {
        unlink(user, newParent, newName);
      }
    }
    leave(parent, name);
    enter(newParent, newName, node.inode);
    if (FileMode.isDirectory(node.mode)) {
      node(parent).links--;
      node(newParent).links++;
      node.parent = newParent;
    }
    node.ctimeNs = nowNs();
  }

  @Override
  public void list(User user, long inode, EntryVisitor entries) throws FileSystemException {
    TreeMap<String, Long> copy;
    synchronized (this) {
      copy = new TreeMap<>(directory(inode).entries);
    }
    for (Map.Entry<String, Long> entry : copy.entrySet()) {
      int mode;
      synchronized (this) {
        Node node = nodes.get(entry.getValue());
        mode = node == null ? FileMode.REGULAR : node.mode & FileMode.TYPE_MASK;
      }
      byte[] name = entry.getKey().getBytes(StandardCharsets.ISO_8859_1);
      if (!entries.onEntry(entry.getValue(), mode, name)) {
        return;
      }
    }
  }

  @Override
  public synchronized Space space() {
    return new Space(CAPACITY_BYTES, CAPACITY_BYTES / 2, nodes.size());
  }

  @Override
  public synchronized Handle create(
      User user, long parent, byte[] name, int mode, boolean exclusive, Access access)
      throws FileSystemException {
    Long there = directory(parent).entries.get(text(name));
    if (there != null && exclusive) {
      throw new FileSystemException(Errno.EEXIST, "create of a name that is taken");
    }
    Node node = there != null ? node(there) : add(user, parent, name, FileMode.REGULAR | mode);
    return opened(node, access.writes());
  }

  @Override
  public synchronized Handle open(User user, long inode, Access access) throws FileSystemException {
    Node node = node(inode);
    if (FileMode.isDirectory(node.mode)) {
      throw new FileSystemException(Errno.EISDIR, "open of a directory");
    }
    return opened(node, access.writes());
  }

  @Override
  public synchronized OpenInode openInode(User user, long inode, boolean forWrite)
      throws FileSystemException {
    Node node = node(inode);
    if (node.opens == 0) {
      throw new FileSystemException(Errno.EBADF, "not open");
    }
    if (forWrite && node.writers == 0) {
      throw new FileSystemException(Errno.EACCES, "open for reading only");
    }
    return node.open;
  }

  @Override
  public void close() {}

  private Handle opened(Node node, boolean forWrite) {
    node.opens++;
    node.writers += forWrite ? 1 : 0;
    openHandles.incrementAndGet();
    return new MemoryHandle(node, forWrite);
  }

  private final class MemoryHandle implements Handle {
    private final Node node;
    private final boolean forWrite;

    MemoryHandle(Node node, boolean forWrite) {
      this.node = node;
      this.forWrite = forWrite;
    }

    @Override
    public OpenInode inode() {
      return node.open;
    }

    @Override
    public Attributes attributes() {
      synchronized (MemoryFileSystem.this) {
        return attributesOf(node);
      }
    }

    @Override
    public int read(long offset, MemorySegment into, int length) {
      synchronized (MemoryFileSystem.this) {
        long end = Math.min(offset + length, node.length);
        long at = offset;
        while (at < end) {
          int in = (int) (at % PIECE_BYTES);
          int count = (int) Math.min(PIECE_BYTES - in, end - at);
          byte[] piece = node.pieces.get(at / PIECE_BYTES);
          if (piece == null) {
            into.asSlice(at - offset, count).fill((byte) 0);
          } else {
            MemorySegment.copy(piece, in, into, ValueLayout.JAVA_BYTE, at - offset, count);
          }
          at += count;
        }
        return (int) Math.max(0, end - offset);
      }
    }

    /** Every third has to wait, for the mount to need both ways. */
    @Override
    public boolean mayReadNow(FileIo io) {
      readMaxBytes.accumulateAndGet(io.lengthBytes, Math::max);
      return holdNext.get() > 0 || tries.incrementAndGet() % 3 != 0;
    }

    @Override
    public void readNow(FileIo io) {
      begun.incrementAndGet();
      Runnable answer =
          () -> {
            MemorySegment into = io.memory.asSlice(io.memoryOffset, io.lengthBytes);
            TestInodes.complete(io, read(io.fileOffset, into, io.lengthBytes));
          };
      if (holdNext.getAndUpdate(left -> Math.max(0, left - 1)) > 0) {
        held.add(answer);
      } else {
        answer.run();
      }
    }

    @Override
    public boolean tryWrite(long offset, MemorySegment from, int length) {
      if (!forWrite || tries.incrementAndGet() % 3 == 0) {
        return false;
      }
      synchronized (MemoryFileSystem.this) {
        store(node, offset, from, length);
      }
      return true;
    }

    @Override
    public int write(long offset, MemorySegment from, int length) throws FileSystemException {
      writeMaxBytes.accumulateAndGet(length, Math::max);
      if (!forWrite) {
        throw new FileSystemException(Errno.EBADF, "not open for writing");
      }
      synchronized (MemoryFileSystem.this) {
        store(node, offset, from, length);
        return length;
      }
    }

    @Override
    public void punchHole(long from, long to) throws FileSystemException {
      if (!forWrite) {
        throw new FileSystemException(Errno.EBADF, "not open for writing");
      }
      synchronized (MemoryFileSystem.this) {
        int length = (int) (Math.min(to, node.length) - from);
        if (length > 0) {
          store(node, from, MemorySegment.ofArray(new byte[length]), length);
        }
      }
    }

    @Override
    public void flush() {
      synchronized (MemoryFileSystem.this) {
        MemoryFileSystem.flush(node);
      }
    }

    @Override
    public void fsync() {
      flush();
      fsyncs.incrementAndGet();
    }

    @Override
    public void fdatasync() {
      fsync();
    }

    @Override
    public void release() {
      synchronized (MemoryFileSystem.this) {
        MemoryFileSystem.flush(node);
        openHandles.decrementAndGet();
        node.opens--;
        node.writers -= forWrite ? 1 : 0;
        if (node.links == 0 && node.opens == 0) {
          nodes.remove(node.inode);
        }
      }
    }
  }

  private static void store(Node node, long offset, MemorySegment from, int length) {
    int done = 0;
    while (done < length) {
      long at = offset + done;
      int in = (int) (at % PIECE_BYTES);
      int count = Math.min(PIECE_BYTES - in, length - done);
      byte[] piece = node.pieces.computeIfAbsent(at / PIECE_BYTES, i -> new byte[PIECE_BYTES]);
      MemorySegment.copy(from, ValueLayout.JAVA_BYTE, done, piece, in, count);
      done += count;
    }
    node.length = Math.max(node.length, offset + length);
    touch(node);
  }

  private static void flush(Node node) {
    TestInodes.extendTo(node.open, node.length);
  }

  private Node add(User user, long parent, byte[] name, int mode) throws FileSystemException {
    if (name.length > 255) {
      throw new FileSystemException(Errno.ENAMETOOLONG, "name of " + name.length);
    }
    Node node = new Node(nextInode.getAndIncrement(), mode, user);
    enter(parent, name, node.inode);
    nodes.put(node.inode, node);
    return node;
  }

  private void enter(long parent, byte[] name, long inode) throws FileSystemException {
    Node directory = directory(parent);
    if (directory.entries.putIfAbsent(text(name), inode) != null) {
      throw new FileSystemException(Errno.EEXIST, "name is taken");
    }
    touch(directory);
  }

  private void leave(long parent, byte[] name) throws FileSystemException {
    Node directory = directory(parent);
    directory.entries.remove(text(name));
    touch(directory);
  }

  private void drop(Node node) {
    node.links--;
    node.ctimeNs = nowNs();
    if (node.links == 0 && node.opens == 0) {
      nodes.remove(node.inode);
    }
  }

  private Node child(long parent, byte[] name) throws FileSystemException {
    Long inode = directory(parent).entries.get(text(name));
    if (inode == null) {
      throw new FileSystemException(Errno.ENOENT, "no such name");
    }
    return node(inode);
  }

  private Node directory(long inode) throws FileSystemException {
    Node node = node(inode);
    if (!FileMode.isDirectory(node.mode)) {
      throw new FileSystemException(Errno.ENOTDIR, "not a directory");
    }
    return node;
  }

  private Node node(long inode) throws FileSystemException {
    @Nullable Node node = nodes.get(inode);
    if (node == null) {
      throw new FileSystemException(Errno.ENOENT, "no such inode");
    }
    return node;
  }

  private static Attributes attributesOf(Node node) {
    return new Attributes(
        node.inode,
        node.mode,
        node.uid,
        node.gid,
        node.links,
        node.length,
        node.atimeNs,
        node.mtimeNs,
        node.ctimeNs,
        node.open.truncateVersion(),
        node.parent,
        FileLayout.NONE);
  }

  private static void touch(Node node) {
    node.mtimeNs = nowNs();
    node.ctimeNs = node.mtimeNs;
  }

  private static long nowNs() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static String text(byte[] name) {
    return new String(name, StandardCharsets.ISO_8859_1);
  }
}
