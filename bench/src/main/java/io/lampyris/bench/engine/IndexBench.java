package io.lampyris.bench.engine;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.index.OffHeapChunkIndex;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Level;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * The index with millions of chunks: random look-ups, replacements and ordered steps. Prints what
 * it takes of memory. {@code bench/perf/jmh IndexBench -prof gc}.
 *
 * <p>Random means that no line is in a cache but by chance. Operations do not depend on each other,
 * so a processor that looks far enough ahead begins the next while it waits for one: these are
 * times per operation of a stream of them. {@link #lookUpHeadInTurn} is what one takes by itself.
 */
@State(Scope.Thread)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.NANOSECONDS)
@Warmup(iterations = 2, time = 2)
@Measurement(iterations = 5, time = 2)
@Fork(1)
public class IndexBench {
  @Param("10000000")
  public int chunks;

  /** How many chunks an inode has; 1 makes the second table largest. */
  @Param({"16"})
  public int perInode;

  private final OffHeapChunkIndex index = new OffHeapChunkIndex();
  private final ChunkState state = new ChunkState();
  private long random = 0x9E3779B97F4A7C15L;

  @Setup(Level.Trial)
  public void fill() {
    for (int i = 0; i < chunks; i++) {
      sample(state, i, perInode);
      index.put(state);
    }
    System.out.printf(
        "%n%d chunks, %d bytes, %.1f per chunk%n",
        index.count(), index.memoryBytes(), (double) index.memoryBytes() / index.count());
  }

  /** A full chunk of 1 MiB, the n-th of a target. */
  static void sample(ChunkState into, long n, int perInode) {
    into.clear();
    into.inode = inode(n / perInode);
    into.chunkIndex = (int) (n % perInode);
    into.version = 1;
    into.chainVersion = 1;
    into.lengthBytes = 1 << 20;
    into.chunkSizeBytes = 1 << 20;
    into.crc32c = (int) n;
    into.blockOffset = Geometry.FIRST_EXTENT_OFFSET + (n << 20);
    into.sizeClass = 20;
    into.clientHigh = n;
    into.clientLow = ~n;
    into.sequence = n;
    into.channel = 1;
    into.result = 1 << 20;
    for (int unit = 0; unit < Geometry.UNITS_MAX; unit++) {
      into.unitCrcs[unit] = (int) n * 31 + unit;
    }
  }

  /** Inode numbers are dealt out in order, with gaps. */
  private static long inode(long n) {
    return 1000 + n * 3;
  }

  @TearDown(Level.Trial)
  public void close() {
    index.close();
  }

  private long next() {
    random ^= random << 13;
    random ^= random >>> 7;
    random ^= random << 17;
    return ((random >>> 33) * chunks) >>> 31;
  }

  /** The whole state, as an update needs it. */
  @Benchmark
  public int lookUp() {
    long n = next();
    boolean found = index.get(inode(n / perInode), (int) (n % perInode), state);
    assert found : "every chunk is there";
    return state.version;
  }

  /** What a read does that verifies no whole unit. */
  @Benchmark
  public int lookUpHead() {
    long n = next();
    boolean found = index.getHead(inode(n / perInode), (int) (n % perInode), state);
    assert found : "every chunk is there";
    return state.version;
  }

  /** Which chunk comes next depends on what was found: one after the other. */
  @Benchmark
  public int lookUpHeadInTurn() {
    random += state.version >>> 31;
    return lookUpHead();
  }

  @Benchmark
  public boolean lookUpMissing() {
    long n = next();
    return index.get(inode(n / perInode) + 1, (int) (n % perInode), state);
  }

  @Benchmark
  public int replace() {
    long n = next();
    state.inode = inode(n / perInode);
    state.chunkIndex = (int) (n % perInode);
    state.version++;
    state.lengthBytes = 1 << 20;
    state.chunkSizeBytes = 1 << 20;
    index.put(state);
    return state.version;
  }

  @Benchmark
  public int ceiling() {
    long n = next();
    boolean found = index.ceiling(inode(n / perInode), (int) (n % perInode), state);
    assert found : "every chunk is there";
    return state.version;
  }
}
