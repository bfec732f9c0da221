package io.lampyris.client;

import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.Attributes;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.locks.ReentrantLock;
import org.jspecify.annotations.Nullable;

/**
 * An inode that somebody here holds open or is changing: its lock, counts of handles, write buffer,
 * and what metadata has not heard yet. Any thread but a reactor's; guarded by {@link #lock} unless
 * said otherwise.
 *
 * <p>The lock is held across calls to services: what changes one inode's length, times or chunks
 * happens one after the other. Reads do not take it while the buffer is clean.
 */
final class InodeState implements OpenInode.WriteBack {
  /** How much of an inode's metadata a flush is to leave behind. */
  enum Sync {
    /** Metadata hears of it, and keeps it in its own time. */
    LATER,
    /** The length survives a crash, as fdatasync(2) asks. */
    DURABLE_LENGTH,
    /** Times, too. */
    DURABLE
  }

  private static final long UNCHANGED = MetaClient.UNCHANGED;

  final long number;
  final ReentrantLock lock = new ReentrantLock();
  private final ClientServices services;

  private volatile @Nullable OpenInode open;
  private volatile @Nullable WriteBuffer buffer;
  private final Openers openers = new Openers();
  private int handles;

  /** Taken out of the table: whoever waited for the lock looks again. */
  boolean dead;

  /** No name is left, so the last close makes work for the janitor. */
  boolean unlinked;

  private long syncedLengthBytes;

  /** What metadata has said to survive a crash; negative when it has not. */
  private long durableLengthBytes = UNCHANGED;

  /** When bytes changed that metadata has not heard of; negative when it knows. */
  private volatile long pendingMtimeNs = UNCHANGED;

  /** When metadata took the last report, of the monotonic clock. */
  private volatile long toldNs = System.nanoTime();

  InodeState(long number, ClientServices services) {
    this.number = number;
    this.services = services;
  }

  boolean isOpen() {
    return handles > 0;
  }

  /** Any thread. */
  boolean isOpenForWrite() {
    return openers.mayUse(User.ROOT.uid(), true) == 0;
  }

  /**
   * Whether a user holds it open for reading or for writing; 0, EBADF or EACCES. Any thread, a
   * reactor's too.
   */
  int mayUse(int uid, boolean forWrite) {
    return openers.mayUse(uid, forWrite);
  }

  /** The inode while it is open. Any thread. */
  @Nullable OpenInode openInode() {
    return open;
  }

  WriteBuffer buffer() {
    WriteBuffer current = buffer;
    assert current != null : "an open inode has a buffer";
    return current;
  }

  private OpenInode inode() {
    OpenInode current = open;
    assert current != null : "the inode is open";
    return current;
  }

  /** A handle was opened, and metadata has recorded it. */
  OpenInode attach(Attributes attributes, int uid, Access access) {
    OpenInode inode = open;
    if (inode == null) {
      inode =
          new OpenInode(
              number,
              attributes.layout(),
              attributes.lengthBytes(),
              attributes.truncateVersion(),
              services::changed);
      // While nobody here had it open, others could change it unheard.
      services.changed(number);
      WriteBuffer made = services.newWriteBuffer(inode);
      syncedLengthBytes = attributes.lengthBytes();
      durableLengthBytes = UNCHANGED;
      inode.writeBack(this);
      buffer = made;
      open = inode;
    }
    handles++;
    openers.add(uid, access);
    merge(attributes);
    return inode;
  }

  /** A handle ends; the last one ends the session, whatever happens. */
  void detach(int uid, Access access) throws FileSystemException {
    assert handles > 0 : "a handle is released once";
    buffer().drain();
    handles--;
    openers.remove(uid, access);
    if (handles > 0) {
      return;
    }
    OpenInode inode = inode();
    takeModified(inode);
    open = null;
    services.meta().close(number, changedLength(inode), inode.truncateVersion(), pendingMtimeNs);
  }

  private long changedLength(OpenInode inode) {
    long length = inode.lengthBytes();
    return length == syncedLengthBytes ? UNCHANGED : length;
  }

  /** Buffers bytes. */
  int write(long offset, MemorySegment from, int length) throws FileSystemException {
    int written = buffer().write(offset, from, length);
    services.changed(number);
    pendingMtimeNs = services.wallClockNs();
    return written;
  }

  /** Makes bytes zeros in storage; nothing when there are none. */
  void zero(long from, long to) throws FileSystemException {
    buffer().zero(from, to);
  }

  /** Bytes have become zeros. */
  void holed() {
    inode().changed();
    pendingMtimeNs = services.wallClockNs();
  }

  /** Waits for buffered bytes that a read of a range has to see; cheap when there are none. */
  void beforeRead(long offset, int length) {
    WriteBuffer current = buffer();
    if (!current.isDirty()) {
      return;
    }
    lock.lock();
    try {
      long end = offset + length;
      // Bytes past what storage knows make what lies before them a hole, not the end of the file.
      if (end > inode().lengthBytes() && current.end() > inode().lengthBytes()) {
        current.drain();
      } else {
        current.drain(offset, end);
      }
    } finally {
      lock.unlock();
    }
  }

  /**
   * Whether a read of a range sees all bytes that were written, though it waits for none. Any
   * thread, a reactor's too.
   */
  boolean mayReadNow(long offset, int length) {
    WriteBuffer current = buffer();
    if (!current.isDirty()) {
      return true;
    }
    if (!lock.tryLock()) {
      return false;
    }
    try {
      long end = offset + length;
      boolean hole = end > inode().lengthBytes() && current.end() > inode().lengthBytes();
      return !hole && !current.overlaps(offset, end);
    } finally {
      lock.unlock();
    }
  }

  /** Buffers bytes if that waits for nothing. */
  boolean tryWrite(long offset, MemorySegment from, int length) {
    if (!buffer().tryWrite(offset, from, length)) {
      return false;
    }
    services.changed(number);
    pendingMtimeNs = services.wallClockNs();
    return true;
  }

  /**
   * Sends all buffered bytes, waits for them, and tells metadata. If they do not extend the file
   * metadata is told meanwhile, for it would hear the same afterwards (package I6).
   */
  void settle(Sync how) throws FileSystemException {
    WriteBuffer current = buffer();
    OpenInode inode = inode();
    boolean grows = current.end() > inode.lengthBytes();
    current.send();
    if (grows || how == Sync.LATER) {
      current.drain();
    }
    boolean known = how == Sync.DURABLE_LENGTH && durableLengthBytes == inode.lengthBytes();
    try {
      if (!known) {
        sync(how != Sync.LATER);
      }
    } finally {
      current.drain();
    }
  }

  /**
   * Tells metadata the length and modification time.
   *
   * @param durable whether to wait until they, and all else of the inode, survive a crash
   */
  void sync(boolean durable) throws FileSystemException {
    OpenInode inode = open;
    if (inode == null) {
      return;
    }
    takeModified(inode);
    long length = inode.lengthBytes();
    long mtimeNs = pendingMtimeNs;
    if (!durable && length == syncedLengthBytes && mtimeNs == UNCHANGED) {
      return;
    }
    long report = length == syncedLengthBytes ? UNCHANGED : length;
    boolean taken = services.meta().sync(number, report, inode.truncateVersion(), mtimeNs, durable);
    if (taken) {
      syncedLengthBytes = length;
      durableLengthBytes = durable ? length : durableLengthBytes;
    } else {
      // Another client truncated the file: its length stands.
      merge(services.meta().attributes(User.ROOT, number));
      services.meta().sync(number, UNCHANGED, inode.truncateVersion(), mtimeNs, durable);
    }
    toldNs = System.nanoTime();
    pendingMtimeNs = UNCHANGED;
  }

  /** Whether an answer that was asked for then may be older than what {@link #merge} adds. */
  boolean wasToldSince(long thenNs) {
    return toldNs - thenNs >= 0;
  }

  private void takeModified(OpenInode inode) {
    if (inode.isModified()) {
      // In this order: who merges always finds one of them.
      pendingMtimeNs = services.wallClockNs();
      inode.clearModified();
    }
  }

  /** The modification time is about to be set: earlier writes have nothing to say about it. */
  void forgetModified() {
    pendingMtimeNs = UNCHANGED;
    OpenInode inode = open;
    if (inode != null) {
      inode.clearModified();
    }
  }

  /** The file has a new length by this client's doing. */
  void truncated(Attributes attributes) {
    OpenInode inode = open;
    if (inode != null) {
      inode.truncated(attributes.lengthBytes(), attributes.truncateVersion());
      syncedLengthBytes = attributes.lengthBytes();
      durableLengthBytes = UNCHANGED;
    }
    forgetModified();
  }

  /** Learns what other clients did, and adds what metadata does not know yet. Any thread. */
  Attributes merge(Attributes attributes) {
    OpenInode inode = open;
    WriteBuffer current = buffer;
    if (inode == null || current == null) {
      return attributes;
    }
    if (attributes.truncateVersion() > inode.truncateVersion() && lock.isHeldByCurrentThread()) {
      inode.truncated(attributes.lengthBytes(), attributes.truncateVersion());
      syncedLengthBytes = attributes.lengthBytes();
      durableLengthBytes = UNCHANGED;
    } else if (attributes.truncateVersion() == inode.truncateVersion()) {
      inode.extendTo(attributes.lengthBytes());
    }
    boolean modified = inode.isModified();
    long pending = pendingMtimeNs;
    if (pending == UNCHANGED && modified) {
      pending = services.wallClockNs();
    }
    return new Attributes(
        attributes.inode(),
        attributes.mode(),
        attributes.uid(),
        attributes.gid(),
        attributes.linkCount(),
        Math.max(inode.lengthBytes(), current.end()),
        attributes.atimeNs(),
        pending == UNCHANGED ? attributes.mtimeNs() : pending,
        Math.max(attributes.ctimeNs(), pending),
        attributes.truncateVersion(),
        attributes.parent(),
        attributes.layout());
  }

  @Override
  public boolean isDirty() {
    WriteBuffer current = buffer;
    return current != null && current.isDirty();
  }

  @Override
  public void flushBefore(FileIo io) {
    services.flushBefore(this, io);
  }
}
