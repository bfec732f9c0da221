package io.lampyris.reactor;

import io.lampyris.bindings.uring.IoUring;
import java.lang.foreign.MemorySegment;
import java.util.Arrays;

/**
 * Files and transfer memory that the kernel has looked up once and for all, so that an operation
 * need not: files by slot, the buffer pool's arena and other memory as {@link RegisteredMemory}.
 * Where the kernel refuses (before Linux 5.19, or {@code ulimit -l} is low) operations go without.
 * Owner: reactor.
 */
public final class Registered {
  /** Not registered. */
  public static final int NONE = -1;

  /** Of memory outside the pool, for less than that nothing is gained. */
  static final int TRANSFER_MIN_BYTES = 16 << 10;

  private final IoUring uring;
  private final RegisteredMemory memory;
  private final int[] files;
  private boolean filesOpen;

  private final MemorySegment arena;

  Registered(Reactor reactor, IoUring uring, MemorySegment arena, int filesMax) {
    this.uring = uring;
    memory = new RegisteredMemory(reactor, uring);
    // Buffers of the pool are powers of two, so none of up to 1 MiB lies across a border.
    memory.expect(arena, 0);
    this.arena = arena;
    files = new int[filesMax];
    Arrays.fill(files, NONE);
  }

  /** On the reactor's thread, once the ring is its own. */
  void open() {
    filesOpen = uring.registerFiles(files) == 0;
    memory.open();
  }

  RegisteredMemory memory() {
    return memory;
  }

  /** The memory of the reactor's buffers. Any thread. */
  public MemorySegment arena() {
    return arena;
  }

  /** Tells of the pool's memory and of all that is expected, now and from now on. */
  public void watch(TransferMemory watcher) {
    memory.watch(watcher);
  }

  /** Tells no more. */
  public void unwatch(TransferMemory watcher) {
    memory.unwatch(watcher);
  }

  /** A slot for a file; or {@link #NONE}: use the descriptor. */
  public int addFile(int fd) {
    for (int slot = 0; filesOpen && slot < files.length; slot++) {
      if (files[slot] == NONE) {
        if (uring.updateFile(slot, fd) < 0) {
          return NONE;
        }
        files[slot] = fd;
        return slot;
      }
    }
    return NONE;
  }

  /** Gives a slot back; until then the kernel keeps the file open. */
  public void removeFile(int slot) {
    assert files[slot] != NONE : "a slot is given back once";
    files[slot] = NONE;
    uring.updateFile(slot, NONE);
  }

  /** The number of the registered buffer that holds a range of memory; or {@link #NONE}. */
  public int bufferOf(long address, int lengthBytes) {
    return memory.slotOf(address, lengthBytes);
  }
}
