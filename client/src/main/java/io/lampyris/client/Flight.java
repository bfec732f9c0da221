package io.lampyris.client;

import io.lampyris.reactor.InboxTask;
import java.lang.foreign.MemorySegment;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * One read or write that a thread handed to the data path's reactor. Any thread launches and
 * awaits; the reactor runs it.
 *
 * <p>A pooled buffer goes home when both sides are through with it: the data path has completed,
 * and the thread has said {@link #release}.
 */
final class Flight extends FileIo implements InboxTask {
  private final ReactorDataPath dataPath;
  private final @Nullable MemoryPool pool;
  private final CountDownLatch landed = new CountDownLatch(1);
  private final AtomicInteger holders = new AtomicInteger(2);
  private volatile long result;

  /**
   * A flight in the making.
   *
   * @param pool where {@code memory} belongs; null when it is the caller's own
   */
  Flight(ReactorDataPath dataPath, OpenInode inode, boolean write, @Nullable MemoryPool pool) {
    this.dataPath = dataPath;
    this.inode = inode;
    this.write = write;
    this.pool = pool;
  }

  Flight range(long fileOffset, MemorySegment memory, long memoryOffset, int lengthBytes) {
    this.fileOffset = fileOffset;
    this.memory = memory;
    this.memoryOffset = memoryOffset;
    this.lengthBytes = lengthBytes;
    return this;
  }

  Flight launch() {
    dataPath.context().offer(this);
    return this;
  }

  @Override
  public void onReactor(long nowNs) {
    dataPath.submit(this);
  }

  @Override
  boolean isInternal() {
    return true;
  }

  @Override
  protected void onComplete(long result) {
    this.result = result;
    release();
    landed.countDown();
  }

  /** One side needs the buffer no more. */
  void release() {
    if (holders.decrementAndGet() == 0 && pool != null) {
      pool.give(memory);
    }
  }

  boolean hasLanded() {
    return landed.getCount() == 0;
  }

  boolean overlaps(long from, long to) {
    return fileOffset < to && from < fileOffset + lengthBytes;
  }

  /** Waits without giving way to interrupts, for the memory is the data path's until then. */
  long await() {
    Waiting.uninterruptibly(landed);
    return result;
  }
}
