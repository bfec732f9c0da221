package io.lampyris.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyEncoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.reactor.net.Service;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

@Timeout(120)
class ReactorDataPathTest {
  private static final int CHUNK = TestCluster.CHUNK_BYTES;

  private TestCluster cluster;
  private OpenInode inode;
  private Arena arena;

  @BeforeEach
  void start() {
    cluster = new TestCluster(1);
    inode = new OpenInode(2000, TestCluster.LAYOUT, 0, 0);
    arena = Arena.ofShared();
  }

  @AfterEach
  void stop() {
    cluster.close();
    arena.close();
  }

  /** One operation that a thread waits for. */
  private static final class Io extends FileIo {
    private final CountDownLatch done = new CountDownLatch(1);
    private volatile long result;

    @Override
    protected void onComplete(long result) {
      this.result = result;
      done.countDown();
    }

    long await() throws InterruptedException {
      assertTrue(done.await(60, TimeUnit.SECONDS), "an operation completes");
      return result;
    }
  }

  private Io submit(boolean write, long offset, MemorySegment memory, int length, int flags) {
    Io io = new Io();
    io.write = write;
    io.inode = inode;
    io.fileOffset = offset;
    io.memory = memory;
    io.lengthBytes = length;
    io.flags = flags;
    cluster.data.offer(nowNs -> cluster.dataPath.submit(io));
    return io;
  }

  private long write(long offset, byte[] bytes) throws InterruptedException {
    MemorySegment memory = arena.allocate(Math.max(1, bytes.length));
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    return submit(true, offset, memory, bytes.length, 0).await();
  }

  private byte[] read(long offset, int length) throws InterruptedException {
    MemorySegment memory = arena.allocate(Math.max(1, length));
    memory.fill((byte) 0x5a);
    long got = submit(false, offset, memory, length, 0).await();
    assertTrue(got >= 0, () -> Status.of(got).name());
    return memory.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void aRangeOverManyChunksComesBackAsItWentIn() throws Exception {
    byte[] bytes = random(1, 9 * CHUNK + 4321);
    assertEquals(bytes.length, write(777, bytes));
    assertEquals(777 + bytes.length, inode.lengthBytes());
    assertArrayEquals(bytes, read(777, bytes.length));
    assertArrayEquals(Arrays.copyOfRange(bytes, CHUNK, 3 * CHUNK), read(777 + CHUNK, 2 * CHUNK));
  }

  // ---------------------------------------------------------------- memory that others can shrink

  private Io submitShrinkable(boolean write, long offset, MemorySegment memory) {
    Io io = new Io();
    io.write = write;
    io.inode = inode;
    io.fileOffset = offset;
    io.memory = memory;
    io.lengthBytes = (int) memory.byteSize();
    io.shrinkable = true;
    cluster.data.offer(nowNs -> cluster.dataPath.submit(io));
    return io;
  }

  @Test
  void bytesThatAreChangedUnderAWriteAreAnotherUpdates() throws Exception {
    byte[] bytes = random(11, 5 * CHUNK + 99);
    MemorySegment memory = arena.allocate(bytes.length);
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    cluster.storage.delayMaxNs = 20_000_000;
    Io io = submitShrinkable(true, 333, memory);
    CountDownLatch submitted = new CountDownLatch(1);
    cluster.data.offer(nowNs -> submitted.countDown());
    submitted.await();
    memory.fill((byte) 0);
    assertEquals(bytes.length, io.await());
    cluster.storage.delayMaxNs = 0;
    byte[] found = read(333, bytes.length);
    int zeros = 0;
    for (int at = 0; at < found.length; ) {
      int end = Math.min(found.length, at + CHUNK - (333 + at) % CHUNK);
      byte[] piece = Arrays.copyOfRange(found, at, end);
      boolean zero = Arrays.equals(piece, new byte[end - at]);
      assertTrue(zero || Arrays.equals(piece, Arrays.copyOfRange(bytes, at, end)), "at=" + at);
      zeros += zero ? 1 : 0;
      at = end;
    }
    assertTrue(zeros > 0, "changed before they were taken");
    assertTrue(cluster.counters.snapshot().damagedPayloads() >= zeros);
  }

  @Test
  void bytesThatNeverStandStillFailTheirWriteAndNoOther() throws Exception {
    MemorySegment memory = arena.allocate(CHUNK, 4096);
    int[] changes = {0};
    cluster.storage.beforeWrite =
        call -> {
          if (call.shrinkable) {
            memory.set(ValueLayout.JAVA_INT, 4096, ++changes[0]);
          }
        };
    byte[] others = random(14, CHUNK);
    for (int n = 1; n <= 5; n++) {
      Io io = submitShrinkable(true, 0, memory);
      assertEquals(CHUNK, write((long) CHUNK * n, others));
      assertEquals(Status.CHECKSUM_MISMATCH.code(), io.await());
      assertArrayEquals(others, read((long) CHUNK * n, CHUNK));
    }
    cluster.storage.beforeWrite = call -> {};
    assertEquals(CHUNK, submitShrinkable(true, 0, memory).await());
    assertArrayEquals(memory.toArray(ValueLayout.JAVA_BYTE), read(0, CHUNK));
  }

  @Test
  void manyLargeWritesFromShrinkableMemoryAtOnce() throws Exception {
    int each = 64 * CHUNK;
    MemorySegment memory = arena.allocate(each);
    byte[] bytes = random(12, each);
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, each);
    cluster.storage.delayMaxNs = 5_000_000;
    List<Io> writes = new ArrayList<>();
    for (int n = 0; n < 8; n++) {
      writes.add(submitShrinkable(true, (long) n * each, memory));
    }
    for (Io io : writes) {
      assertEquals(each, io.await());
    }
    cluster.storage.delayMaxNs = 0;
    for (int n = 0; n < 8; n++) {
      assertArrayEquals(bytes, read((long) n * each, each));
    }
  }

  @Test
  void memoryThatIsGoneFailsTheOperationThatNeedsItAndNoOther() throws Exception {
    byte[] bytes = random(13, CHUNK);
    assertEquals(CHUNK, write(3L * CHUNK, bytes));
    String name = "/lampyris-test-gone-" + Libc.getpid();
    int fd = Libc.shmOpen(name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0600);
    assertEquals(0, Libc.shmUnlink(name));
    int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    MemorySegment memory = NativeMemory.map(fd, 0, 2 * CHUNK, prot, Fcntl.MAP_SHARED);
    for (int left : new int[] {0, 4096, CHUNK}) {
      assertEquals(0, Libc.ftruncate(fd, left));
      for (int n = 0; n < 200; n++) {
        assertEquals(Status.MEMORY_FAULT.code(), submitShrinkable(true, 0, memory).await());
        // Holes: the client writes their zeros.
        assertEquals(Status.MEMORY_FAULT.code(), submitShrinkable(false, 0, memory).await());
        assertArrayEquals(bytes, read(3L * CHUNK, CHUNK));
      }
    }
    assertEquals(0, Libc.ftruncate(fd, 2 * CHUNK));
    assertEquals(2 * CHUNK, submitShrinkable(true, 0, memory).await());
    NativeMemory.unmap(memory);
    Libc.close(fd);
  }

  @Test
  void readsAreShortAtTheEndAndEmptyPastIt() throws Exception {
    byte[] bytes = random(2, 1000);
    assertEquals(1000, write(0, bytes));
    assertArrayEquals(Arrays.copyOfRange(bytes, 900, 1000), read(900, 500));
    assertEquals(0, read(1000, 500).length);
    assertEquals(0, read(50L * CHUNK, 500).length);
    assertEquals(0, read(0, 0).length);
  }

  @Test
  void missingAndShortChunksBelowTheLengthReadAsZeros() throws Exception {
    byte[] bytes = random(3, 100);
    assertEquals(100, write(0, bytes));
    assertEquals(100, write(3L * CHUNK + 50, bytes));
    byte[] all = read(0, 4 * CHUNK);
    byte[] expected = new byte[3 * CHUNK + 150];
    System.arraycopy(bytes, 0, expected, 0, 100);
    System.arraycopy(bytes, 0, expected, 3 * CHUNK + 50, 100);
    assertArrayEquals(expected, all);
  }

  @Test
  void holesAreRefusedWhereTheCallerForbidsThem() throws Exception {
    write(0, random(4, 100));
    write(2L * CHUNK, random(4, CHUNK));
    MemorySegment memory = arena.allocate(4 * CHUNK);
    int forbid = FileIo.FORBID_HOLES;
    assertEquals(Status.HOLE.code(), submit(false, 0, memory, 200, forbid).await());
    assertEquals(Status.HOLE.code(), submit(false, CHUNK, memory, 10, forbid).await());
    assertEquals(100, submit(false, 0, memory, 100, forbid).await());
    assertEquals(CHUNK, submit(false, 2L * CHUNK, memory, 2 * CHUNK, forbid).await());
    cluster.storage.readFailure = Status.DEVICE_ERROR.code();
    assertEquals(Status.DEVICE_ERROR.code(), submit(false, 0, memory, 200, forbid).await());
  }

  @Test
  void whatMakesNoSenseIsRefused() throws Exception {
    MemorySegment memory = arena.allocate(16);
    assertEquals(Status.INVALID_ARGUMENT.code(), submit(true, -1, memory, 4, 0).await());
    long past = TestCluster.LAYOUT.lengthMaxBytes() - 3;
    assertEquals(Status.FILE_TOO_LARGE.code(), submit(true, past, memory, 4, 0).await());
    inode = new OpenInode(5, new FileLayout(CHUNK, 1, 99, 1, 0, 0), 100, 0);
    assertEquals(Status.NO_ROUTE.code(), submit(false, 0, memory, 4, 0).await());
  }

  @Test
  void aBusyServiceIsAskedAgainUntilItAnswers() throws Exception {
    cluster.storage.busyNext.set(5);
    byte[] bytes = random(5, 3 * CHUNK);
    assertEquals(bytes.length, write(0, bytes));
    assertEquals(3, cluster.storage.applied.get());
    assertArrayEquals(bytes, read(0, bytes.length));
    assertTrue(cluster.counters.snapshot().retries() >= 5);
  }

  /** Package I1. */
  @Test
  void aRetryCarriesTheIdentityOfTheFirstAttempt() throws Exception {
    cluster.storage.loseAnswerNext.set(2);
    byte[] bytes = random(6, 4 * CHUNK);
    assertEquals(bytes.length, write(0, bytes));
    assertEquals(4, cluster.storage.applied.get());
    assertEquals(2, cluster.storage.repeated.get());
  }

  @Test
  void aNewRoutingIsFollowedByRetries() throws Exception {
    cluster.routing.set(TestCluster.routing(TestCluster.CHAIN_VERSION - 1));
    MemorySegment memory = arena.allocate(10);
    Io io = submit(true, 0, memory, 10, 0);
    TestCluster.await("a retry", () -> cluster.counters.snapshot().retries() > 2);
    cluster.routing.set(TestCluster.routing(TestCluster.CHAIN_VERSION));
    assertEquals(10, io.await());
  }

  @Test
  void retriesEndAtTheDeadline() throws Exception {
    cluster.network.withdraw(1, io.lampyris.protocol.Services.STORAGE);
    long startNs = System.nanoTime();
    assertEquals(Status.UNREACHABLE.code(), write(0, new byte[10]));
    long tookNs = System.nanoTime() - startNs;
    assertTrue(tookNs > TimeUnit.SECONDS.toNanos(1) && tookNs < TimeUnit.SECONDS.toNanos(10));
    assertEquals(0, inode.lengthBytes());
  }

  @Test
  void aFailureIsFinalAndLeavesTheLengthAlone() throws Exception {
    write(0, new byte[10]);
    cluster.storage.writeFailure = Status.NO_SPACE.code();
    assertEquals(Status.NO_SPACE.code(), write(CHUNK, new byte[5 * CHUNK]));
    assertEquals(10, inode.lengthBytes());
    assertEquals(0, cluster.onData(cluster.dataPath::inFlight));
  }

  @Test
  void aLongOperationIsSentInABoundedWindow() throws Exception {
    cluster.storage.delayMaxNs = TimeUnit.MILLISECONDS.toNanos(2);
    byte[] bytes = random(7, 200 * CHUNK + 1);
    assertEquals(bytes.length, write(5, bytes));
    assertTrue(cluster.storage.underWayMax.get() <= 64, "window");
    assertTrue(cluster.storage.underWayMax.get() >= 32, "pieces travel together");
    assertArrayEquals(bytes, read(5, bytes.length));
  }

  @Test
  void overlappingWritesTakeEffectInTheOrderOfTheirSubmission() throws Exception {
    cluster.storage.delayMaxNs = TimeUnit.MILLISECONDS.toNanos(3);
    Random random = new Random(8);
    byte[] model = new byte[6 * CHUNK];
    Io[] ios = new Io[60];
    for (int i = 0; i < ios.length; i++) {
      int offset = random.nextInt(4 * CHUNK);
      byte[] bytes = random(i, 1 + random.nextInt(2 * CHUNK));
      MemorySegment memory = arena.allocate(bytes.length);
      MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
      System.arraycopy(bytes, 0, model, offset, bytes.length);
      ios[i] = submit(true, offset, memory, bytes.length, 0);
    }
    for (Io io : ios) {
      assertEquals(io.lengthBytes, io.await());
    }
    byte[] all = read(0, 6 * CHUNK);
    assertArrayEquals(Arrays.copyOf(model, all.length), all);
  }

  @Test
  void aReadThatRacesWithATruncationEndsWhereTheFileEnds() throws Exception {
    write(0, random(9, 3 * CHUNK));
    cluster.storage.delayMaxNs = TimeUnit.MILLISECONDS.toNanos(50);
    Io io = submit(false, 0, arena.allocate(3 * CHUNK), 3 * CHUNK, 0);
    TestCluster.await("the read to be under way", () -> cluster.storage.underWay.get() > 0);
    inode.truncated(100, 1);
    assertEquals(100, io.await());
  }

  /** An owner that submits in its completion, over a service that answers at once. */
  @Test
  void aChainOfSubmissionsInCompletionsKeepsTheStackFlat() throws Exception {
    write(0, random(10, 4096));
    int rounds = 200_000;
    CountDownLatch done = new CountDownLatch(1);
    MemorySegment memory = arena.allocate(4096);
    FileIo io =
        new FileIo() {
          private int left = rounds;

          @Override
          protected void onComplete(long result) {
            if (result != 4096 || --left == 0) {
              done.countDown();
            } else {
              cluster.dataPath.submit(this);
            }
          }
        };
    io.inode = inode;
    io.memory = memory;
    io.lengthBytes = 4096;
    cluster.data.offer(nowNs -> cluster.dataPath.submit(io));
    assertTrue(done.await(60, TimeUnit.SECONDS));
  }

  /** Storage that answers at once and makes no garbage, so what is measured is the data path. */
  @Test
  void operationsAllocateNothingOnceThePoolsAreWarm() throws Exception {
    io.lampyris.reactor.net.Service ideal = call -> call.reply(call.payloadLength);
    cluster.network.withdraw(1, io.lampyris.protocol.Services.STORAGE);
    cluster.network.serve(1, io.lampyris.protocol.Services.STORAGE, cluster.data, ideal);
    measureAllocation(cluster.dataPath);
  }

  /** Members to choose from, nodes to look after, and answers to verify. */
  @Test
  void choosingMembersAndVerifyingReadsAllocatesNothingEither() throws Exception {
    Map<Integer, Long> checksums = new HashMap<>();
    for (int length : new int[] {4096, CHUNK}) {
      CRC32C crc = new CRC32C();
      crc.update(new byte[length]);
      checksums.put(length, crc.getValue());
    }
    long small = checksums.getOrDefault(4096, 0L);
    long large = checksums.getOrDefault(CHUNK, 0L);
    MessageHeaderEncoder header = new MessageHeaderEncoder();
    ChunkReplyEncoder reply = new ChunkReplyEncoder();
    Service ideal =
        call -> {
          reply
              .wrapAndApplyHeader(call.reply, 0, header)
              .payloadCrc32c(call.payloadLength == CHUNK ? large : small);
          call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
          call.reply(call.payloadLength);
        };
    cluster.network.withdraw(1, Services.STORAGE);
    Map<Integer, Routing.Chain> chains = new HashMap<>();
    Map<Long, Routing.Target> targets = new HashMap<>();
    for (int node = 1; node <= 3; node++) {
      cluster.network.serve(node, Services.STORAGE, cluster.data, ideal);
      targets.put((long) node, new Routing.Target(node, node, Routing.TargetState.SERVING));
      chains.put(node, new Routing.Chain(node, 7, List.of(1L, 2L, 3L)));
    }
    Routing.ChainTable table = new Routing.ChainTable(1, 1, List.of(1, 2, 3));
    Routing routing = new Routing(8, Map.of(1, table), chains, targets);
    ReactorDataPath path =
        new ReactorDataPath(
            cluster.data,
            cluster.network::connect,
            RouteSource.of(() -> routing),
            ClientIdentity.random(),
            cluster.counters,
            DataPathOptions.REMOTE);
    measureAllocation(path);
    assertEquals(0, cluster.counters.snapshot().damagedPayloads());
  }

  private void measureAllocation(ReactorDataPath path) throws Exception {
    inode = new OpenInode(2000, TestCluster.LAYOUT, 64L * CHUNK, 0);
    MemorySegment memory = arena.allocate(8 * CHUNK);
    AtomicLong sink = new AtomicLong();
    FileIo io =
        new FileIo() {
          @Override
          protected void onComplete(long result) {
            sink.setPlain(sink.getPlain() + result);
          }
        };
    io.inode = inode;
    io.memory = memory;
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    int rounds = 20_000;
    for (boolean write : new boolean[] {false, true}) {
      long bytes =
          cluster.onData(() -> {
            run(path, io, write, rounds);
            long before = threads.getCurrentThreadAllocatedBytes();
            run(path, io, write, rounds);
            return threads.getCurrentThreadAllocatedBytes() - before;
          });
      System.out.printf("write=%s bytesPerOperation=%.3f%n", write, (double) bytes / rounds);
      assertTrue(bytes < rounds, "allocated bytes: " + bytes);
    }
  }

  private static void run(ReactorDataPath path, FileIo io, boolean write, int rounds) {
    for (int i = 0; i < rounds; i++) {
      io.write = write;
      io.fileOffset = (i % 48) * 4096L;
      io.memoryOffset = (i % 5) * 4096L;
      io.lengthBytes = i % 16 == 0 ? 3 * CHUNK : 4096;
      path.submit(io);
    }
  }

  @Test
  void chunksAreCutRemovedAndAskedForOverAllChains() throws Exception {
    write(0, random(11, 20 * CHUNK + 100));
    ChunkCommands commands = new ChunkCommands(cluster.dataPath);
    assertEquals(20L * CHUNK + 100, commands.queryEnd(2000, TestCluster.LAYOUT));
    commands.cut(2000, TestCluster.LAYOUT, 5L * CHUNK + 7);
    assertEquals(6, cluster.storage.chunkCount.get());
    assertEquals(5L * CHUNK + 7, commands.queryEnd(2000, TestCluster.LAYOUT));
    commands.cut(2000, TestCluster.LAYOUT, 0);
    assertEquals(0, cluster.storage.chunkCount.get());
    assertEquals(0, commands.queryEnd(2000, TestCluster.LAYOUT));
    // Nothing there is nothing to complain about.
    commands.cut(2000, TestCluster.LAYOUT, 100);
  }

  @Test
  void aRoutingWithoutTheTableFailsPerChainOperations() throws Exception {
    cluster.routing.set(new Routing(9, Map.of(), Map.of(), Map.of()));
    ChunkCommands commands = new ChunkCommands(cluster.dataPath);
    FileSystemException failure =
        org.junit.jupiter.api.Assertions.assertThrows(
            FileSystemException.class, () -> commands.queryEnd(1, TestCluster.LAYOUT));
    assertEquals(Status.NO_ROUTE.errno(), failure.errno());
  }
}
