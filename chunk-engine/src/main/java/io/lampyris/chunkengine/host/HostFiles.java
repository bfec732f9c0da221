package io.lampyris.chunkengine.host;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.StoreException.Reason;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/** {@link Host} by system calls, with their errors named. */
public class HostFiles implements Host {
  public static final HostFiles INSTANCE = new HostFiles();

  private static final int MODE = 0640;

  /** For hosts that differ in a few things. */
  protected HostFiles() {}

  @Override
  public int open(Path path, int flags) throws StoreException {
    return check(
        Libc.open(path.toString(), flags | Fcntl.O_CLOEXEC, MODE), "open", path.toString());
  }

  @Override
  public void close(int fd) {
    int result = Libc.close(fd);
    assert result == 0 || result == -Errno.EINTR : "close of fd " + fd + ": " + result;
  }

  @Override
  public long sizeBytes(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDONLY);
    try {
      return Libc.isBlockDevice(fd) == 1 ? Libc.blockDeviceSizeBytes(fd) : Libc.fileSize(fd);
    } finally {
      close(fd);
    }
  }

  @Override
  public long checkDevice(Path device, long sizeBytes) throws StoreException {
    return sizeBytes;
  }

  @Override
  public Reader openReader(Path device) throws StoreException {
    int direct = Libc.open(device.toString(), Fcntl.O_RDONLY | Fcntl.O_CLOEXEC | Fcntl.O_DIRECT, 0);
    int fd = direct == -Errno.EINVAL ? open(device, Fcntl.O_RDONLY) : direct;
    return new FileReader(device, check(fd, "open", device.toString()));
  }

  private record FileReader(Path device, int fd) implements Reader {
    @Override
    public long read(long offset, MemorySegment into) throws StoreException {
      long done = 0;
      while (done < into.byteSize()) {
        long result = Libc.pread(fd, into.asSlice(done), into.byteSize() - done, offset + done);
        if (result == 0) {
          break;
        }
        if (result != -Errno.EINTR) {
          done += check((int) result, "pread", device.toString());
        }
      }
      return done;
    }

    @Override
    public void close() {
      INSTANCE.close(fd);
    }
  }

  @Override
  public boolean isLinked(int fd) {
    return Libc.linkCount(fd) > 0;
  }

  @Override
  public boolean leadsTo(Path path, int fd) throws StoreException {
    try {
      return Files.exists(path) && Files.isSameFile(path, Path.of("/proc/self/fd/" + fd));
    } catch (IOException e) {
      throw io("look at", path, e);
    }
  }

  @Override
  public void reserve(int fd, Path path, long offset, long sizeBytes, boolean extend)
      throws StoreException {
    int mode = extend ? 0 : Fcntl.FALLOC_FL_KEEP_SIZE;
    check(Libc.fallocate(fd, mode, offset, sizeBytes), "fallocate", path + " to " + sizeBytes);
  }

  @Override
  public void truncate(Path path, long sizeBytes) throws StoreException {
    int fd = open(path, Fcntl.O_RDWR);
    try {
      check(Libc.ftruncate(fd, sizeBytes), "ftruncate", path + " to " + sizeBytes);
    } finally {
      close(fd);
    }
  }

  @Override
  public void syncFile(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDONLY);
    try {
      check(Libc.fsync(fd), "fsync", path.toString());
    } finally {
      close(fd);
    }
  }

  @Override
  public void syncDirectory(Path path) throws StoreException {
    int fd = open(path, Fcntl.O_RDONLY | Fcntl.O_DIRECTORY);
    try {
      check(Libc.fsync(fd), "fsync", path.toString());
    } finally {
      close(fd);
    }
  }

  @Override
  public int lock(Path path) throws StoreException {
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

  @Override
  public void replace(Path path, byte[] content) throws StoreException {
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

  @Override
  public boolean exists(Path path) {
    return Files.exists(path);
  }

  @Override
  public List<Path> list(Path directory) throws StoreException {
    try (Stream<Path> entries = Files.list(directory)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      throw io("list", directory, e);
    }
  }

  @Override
  public void createDirectories(Path directory) throws StoreException {
    try {
      Files.createDirectories(directory);
    } catch (IOException e) {
      throw io("create", directory, e);
    }
  }

  @Override
  public long availableBytes(Path path) throws StoreException {
    try {
      return Libc.statfs(path.toString()).availableBytes();
    } catch (NativeException e) {
      throw new StoreException(
          Reason.IO,
          "cannot ask for free space; observed=%s, limit=a readable file system; remedy: look at its state and permissions"
              .formatted(e.getMessage()),
          e);
    }
  }

  @Override
  public int read(Path path, long offset, MemorySegment into) throws StoreException {
    try (FileChannel channel = FileChannel.open(path)) {
      ByteBuffer bytes = into.asByteBuffer();
      int read = 0;
      while (bytes.hasRemaining() && read >= 0) {
        read = channel.read(bytes, offset + bytes.position());
      }
      return bytes.position();
    } catch (IOException e) {
      throw io("read", path, e);
    }
  }

  @Override
  public void write(Path path, long offset, MemorySegment from) throws StoreException {
    try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
      ByteBuffer bytes = from.asByteBuffer();
      while (bytes.hasRemaining()) {
        channel.write(bytes, offset + bytes.position());
      }
    } catch (IOException e) {
      throw io("write", path, e);
    }
  }

  public static Path directoryOf(Path path) {
    Path parent = path.toAbsolutePath().getParent();
    assert parent != null : "a file has a directory";
    return parent;
  }

  @Override
  public void deleteTree(Path root) throws StoreException {
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

  public static StoreException io(String what, Path path, IOException e) {
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
