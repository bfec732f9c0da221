package io.lampyris.cli.quickstart;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/**
 * The reference: random O_DIRECT reads of a device file, below everything of ours. Only blocks that
 * were written are read, for the disk is not asked for the others.
 */
final class RawRead {
  private static final int SEEK_DATA = 3;
  private static final int SEEK_HOLE = 4;

  private final Path device;
  private final int blockBytes;
  private final int depth;

  RawRead(Path device, int blockBytes, int depth) {
    this.device = device;
    this.blockBytes = blockBytes;
    this.depth = depth;
  }

  /** What came of it; latencies of all threads. */
  record Result(long bytes, long elapsedNs, Latencies latencies) {}

  Result run(long durationNs) throws IOException, InterruptedException {
    List<Long> blocks = writtenBlocks();
    if (blocks.isEmpty()) {
      return new Result(0, 0, new Latencies());
    }
    long startedNs = System.nanoTime();
    List<Callable<Latencies>> readers = new ArrayList<>();
    for (int i = 0; i < depth; i++) {
      Random random = new Random(i);
      readers.add(() -> read(blocks, random, startedNs + durationNs));
    }
    Latencies all = new Latencies();
    try (ExecutorService threads = Executors.newFixedThreadPool(depth)) {
      for (Future<Latencies> each : threads.invokeAll(readers)) {
        all.addAll(each.get());
      }
    } catch (ExecutionException e) {
      throw new IOException("raw read failed: " + e.getCause(), e);
    }
    return new Result((long) all.count() * blockBytes, System.nanoTime() - startedNs, all);
  }

  private Latencies read(List<Long> blocks, Random random, long endNs) throws IOException {
    Latencies latencies = new Latencies();
    MemorySegment memory = NativeMemory.allocateAligned(blockBytes);
    int fd = open(Fcntl.O_DIRECT);
    try {
      long nowNs = System.nanoTime();
      while (nowNs < endNs) {
        long at = blocks.get(random.nextInt(blocks.size()));
        long read = Libc.pread(fd, memory, blockBytes, at);
        if (read != blockBytes) {
          throw new IOException("short raw read; observed=%d at %d".formatted(read, at));
        }
        long doneNs = System.nanoTime();
        latencies.add(doneNs - nowNs);
        nowNs = doneNs;
      }
    } finally {
      Libc.close(fd);
      NativeMemory.unmap(memory);
    }
    return latencies;
  }

  private int open(int flags) throws IOException {
    int fd = Libc.open(device.toString(), Fcntl.O_RDONLY | Fcntl.O_CLOEXEC | flags, 0);
    if (fd < 0) {
      throw new IOException("cannot open %s; observed=%s".formatted(device, Errno.describe(-fd)));
    }
    return fd;
  }

  /** Offsets of whole blocks that lie in data, not in holes. */
  private List<Long> writtenBlocks() throws IOException {
    List<Long> blocks = new ArrayList<>();
    int fd = open(0);
    try {
      long data = Libc.lseek(fd, 0, SEEK_DATA);
      while (data >= 0) {
        long hole = Libc.lseek(fd, data, SEEK_HOLE);
        long first = (data + blockBytes - 1) / blockBytes * blockBytes;
        for (long at = first; at + blockBytes <= hole; at += blockBytes) {
          blocks.add(at);
        }
        data = hole < 0 ? hole : Libc.lseek(fd, hole, SEEK_DATA);
      }
    } finally {
      Libc.close(fd);
    }
    return blocks;
  }
}
