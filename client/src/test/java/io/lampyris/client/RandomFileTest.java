package io.lampyris.client;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystem.Handle;
import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Files against a model, with a storage that is late and busy at random; replay: -Dseed=N. */
@Timeout(240)
class RandomFileTest {
  private static final int CHUNK = TestCluster.CHUNK_BYTES;
  private static final int LENGTH_MAX = 14 * CHUNK;
  private static final User USER = new User(1, 1);

  private static long seed() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    return seed;
  }

  /** One thread, so the model is exact: buffer, read-ahead, rings and truncation agree. */
  @Test
  void aFileAgreesWithItsModelThroughEveryPath() throws Exception {
    long seed = seed();
    Random random = new Random(seed);
    try (TestCluster cluster = new TestCluster(seed);
        Arena arena = Arena.ofShared()) {
      cluster.storage.delayMaxNs = TimeUnit.MICROSECONDS.toNanos(300);
      new Model(cluster, arena, random).run(1500);
    }
  }

  /** How a file is read and written. */
  private enum Way {
    THREAD,
    REACTOR,
    RING
  }

  private static final class Model {
    private final TestCluster cluster;
    private final Random random;
    private final MemorySegment memory;
    private final Handle writer;
    private final Handle reader;
    private final OpenInode inode;
    private byte[] bytes = new byte[LENGTH_MAX];
    private int length;
    private long position;
    private int begun;

    Model(TestCluster cluster, Arena arena, Random random) throws FileSystemException {
      this.cluster = cluster;
      this.random = random;
      this.memory = arena.allocate(LENGTH_MAX);
      byte[] name = TestCluster.name("random");
      writer = cluster.fs.create(USER, Inodes.ROOT, name, 0644, true, Access.READ_WRITE);
      inode = writer.inode();
      reader = cluster.fs.open(USER, inode.inode(), Access.READ);
    }

    void run(int steps) throws Exception {
      for (int step = 0; step < steps; step++) {
        String what = step(random.nextInt(100));
        assertEquals(length, writer.attributes().lengthBytes(), what);
      }
      reader.release();
      writer.release();
      assertTrue(begun > 100, () -> "begun on the reactor; observed=" + begun);
      assertEquals(length, cluster.fs.attributes(USER, inode.inode()).lengthBytes());
    }

    private String step(int dice) throws Exception {
      if (random.nextInt(30) == 0) {
        cluster.storage.busyNext.set(random.nextInt(4));
        cluster.storage.loseAnswerNext.set(random.nextInt(2));
      }
      if (dice < 35) {
        return write(random.nextBoolean() ? Way.THREAD : Way.REACTOR);
      } else if (dice < 45) {
        return write(Way.RING);
      } else if (dice < 80) {
        return readNext(random.nextBoolean() ? Way.THREAD : Way.REACTOR);
      } else if (dice < 90) {
        return readNext(Way.RING);
      } else if (dice < 94) {
        position = random.nextInt(LENGTH_MAX);
        return "seek";
      } else if (dice < 97) {
        return truncate();
      }
      if (random.nextBoolean()) {
        writer.fdatasync();
      } else {
        writer.fsync();
      }
      return "fsync";
    }

    private String write(Way way) throws Exception {
      boolean append = random.nextInt(3) > 0;
      int offset = append ? Math.min(length, LENGTH_MAX - 1) : random.nextInt(LENGTH_MAX);
      int max = random.nextInt(4) == 0 ? 3 * CHUNK : 5000;
      int count = Math.min(1 + random.nextInt(max), LENGTH_MAX - offset);
      byte[] part = new byte[count];
      random.nextBytes(part);
      System.arraycopy(part, 0, bytes, offset, count);
      length = Math.max(length, offset + count);
      MemorySegment.copy(part, 0, memory, ValueLayout.JAVA_BYTE, 0, count);
      long done =
          switch (way) {
            case RING -> ring(true, offset, count);
            case REACTOR -> tryWrite(offset, count);
            case THREAD -> writer.write(offset, memory, count);
          };
      assertEquals(count, done);
      return "write %s %d+%d".formatted(way, offset, count);
    }

    /** Mostly a stream, so that it is read ahead. */
    private String readNext(Way way) throws Exception {
      int count = 1 + random.nextInt(2 * CHUNK);
      Handle handle = random.nextInt(10) == 0 ? writer : reader;
      long got =
          switch (way) {
            case RING -> ring(false, position, count);
            case REACTOR -> tryRead(handle, position, count);
            case THREAD -> handle.read(position, memory, count);
          };
      int expected = Math.clamp(length - position, 0, count);
      String what = "read %s %d+%d of %d".formatted(way, position, count, length);
      assertEquals(expected, got, what);
      int from = (int) position;
      byte[] seen = memory.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
      int differs =
          Arrays.mismatch(seen, Arrays.copyOfRange(bytes, from, Math.max(from, from + expected)));
      assertEquals(-1, differs, what);
      position = got == 0 ? 0 : position + got;
      return what;
    }

    private String truncate() throws FileSystemException {
      int to = random.nextInt(LENGTH_MAX);
      cluster.fs.truncate(USER, inode.inode(), to);
      Arrays.fill(bytes, Math.min(to, length), LENGTH_MAX, (byte) 0);
      length = to;
      return "truncate " + to;
    }

    /** As a mount does: on the reactor if that waits for nothing, else on a thread. */
    private long tryWrite(int offset, int count) throws Exception {
      CompletableFuture<Boolean> taken = new CompletableFuture<>();
      cluster.data.offer(nowNs -> taken.complete(writer.tryWrite(offset, memory, count)));
      if (taken.get(60, TimeUnit.SECONDS)) {
        begun++;
        return count;
      }
      return writer.write(offset, memory, count);
    }

    private long tryRead(Handle handle, long offset, int count) throws Exception {
      CompletableFuture<Long> answer = new CompletableFuture<>();
      FileIo io = io(answer);
      io.fileOffset = offset;
      io.lengthBytes = count;
      if (!handle.mayReadNow(io)) {
        return handle.read(offset, memory, count);
      }
      cluster.data.offer(nowNs -> handle.readNow(io));
      begun++;
      long got = answer.get(60, TimeUnit.SECONDS);
      assertTrue(got >= 0, () -> Status.of(got).name());
      return got;
    }

    private FileIo io(CompletableFuture<Long> answer) {
      FileIo io =
          new FileIo() {
            @Override
            protected void onComplete(long result) {
              answer.complete(result);
            }
          };
      io.memory = memory;
      return io;
    }

    private long ring(boolean write, long offset, int count) throws Exception {
      CompletableFuture<Long> answer = new CompletableFuture<>();
      FileIo io = io(answer);
      io.inode = inode;
      io.write = write;
      io.fileOffset = offset;
      io.lengthBytes = count;
      cluster.data.offer(nowNs -> cluster.dataPath.submit(io));
      long result = answer.get(60, TimeUnit.SECONDS);
      assertTrue(result >= 0, () -> Status.of(result).name());
      return result;
    }
  }

  /**
   * Every 8-byte word carries a version that its writer raises and publishes after the write has
   * returned; a reader may see a newer one, never an older one than was published when it began
   * (package I2).
   */
  @Test
  void streamsThatReadAheadNeverSeeWhatIsOlderThanAFinishedWrite() throws Exception {
    long seed = seed();
    try (TestCluster cluster = new TestCluster(seed);
        Arena arena = Arena.ofShared();
        ExecutorService threads = Executors.newCachedThreadPool()) {
      cluster.storage.delayMaxNs = TimeUnit.MICROSECONDS.toNanos(200);
      Versions versions = new Versions(cluster, seed);
      List<Future<Void>> done = new ArrayList<>();
      done.add(threads.submit(versions.writer(arena)));
      for (int i = 0; i < 3; i++) {
        done.add(threads.submit(versions.reader(arena, i)));
      }
      for (Future<Void> future : done) {
        future.get(120, TimeUnit.SECONDS);
      }
      versions.handle.release();
      assertTrue(cluster.counters.snapshot().readAheadHitBytes() > 0, "streams were read ahead");
    }
  }

  private static final class Versions {
    private static final int BLOCK = 4096;
    private static final int BLOCKS = 160;
    private static final int ROUNDS = 400;

    private final TestCluster cluster;
    private final long seed;
    private final Handle handle;
    private final AtomicLong[] published = new AtomicLong[BLOCKS];
    private final AtomicBoolean finished = new AtomicBoolean();

    Versions(TestCluster cluster, long seed) throws FileSystemException {
      this.cluster = cluster;
      this.seed = seed;
      handle =
          cluster.fs.create(
              USER, Inodes.ROOT, TestCluster.name("versions"), 0644, true, Access.READ_WRITE);
      try (Arena arena = Arena.ofShared()) {
        MemorySegment zeros = arena.allocate(BLOCK);
        for (int i = 0; i < BLOCKS; i++) {
          published[i] = new AtomicLong();
          handle.write((long) i * BLOCK, zeros, BLOCK);
        }
        handle.fsync();
      }
    }

    Callable<Void> writer(Arena arena) {
      return () -> {
        Random random = new Random(seed);
        MemorySegment memory = arena.allocate(BLOCK);
        try {
          for (int round = 1; round <= ROUNDS; round++) {
            int block = random.nextInt(BLOCKS);
            for (int at = 0; at < BLOCK; at += 8) {
              memory.set(ValueLayout.JAVA_LONG, at, round);
            }
            handle.write((long) block * BLOCK, memory, BLOCK);
            published[block].set(round);
            if (round % 8 == 0) {
              TimeUnit.MILLISECONDS.sleep(random.nextInt(12)); // lets streams get ahead
            }
          }
        } finally {
          finished.set(true);
        }
        return null;
      };
    }

    Callable<Void> reader(Arena arena, int number) {
      return () -> {
        Handle mine = cluster.fs.open(USER, handle.inode().inode(), Access.READ);
        MemorySegment memory = arena.allocate(4 * BLOCK);
        long[] floor = new long[4];
        int block = number * 40;
        while (!finished.get()) {
          block = block + 4 > BLOCKS ? 0 : block;
          for (int i = 0; i < 4; i++) {
            floor[i] = published[block + i].get();
          }
          assertEquals(4 * BLOCK, mine.read((long) block * BLOCK, memory, 4 * BLOCK));
          for (int at = 0; at < 4 * BLOCK; at += 8) {
            long seen = memory.get(ValueLayout.JAVA_LONG, at);
            int where = block + at / BLOCK;
            long least = floor[at / BLOCK];
            assertTrue(seen >= least, () -> where + ": " + seen + " < " + least);
          }
          block += 4;
        }
        mine.release();
        return null;
      };
    }
  }
}
