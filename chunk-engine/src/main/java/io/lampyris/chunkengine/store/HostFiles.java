package io.lampyris.chunkengine.store;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.chunkengine.store.StoreException.Reason;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** Blocking calls on the host file system, with their errors named. Any thread but reactors. */
final class HostFiles {
  private static final int MODE = 0640;

  private HostFiles() {}

  static int open(Path path, int flags) throws StoreException {
    return check(
        Libc.open(path.toString(), flags | Fcntl.O_CLOEXEC, MODE), "open", path.toString());
  }

  static void close(int fd) {
    int result = Libc.close(fd);
    assert result == 0 || result == -Errno.EINTR : "close of fd " + fd + ": " + result;
  }

  /** Reserves real space for a range of a file, also behind its end. */
  static void reserve(int fd, Path path, long offset, long sizeBytes, boolean extend)
      throws StoreException {
    int mode = extend ? 0 : Fcntl.FALLOC_FL_KEEP_SIZE;
    check(Libc.fallocate(fd, mode, offset, sizeBytes), "fallocate", path + " to " + sizeBytes);
  }

  static void truncate(Path path, long sizeBytes) throws StoreException {
    int fd = open(path, Fcntl.O_RDWR);
    try {
      check(Libc.ftruncate(fd, sizeBytes), "ftruncate", path + " to " + sizeBytes);
    } finally {
      close(fd);
    }
  }

  static void syncFile(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDONLY);
    try {
      check(Libc.fsync(fd), "fsync", path.toString());
    } finally {
      close(fd);
    }
  }

  /** Makes names in a directory durable. */
  static void syncDirectory(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
    try {
      check(Libc.fsync(fd), "fsync", path.toString());
    } finally {
      close(fd);
    }
  }

  /** Takes a target for this process; the lock goes with the descriptor. */
  static int lock(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDWR | Fcntl.O_CREAT);
    int result = Libc.flock(fd, Fcntl.LOCK_EX | Fcntl.LOCK_NB);
    if (result < 0) {
      close(fd);
    }
    if (result == -Errno.EWOULDBLOCK) {
      throw new StoreException(
          Reason.IN_USE,
          "target is open elsewhere; observed=%s is locked, limit=one process; remedy: stop the other process"
              .formatted(path));
    }
    check(result, "flock", path.toString());
    return fd;
  }

  /** Replaces a small file so that a crash leaves the old or the new one, whole. */
  static void replace(Path path, byte[] content) throws StoreException {
    Path fresh = path.resolveSibling(path.getFileName() + ".tmp");
    try {
      try (FileChannel channel =
          FileChannel.open(
              fresh,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        ByteBuffer bytes = ByteBuffer.wrap(content);
        while (bytes.hasRemaining()) {
          channel.write(bytes);
        }
        channel.force(true);
      }
      Files.move(fresh, path, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      throw io("replace", path, e);
    }
    syncDirectory(directoryOf(path));
  }

  static Path directoryOf(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    assert parent != null : "a file has a directory";
    return parent;
  }

  static void deleteTree(Path root) throws StoreException {
    if (!Files.exists(root)) {
      return;
    }
    try (Stream<Path> tree = Files.walk(root)) {
      List<Path> deepestFirst = tree.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.delete(path);
      }
    } catch (IOException e) {
      throw io("delete", root, e);
    }
  }

  static StoreException io(String what, Path path, IOException e) {
    String text = String.valueOf(e);
    Reason reason = text.contains("No space left") ? Reason.NO_SPACE : Reason.IO;
    return new StoreException(
        reason,
        "cannot %s; observed=%s: %s, limit=success; remedy: look at the host file system's state and permissions"
            .formatted(what, path, text),
        e);
  }

  private static int check(int result, String call, String arguments) throws StoreException {
    if (result >= 0) {
      return result;
    }
    boolean full = result == -Errno.ENOSPC || result == -Errno.EDQUOT || result == -Errno.EFBIG;
    throw new StoreException(
        full ? Reason.NO_SPACE : Reason.IO,
        "%s failed; observed=%s on %s, limit=success; remedy: %s"
            .formatted(
                call,
                Errno.describe(-result),
                arguments,
                full ? "free space on the host file system" : "look at its state and permissions"));
  }
}
