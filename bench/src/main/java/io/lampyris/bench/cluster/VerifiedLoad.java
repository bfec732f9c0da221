package io.lampyris.bench.cluster;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.Queue;
import java.util.SplittableRandom;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.function.BooleanSupplier;

/**
 * Threads that write, fsync and read blocks of files of their own below a directory, and know what
 * every block has to hold: the generation whose fsync returned, or, after a failed one, that or the
 * one that failed.
 *
 * <p>The files are opened with the page cache's leave: on a Lampyris mount reads come from storage
 * every time.
 */
final class VerifiedLoad implements AutoCloseable {
  /** Blocks of a file, by file: small ones within a chunk, whole chunks, and more than one. */
  private static final int[] BLOCK_BYTES = {4 << 10, 64 << 10, 1 << 20, 1536 << 10};

  /** Of a file, a multiple of each of them. */
  static final int FILE_MIB = 12;

  private static final int WRITES_IN_100 = 40;
  private static final long STOP_MAX_S = 120;
  private static final int FAULTS_MAX = 20;

  private final Path dir;
  private final long seed;
  private final long fileBytes;
  private final List<Worker> workers = new ArrayList<>();
  private final Stall writeStall;
  private final Stall readStall;
  private final AtomicLong writes = new AtomicLong();
  private final AtomicLong reads = new AtomicLong();
  private final AtomicLong errorCount = new AtomicLong();
  private final Queue<String> errors = new ConcurrentLinkedQueue<>();
  private final Queue<String> wrong = new ConcurrentLinkedQueue<>();
  private volatile boolean stopping;

  /**
   * Makes the files; each is written and synced once.
   *
   * @param fileMib of each, a multiple of 3
   */
  VerifiedLoad(Path dir, int threads, int fileMib, long seed) throws IOException {
    this.dir = Files.createDirectories(dir);
    this.seed = seed;
    fileBytes = (long) fileMib << 20;
    writeStall = new Stall(threads);
    readStall = new Stall(threads);
    for (int i = 0; i < threads; i++) {
      workers.add(new Worker(i));
    }
  }

  void start() {
    workers.forEach(worker -> worker.thread.start());
  }

  /** The longest wait of a writer since {@link #mark}, in nanoseconds. */
  long writeStallNs() {
    return writeStall.longestNs();
  }

  long readStallNs() {
    return readStall.longestNs();
  }

  void mark() {
    writeStall.mark();
    readStall.mark();
  }

  long writes() {
    return writes.get();
  }

  long reads() {
    return reads.get();
  }

  /** How many operations failed. */
  long errorCount() {
    return errorCount.get();
  }

  /** What operations failed with; the first of them. */
  List<String> errors() {
    return List.copyOf(errors);
  }

  /** Blocks that did not hold what they had to. */
  List<String> wrong() {
    return List.copyOf(wrong);
  }

  /** Returns when every thread has ended its last operation. */
  void stop() throws IOException, InterruptedException {
    stopping = true;
    for (Worker worker : workers) {
      if (worker.thread.isAlive() && !worker.thread.join(Duration.ofSeconds(STOP_MAX_S))) {
        throw new IOException(
            "an operation does not end; observed=%s, limit=%d s"
                .formatted(worker.doing, STOP_MAX_S));
      }
    }
  }

  /** Reads every block once; the threads have stopped. */
  void verifyAll() throws IOException {
    for (Worker worker : workers) {
      for (Region region : worker.regions) {
        for (int block = 0; block < region.blocks; block++) {
          worker.read(region, block);
        }
      }
    }
  }

  @Override
  public void close() throws IOException {
    stopping = true;
    for (Worker worker : workers) {
      worker.close();
    }
  }

  private static void note(Queue<String> into, String what) {
    if (into.size() < FAULTS_MAX) {
      into.add(what);
    }
  }

  /** One file, in blocks of one size. Its worker's. */
  private final class Region {
    final int file;
    final int blockBytes;
    final int blocks;
    final FileChannel channel;
    final long[] acknowledged;
    final long[] attempted;

    Region(int file, Path path) throws IOException {
      this.file = file;
      blockBytes = BLOCK_BYTES[file % BLOCK_BYTES.length];
      blocks = (int) (fileBytes / blockBytes);
      acknowledged = new long[blocks];
      attempted = new long[blocks];
      channel =
          FileChannel.open(
              path, StandardOpenOption.CREATE, StandardOpenOption.READ, StandardOpenOption.WRITE);
    }
  }

  private final class Worker implements Runnable, AutoCloseable {
    final int number;
    final Thread thread;
    final List<Region> regions = new ArrayList<>();
    volatile String doing = "nothing";
    private final SplittableRandom random;
    private final Arena arena = Arena.ofShared();
    private final MemorySegment expected = arena.allocate(fileBytes, 4096);
    private final BitSet explained = new BitSet();
    private final MemorySegment found = arena.allocate(fileBytes, 4096);

    Worker(int number) throws IOException {
      this.number = number;
      this.random = new SplittableRandom(seed + number);
      this.thread = new Thread(this, "load-" + number);
      for (int i = 0; i < BLOCK_BYTES.length; i++) {
        int file = number * BLOCK_BYTES.length + i;
        Region region = new Region(file, dir.resolve("file-" + file));
        regions.add(region);
        prepare(region);
      }
    }

    private void prepare(Region region) throws IOException {
      for (int block = 0; block < region.blocks; block++) {
        put(region, block, 1);
        region.attempted[block] = 1;
        region.acknowledged[block] = 1;
      }
      region.channel.force(false);
    }

    @Override
    public void run() {
      while (!stopping) {
        Region region = regions.get(random.nextInt(regions.size()));
        int block = random.nextInt(region.blocks);
        if (random.nextInt(100) < WRITES_IN_100) {
          write(region, block);
        } else {
          read(region, block);
        }
      }
    }

    private void write(Region region, int block) {
      long generation = region.attempted[block] + 1;
      region.attempted[block] = generation;
      doing = "write of file %d block %d".formatted(region.file, block);
      writeStall.begin(number);
      try {
        put(region, block, generation);
        region.channel.force(false);
        region.acknowledged[block] = generation;
        writes.incrementAndGet();
      } catch (IOException e) {
        failed(e);
      } finally {
        writeStall.end(number);
      }
    }

    private void put(Region region, int block, long generation) throws IOException {
      MemorySegment bytes = expected.asSlice(0, region.blockBytes);
      Stamp.fill(bytes, seed, region.file, block, generation);
      ByteBuffer buffer = bytes.asByteBuffer();
      long at = (long) block * region.blockBytes;
      while (buffer.hasRemaining()) {
        region.channel.write(buffer, at + buffer.position());
      }
    }

    void read(Region region, int block) {
      doing = "read of file %d block %d".formatted(region.file, block);
      MemorySegment bytes = found.asSlice(0, region.blockBytes);
      ByteBuffer buffer = bytes.asByteBuffer();
      long at = (long) block * region.blockBytes;
      readStall.begin(number);
      try {
        int n = 0;
        while (buffer.hasRemaining() && n >= 0) {
          n = region.channel.read(buffer, at + buffer.position());
        }
        reads.incrementAndGet();
      } catch (IOException e) {
        failed(e);
        return;
      } finally {
        readStall.end(number);
      }
      check(region, block, bytes, buffer.position());
    }

    /**
     * A block whose last write was acknowledged holds just that. One whose writes failed holds in
     * each word what the last acknowledged one or one of them wrote there.
     */
    private void check(Region region, int block, MemorySegment bytes, int length) {
      long from = region.acknowledged[block];
      long to = region.attempted[block];
      long differs = length == region.blockBytes ? 0 : length;
      for (long generation = from; generation <= to && length == region.blockBytes; generation++) {
        MemorySegment should = expected.asSlice(0, region.blockBytes);
        Stamp.fill(should, seed, region.file, block, generation);
        differs = firstOther(bytes, should, generation == from);
        if (differs < 0) {
          return;
        }
      }
      note(
          wrong,
          "file %d, block %d of %d bytes: read %d bytes of generation %d, acknowledged %d, attempted %d, differs at %d"
              .formatted(
                  region.file,
                  block,
                  region.blockBytes,
                  length,
                  length < Long.BYTES ? 0 : Stamp.claimed(bytes),
                  from,
                  to,
                  differs));
    }

    /** Where the first word stands that no generation explains; notes those that one does. */
    private long firstOther(MemorySegment bytes, MemorySegment should, boolean first) {
      if (first) {
        explained.clear();
      }
      long other = -1;
      for (long at = 0; at < bytes.byteSize(); at += Long.BYTES) {
        int word = (int) (at / Long.BYTES);
        if (bytes.get(ValueLayout.JAVA_LONG, at) == should.get(ValueLayout.JAVA_LONG, at)) {
          explained.set(word);
        } else if (other < 0 && !explained.get(word)) {
          other = at;
        }
      }
      return other;
    }

    private void failed(IOException e) {
      errorCount.incrementAndGet();
      note(errors, doing + ": " + e);
    }

    @Override
    public void close() throws IOException {
      for (Region region : regions) {
        region.channel.close();
      }
      if (!thread.isAlive()) {
        arena.close();
      }
    }
  }

  /** Waits, at most so long, until it holds; false when it does not. */
  static boolean await(long maxMs, BooleanSupplier holds) throws InterruptedException {
    long untilNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(maxMs);
    while (!holds.getAsBoolean()) {
      if (System.nanoTime() - untilNs > 0) {
        return false;
      }
      TimeUnit.MILLISECONDS.sleep(20);
    }
    return true;
  }
}
