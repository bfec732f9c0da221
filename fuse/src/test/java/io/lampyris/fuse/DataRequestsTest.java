package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.uring.IoUring;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Random;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;

/** Reads and writes that the reactor answers, beside those that threads answer. */
class DataRequestsTest extends MountedTest {
  private static final int MIB = 1 << 20;

  private static byte[] random(int length, long seed) {
    byte[] bytes = new byte[length];
    new Random(seed).nextBytes(bytes);
    return bytes;
  }

  @Test
  void readersAndWritersOfOneFileSeeWhatWasWritten() throws Exception {
    long seed = System.nanoTime();
    Path file = point.resolve("f");
    int part = 3 * MIB + 777;
    try (ExecutorService threads = Executors.newFixedThreadPool(6)) {
      Files.createFile(file);
      List<Future<Void>> all = new ArrayList<>();
      for (int i = 0; i < 6; i++) {
        all.add(threads.submit(worker(file, (long) i * part, part, seed + i)));
      }
      for (Future<Void> one : all) {
        one.get(60, TimeUnit.SECONDS);
      }
    }
    assertTrue(files.begun.get() > 0, "some were answered by the reactor");
    byte[] whole = Files.readAllBytes(file);
    assertEquals(6 * part, whole.length);
  }

  /** Keeps a part of the file in step with a model of it. */
  private static Callable<Void> worker(Path file, long from, int length, long seed) {
    return () -> {
      Random random = new Random(seed);
      byte[] model = random(length, seed);
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(model), from);
        for (int i = 0; i < 60; i++) {
          int at = random.nextInt(length);
          int max = random.nextInt(4) == 0 ? 2 * MIB : 9000;
          int count = Math.min(1 + random.nextInt(max), length - at);
          if (random.nextBoolean()) {
            byte[] data = random(count, random.nextLong());
            System.arraycopy(data, 0, model, at, count);
            assertEquals(count, channel.write(ByteBuffer.wrap(data), from + at), "seed=" + seed);
          } else {
            byte[] data = new byte[count];
            assertEquals(count, channel.read(ByteBuffer.wrap(data), from + at), "seed=" + seed);
            assertArrayEquals(Arrays.copyOfRange(model, at, at + count), data, "seed=" + seed);
          }
        }
      }
      return null;
    };
  }

  @Test
  void aRequestHoldsAMebibyte() throws Exception {
    assertEquals("", sh("dd if=/dev/urandom of=\"$S/f\" bs=4M count=2 status=none"));
    sh("dd if=\"$S/f\" of=f bs=4M status=none; dd if=f of=\"$S/g\" bs=4M status=none; cmp f $S/g");
    assertEquals(MIB, files.readMaxBytes.get());
    assertEquals(MIB, files.writeMaxBytes.get());
  }

  @Test
  void partsOfAnAppendStayInOrderBehindWhatARingWrote() throws Exception {
    Path file = point.resolve("f");
    byte[] expected = random(10_001, 5);
    Files.write(file, expected);
    long inode = (long) Files.getAttribute(file, "unix:ino");
    int fd = Libc.open(file.toString(), Fcntl.O_WRONLY | Fcntl.O_APPEND, 0);
    try (Arena arena = Arena.ofConfined();
        IoUring uring = IoUring.open(8)) {
      int length = 5 * MIB + 333;
      MemorySegment memory = arena.allocate(length);
      for (int round = 0; round < 4; round++) {
        byte[] aside = random(5000, 10 + round);
        files.writeAside(inode, expected.length, aside);
        byte[] appended = random(length, 20 + round);
        MemorySegment.copy(appended, 0, memory, JAVA_BYTE, 0, length);
        // The kernel sends the parts of what is not written by write(2) at once.
        assertTrue(uring.prepWrite(fd, memory.address(), length, /* offset= */ -1, round));
        AtomicInteger written = new AtomicInteger();
        uring.submitAndWait(1, TimeUnit.SECONDS.toNanos(30));
        uring.poll((userData, result, flags) -> written.set(result), 1);
        assertEquals(length, written.get());
        expected = concat(concat(expected, aside), appended);
      }
    } finally {
      Libc.close(fd);
    }
    assertArrayEquals(expected, Files.readAllBytes(file));
  }

  private static byte[] concat(byte[] first, byte[] second) {
    byte[] both = Arrays.copyOf(first, first.length + second.length);
    System.arraycopy(second, 0, both, first.length, second.length);
    return both;
  }

  @Test
  void manyProgramsThatReadWriteAndAskForNamesDoNotHoldEachOtherUp() throws Exception {
    Files.write(point.resolve("f"), random(3 * MIB, 6));
    assertEquals(
        "done",
        sh(
            """
            for i in 1 2 3 4 5 6; do
              (for j in $(seq 40); do
                 dd if=f of=/dev/null bs=70k count=5 skip=$((j % 40)) status=none
                 echo $i-$j > n-$i-$j && mv n-$i-$j m-$i-$j && cat m-$i-$j >> log-$i
               done) &
            done
            wait
            for i in 1 2 3 4 5 6; do test "$(wc -l < log-$i)" = 40 || echo short $i; done
            echo done
            """));
  }

  @Test
  void readsEndWhereTheFileEnds() throws Exception {
    Path file = point.resolve("f");
    byte[] bytes = random(10_001, 1);
    Files.write(file, bytes);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      for (int at : new int[] {0, 1, 4096, 9999, 10_000, 10_001, 20_000}) {
        // Each offset thrice: threads answer some, the reactor the others.
        for (int i = 0; i < 3; i++) {
          ByteBuffer data = ByteBuffer.allocate(2 * MIB);
          int expected = at < bytes.length ? bytes.length - at : -1;
          assertEquals(expected, channel.read(data, at), "offset " + at);
        }
      }
    }
  }

  @Test
  void aReaderThatIsKilledLeavesTheMountAtWork() throws Exception {
    Files.write(point.resolve("f"), random(3 * MIB, 2));
    files.holdNext.set(1);
    Process reader = reader("f");
    awaitHeld(1);
    reader.destroyForcibly();
    // It cannot end before its read is answered, and others need not wait for it.
    assertEquals("ok", sh("echo ok > other; cat other"));
    reactor.run(files::answerHeld);
    assertTrue(reader.waitFor(20, TimeUnit.SECONDS), "it ends");
    assertEquals("3145728", sh("cat f | wc -c"));
  }

  @Test
  void aMountEndsUnderLoad() throws Exception {
    Files.write(point.resolve("f"), random(8 * MIB, 3));
    List<Process> users = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      users.add(
          new ProcessBuilder(
                  "bash",
                  "-c",
                  "cd \"$1\" && while dd if=f of=g$2 bs=64k status=none; do :; done",
                  "bash",
                  point.toString(),
                  "" + i)
              .redirectErrorStream(true)
              .redirectOutput(ProcessBuilder.Redirect.DISCARD)
              .start());
    }
    awaitAtLeast(200);
    mount.close();
    for (Process user : users) {
      assertTrue(user.waitFor(20, TimeUnit.SECONDS), "it gets an error");
    }
    assertEquals(0, files.openHandles.get());
  }

  @Test
  void aMountEndsWithReadsUnderWay() throws Exception {
    Files.write(point.resolve("f"), random(3 * MIB, 4));
    files.holdNext.set(1);
    Process reader = reader("f");
    awaitHeld(1);
    Thread late =
        Thread.ofPlatform()
            .start(() -> {
              while (mount.isServing()) {
                Thread.onSpinWait();
              }
              reactor.run(files::answerHeld);
            });
    mount.close();
    late.join();
    assertTrue(reader.waitFor(20, TimeUnit.SECONDS), "it gets an error");
    assertEquals(0, files.openHandles.get());
  }

  private Process reader(String name) throws IOException {
    return new ProcessBuilder("cat", point.resolve(name).toString())
        .redirectErrorStream(true)
        .redirectOutput(ProcessBuilder.Redirect.DISCARD)
        .start();
  }

  private void awaitHeld(int count) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(20);
    while (files.held.size() < count) {
      assertTrue(System.nanoTime() < deadlineNs, "a read is held");
      Thread.onSpinWait();
    }
  }

  private void awaitAtLeast(int tries) {
    long deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    while (files.tries.get() < tries) {
      assertTrue(System.nanoTime() < deadlineNs, "requests come");
      Thread.onSpinWait();
    }
  }
}
