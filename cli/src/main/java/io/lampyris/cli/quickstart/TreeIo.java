package io.lampyris.cli.quickstart;

import io.lampyris.cli.base.FailedException;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.BooleanSupplier;

/** Hashes, copies and compares trees with ordinary file I/O, one operation at a time. */
final class TreeIo {
  private static final int BLOCK_BYTES = 1 << 20;

  private final Progress progress;
  private final BooleanSupplier cancelled;
  private final ByteBuffer block = ByteBuffer.allocateDirect(BLOCK_BYTES);

  TreeIo(Progress progress, BooleanSupplier cancelled) {
    this.progress = progress;
    this.cancelled = cancelled;
  }

  /** The SHA-256 of every file of the source, by its place in the copy. */
  Map<Path, String> hashSource(SourceTree tree) throws IOException, FailedException {
    Map<Path, String> hashes = new HashMap<>();
    Latencies unused = new Latencies();
    for (SourceTree.Entry file : tree.files()) {
      hashes.put(file.relative(), hash(file.source(), unused));
    }
    return hashes;
  }

  /**
   * Copies a tree below {@code to}, and syncs every file and directory of the copy.
   *
   * @param writes takes the time of each write
   * @param syncs takes the time of each fsync
   */
  void copy(SourceTree tree, Path to, Latencies writes, Latencies syncs)
      throws IOException, FailedException {
    Files.createDirectories(to);
    for (SourceTree.Entry directory : tree.directories()) {
      Files.createDirectory(to.resolve(directory.relative()));
    }
    for (SourceTree.Entry file : tree.files()) {
      copyFile(file.source(), to.resolve(file.relative()), writes, syncs);
    }
    for (SourceTree.Entry link : tree.links()) {
      Files.createSymbolicLink(to.resolve(link.relative()), Files.readSymbolicLink(link.source()));
    }
    for (SourceTree.Entry directory : tree.directories()) {
      syncDirectory(to.resolve(directory.relative()), syncs);
    }
    syncDirectory(to, syncs);
  }

  private void copyFile(Path from, Path to, Latencies writes, Latencies syncs)
      throws IOException, FailedException {
    try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
        FileChannel out =
            FileChannel.open(to, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      while (in.read(block.clear()) >= 0) {
        block.flip();
        while (block.hasRemaining()) {
          checkCancelled();
          long startedNs = System.nanoTime();
          int written = out.write(block);
          writes.add(System.nanoTime() - startedNs);
          progress.advance(written);
        }
      }
      sync(out, syncs);
    }
  }

  private static void syncDirectory(Path directory, Latencies syncs) throws IOException {
    try (FileChannel channel = FileChannel.open(directory, StandardOpenOption.READ)) {
      sync(channel, syncs);
    }
  }

  private static void sync(FileChannel channel, Latencies syncs) throws IOException {
    long startedNs = System.nanoTime();
    channel.force(true);
    syncs.add(System.nanoTime() - startedNs);
  }

  /** How many files and links below {@code at} are the source's; every difference is an error. */
  int compare(SourceTree tree, Map<Path, String> hashes, Path at, Latencies reads)
      throws IOException, FailedException {
    for (SourceTree.Entry file : tree.files()) {
      same(file.relative(), hashes.get(file.relative()), hash(at.resolve(file.relative()), reads));
    }
    for (SourceTree.Entry link : tree.links()) {
      same(
          link.relative(),
          Files.readSymbolicLink(link.source()).toString(),
          Files.readSymbolicLink(at.resolve(link.relative())).toString());
    }
    return tree.count();
  }

  /** Fails when two hashes, or link targets, differ. */
  static void same(
      Path relative, @org.jspecify.annotations.Nullable String expected, String observed)
      throws FailedException {
    if (!observed.equals(expected)) {
      throw FailedException.of(
          relative + " is not what was written",
          observed,
          String.valueOf(expected),
          "this is a defect: please report it with DIR/log");
    }
  }

  private String hash(Path file, Latencies reads) throws IOException, FailedException {
    MessageDigest sha256 = sha256();
    try (FileChannel in = FileChannel.open(file, StandardOpenOption.READ)) {
      while (true) {
        checkCancelled();
        block.clear();
        long startedNs = System.nanoTime();
        int read = in.read(block);
        if (read < 0) {
          break;
        }
        reads.add(System.nanoTime() - startedNs);
        sha256.update(block.flip());
        progress.advance(read);
      }
    }
    return HexFormat.of().formatHex(sha256.digest());
  }

  private static MessageDigest sha256() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-256", e);
    }
  }

  private void checkCancelled() throws FailedException {
    if (cancelled.getAsBoolean()) {
      throw FailedException.of("interrupted", "a signal", "none", "start it again");
    }
  }
}
