package io.lampyris.client;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertDoesNotThrow;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.Access;
import io.lampyris.client.FileSystem.Handle;
import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.function.Executable;

@Timeout(120)
class BlockingFileSystemTest {
  private static final int CHUNK = TestCluster.CHUNK_BYTES;
  private static final User USER = new User(1000, 1000);

  private TestCluster cluster;
  private Arena arena;

  @BeforeEach
  void start() {
    cluster = new TestCluster(2);
    arena = Arena.ofShared();
  }

  @AfterEach
  void stop() {
    cluster.close();
    arena.close();
  }

  private Handle create(String name) throws FileSystemException {
    return cluster.fs.create(
        USER, Inodes.ROOT, TestCluster.name(name), 0644, true, Access.READ_WRITE);
  }

  private void write(Handle handle, long offset, byte[] bytes) throws FileSystemException {
    MemorySegment memory = arena.allocate(Math.max(1, bytes.length));
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    assertEquals(bytes.length, handle.write(offset, memory, bytes.length));
  }

  private byte[] read(Handle handle, long offset, int length) throws FileSystemException {
    MemorySegment memory = arena.allocate(Math.max(1, length));
    int got = handle.read(offset, memory, length);
    return memory.asSlice(0, got).toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void whoAsksHearsOfEveryChangeBeforeItReturns() throws FileSystemException {
    AtomicLong heard = new AtomicLong();
    Handle handle = create("heard");
    long inode = handle.inode().inode();
    cluster.fs.onChange(number -> {
      assertEquals(inode, number);
      heard.incrementAndGet();
    });
    List<Executable> changes =
        List.of(
            () -> write(handle, 0, random(1, 10)),
            () -> write(handle, 5L * CHUNK, random(2, 3 * CHUNK)),
            handle::fsync,
            () -> {
              MemorySegment one = arena.allocate(1);
              assertTrue(handle.tryWrite(1, one, 1));
            },
            () -> cluster.fs.truncate(USER, inode, 7),
            () -> {
              handle.release();
              cluster.fs.open(USER, inode, Access.READ).release();
            });
    for (Executable change : changes) {
      long before = heard.get();
      assertDoesNotThrow(change);
      assertTrue(heard.get() > before, "change " + changes.indexOf(change));
    }
    Handle again = cluster.fs.open(USER, inode, Access.READ);
    long before = heard.get();
    read(again, 0, 7);
    again.release();
    assertEquals(before, heard.get());
  }

  private static byte[] random(long seed, int length) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  private static void assertErrno(int errno, Executable executable) {
    assertEquals(errno, assertThrows(FileSystemException.class, executable).errno());
  }

  private long metaLength(long inode) throws FileSystemException {
    // A client of its own sees what metadata knows and nothing else.
    return cluster.successor().attributes(USER, inode).lengthBytes();
  }

  @Test
  void whatIsWrittenInSmallPiecesIsReadBackAtOnceAndAfterClosing() throws Exception {
    byte[] bytes = random(1, 5 * CHUNK + 999);
    Handle handle = create("a");
    for (int at = 0; at < bytes.length; at += 1000) {
      write(handle, at, Arrays.copyOfRange(bytes, at, Math.min(bytes.length, at + 1000)));
    }
    assertEquals(bytes.length, handle.attributes().lengthBytes());
    assertArrayEquals(bytes, read(handle, 0, bytes.length + 10));
    handle.flush();
    handle.release();
    long inode = cluster.fs.lookup(USER, Inodes.ROOT, TestCluster.name("a")).inode();
    assertEquals(bytes.length, metaLength(inode));
    Handle again = cluster.fs.open(USER, inode, Access.READ);
    assertArrayEquals(bytes, read(again, 0, bytes.length));
    assertErrno(Errno.EBADF, () -> write(again, 0, new byte[1]));
    again.release();
  }

  /** Package I2. */
  @Test
  void bytesInTheBufferAreSeenByOtherHandlesAndByRings() throws Exception {
    Handle writer = create("shared");
    byte[] bytes = random(2, 1000);
    write(writer, 3L * CHUNK, bytes);
    Handle reader = cluster.fs.open(USER, writer.inode().inode(), Access.READ);
    assertArrayEquals(bytes, read(reader, 3L * CHUNK, 5000));
    write(writer, 10, bytes);
    assertArrayEquals(bytes, ringRead(writer.inode(), 10, 1000));
    // Past what storage knows there is a hole, not the end.
    write(writer, 9L * CHUNK, bytes);
    assertEquals(100, read(reader, 7L * CHUNK, 100).length);
    writer.release();
    reader.release();
  }

  private byte[] ringRead(OpenInode inode, long offset, int length) throws Exception {
    MemorySegment memory = arena.allocate(length);
    AtomicLong result = ring(inode, false, offset, memory, length);
    return memory.asSlice(0, result.get()).toArray(ValueLayout.JAVA_BYTE);
  }

  private AtomicLong ring(
      OpenInode inode, boolean write, long offset, MemorySegment memory, int length)
      throws Exception {
    AtomicLong answer = ring(inode, write, offset, memory, length, 0);
    assertTrue(answer.get() >= 0, () -> Status.of(answer.get()).name());
    return answer;
  }

  private AtomicLong ring(
      OpenInode inode, boolean write, long offset, MemorySegment memory, int length, int flags)
      throws Exception {
    CountDownLatch done = new CountDownLatch(1);
    AtomicLong answer = new AtomicLong();
    FileIo io =
        new FileIo() {
          @Override
          protected void onComplete(long result) {
            answer.set(result);
            done.countDown();
          }
        };
    io.inode = inode;
    io.write = write;
    io.fileOffset = offset;
    io.memory = memory;
    io.lengthBytes = length;
    io.flags = flags;
    cluster.data.offer(nowNs -> cluster.dataPath.submit(io));
    assertTrue(done.await(30, TimeUnit.SECONDS));
    return answer;
  }

  @Test
  void whatRingsWriteIsReadAtOnceAndItsLengthReachesMetadata() throws Exception {
    Handle handle = create("ring");
    long inode = handle.inode().inode();
    byte[] old = random(3, 8 * CHUNK);
    write(handle, 0, old);
    handle.fsync();
    // A stream that has read ahead.
    assertArrayEquals(Arrays.copyOf(old, CHUNK), read(handle, 0, CHUNK));
    assertArrayEquals(Arrays.copyOfRange(old, CHUNK, 2 * CHUNK), read(handle, CHUNK, CHUNK));
    MemorySegment memory = arena.allocate(8 * CHUNK);
    memory.fill((byte) 7);
    ring(cluster.fs.openInode(USER, inode, true), true, 2L * CHUNK, memory, 8 * CHUNK);
    byte[] expected = new byte[8 * CHUNK];
    Arrays.fill(expected, (byte) 7);
    assertArrayEquals(expected, read(handle, 2L * CHUNK, 8 * CHUNK));
    assertEquals(10L * CHUNK, handle.attributes().lengthBytes());
    TestCluster.await(
        "the length to reach metadata",
        () -> {
          try {
            return metaLength(inode) == 10L * CHUNK;
          } catch (FileSystemException e) {
            throw new AssertionError(e);
          }
        });
    handle.release();
  }

  @Test
  void openInodesAreFoundByNumberWhileTheyAreOpen() throws Exception {
    Handle handle = create("numbered");
    long inode = handle.inode().inode();
    assertEquals(handle.inode(), cluster.fs.openInode(USER, inode, true));
    handle.release();
    assertErrno(Errno.EBADF, () -> cluster.fs.openInode(USER, inode, false));
    Handle reader = cluster.fs.open(USER, inode, Access.READ);
    assertEquals(inode, cluster.fs.openInode(USER, inode, false).inode());
    assertErrno(Errno.EACCES, () -> cluster.fs.openInode(USER, inode, true));
    reader.release();
    reader.release();
  }

  @Test
  void aHoleIsZerosAndItsWholeChunksAreEmpty() throws Exception {
    Random random = new Random(17);
    Handle handle = create("holed");
    int length = 7 * CHUNK + 1234;
    byte[] expected = random(6, length);
    write(handle, 0, expected);
    for (int n = 0; n < 40; n++) {
      // Buffered bytes are holed, too.
      byte[] some = random(n, 1 + random.nextInt(CHUNK));
      int at = random.nextInt(length - some.length);
      write(handle, at, some);
      System.arraycopy(some, 0, expected, at, some.length);
      int from = random.nextInt(length);
      int to = from + random.nextInt(3 * CHUNK);
      handle.punchHole(from, to);
      Arrays.fill(expected, from, Math.min(to, length), (byte) 0);
      assertArrayEquals(expected, read(handle, 0, length + 1), "hole " + from + " to " + to);
      assertEquals(length, handle.attributes().lengthBytes());
    }
    handle.punchHole(CHUNK, 3L * CHUNK);
    MemorySegment memory = arena.allocate(8 * CHUNK);
    for (long at = CHUNK; at < 3L * CHUNK; at += CHUNK / 2) {
      AtomicLong answer = ring(handle.inode(), false, at, memory, CHUNK / 2, FileIo.FORBID_HOLES);
      assertEquals(Status.HOLE.code(), answer.get());
    }
    handle.release();
  }

  @Test
  void aHoleInALargeSparseFileCostsWhatThereIs() throws Exception {
    Handle handle = create("sparse");
    long inode = handle.inode().inode();
    write(handle, 0, random(1, 3 * CHUNK));
    cluster.fs.truncate(USER, inode, 1L << 40);
    long before = cluster.counters.snapshot().chunkCalls();
    handle.punchHole(1, 1L << 40);
    long calls = cluster.counters.snapshot().chunkCalls() - before;
    assertTrue(calls < 100, "calls; observed=" + calls);
    assertEquals(1L << 40, handle.attributes().lengthBytes());
    byte[] left = new byte[4 * CHUNK];
    left[0] = random(1, 3 * CHUNK)[0];
    assertArrayEquals(left, read(handle, 0, 4 * CHUNK));
    handle.release();
  }

  @Test
  void anImpossibleHoleIsRefused() throws Exception {
    Handle handle = create("refused");
    long limit = handle.inode().layout().lengthMaxBytes();
    byte[] bytes = random(1, 100);
    write(handle, 0, bytes);
    for (long[] hole : new long[][] {{-1, 5}, {6, 5}, {0, limit + 1}, {0, -1}}) {
      assertErrno(Errno.EINVAL, () -> handle.punchHole(hole[0], hole[1]));
    }
    handle.punchHole(5, 5);
    handle.punchHole(200, limit);
    Handle reader = cluster.fs.open(USER, handle.inode().inode(), Access.READ);
    assertErrno(Errno.EBADF, () -> reader.punchHole(0, 5));
    assertArrayEquals(bytes, read(reader, 0, 200));
    reader.release();
    handle.release();
    assertErrno(Errno.EBADF, () -> handle.punchHole(0, 5));
  }

  /** Rings look for each I/O. */
  @Test
  void lookingForAnOpenInodeAllocatesNothing() throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    List<Handle> handles = new ArrayList<>();
    for (int i = 0; i < 100; i++) {
      handles.add(create("open" + i));
    }
    int looks = 100_000;
    long perRound = Long.MAX_VALUE;
    // The compiler may take its time.
    for (int round = 0; round < 100 && perRound >= looks; round++) {
      long before = threads.getCurrentThreadAllocatedBytes();
      for (int i = 0; i < looks; i++) {
        Handle handle = handles.get(i % handles.size());
        OpenInode found = cluster.fs.openInode(USER, handle.inode().inode(), true);
        assertTrue(found == handle.inode());
      }
      perRound = threads.getCurrentThreadAllocatedBytes() - before;
    }
    assertTrue(perRound < looks, perRound + " bytes in " + looks + " looks");
    for (Handle handle : handles) {
      handle.release();
    }
  }

  @Test
  void anOpenInodeIsItsOpenersAlone() throws Exception {
    User other = new User(USER.uid() + 1, USER.gid());
    Handle mine = create("mine");
    long inode = mine.inode().inode();
    assertErrno(Errno.EBADF, () -> cluster.fs.openInode(other, inode, false));
    assertEquals(mine.inode(), cluster.fs.openInode(User.ROOT, inode, true));

    Handle first = cluster.fs.open(other, inode, Access.WRITE);
    Handle second = cluster.fs.open(other, inode, Access.WRITE);
    assertErrno(Errno.EACCES, () -> cluster.fs.openInode(other, inode, false));
    assertEquals(mine.inode(), cluster.fs.openInode(other, inode, true));
    first.release();
    assertEquals(mine.inode(), cluster.fs.openInode(other, inode, true));
    mine.release();
    assertErrno(Errno.EBADF, () -> cluster.fs.openInode(USER, inode, true));
    second.release();
    assertErrno(Errno.EBADF, () -> cluster.fs.openInode(other, inode, true));

    Handle reader = cluster.fs.open(other, inode, Access.READ);
    assertEquals(reader.inode(), cluster.fs.openInode(User.ROOT, inode, false));
    assertErrno(Errno.EACCES, () -> cluster.fs.openInode(User.ROOT, inode, true));
    reader.release();
  }

  /** Package I4. */
  @Test
  void aDeferredErrorIsReportedOncePerHandleAndWritingWorksAgain() throws Exception {
    Handle one = create("full");
    Handle two = cluster.fs.open(USER, one.inode().inode(), Access.READ_WRITE);
    cluster.storage.writeFailure = Status.NO_SPACE.code();
    write(one, 0, random(4, 100));
    assertErrno(Errno.ENOSPC, one::fsync);
    one.fsync();
    assertErrno(Errno.ENOSPC, () -> write(one, 0, random(4, 100)));
    assertErrno(Errno.ENOSPC, () -> write(two, 0, random(4, 100)));
    assertErrno(Errno.ENOSPC, two::flush);
    cluster.storage.writeFailure = 0;
    byte[] bytes = random(5, 3 * CHUNK);
    write(one, 0, bytes);
    one.fsync();
    assertArrayEquals(bytes, read(two, 0, bytes.length));
    cluster.storage.writeFailure = Status.DEVICE_ERROR.code();
    write(one, 0, random(6, 10));
    assertErrno(Errno.EIO, one::release);
    cluster.storage.writeFailure = 0;
    assertErrno(Errno.EIO, two::release);
    assertEquals(3L * CHUNK, metaLength(one.inode().inode()));
  }

  @Test
  void deletingFromAFullDeviceFreesItsSpace() throws Exception {
    cluster.storage.chunksMax = 10;
    Handle big = create("big");
    FileSystemException refused =
        assertThrows(
            FileSystemException.class,
            () -> {
              for (int i = 0; i < 400; i++) {
                write(big, (long) i * CHUNK, random(i, CHUNK));
              }
            });
    assertEquals(Errno.ENOSPC, refused.errno());
    assertErrno(Errno.ENOSPC, big::release);
    cluster.fs.unlink(USER, Inodes.ROOT, TestCluster.name("big"));
    TestCluster.await("space", () -> cluster.storage.chunkCount.get() == 0);
    Handle again = create("again");
    write(again, 0, random(1, 10 * CHUNK));
    again.fsync();
    again.release();
  }

  @Test
  void anUnlinkedFileLivesUntilItsLastClose() throws Exception {
    Handle handle = create("ghost");
    byte[] bytes = random(7, 4 * CHUNK);
    write(handle, 0, bytes);
    handle.fsync();
    cluster.fs.unlink(USER, Inodes.ROOT, TestCluster.name("ghost"));
    assertErrno(
        Errno.ENOENT, () -> cluster.fs.lookup(USER, Inodes.ROOT, TestCluster.name("ghost")));
    assertArrayEquals(bytes, read(handle, 0, bytes.length));
    write(handle, 0, bytes);
    handle.release();
    TestCluster.await("its chunks to go", () -> cluster.storage.chunkCount.get() == 0);
  }

  @Test
  void theFileThatARenameReplacesIsRemoved() throws Exception {
    Handle one = create("one");
    write(one, 0, random(8, 3 * CHUNK));
    one.release();
    Handle two = create("two");
    write(two, 0, random(9, CHUNK));
    two.release();
    cluster.fs.rename(
        USER, Inodes.ROOT, TestCluster.name("two"), Inodes.ROOT, TestCluster.name("one"), 0);
    TestCluster.await("its chunks to go", () -> cluster.storage.chunkCount.get() == 1);
  }

  @Test
  void truncationCutsChunksAndGrowsWithoutWork() throws Exception {
    Handle handle = create("cut");
    long inode = handle.inode().inode();
    byte[] bytes = random(10, 10 * CHUNK);
    write(handle, 0, bytes);
    assertEquals(100, cluster.fs.truncate(USER, inode, 100).lengthBytes());
    assertEquals(1, cluster.storage.chunkCount.get());
    assertArrayEquals(Arrays.copyOf(bytes, 100), read(handle, 0, 5000));
    long large = 1L << 40;
    int calls = cluster.storage.calls.get();
    assertEquals(large, cluster.fs.truncate(USER, inode, large).lengthBytes());
    assertEquals(calls, cluster.storage.calls.get());
    byte[] expected = Arrays.copyOf(bytes, 5000);
    Arrays.fill(expected, 100, 5000, (byte) 0);
    assertArrayEquals(expected, read(handle, 0, 5000));
    assertArrayEquals(new byte[4000], read(handle, large - 4000, 5000));
    handle.release();
    // Closed files too.
    assertEquals(50, cluster.fs.truncate(USER, inode, 50).lengthBytes());
    assertEquals(50, cluster.fs.attributes(USER, inode).lengthBytes());
  }

  @Test
  void timesThatAreSetAfterAWriteStay() throws Exception {
    Handle handle = create("dated");
    long inode = handle.inode().inode();
    write(handle, 0, random(11, 100));
    assertTrue(handle.attributes().mtimeNs() > 1_000_000_000L);
    int mask = AttributeMask.MTIME;
    cluster.fs.setAttributes(USER, inode, mask, 0, 0, 0, 0, 123_456_789);
    handle.fsync();
    assertEquals(123_456_789, handle.attributes().mtimeNs());
    handle.release();
    assertEquals(123_456_789, cluster.fs.attributes(USER, inode).mtimeNs());
  }

  @Test
  void aWriteShowsInTheTimeThoughMetadataIsToldMeanwhile() throws Exception {
    Handle handle = create("stamped");
    AtomicBoolean over = new AtomicBoolean();
    Thread syncing =
        Thread.ofPlatform()
            .start(() -> {
              while (!over.get()) {
                try {
                  handle.fsync();
                } catch (FileSystemException e) {
                  throw new AssertionError(e);
                }
              }
            });
    try {
      for (int i = 0; i < 2000; i++) {
        long beforeNs = TimeUnit.MILLISECONDS.toNanos(System.currentTimeMillis());
        write(handle, 0, new byte[] {1});
        long mtimeNs = handle.attributes().mtimeNs();
        assertTrue(mtimeNs >= beforeNs, mtimeNs + " before " + beforeNs + ", round " + i);
      }
    } finally {
      over.set(true);
      syncing.join();
    }
    handle.release();
  }

  @Test
  void bytesThatNobodyFlushesReachStorageAndMetadataSoon() throws Exception {
    Handle handle = create("lazy");
    write(handle, 0, random(12, 100));
    TestCluster.await("the bytes", () -> cluster.storage.chunkCount.get() == 1);
    TestCluster.await("the length", () -> cluster.meta.syncs.get() > 0);
    assertEquals(0, cluster.meta.durableSyncs.get());
    handle.fsync();
    assertEquals(1, cluster.meta.durableSyncs.get());
    handle.release();
  }

  @Test
  void manyOpenFilesShareFewBuffers() throws Exception {
    List<Handle> handles = new ArrayList<>();
    for (int i = 0; i < 30; i++) {
      handles.add(create("f" + i));
    }
    for (int round = 0; round < 5; round++) {
      for (int i = 0; i < 30; i++) {
        write(handles.get(i), round * 100L, random(i * 10L + round, 100));
      }
    }
    for (int i = 0; i < 30; i++) {
      assertArrayEquals(random(i * 10L + 4, 100), read(handles.get(i), 400, 1000));
      handles.get(i).release();
    }
  }

  @Test
  void namesAttributesLinksAndSpaceGoThroughToMetadata() throws Exception {
    Attributes directory = cluster.fs.makeDirectory(USER, Inodes.ROOT, TestCluster.name("d"), 0755);
    assertTrue(directory.isDirectory());
    byte[] target = TestCluster.name("x".repeat(4095));
    Attributes link =
        cluster.fs.makeSymlink(USER, Inodes.ROOT, TestCluster.name("l".repeat(255)), target);
    assertArrayEquals(target, cluster.fs.readSymlink(USER, link.inode()));
    Attributes fifo =
        cluster.fs.makeNode(USER, Inodes.ROOT, TestCluster.name("p"), FileMode.FIFO | 0600);
    assertFalse(fifo.isRegular());
    cluster.fs.link(USER, fifo.inode(), Inodes.ROOT, TestCluster.name("q"));
    for (int i = 10; i < 40; i++) {
      create("n" + i).release();
    }
    List<String> names = new ArrayList<>();
    cluster.fs.list(
        USER,
        Inodes.ROOT,
        (inode, mode, name) -> names.add(new String(name, StandardCharsets.ISO_8859_1)));
    assertEquals(34, names.size());
    assertEquals(names.stream().sorted().toList(), names);
    cluster.meta.busyNext.set(3);
    assertEquals(1000, cluster.fs.space().capacityBytes());
    assertErrno(Errno.EEXIST, () -> create("n10"));
    assertErrno(Errno.ENOENT, () -> cluster.fs.unlink(USER, Inodes.ROOT, new byte[] {1}));
  }

  /** Package I3. */
  @Test
  void aSuccessorSettlesLengthsFromTheChunksOfDeadClients() throws Exception {
    Handle ringed = create("ringed");
    MemorySegment memory = arena.allocate(5 * CHUNK);
    ring(ringed.inode(), true, 0, memory, 5 * CHUNK - 17);
    Handle cut = create("cut");
    write(cut, 0, random(13, 6 * CHUNK));
    cut.fsync();
    // The truncation reached metadata, and then the client died: its chunks are still there.
    cluster.storage.removeFailure = Status.DEVICE_ERROR.code();
    assertErrno(Errno.EIO, () -> cluster.fs.truncate(USER, cut.inode().inode(), CHUNK + 5L));
    cluster.storage.removeFailure = 0;
    BlockingFileSystem successor = cluster.successor();
    successor.janitor().settleAll();
    assertEquals(5 + 2, cluster.storage.chunkCount.get());
    assertEquals(5L * CHUNK - 17, successor.attributes(USER, ringed.inode().inode()).lengthBytes());
    assertEquals(CHUNK + 5L, successor.attributes(USER, cut.inode().inode()).lengthBytes());
    successor.close();
  }

  @Test
  void whereOthersLiveOnlyWhatNobodyLivingHasOpenIsSettledAndByOneOfThem() throws Exception {
    Handle open = create("open");
    write(open, 0, random(14, 6 * CHUNK));
    open.fsync();
    cluster.storage.removeFailure = Status.DEVICE_ERROR.code();
    assertErrno(Errno.EIO, () -> cluster.fs.truncate(USER, open.inode().inode(), CHUNK + 5L));
    cluster.storage.removeFailure = 0;
    MetaClient meta =
        new MetaClient(
            cluster.network.connect(1, Services.META),
            ClientIdentity.random(),
            cluster.counters,
            TimeUnit.SECONDS.toNanos(5));
    ClientIdentity first = new ClientIdentity(0, 1);
    ClientIdentity second = new ClientIdentity(0, 2);
    Set<String> living = ConcurrentHashMap.newKeySet();
    living.add(ClientCensus.id(cluster.identity.high(), cluster.identity.low()));
    living.add(ClientCensus.id(0, 1));
    living.add(ClientCensus.id(0, 2));
    BlockingFileSystem idle = cluster.successor(second);
    BlockingFileSystem works = cluster.successor(first);
    long graceNs = TimeUnit.MILLISECONDS.toNanos(100);
    idle.janitor().shareWith(() -> living, 0);
    works.janitor().shareWith(() -> living, graceNs);
    idle.start();
    works.start();
    TestCluster.await(
        "the truncation to be finished",
        () -> {
          works.janitor().poke();
          idle.janitor().poke();
          return cluster.storage.chunkCount.get() == 2;
        });
    assertEquals(1, meta.chores(ChoreKind.SETTLE, 0).size());
    living.remove(ClientCensus.id(cluster.identity.high(), cluster.identity.low()));
    TestCluster.await(
        "the session to be settled",
        () -> {
          works.janitor().poke();
          try {
            return meta.chores(ChoreKind.SETTLE, 0).isEmpty();
          } catch (FileSystemException e) {
            throw new AssertionError(e);
          }
        });
    idle.close();
    works.close();
  }

  @Test
  void openingClosingAndRemovingTheSameNamesByManyThreadsLeavesNothingBehind() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed=" + seed);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      List<Future<?>> all = new ArrayList<>();
      for (int t = 0; t < 4; t++) {
        Random random = new Random(seed + t);
        all.add(
            threads.submit(() -> {
              for (int i = 0; i < 300; i++) {
                useSharedName(random);
              }
              return null;
            }));
      }
      for (Future<?> one : all) {
        one.get(60, TimeUnit.SECONDS);
      }
    }
    for (int i = 0; i < 3; i++) {
      removeIfThere(TestCluster.name("s" + i));
    }
    TestCluster.await("chunks to go", () -> cluster.storage.chunkCount.get() == 0);
    TestCluster.await("inodes to go", () -> inodeCount() == 1);
  }

  private long inodeCount() {
    try {
      return cluster.fs.space().inodeCount();
    } catch (FileSystemException e) {
      throw new AssertionError(e);
    }
  }

  private void useSharedName(Random random) throws FileSystemException {
    byte[] name = TestCluster.name("s" + random.nextInt(3));
    int dice = random.nextInt(10);
    if (dice == 0) {
      removeIfThere(name);
      return;
    }
    Handle handle = cluster.fs.create(USER, Inodes.ROOT, name, 0644, false, Access.READ_WRITE);
    byte[] bytes = random(dice, 1000 + dice);
    write(handle, (long) dice * CHUNK, bytes);
    if (dice == 1) {
      handle.fsync();
    }
    if (dice == 2) {
      cluster.fs.truncate(USER, handle.inode().inode(), 10);
    } else {
      assertTrue(read(handle, 0, 10).length <= 10);
    }
    handle.flush();
    handle.release();
  }

  private void removeIfThere(byte[] name) throws FileSystemException {
    try {
      cluster.fs.unlink(USER, Inodes.ROOT, name);
    } catch (FileSystemException e) {
      assertEquals(Errno.ENOENT, e.errno());
    }
  }

  /** Rings that write and a file that is read and truncated: lengths stay within what was set. */
  @Test
  void readsThatRaceWithTruncationsSeeBytesOrTheEndAndNothingElse() throws Exception {
    Handle handle = create("shrinking");
    long inode = handle.inode().inode();
    byte[] ones = new byte[12 * CHUNK];
    Arrays.fill(ones, (byte) 1);
    cluster.storage.delayMaxNs = TimeUnit.MICROSECONDS.toNanos(100);
    try (ExecutorService threads = Executors.newCachedThreadPool()) {
      Future<?> cutter =
          threads.submit(() -> {
            for (int i = 0; i < 40; i++) {
              write(handle, 0, ones);
              cluster.fs.truncate(USER, inode, (i % 11) * (long) CHUNK + 77);
            }
            return null;
          });
      int reads = 0;
      while (!cutter.isDone() || reads < 10) {
        byte[] seen = read(handle, (reads % 9) * (long) CHUNK, 3 * CHUNK);
        for (byte value : seen) {
          // A byte was written, or its chunk is gone and the file grew again.
          assertTrue(value == 1 || value == 0);
        }
        reads++;
      }
      cutter.get(60, TimeUnit.SECONDS);
    }
    long last = (39 % 11) * (long) CHUNK + 77;
    assertEquals(last, handle.attributes().lengthBytes());
    assertArrayEquals(Arrays.copyOf(ones, (int) last), read(handle, 0, ones.length));
    handle.release();
  }
}
