package io.lampyris.bench.engine;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.chunkengine.store.UpdateOp;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.InboxTask;
import io.lampyris.reactor.Reactor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.SplittableRandom;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * Keeps a number of operations in flight on a target: each completion submits the next, until the
 * time or the count is up. Owner: reactor; {@link #run} on any other thread.
 */
final class Load implements Agent {
  static final int CHUNK_BYTES = 1 << 20;
  static final long INODE = 1;
  private static final int DEPTH_MAX = 64;
  private static final long SEED = 42;

  private final Reactor reactor;
  private final TargetStore store;
  private final int chunks;
  private final MemorySegment written;
  private final MemorySegment read;
  private final int[] blockCrcs = new int[DEPTH_MAX];
  private final int[] chunkCrcs = new int[DEPTH_MAX];
  private final Reading[] reads = new Reading[DEPTH_MAX];
  private final Writing[] writes = new Writing[DEPTH_MAX];

  // xorshift: a generator that allocates nothing and costs next to nothing.
  private long random = 0x9E3779B97F4A7C15L;

  private boolean writing;
  private int blockBytes;
  private boolean inOrder;
  private long left;
  private long nextChunk;
  private long deadlineNs;
  private int inFlight;
  private long completed;
  private long failure;
  private @Nullable CountDownLatch done;

  private final InboxTask startAgain = nowNs -> startAgain();
  private int depthAgain;
  private volatile boolean running;
  private volatile @Nullable Thread waiter;

  Load(Reactor reactor, TargetStore store, int chunks) {
    this.reactor = reactor;
    this.store = store;
    this.chunks = chunks;
    // In huge pages, as fio's: else where the pages happen to lie decides how requests are split.
    written = NativeMemory.allocateHuge((long) DEPTH_MAX * CHUNK_BYTES).segment();
    read = NativeMemory.allocateHuge((long) DEPTH_MAX * CHUNK_BYTES).segment();
    SplittableRandom bytes = new SplittableRandom(SEED);
    for (long at = 0; at < written.byteSize(); at += Long.BYTES) {
      written.set(ValueLayout.JAVA_LONG, at, bytes.nextLong());
    }
    Crc32c crc = new Crc32c();
    for (int i = 0; i < DEPTH_MAX; i++) {
      MemorySegment mine = written.asSlice((long) i * CHUNK_BYTES, CHUNK_BYTES);
      blockCrcs[i] = crc.of(mine, 0, 4 << 10);
      chunkCrcs[i] = crc.of(mine, 0, CHUNK_BYTES);
      reads[i] = new Reading(read, (long) i * CHUNK_BYTES);
      writes[i] = new Writing(mine, i);
    }
  }

  private final class Reading extends ReadOp {
    Reading(MemorySegment memory, long offset) {
      inode = INODE;
      payload = memory;
      payloadOffset = offset;
      payloadCapacityBytes = CHUNK_BYTES;
    }

    @Override
    protected void onComplete(long result) {
      completed(result);
      next(this);
    }
  }

  private final class Writing extends UpdateOp {
    private final int number;

    Writing(MemorySegment mine, int number) {
      this.number = number;
      inode = INODE;
      chunkSizeBytes = CHUNK_BYTES;
      payload = mine;
    }

    @Override
    protected void onComplete(long result) {
      completed(result);
      next(this);
    }
  }

  /** Writes every chunk once, in order. */
  void fill() throws InterruptedException {
    run(true, CHUNK_BYTES, 16, true, chunks, Long.MAX_VALUE);
  }

  /** Runs a workload for some time; returns how many operations completed. */
  long run(Workload load, long durationNs) throws InterruptedException {
    return run(load.writes, load.blockBytes, load.depth, durationNs);
  }

  /** Runs operations of this size, in chunks at random; returns how many completed. */
  long run(boolean writes, int blockBytes, int depth, long durationNs) throws InterruptedException {
    return run(writes, blockBytes, depth, false, Long.MAX_VALUE, durationNs);
  }

  private long run(
      boolean writes, int blockBytes, int depth, boolean inOrder, long count, long durationNs)
      throws InterruptedException {
    CountDownLatch latch = new CountDownLatch(1);
    long[] result = new long[2];
    reactor.offer(nowNs -> {
      this.done = latch;
      this.writing = writes;
      this.blockBytes = blockBytes;
      this.inOrder = inOrder;
      this.left = count;
      this.deadlineNs = durationNs == Long.MAX_VALUE ? Long.MAX_VALUE : nowNs + durationNs;
      this.nextChunk = 0;
      this.completed = 0;
      this.failure = 0;
      start(depth);
    });
    latch.await();
    CountDownLatch seen = new CountDownLatch(1);
    reactor.offer(nowNs -> {
      result[0] = completed;
      result[1] = failure;
      seen.countDown();
    });
    seen.await();
    if (result[1] != 0) {
      throw new IllegalStateException(
          "an operation failed; observed=%s after %d operations"
              .formatted(Status.of(result[1]), result[0]));
    }
    return result[0];
  }

  /**
   * Runs so many operations, in chunks at random, and leaves no garbage: for counting that of
   * others. One thread at a time.
   */
  void runAgain(boolean writes, int blockBytes, int depth, long count) {
    this.writing = writes;
    this.blockBytes = blockBytes;
    this.depthAgain = depth;
    this.left = count;
    this.waiter = Thread.currentThread();
    this.running = true;
    reactor.offer(startAgain);
    while (running) {
      LockSupport.park(this);
    }
    if (failure != 0) {
      throw new IllegalStateException("an operation failed; observed=" + Status.of(failure));
    }
  }

  private void startAgain() {
    inOrder = false;
    deadlineNs = Long.MAX_VALUE;
    completed = 0;
    failure = 0;
    start(depthAgain);
  }

  private void ended() {
    CountDownLatch latch = done;
    if (latch != null) {
      done = null;
      latch.countDown();
    } else {
      running = false;
      LockSupport.unpark(waiter);
    }
  }

  private void start(int depth) {
    for (int i = 0; i < depth; i++) {
      inFlight++;
      if (writing) {
        next(writes[i]);
      } else {
        next(reads[i]);
      }
    }
  }

  private void completed(long result) {
    completed++;
    if (result != blockBytes && failure == 0) {
      failure = result == 0 ? Status.INTERNAL.code() : result;
    }
  }

  private boolean goesOn() {
    if (left > 0 && failure == 0 && reactor.nowNs() < deadlineNs) {
      left--;
      return true;
    }
    if (--inFlight == 0) {
      ended();
    }
    return false;
  }

  private void next(Reading op) {
    if (goesOn()) {
      long place = place();
      op.chunkIndex = (int) (place >>> 32);
      op.chunkOffset = (int) place;
      op.lengthBytes = blockBytes;
      store.submit(op);
    }
  }

  private void next(Writing op) {
    if (goesOn()) {
      long place = place();
      op.chunkIndex = (int) (place >>> 32);
      op.chunkOffset = (int) place;
      op.lengthBytes = blockBytes;
      op.payloadCrc32c = (blockBytes == CHUNK_BYTES ? chunkCrcs : blockCrcs)[op.number];
      store.submit(op);
    }
  }

  /** Chunk index and the offset in it. */
  private long place() {
    if (inOrder) {
      return nextChunk++ << 32;
    }
    random ^= random << 13;
    random ^= random >>> 7;
    random ^= random << 17;
    long chunk = (random >>> 33) % chunks;
    long offset = (random & 0xFFFF) % (CHUNK_BYTES / blockBytes) * blockBytes;
    return chunk << 32 | offset;
  }

  @Override
  public String roleName() {
    return "load";
  }

  @Override
  public int doWork(long nowNs) {
    return store.doWork();
  }

  @Override
  public boolean mayBlock(long nowNs) {
    return !store.hasWork();
  }

  @Override
  public void onClose() {
    store.stop();
  }

  void freeMemory() {
    NativeMemory.unmap(written);
    NativeMemory.unmap(read);
  }
}
