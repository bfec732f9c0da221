package io.lampyris.reactor.device;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.UringClient;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayDeque;
import org.jspecify.annotations.Nullable;

/**
 * A file or block device behind a reactor's io_uring. Owner: reactor.
 *
 * <p>Requests beyond the queue depth, or beyond the room in the ring, wait in a list and go in as
 * others complete. Flush is {@code fdatasync}, which on a buffered file writes its memory-mapped
 * pages back too. Small transfers of a file on tmpfs are done at once, without the ring.
 */
public final class UringDevice implements Device, UringClient, InboxTask {
  private static final int DEPTH_MAX = 256;
  private static final int UNKNOWN = -2;
  private static final int DIRECT_ALIGNMENT_BYTES = 4096;

  /**
   * Of a file in memory: the kernel gives each transfer there to a thread of its own, to wait for
   * what never waits. From this length on that is worth its price, for the thread copies beside us.
   */
  private static final int IN_LINE_MAX_BYTES = 64 << 10;

  private static final int DISCARD_MODE = Fcntl.FALLOC_FL_PUNCH_HOLE | Fcntl.FALLOC_FL_KEEP_SIZE;

  private final Reactor reactor;
  private final IoUring uring;
  private final int client;
  private final String name;
  private final int fd;
  private final long sizeBytes;
  private final boolean isDisk;
  private final int alignmentBytes;

  /** A file on tmpfs, to be copied from; empty for what is not in memory. */
  private final MemorySegment mapped;

  private final @Nullable IoRequest[] slots = new IoRequest[DEPTH_MAX];
  private final int[] freeSlots = new int[DEPTH_MAX];
  private int freeCount;
  private final RequestQueue waiting = new RequestQueue();
  private int inFlight;

  /** Transfers that were done when they were submitted, and are told of in the next cycle (I1). */
  private final ArrayDeque<IoRequest> done = new ArrayDeque<>(DEPTH_MAX);

  private boolean telling;

  /** Among the ring's registered files; found out at the first transfer. */
  private int fileSlot = UNKNOWN;

  private UringDevice(
      Reactor reactor,
      String name,
      int fd,
      long sizeBytes,
      boolean isDisk,
      int alignmentBytes,
      MemorySegment mapped) {
    this.reactor = reactor;
    this.uring = reactor.uring();
    this.client = reactor.register(this);
    this.name = name;
    this.fd = fd;
    this.sizeBytes = sizeBytes;
    this.isDisk = isDisk;
    this.alignmentBytes = alignmentBytes;
    this.mapped = mapped;
    for (int i = DEPTH_MAX - 1; i >= 0; i--) {
      freeSlots[freeCount++] = i;
    }
  }

  /**
   * Opens a file or block device; on any thread, for use on the reactor.
   *
   * @param direct past the page cache (O_DIRECT); otherwise through it
   * @throws IOException with the errno and a remedy
   */
  public static UringDevice open(Reactor reactor, Path path, boolean direct) throws IOException {
    int flags = Fcntl.O_RDWR | Fcntl.O_CLOEXEC | (direct ? Fcntl.O_DIRECT : 0);
    int fd = Libc.open(path.toString(), flags, 0);
    if (fd < 0) {
      throw new IOException(
          "cannot open device %s; observed=%s; remedy: check that it exists, is readable and writable%s"
              .formatted(
                  path,
                  Errno.describe(-fd),
                  direct ? ", and that its file system takes O_DIRECT" : ""));
    }
    boolean isDisk = Libc.isBlockDevice(fd) == 1;
    long size = isDisk ? Libc.blockDeviceSizeBytes(fd) : Libc.fileSize(fd);
    if (size < 0) {
      Libc.close(fd);
      throw new IOException(
          "cannot size device %s; observed=%s".formatted(path, Errno.describe((int) -size)));
    }
    int alignment = direct ? DIRECT_ALIGNMENT_BYTES : 1;
    boolean inMemory = size > 0 && !isDisk && Libc.statfs(path.toString()).isTmpfs();
    MemorySegment mapped =
        inMemory
            ? NativeMemory.map(fd, 0, size, Fcntl.PROT_READ, Fcntl.MAP_SHARED)
            : MemorySegment.NULL;
    return new UringDevice(reactor, path.toString(), fd, size, isDisk, alignment, mapped);
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public long sizeBytes() {
    return sizeBytes;
  }

  @Override
  public int alignmentBytes() {
    return alignmentBytes;
  }

  @Override
  public boolean wantsDiscards() {
    return isDisk;
  }

  @Override
  public int inFlight() {
    return inFlight;
  }

  @Override
  public void submit(IoRequest request) {
    assert reactor.inReactor() : "owner: reactor";
    assert !request.isInFlight() : "a request is submitted once at a time";
    assert request.fits(alignmentBytes, sizeBytes) : request.misfit(alignmentBytes, sizeBytes);
    request.doneBytes = 0;
    request.errno = 0;
    request.flushing = false;
    inFlight++;
    if (isInMemory() && request.isTransfer() && request.lengthBytes < IN_LINE_MAX_BYTES) {
      transferInLine(request);
    } else if (!waiting.isEmpty() || !start(request)) {
      waiting.add(request);
    }
  }

  // ---- in memory ----

  private boolean isInMemory() {
    return mapped.byteSize() > 0;
  }

  private void transferInLine(IoRequest request) {
    request.inLineResult = isCopied(request) ? request.lengthBytes : call(request);
    request.doneBytes = Math.max(0, request.inLineResult);
    request.waiting = true;
    done.add(request);
    if (!telling) {
      telling = true;
      reactor.offer(this);
    }
  }

  /**
   * A read without the kernel; false when either side has lost memory, and the kernel says which.
   */
  private boolean isCopied(IoRequest request) {
    return request.kind == IoRequest.Kind.READ
        && ShrinkableMemory.copy(
            mapped,
            request.deviceOffset,
            request.buffer,
            request.bufferOffset,
            request.lengthBytes);
  }

  /** Bytes or -errno. A flush of memory is nothing, so FUA is not either. */
  private int call(IoRequest request) {
    int moved = 0;
    while (moved < request.lengthBytes) {
      int length = request.lengthBytes - moved;
      MemorySegment memory = request.buffer.asSlice(request.bufferOffset + moved, length);
      long offset = request.deviceOffset + moved;
      long result =
          request.kind == IoRequest.Kind.READ
              ? Libc.pread(fd, memory, length, offset)
              : Libc.pwrite(fd, memory, length, offset);
      if (result == 0 || (result < 0 && result != -Errno.EINTR)) {
        return result == 0 ? moved : (int) result;
      }
      moved += (int) Math.max(0, result);
    }
    return moved;
  }

  /** Those that were done before this began: what they begin is told of in its turn. */
  @Override
  public void onReactor(long nowNs) {
    for (int left = done.size(); left > 0; left--) {
      IoRequest request = done.remove();
      request.waiting = false;
      inFlight--;
      request.onComplete(outcome(request, request.inLineResult));
    }
    telling = !done.isEmpty();
    if (telling) {
      reactor.offer(this);
    }
  }

  // ---- through the ring ----

  private boolean start(IoRequest request) {
    if (freeCount == 0) {
      return false;
    }
    int slot = freeSlots[freeCount - 1];
    if (!prepare(request, slot) && !(reactor.makeRoom() && prepare(request, slot))) {
      return false;
    }
    freeCount--;
    request.slot = slot;
    slots[slot] = request;
    return true;
  }

  private boolean prepare(IoRequest request, int slot) {
    long userData = Reactor.userData(client, slot);
    if (request.flushing) {
      return uring.prepFsync(fd, true, userData);
    }
    return switch (request.kind) {
      case READ, WRITE, WRITE_FUA -> prepareTransfer(request, userData);
      case FLUSH -> uring.prepFsync(fd, true, userData);
      case DISCARD ->
          uring.prepFallocate(
              fd, DISCARD_MODE, request.deviceOffset, request.discardBytes, userData);
    };
  }

  private boolean prepareTransfer(IoRequest request, long userData) {
    if (fileSlot == UNKNOWN) {
      fileSlot = reactor.registered().addFile(fd);
    }
    int file = fileSlot >= 0 ? fileSlot : fd;
    long address = request.buffer.address() + request.bufferOffset + request.doneBytes;
    long offset = request.deviceOffset + request.doneBytes;
    int length = request.lengthBytes - request.doneBytes;
    int fixed = reactor.registered().bufferOf(address, length);
    boolean prepared;
    if (request.kind == IoRequest.Kind.READ) {
      prepared =
          fixed >= 0
              ? uring.prepReadFixed(file, address, length, offset, fixed, userData)
              : uring.prepRead(file, address, length, offset, userData);
    } else {
      prepared =
          fixed >= 0
              ? uring.prepWriteFixed(file, address, length, offset, fixed, userData)
              : uring.prepWrite(file, address, length, offset, userData);
    }
    if (prepared && fileSlot >= 0) {
      uring.useRegisteredFile();
    }
    return prepared;
  }

  private void startWaiting() {
    for (IoRequest next = waiting.peek(); next != null && start(next); next = waiting.peek()) {
      waiting.remove();
    }
  }

  @Override
  public void onRoom() {
    startWaiting();
  }

  @Override
  public void onCompletion(int slot, int result, int flags) {
    IoRequest request = slots[slot];
    assert request != null && request.slot == slot : "completion of an empty slot " + slot;
    slots[slot] = null;
    freeSlots[freeCount++] = slot;
    request.slot = -1;
    if (result == -Errno.EINTR || result == -Errno.EAGAIN || advance(request, result)) {
      // Goes on: the rest of a short transfer, the flush behind a write, or another try.
      if (!waiting.isEmpty() || !start(request)) {
        waiting.add(request);
      }
      startWaiting();
      return;
    }
    inFlight--;
    startWaiting();
    request.onComplete(outcome(request, result));
  }

  /** Takes a step's result into account; whether another step follows. */
  private static boolean advance(IoRequest request, int result) {
    if (result < 0 || request.flushing) {
      return false;
    }
    return switch (request.kind) {
      case READ, WRITE -> {
        request.doneBytes += result;
        yield result > 0 && request.doneBytes < request.lengthBytes;
      }
      case WRITE_FUA -> {
        request.doneBytes += result;
        request.flushing = request.doneBytes == request.lengthBytes;
        yield result > 0;
      }
      case FLUSH, DISCARD -> false;
    };
  }

  private static long outcome(IoRequest request, int result) {
    if (result < 0) {
      request.errno = -result;
      return IoRequest.status(-result);
    }
    if (request.doneBytes < request.lengthBytes) {
      // The end of the device in the middle of a transfer (package I4).
      request.errno = Errno.EIO;
      return Status.DEVICE_ERROR.code();
    }
    return request.lengthBytes;
  }

  /**
   * Closes the file; nothing may be in flight. Any thread once the reactor has closed, or once it
   * has stopped using this.
   */
  @Override
  public void close() {
    assert inFlight == 0 : "closed with requests in flight: " + inFlight;
    reactor.unregister(client);
    if (fileSlot >= 0 && reactor.inReactor()) {
      reactor.registered().removeFile(fileSlot); // else the ring's end does it
    }
    if (isInMemory()) {
      NativeMemory.unmap(mapped);
    }
    Libc.close(fd);
  }
}
