package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.client.ClientAccess;
import io.lampyris.client.DataPath;
import io.lampyris.client.FileIo;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.OpenInode;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Agent;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.BitSet;
import java.util.Random;
import org.agrona.collections.Long2ObjectHashMap;
import org.jspecify.annotations.Nullable;

/**
 * Files in memory behind the client's seam: an honest data path that completes in any order, some
 * at once and some later. Files are opened before the reactor runs I/O on them.
 */
final class MemoryFiles implements DataPath, Agent, OpenInodes {
  static final int SECTOR_BYTES = 512;
  private static final int PENDING_MAX = 1 << 16;

  /** A file of fixed capacity; sectors that were never written are holes. */
  static final class MemoryFile {
    final OpenInode inode;
    final boolean writable;
    final MemorySegment bytes;
    final BitSet written;

    /** Who holds it open; null for everybody. */
    volatile @Nullable User opener;

    volatile long lengthBytes;

    MemoryFile(long inode, boolean writable, int capacityBytes, Arena arena) {
      this.inode = ClientAccess.open(inode, 0);
      this.writable = writable;
      bytes = arena.allocate(capacityBytes, 8);
      written = new BitSet(capacityBytes / SECTOR_BYTES);
    }

    private long read(FileIo io) {
      long length = Math.max(0, Math.min(io.lengthBytes, lengthBytes - io.fileOffset));
      if ((io.flags & FileIo.FORBID_HOLES) != 0 && hasHole(io.fileOffset, length)) {
        return Status.HOLE.code();
      }
      boolean there =
          length == 0
              || ShrinkableMemory.copy(bytes, io.fileOffset, io.memory, io.memoryOffset, length);
      return there ? length : Status.MEMORY_FAULT.code();
    }

    private long write(FileIo io) {
      long end = io.fileOffset + io.lengthBytes;
      if (end > bytes.byteSize()) {
        return Status.NO_SPACE.code();
      }
      if (!ShrinkableMemory.copy(
          io.memory, io.memoryOffset, bytes, io.fileOffset, io.lengthBytes)) {
        return Status.MEMORY_FAULT.code();
      }
      mark(io.fileOffset, io.lengthBytes);
      lengthBytes = Math.max(lengthBytes, end);
      return io.lengthBytes;
    }

    void mark(long offset, long length) {
      written.set((int) (offset / SECTOR_BYTES), (int) ((offset + length - 1) / SECTOR_BYTES) + 1);
    }

    private boolean hasHole(long offset, long length) {
      int first = (int) (offset / SECTOR_BYTES);
      return length > 0
          && written.nextClearBit(first) <= (int) ((offset + length - 1) / SECTOR_BYTES);
    }
  }

  private final Long2ObjectHashMap<MemoryFile> files = new Long2ObjectHashMap<>();
  private final Arena arena = Arena.ofShared();
  private final Random random;
  private final @Nullable FileIo[] pending = new FileIo[PENDING_MAX];
  private int pendingCount;

  /** No I/O completes while this is set. */
  volatile boolean holding;

  /** How many I/Os were ever submitted. */
  volatile int submitted;

  MemoryFiles(long seed) {
    random = new Random(seed);
  }

  /** Before I/O begins. */
  MemoryFile create(long inode, boolean writable, int capacityBytes) {
    MemoryFile file = new MemoryFile(inode, writable, capacityBytes, arena);
    files.put(inode, file);
    return file;
  }

  @Override
  public OpenInode openInode(User user, long inode, boolean forWrite) throws FileSystemException {
    MemoryFile file = files.get(inode);
    User opener = file == null ? null : file.opener;
    if (file == null || (opener != null && !opener.equals(user))) {
      throw new FileSystemException(Errno.EBADF, "not open");
    }
    if (forWrite && !file.writable) {
      throw new FileSystemException(Errno.EACCES, "open for reading");
    }
    return file.inode;
  }

  @Override
  @SuppressWarnings("NonAtomicVolatileUpdate") // one writer
  public void submit(FileIo io) {
    submitted++;
    if (!holding && random.nextInt(8) == 0) {
      complete(io);
    } else {
      pending[pendingCount++] = io;
    }
  }

  @Override
  public int inFlight() {
    return pendingCount;
  }

  @Override
  public String roleName() {
    return "memory-files";
  }

  @Override
  public int doWork(long nowNs) {
    int done = 0;
    while (pendingCount > 0 && !holding && (done == 0 || random.nextInt(4) != 0)) {
      int any = random.nextInt(pendingCount);
      FileIo io = pending[any];
      pending[any] = pending[--pendingCount];
      pending[pendingCount] = null;
      assert io != null : "pending I/Os are dense";
      complete(io);
      done++;
    }
    return done;
  }

  private void complete(FileIo io) {
    MemoryFile file = files.get(io.inode.inode());
    assert file != null : "open inodes are ours";
    ClientAccess.complete(io, io.write ? file.write(io) : file.read(io));
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return pendingCount == 0 || holding;
  }
}
