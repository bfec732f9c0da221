package io.lampyris.bench;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;

/** Makes file trees, makes them durable, and compares them. */
final class Trees {
  private static final int FILES_PER_DIRECTORY = 200;
  private static final int SMALL_MAX_BYTES = 16 << 10;
  private static final int PIECE_BYTES = 1 << 20;
  private static final int THREADS = 8;
  private static final List<String> MODES =
      List.of("rw-r--r--", "rwxr-xr-x", "rw-------", "r--r--r--");

  private Trees() {}

  /**
   * Makes {@code files} small files of 0 … 16 KiB in directories of 200, a symlink and a hard link
   * in each directory, and one large file; modes and times vary.
   */
  static void make(Path root, int files, long bigBytes, long seed) throws IOException {
    SplittableRandom random = new SplittableRandom(seed);
    for (int first = 0; first < files; first += FILES_PER_DIRECTORY) {
      Path dir =
          Files.createDirectories(root.resolve("d%04d".formatted(first / FILES_PER_DIRECTORY)));
      int count = Math.min(FILES_PER_DIRECTORY, files - first);
      for (int i = 0; i < count; i++) {
        Path file = dir.resolve("f%03d".formatted(i));
        byte[] bytes = new byte[random.nextInt(SMALL_MAX_BYTES + 1)];
        random.nextBytes(bytes);
        Files.write(file, bytes);
        Files.setPosixFilePermissions(
            file, PosixFilePermissions.fromString(MODES.get(random.nextInt(MODES.size()))));
        Files.setLastModifiedTime(
            file,
            FileTime.from(
                1_700_000_000_000_000_000L + random.nextLong(1L << 50), TimeUnit.NANOSECONDS));
      }
      Files.createSymbolicLink(dir.resolve("link"), Path.of("f000"));
      Files.createLink(dir.resolve("hard"), dir.resolve("f000"));
    }
    try (OutputStream out = Files.newOutputStream(root.resolve("big"))) {
      byte[] piece = new byte[PIECE_BYTES];
      for (long left = bigBytes; left > 0; left -= piece.length) {
        random.nextBytes(piece);
        out.write(piece, 0, (int) Math.min(left, piece.length));
      }
    }
  }

  /** Calls fsync on every file and directory below {@code root}, several at a time. */
  static void fsyncAll(Path root) throws IOException {
    List<Path> paths;
    try (Stream<Path> walk = Files.walk(root)) {
      paths = walk.filter(path -> !Files.isSymbolicLink(path)).toList();
    }
    each(paths, Trees::fsync);
  }

  private interface PathAction {
    void apply(Path path) throws IOException;
  }

  /** Applies an action to each path, in no order, from a few threads. */
  private static void each(List<Path> paths, PathAction action) throws IOException {
    try (ExecutorService threads = Executors.newFixedThreadPool(THREADS)) {
      List<Future<?>> running = new ArrayList<>();
      for (Path path : paths) {
        running.add(
            threads.submit(() -> {
              action.apply(path);
              return null;
            }));
      }
      for (Future<?> one : running) {
        one.get();
      }
    } catch (ExecutionException e) {
      throw new IOException(e.getCause());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IOException("interrupted", e);
    }
  }

  static void fsync(Path path) throws IOException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.READ)) {
      channel.force(true);
    }
  }

  /** Copies one file and returns once it and its name are durable. */
  static void copyDurably(Path from, Path to) throws IOException {
    try (FileChannel in = FileChannel.open(from, StandardOpenOption.READ);
        FileChannel out =
            FileChannel.open(to, StandardOpenOption.WRITE, StandardOpenOption.CREATE_NEW)) {
      ByteBuffer piece = ByteBuffer.allocateDirect(PIECE_BYTES);
      while (in.read(piece) >= 0) {
        piece.flip();
        while (piece.hasRemaining()) {
          out.write(piece);
        }
        piece.clear();
      }
      out.force(true);
    }
    Path parent = to.getParent();
    assert parent != null : "a file has a directory";
    fsync(parent);
  }

  /**
   * Compares two trees: names, types, modes, times, link targets, contents.
   *
   * @return how many entries were compared
   * @throws IOException naming the first difference
   */
  static long compare(Path expected, Path actual) throws IOException {
    long count = 0;
    try (Stream<Path> paths = Files.walk(expected)) {
      for (Path path : (Iterable<Path>) paths::iterator) {
        compareEntry(path, actual.resolve(expected.relativize(path).toString()));
        count++;
      }
    }
    try (Stream<Path> paths = Files.walk(actual)) {
      long found = paths.count();
      if (found != count) {
        throw new IOException(
            "entries differ in number; observed=%d, limit=%d".formatted(found, count));
      }
    }
    return count;
  }

  private static void compareEntry(Path expected, Path actual) throws IOException {
    if (Files.isSymbolicLink(expected)) {
      same(actual, "target", Files.readSymbolicLink(expected), Files.readSymbolicLink(actual));
      return;
    }
    String[] views = {"mode", "nlink", "lastModifiedTime"};
    for (String view : views) {
      boolean linksOfDirectory = view.equals("nlink") && Files.isDirectory(expected);
      if (!linksOfDirectory) {
        same(actual, view, attribute(expected, view), attribute(actual, view));
      }
    }
    if (Files.isRegularFile(expected)) {
      same(actual, "size", Files.size(expected), Files.size(actual));
      same(actual, "first different byte", -1L, Files.mismatch(expected, actual));
    }
  }

  private static Object attribute(Path path, String view) throws IOException {
    return Files.getAttribute(path, "unix:" + view, LinkOption.NOFOLLOW_LINKS);
  }

  private static void same(Path path, String what, Object expected, Object actual)
      throws IOException {
    if (!expected.equals(actual)) {
      throw new IOException(
          "%s: %s differs; observed=%s, limit=%s".formatted(path, what, actual, expected));
    }
  }

  /** Removes a tree: its files several at a time, then its directories from below. */
  static void remove(Path root) throws IOException {
    if (!Files.exists(root, LinkOption.NOFOLLOW_LINKS)) {
      return;
    }
    List<Path> directories = new ArrayList<>();
    List<Path> others = new ArrayList<>();
    try (Stream<Path> walk = Files.walk(root)) {
      walk.forEach(path ->
          (Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS) ? directories : others).add(path));
    }
    each(others, Files::delete);
    for (Path directory : directories.reversed()) {
      Files.delete(directory);
    }
  }
}
