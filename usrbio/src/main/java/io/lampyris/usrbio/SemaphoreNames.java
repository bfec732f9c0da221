package io.lampyris.usrbio;

import static java.nio.charset.StandardCharsets.ISO_8859_1;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.Semaphores;
import java.io.IOException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The names of an instance's semaphores and of its {@link ChangeBoard}, kept in a file of the
 * instance from before they are made until after they are gone, so that the next start removes what
 * a killed one left in {@code /dev/shm}. What is left by instances that never start again is
 * removed by whichever starts: an instance holds a lock on each of its files for as long as it
 * lives ({@link #openHeld}), so what has such a name and no lock is nobody's.
 */
final class SemaphoreNames {
  private static final Logger LOG = LoggerFactory.getLogger(SemaphoreNames.class);
  private static final String FILE = "usrbio-semaphores";
  private static final String PREFIX = "hf3fs-submit-ios.lampyris-";
  private static final String BOARD_PREFIX = "lampyris-board.";
  private static final String UUID_PATTERN = "[0-9a-f-]{36}";

  /** The file may hold anything; only what we, or who held no locks, could have written. */
  private static final Pattern OURS =
      Pattern.compile("hf3fs-submit-ios\\.(lampyris-)?" + UUID_PATTERN);

  private static final Pattern OUR_BOARD =
      Pattern.compile("lampyris-(changes|board)\\." + UUID_PATTERN);

  /** Files whose makers hold locks. Others (hf3fs-submit-ios.UUID) hold none. */
  private static final Pattern HELD =
      Pattern.compile("(sem\\.hf3fs-submit-ios\\.lampyris-|lampyris-board\\.)" + UUID_PATTERN);

  private final Path file;

  SemaphoreNames(Path instanceDirectory) {
    file = instanceDirectory.resolve(FILE);
  }

  /** Removes what an earlier process of this instance left, and what nobody's instance holds. */
  void removeLeftovers() throws IOException {
    removeRecorded();
    removeAbandoned();
  }

  private void removeRecorded() throws IOException {
    if (!Files.exists(file)) {
      return;
    }
    for (String name : Files.readAllLines(file, ISO_8859_1)) {
      if (OURS.matcher(name).matches() && Semaphores.unlinkNamed(name) == 0) {
        LOG.info("removed a leftover semaphore; observed={}", name);
      }
      if (OUR_BOARD.matcher(name).matches()) {
        Files.deleteIfExists(Path.of(SharedFile.DIRECTORY, name));
      }
    }
    Files.delete(file);
  }

  private static void removeAbandoned() {
    try (DirectoryStream<Path> files =
        Files.newDirectoryStream(Path.of(SharedFile.DIRECTORY), "*lampyris-*")) {
      for (Path each : files) {
        if (HELD.matcher(each.getFileName().toString()).matches() && removeUnlessHeld(each)) {
          LOG.info("removed what a dead instance left; observed={}", each);
        }
      }
    } catch (IOException | DirectoryIteratorException e) {
      LOG.warn("cannot look for what dead instances left; observed={}", e.toString());
    }
  }

  /** Its maker, should it be at work just now, finds it locked or without a name. */
  private static boolean removeUnlessHeld(Path path) {
    // NONBLOCK: opening a FIFO must not wait for its other end.
    int fd =
        Libc.open(
            path.toString(),
            Fcntl.O_RDONLY | Fcntl.O_NOFOLLOW | Fcntl.O_NONBLOCK | Fcntl.O_CLOEXEC,
            0);
    if (fd < 0) {
      return false;
    }
    try {
      return Libc.isRegular(fd) == 1
          && Libc.flock(fd, Fcntl.LOCK_EX | Fcntl.LOCK_NB) == 0
          && Libc.unlink(path.toString()) == 0;
    } finally {
      Libc.close(fd);
    }
  }

  /**
   * Opens and locks a file that this process has just made, until the descriptor is closed or the
   * process ends, however it does.
   *
   * @return the descriptor
   * @throws NativeException also when another instance took it for a dead one's: make another
   */
  static int openHeld(String path, int access) {
    int fd = Libc.open(path, access | Fcntl.O_CLOEXEC | Fcntl.O_NOFOLLOW, 0);
    if (fd < 0) {
      throw new NativeException("open", path, -fd);
    }
    try {
      hold(fd, path);
      return fd;
    } catch (NativeException e) {
      Libc.close(fd);
      throw e;
    }
  }

  static void hold(int fd, String path) {
    int result = Libc.flock(fd, Fcntl.LOCK_SH | Fcntl.LOCK_NB);
    if (result < 0) {
      throw new NativeException("flock", path, -result);
    }
    if (Libc.linkCount(fd) != 1) {
      throw new NativeException("flock of a removed file", path, Errno.ENOENT);
    }
  }

  /** Makes new names and records them: of so many semaphores, and then that of the board. */
  List<String> create(int count) throws IOException {
    String board = BOARD_PREFIX + UUID.randomUUID();
    List<String> names =
        Stream.concat(
                Stream.generate(() -> PREFIX + UUID.randomUUID()).limit(count), Stream.of(board))
            .toList();
    Path fresh = file.resolveSibling(FILE + ".new");
    Files.writeString(fresh, String.join("\n", names), ISO_8859_1);
    Files.move(fresh, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    return names;
  }

  /** The semaphores are gone. */
  void forget() throws IOException {
    Files.deleteIfExists(file);
  }
}
