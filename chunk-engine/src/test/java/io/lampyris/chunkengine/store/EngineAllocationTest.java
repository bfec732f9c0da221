package io.lampyris.chunkengine.store;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an operation of the engine costs the collector: nothing, once what it needs has been made.
 * Strict, on a real reactor; the log is not rewritten and not looked at meanwhile, as that is rare,
 * and most of it another thread's.
 */
@Timeout(300)
class EngineAllocationTest {
  private static final int CHUNKS = 16;
  private static final int CHUNK_BYTES = 256 << 10;
  private static final int SMALL = 4096;
  private static final int PER_CHUNK = CHUNK_BYTES / SMALL / 2;

  /** Operations of a round. */
  private static final int COUNT = CHUNKS * PER_CHUNK;

  /**
   * The compiler may take its time; what it has not compiled may allocate: a call of the kernel
   * that captures errno a slice, of which there is one at each submission and each wait.
   */
  private static final int ROUNDS_MAX = 500;

  private static volatile byte[] kept = {};

  @TempDir Path tmp;
  private final MemorySegment memory = NativeMemory.allocateAligned(CHUNKS * (long) CHUNK_BYTES);
  private final Writer[] writers = new Writer[CHUNKS];
  private final Reader[] readers = new Reader[CHUNKS];
  private final Committer[] committers = new Committer[CHUNKS];
  private final Remover[] removers = new Remover[CHUNKS];
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private StoreRig rig;
  private CountDownLatch done = new CountDownLatch(0);
  private long failure;

  @BeforeEach
  void start() throws Exception {
    Path dir = tmp.resolve("target");
    TargetOptions options = TargetOptions.defaults();
    LogOptions log = options.log().withRewriteBytes(1L << 50).withLookMs(1_000_000_000);
    TargetStore.format(dir, new TargetSpec(1, 1, 256L << 20), options);
    rig = new StoreRig(dir, options.withLog(log));
    int smallCrc = new Crc32c().of(memory, 0, SMALL);
    int wholeCrc = new Crc32c().of(memory, 0, CHUNK_BYTES);
    for (int i = 0; i < CHUNKS; i++) {
      writers[i] = new Writer(i, smallCrc, wholeCrc);
      readers[i] = new Reader(i);
      committers[i] = new Committer(i);
      removers[i] = new Remover(i);
    }
  }

  @AfterEach
  void stop() {
    rig.close();
    NativeMemory.unmap(memory);
  }

  /** What a chunk's operations do next; on the reactor. */
  @FunctionalInterface
  private interface Step {
    /**
     * @param n how many of the chunk's operations of this round were submitted before
     */
    void submit(int chunk, int n);
  }

  private Step step = (chunk, n) -> {};
  private final int[] left = new int[CHUNKS];

  private void next(int chunk) {
    if (left[chunk] == 0) {
      done.countDown();
    } else {
      step.submit(chunk, PER_CHUNK - left[chunk]--);
    }
  }

  private void completed(int chunk, long result) {
    if (result < 0) {
      failure = result;
    }
    next(chunk);
  }

  private final class Writer extends UpdateOp {
    private final int smallCrc;
    private final int wholeCrc;

    Writer(int chunk, int smallCrc, int wholeCrc) {
      this.smallCrc = smallCrc;
      this.wholeCrc = wholeCrc;
      inode = chunk;
      chainVersion = 1;
      chunkSizeBytes = CHUNK_BYTES;
      payload = memory;
    }

    void write(int offset, int bytes) {
      kind = Kind.WRITE;
      chunkOffset = offset;
      lengthBytes = bytes;
      payloadCrc32c = bytes == SMALL ? smallCrc : wholeCrc;
      rig.store.submit(this);
    }

    void stage(int offset) {
      stage = Stage.PENDING;
      updateVersion = state.version + 1;
      write(offset, SMALL);
    }

    void truncate(int length) {
      kind = Kind.TRUNCATE;
      lengthBytes = length;
      rig.store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      completed((int) inode, result);
    }
  }

  private final class Reader extends ReadOp {
    Reader(int chunk) {
      inode = chunk;
      payload = memory;
      payloadOffset = (long) chunk * CHUNK_BYTES;
      payloadCapacityBytes = CHUNK_BYTES;
    }

    void read(int offset, int bytes) {
      chunkOffset = offset;
      lengthBytes = bytes;
      rig.store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      completed((int) inode, result);
    }
  }

  private final class Committer extends CommitOp {
    Committer(int chunk) {
      inode = chunk;
      chainVersion = 1;
    }

    void commit(int wanted) {
      version = wanted;
      rig.store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      completed((int) inode, result);
    }
  }

  private final class Remover extends RemoveOp {
    Remover(int chunk) {
      inode = chunk;
      removeMax = 1;
    }

    void remove() {
      rig.store.submit(this);
    }

    @Override
    protected void onComplete(long result) {
      completed((int) inode, result);
    }
  }

  /** Each chunk's operations one after the other, all chunks side by side. */
  private long round(Step next) throws InterruptedException {
    done = new CountDownLatch(CHUNKS);
    long[] before = new long[1];
    rig.on(() -> {
      step = next;
      Arrays.fill(left, PER_CHUNK);
      before[0] = threads.getCurrentThreadAllocatedBytes();
      for (int chunk = 0; chunk < CHUNKS; chunk++) {
        next(chunk);
      }
    });
    assertTrue(done.await(60, TimeUnit.SECONDS));
    long after = threads.getThreadAllocatedBytes(rig.reactor.threadId());
    assertEquals(0, failure, "an operation's result");
    return after - before[0];
  }

  private void fill() throws InterruptedException {
    round((chunk, n) -> writers[chunk].write(0, CHUNK_BYTES));
  }

  private void allocatesNothing(String what, Step step) throws Exception {
    allocatesNothing(what, step, this::nothing);
  }

  private void nothing(int chunk, int n) {
    completed(chunk, 0);
  }

  /** The other step makes a round possible again, and is measured too. */
  private void allocatesNothing(String what, Step step, Step back) throws Exception {
    allocatesNothing(what, step, back, ROUNDS_MAX);
  }

  private void allocatesNothing(String what, Step step, Step back, int roundsMax) throws Exception {
    long perRound = Long.MAX_VALUE;
    int rounds = 0;
    for (; rounds < roundsMax && perRound >= COUNT; rounds++) {
      perRound = round(step) + round(back);
    }
    System.out.printf(
        "%s: bytes/operation=%.3f after %d rounds of %d%n",
        what, (double) perRound / COUNT, rounds, COUNT);
    assertTrue(perRound < COUNT, perRound + " bytes in " + COUNT + " operations");
  }

  @Test
  void readsAllocateNothing() throws Exception {
    fill();
    allocatesNothing("reads of 4 KiB", (chunk, n) -> readers[chunk].read(n * SMALL, SMALL));
    allocatesNothing("whole reads", (chunk, n) -> readers[chunk].read(0, CHUNK_BYTES));
  }

  @Test
  void overwritesAllocateNothing() throws Exception {
    fill();
    allocatesNothing("overwrites", (chunk, n) -> writers[chunk].write(n * SMALL, SMALL));
    allocatesNothing("unaligned", (chunk, n) -> writers[chunk].write(n * SMALL + 10, SMALL));
  }

  @Test
  void appendsAndTruncationsAllocateNothing() throws Exception {
    allocatesNothing(
        "appends, truncations",
        (chunk, n) -> writers[chunk].write(n * SMALL, SMALL),
        (chunk, n) -> writers[chunk].truncate((PER_CHUNK - 1 - n) * SMALL));
  }

  @Test
  void replacementsAllocateNothing() throws Exception {
    allocatesNothing("replacements", (chunk, n) -> writers[chunk].write(0, CHUNK_BYTES));
  }

  @Test
  void pendingVersionsAndTheirCommitsAllocateNothing() throws Exception {
    fill();
    allocatesNothing(
        "pending versions, commits",
        (chunk, n) -> {
          if (n % 2 == 0) {
            writers[chunk].stage(n * SMALL);
          } else {
            committers[chunk].commit(writers[chunk].state.version);
          }
        });
  }

  @Test
  void newChunksAndRemovalsAllocateNothing() throws Exception {
    allocatesNothing(
        "new chunks, removals",
        (chunk, n) -> {
          if (n % 2 == 0) {
            writers[chunk].write(0, SMALL);
          } else {
            removers[chunk].remove();
          }
        });
  }

  /** Canary: the measurement must be able to fail. */
  @Test
  void anAllocationPerOperationIsNoticed() throws Exception {
    fill();
    Step wasteful =
        (chunk, n) -> {
          kept = new byte[1];
          readers[chunk].read(0, SMALL);
        };
    assertThrows(
        AssertionError.class, () -> allocatesNothing("wasteful", wasteful, this::nothing, 50));
    assertEquals(1, kept.length);
  }
}
