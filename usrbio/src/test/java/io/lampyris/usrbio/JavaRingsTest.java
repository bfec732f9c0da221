package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.usrbio.RegistrationKey.Priority;
import io.lampyris.usrbio.client.Completions;
import io.lampyris.usrbio.client.IoRing;
import io.lampyris.usrbio.client.IoVec;
import io.lampyris.usrbio.client.MountAccess;
import io.lampyris.usrbio.client.RingChannel;
import io.lampyris.usrbio.client.RingFile;
import io.lampyris.usrbio.client.RingMount;
import io.lampyris.usrbio.client.RingOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.management.ManagementFactory;
import java.nio.ByteBuffer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The Java client of rings against the ring server. */
final class JavaRingsTest {
  private static final int INODE = 42;
  private static final int READ_ONLY = 43;
  private static final int FILE_BYTES = 48 << 20;
  private static final Duration LONG = Duration.ofSeconds(Rig.AWAIT_SECONDS);

  @TempDir Path tmp;

  private Rig rig;
  private RingMount mount;
  private MemoryFiles.MemoryFile file;
  private final RingFile open = MountAccess.file(INODE, true);
  private volatile boolean alive = true;

  @BeforeEach
  void start() throws Exception {
    rig = new Rig(tmp, RingServerConfig.DEFAULT);
    file = rig.files.create(INODE, true, FILE_BYTES);
    rig.files.create(READ_ONLY, false, 4096);
    mount = MountAccess.mount(new Registered());
  }

  @AfterEach
  void stop() {
    mount.close();
    rig.close();
  }

  /** The directory of registrations, by the calls that the mount makes of it. */
  private final class Registered implements MountAccess.Directory {
    private final Caller caller = new Caller(Rig.USER, Rig.OWN_PID);

    @Override
    public void register(String key, String target) throws IOException {
      // The test's user is not the program's.
      Libc.chmod(target, 0666);
      asking(() -> rig.registry.makeSymlink(caller, "iovs/" + key, target.getBytes(UTF_8)));
    }

    @Override
    public void deregister(String key) throws IOException {
      asking(() -> rig.registry.unlink(caller, "iovs/" + key));
    }

    @Override
    public String submitSemaphore(Priority priority) throws IOException {
      String suffix = priority == Priority.HIGH ? ".ph" : priority == Priority.LOW ? ".pl" : "";
      byte[][] link = new byte[1][];
      asking(() -> link[0] = rig.registry.readSymlink(caller, "iovs/submit-ios" + suffix));
      return new String(link[0], UTF_8).substring("/dev/shm/sem.".length());
    }

    private interface Question {
      void ask() throws FileSystemException;
    }

    private void asking(Question question) throws IOException {
      try {
        question.ask();
      } catch (FileSystemException e) {
        throw new IOException(e);
      }
    }

    @Override
    public boolean isAlive() {
      return alive;
    }
  }

  private static byte[] random(int length, int seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  /** Gives the file its content. */
  private byte[] fill(int length) {
    byte[] bytes = random(length, length);
    MemorySegment.copy(bytes, 0, file.bytes, ValueLayout.JAVA_BYTE, 0, length);
    file.mark(0, length);
    file.lengthBytes = length;
    return bytes;
  }

  @Test
  void whatIsWrittenByARingIsReadByAnotherWithTheUserdataOfEach() throws Exception {
    int parts = 100;
    long bytes = 3000;
    byte[] content = random(parts * (int) bytes, 1);
    try (IoVec memory = mount.allocate(content.length);
        IoVec other = mount.allocate(content.length);
        IoRing writer = mount.ring(RingOptions.writing(parts).withPriority(Priority.HIGH));
        IoRing reader = mount.ring(RingOptions.reading(7).withPriority(Priority.LOW))) {
      MemorySegment.copy(content, 0, memory.segment(), ValueLayout.JAVA_BYTE, 0, content.length);
      for (int i = 0; i < parts; i++) {
        assertTrue(writer.prepare(open, i * bytes, memory, i * bytes, bytes, -i) >= 0);
      }
      assertEquals(IoRing.FULL, writer.prepare(open, 0, memory, 0, 1, 0));
      writer.submit();
      Map<Long, Long> results = new HashMap<>();
      Completions collect = (userdata, result) -> results.put(userdata, result);
      int written = 0;
      while (written < parts) {
        written += writer.await(1, LONG, collect);
      }
      assertEquals(parts, results.size());
      for (int i = 0; i < parts; i++) {
        assertEquals(bytes, results.get((long) -i));
      }
      int sent = 0;
      int read = 0;
      while (read < parts) {
        while (sent < parts
            && reader.prepare(open, sent * bytes, other, sent * bytes, bytes, sent) >= 0) {
          sent++;
        }
        reader.submit();
        read += reader.await(1, LONG, (userdata, result) -> assertEquals(bytes, result));
      }
      assertEquals(0, reader.inFlight());
      assertArrayEquals(content, other.segment().toArray(ValueLayout.JAVA_BYTE));
    }
  }

  @Test
  void anIoThatFailsCompletesWithItsErrorAlone() throws Exception {
    fill(5000);
    RingFile closed = MountAccess.file(77, true);
    RingFile readOnly = MountAccess.file(READ_ONLY, true);
    try (IoVec memory = mount.allocate(8192);
        IoRing reader = mount.ring(RingOptions.reading(4));
        IoRing writer = mount.ring(RingOptions.writing(4))) {
      Map<Long, Long> results = new HashMap<>();
      reader.prepare(open, 4000, memory, 0, 4096, 1);
      reader.prepare(closed, 0, memory, 0, 4096, 2);
      reader.prepare(open, 6000, memory, 0, 4096, 3);
      reader.submit();
      assertEquals(3, awaitAll(reader, 3, results));
      assertEquals(Map.of(1L, 1000L, 2L, (long) -Errno.EBADF, 3L, 0L), results);
      writer.prepare(readOnly, 0, memory, 0, 1, 4);
      writer.submit();
      assertEquals(1, awaitAll(writer, 1, results));
      assertEquals(-Errno.EACCES, results.get(4L));
    }
  }

  private static int awaitAll(IoRing ring, int count, Map<Long, Long> results) throws IOException {
    int got = 0;
    while (got < count) {
      got += ring.await(count - got, LONG, (userdata, result) -> results.put(userdata, result));
    }
    return got;
  }

  @Test
  void whatCannotBeIsRefusedBeforeItIsPrepared() throws Exception {
    RingFile forReading = MountAccess.file(INODE, false);
    try (IoVec memory = mount.allocate(4096);
        IoRing writer = mount.ring(RingOptions.writing(4))) {
      long[][] outside = {{0, 0, 0}, {0, 1, 4096}, {0, -1, 10}, {-1, 0, 10}, {0, 4096, 1}};
      for (long[] one : outside) {
        assertThrows(
            IndexOutOfBoundsException.class,
            () -> writer.prepare(open, one[0], memory, one[1], one[2], 0),
            Arrays.toString(one));
      }
      assertThrows(
          IllegalArgumentException.class, () -> writer.prepare(forReading, 0, memory, 0, 1, 0));
      assertEquals(0, writer.inFlight());
      assertEquals(0, writer.await(1, Duration.ofMillis(5), (userdata, result) -> {}));
    }
    assertThrows(IllegalArgumentException.class, () -> mount.allocate(0));
  }

  @Test
  void aChannelReadsWhatTheFileHasIntoAnyMemory() throws Exception {
    byte[] content = fill(45_300_001);
    try (RingChannel channel = mount.channel(open);
        IoVec memory = mount.allocate(48 << 20)) {
      ByteBuffer heap = ByteBuffer.allocate(46 << 20);
      assertEquals(content.length, channel.read(heap));
      assertArrayEquals(content, Arrays.copyOf(heap.array(), heap.position()));
      assertEquals(content.length, channel.position());
      assertEquals(-1, channel.read(ByteBuffer.allocate(10)));
      assertEquals(0, channel.read(ByteBuffer.allocate(0)));

      ByteBuffer direct = ByteBuffer.allocateDirect(2_000_000);
      assertEquals(2_000_000, channel.read(direct, 3_000_000));
      for (int i = 0; i < 2_000_000; i += 997) {
        assertEquals(content[3_000_000 + i], direct.get(i));
      }
      assertEquals(content.length, channel.position(), "as it was");

      assertEquals(content.length - 7, channel.read(memory, 100, memory.sizeBytes() - 100, 7));
      assertEquals(
          -1,
          MemorySegment.mismatch(
              memory.segment(),
              100,
              100 + content.length - 7,
              MemorySegment.ofArray(content),
              7,
              content.length));
      assertEquals(-1, channel.read(memory, 0, 4096, content.length));
      channel.position(content.length - 3);
      assertEquals(3, channel.read(ByteBuffer.allocate(10)));
    }
  }

  @Test
  void aChannelThatMeetsAnErrorSaysSoAndGoesOn() throws Exception {
    byte[] content = fill(4096);
    try (RingChannel missing = mount.channel(MountAccess.file(78, false));
        RingChannel channel = mount.channel(open)) {
      IOException e =
          assertThrows(IOException.class, () -> missing.read(ByteBuffer.allocate(5 << 20), 0));
      assertTrue(String.valueOf(e.getMessage()).contains("EBADF"), e.getMessage());
      assertThrows(IOException.class, () -> missing.read(ByteBuffer.allocate(10), 0));
      ByteBuffer into = ByteBuffer.allocate(4096);
      assertEquals(4096, channel.read(into));
      assertArrayEquals(content, into.array());
    }
  }

  @Test
  void whoWaitsForADaemonThatIsGoneIsTold() throws Exception {
    fill(4096);
    rig.files.holding = true;
    try (IoVec memory = mount.allocate(4096);
        IoRing ring = mount.ring(RingOptions.reading(4))) {
      ring.prepare(open, 0, memory, 0, 4096, 1);
      ring.submit();
      alive = false;
      IOException e =
          assertThrows(IOException.class, () -> ring.await(1, LONG, (userdata, result) -> {}));
      assertTrue(String.valueOf(e.getMessage()).contains("the daemon is gone"), e.getMessage());
      alive = true;
      rig.release();
      assertEquals(1, ring.await(1, LONG, (userdata, result) -> {}));
    }
  }

  @Test
  void nothingIsLeftOfWhatWasClosedOrRefused() throws Exception {
    try (RingChannel channel = mount.channel(open)) {
      assertTrue(channel.isOpen());
    }
    RingMount refusing =
        MountAccess.mount(
            new MountAccess.Directory() {
              @Override
              public void register(String key, String target) throws IOException {
                throw new IOException("refused");
              }

              @Override
              public void deregister(String key) {}

              @Override
              public String submitSemaphore(Priority priority) throws IOException {
                return new Registered().submitSemaphore(priority);
              }

              @Override
              public boolean isAlive() {
                return true;
              }
            });
    assertThrows(IOException.class, () -> refusing.allocate(4096));
    assertThrows(IOException.class, () -> refusing.ring(RingOptions.reading(1)));
    try (Stream<Path> shared = Files.list(Path.of("/dev/shm"))) {
      assertFalse(
          shared.anyMatch(path -> String.valueOf(path.getFileName()).startsWith("lampyris-iov-")));
    }
  }

  @Test
  void preparingAndTakingCompletionsAllocatesNothing() throws Exception {
    fill(1 << 20);
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    long self = Thread.currentThread().threadId();
    long[] sum = new long[1];
    Completions add = (userdata, result) -> sum[0] += result;
    try (IoVec memory = mount.allocate(64 << 10);
        IoRing ring = mount.ring(RingOptions.reading(16))) {
      long best = Long.MAX_VALUE;
      for (int round = 0; round < 30 && best > 0; round++) {
        long before = threads.getThreadAllocatedBytes(self);
        for (int i = 0; i < 500; i++) {
          for (long k = 0; k < 16; k++) {
            ring.prepare(open, k * 4096, memory, k * 4096, 4096, k);
          }
          ring.submit();
          int got = 0;
          while (got < 16) {
            got += ring.await(16 - got, System.nanoTime() + 60_000_000_000L, add);
          }
        }
        best = Math.min(best, threads.getThreadAllocatedBytes(self) - before);
      }
      assertEquals(0, best, "bytes in a round of 8,000");
      assertTrue(sum[0] >= 500L * 16 * 4096);
    }
  }
}
