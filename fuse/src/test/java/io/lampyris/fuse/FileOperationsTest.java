package io.lampyris.fuse;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Inodes;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** What programs do with files, through the kernel. */
class FileOperationsTest extends MountedTest {
  private static byte[] bytes(String text) {
    return text.getBytes(StandardCharsets.UTF_8);
  }

  @Test
  void whatIsWrittenIsRead() throws IOException {
    Path file = point.resolve("file");
    byte[] data = new byte[3_000_001];
    long seed = System.nanoTime();
    new Random(seed).nextBytes(data);
    Files.write(file, data);
    assertArrayEquals(data, Files.readAllBytes(file), "seed=" + seed);
    assertEquals(data.length, Files.size(file));
  }

  @Test
  void inodeNumbersAreOurs() throws IOException {
    Files.write(point.resolve("a"), bytes("x"));
    assertEquals(Inodes.ROOT, Files.getAttribute(point, "unix:ino"));
    assertEquals(Inodes.FIRST, Files.getAttribute(point.resolve("a"), "unix:ino"));
  }

  @Test
  void randomReadsAndWritesAgreeWithAModel() throws IOException {
    long seed = System.nanoTime();
    Random random = new Random(seed);
    byte[] model = new byte[1 << 20];
    try (FileChannel channel =
        FileChannel.open(
            point.resolve("f"),
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(model));
      for (int i = 0; i < 500; i++) {
        int at = random.nextInt(model.length);
        int length = random.nextInt(Math.min(300_000, model.length - at) + 1);
        if (random.nextBoolean()) {
          byte[] data = new byte[length];
          random.nextBytes(data);
          System.arraycopy(data, 0, model, at, length);
          assertEquals(length, channel.write(ByteBuffer.wrap(data), at), "seed=" + seed);
        } else {
          ByteBuffer data = ByteBuffer.allocate(length);
          assertEquals(length, channel.read(data, at), "seed=" + seed);
          assertEquals(ByteBuffer.wrap(model, at, length), data.flip(), "seed=" + seed);
        }
      }
    }
    assertArrayEquals(model, Files.readAllBytes(point.resolve("f")), "seed=" + seed);
  }

  @Test
  void aFileIsExtendedToATebibyteAndReadsAsZeros() throws Exception {
    assertEquals("1099511627776", sh("truncate -s 1T big; stat -c %s big"));
    assertEquals("8192", sh("dd if=big bs=4k skip=200000000 count=2 status=none | wc -c"));
    assertEquals("0", sh("dd if=big bs=1M skip=5 count=1 status=none | tr -d '\\0' | wc -c"));
    assertEquals("10", sh("truncate -s 10 big; stat -c %s big"));
    assertEquals("10", sh("cat big | wc -c"));
  }

  @Test
  void appendersOfOneMountDoNotOverwriteEachOther() throws Exception {
    sh(
        "for w in 1 2 3 4; do (for i in $(seq 200); do echo \"$w line $i\" >> log; done) & done;"
            + " wait");
    assertEquals("800", sh("wc -l < log"));
    assertEquals("800", sh("sort -u log | wc -l"));
  }

  @Test
  void anAppendGoesBehindWhatARingHasWritten() throws Exception {
    Path file = point.resolve("log");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.APPEND)) {
      channel.write(ByteBuffer.wrap(bytes("one")));
      files.writeAside(inodeOf(file), 3, bytes("RING"));
      channel.write(ByteBuffer.wrap(bytes("two")));
    }
    assertEquals("oneRINGtwo", Files.readString(file));
  }

  @Test
  void whatARingWroteIsReadAtOnceThroughAnOpenFile() throws Exception {
    Path file = point.resolve("f");
    Files.write(file, bytes("old old old"));
    try (FileChannel reader = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer data = ByteBuffer.allocate(64);
      reader.read(data, 0);
      files.writeAside(inodeOf(file), 0, bytes("new new new, and longer"));
      data.clear();
      reader.read(data, 0);
      assertEquals(
          "new new new, and longer",
          new String(data.array(), 0, data.position(), StandardCharsets.UTF_8));
    }
  }

  @Test
  void theSizeThatARingMadeShowsAfterFsync() throws Exception {
    Path file = point.resolve("f");
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      channel.write(ByteBuffer.wrap(bytes("x")));
      assertEquals(1, Files.size(file));
      files.writeAside(inodeOf(file), 0, new byte[5000]);
      channel.force(true);
      assertEquals(5000, Files.size(file));
    }
  }

  @Test
  void openingTruncatesAndExclusiveCreationFails() throws IOException {
    Path file = point.resolve("f");
    Files.write(file, bytes("long content"));
    Files.write(file, bytes("s"));
    assertEquals("s", Files.readString(file));
    assertThrows(
        FileAlreadyExistsException.class,
        () -> Files.write(file, bytes("x"), StandardOpenOption.CREATE_NEW));
  }

  @Test
  void aTruncatedFileIsAppendedToAtItsNewEnd() throws Exception {
    assertEquals(
        "0123xy", sh("exec 3>>f; printf 0123456789 >&3; truncate -s 4 f; printf xy >&3; cat f"));
  }

  @Test
  void anUnlinkedFileLivesOnInItsDescriptors() throws Exception {
    assertEquals(
        "12 first line! 20 0",
        sh(
            "echo 'first line!' > file; exec 3<>file; rm file; printf '%s ' $(stat -Lc %s /dev/fd/3)"
                + " \"$(cat <&3)\"; echo 'second ' >&3; printf '%s ' $(stat -Lc %s /dev/fd/3);"
                + " ls | grep -vc 3fs-virt || true"));
    mount.close();
    assertEquals(0, files.openHandles.get());
  }

  @Test
  void anUnlinkedFileIsTruncatedReadAndSyncedByItsHandle() throws Exception {
    Path file = point.resolve("f");
    try (FileChannel channel =
        FileChannel.open(
            file,
            StandardOpenOption.CREATE_NEW,
            StandardOpenOption.READ,
            StandardOpenOption.WRITE)) {
      Files.delete(file);
      channel.write(ByteBuffer.wrap(bytes("0123456789")));
      assertEquals(10, channel.size());
      channel.truncate(4);
      assertEquals(4, channel.size());
      channel.force(true);
      ByteBuffer data = ByteBuffer.allocate(64);
      assertEquals(4, channel.read(data, 0));
    }
    assertTrue(files.fsyncs.get() > 0);
  }

  @Test
  void ddSyncsAtTheEnd() throws Exception {
    sh(
        "dd if=/dev/urandom of=f bs=1M count=8 conv=fsync status=none; [ $(stat -c %s f) = 8388608 ]");
    assertTrue(files.fsyncs.get() > 0);
  }

  @Test
  void modesAndOwnersAreSet() throws Exception {
    assertEquals("640", sh("touch f; chmod 640 f; stat -c %a f"));
    assertEquals("1234:5678", sh("chown 1234:5678 f; stat -c %u:%g f"));
    assertEquals("1234:99", sh("chgrp 99 f; stat -c %u:%g f"));
    assertEquals("77:99", sh("chown 77 f; stat -c %u:%g f"));
  }

  @Test
  void theUmaskIsAppliedOnce() throws Exception {
    assertEquals(
        "640 750 666 600",
        sh(
            "umask 027; touch a; mkdir b; umask 0; touch c; umask 077; mkfifo d;"
                + " echo $(stat -c %a a b c d)"));
  }

  @Test
  void timesHaveNanoseconds() throws Exception {
    assertEquals(
        "2020-02-03 04:05:06.123456789 +0000",
        sh("touch f; touch -d '2020-02-03 04:05:06.123456789Z' f; TZ=UTC stat -c %y f"));
    assertEquals(
        "1960-01-01 00:00:00.500000000 +0000",
        sh("touch -d '1960-01-01 00:00:00.5Z' f; TZ=UTC stat -c %y f"));
    FileTime before = FileTime.from(Instant.now().minusSeconds(5));
    sh("touch -m f");
    assertTrue(Files.getLastModifiedTime(point.resolve("f")).compareTo(before) > 0);
    assertEquals(
        "1960-01-01 00:00:00.500000000 +0000",
        sh("TZ=UTC stat -c %x f"),
        "touch -m leaves the access time");
  }

  @Test
  void statfsTellsTheSpace() throws Exception {
    assertEquals(
        "1099511627776 549755813888", sh("df -B1 --output=size,avail . | tail -1 | xargs"));
  }

  @Test
  void privateMappingsWorkSoProgramsRun() throws Exception {
    assertEquals("runs", sh("cp /bin/echo e; ./e runs"));
  }

  @Test
  void manyThreadsWriteAtOnce() throws Exception {
    sh(
        "for w in $(seq 16); do (dd if=/dev/urandom of=f$w bs=64k count=64 status=none;"
            + " cp f$w g$w; cmp f$w g$w) & done; wait; [ $(ls | grep -c '^[fg]') = 32 ]");
  }

  private long inodeOf(Path file) throws IOException {
    return (Long) Files.getAttribute(file, "unix:ino");
  }
}
