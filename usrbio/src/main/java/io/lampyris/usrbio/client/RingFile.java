package io.lampyris.usrbio.client;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.OpenOption;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;

/** A file that is open on the mount, so that rings can name it. Any thread. */
public final class RingFile implements AutoCloseable {
  private static final int MODE = 0666;

  private final int fd;
  private final long inode;
  private final boolean writable;
  private boolean closed;

  RingFile(int fd, long inode, boolean writable) {
    this.fd = fd;
    this.inode = inode;
    this.writable = writable;
  }

  static RingFile open(Path path, Set<OpenOption> options) throws IOException {
    boolean writable = options.contains(StandardOpenOption.WRITE);
    int flags = Fcntl.O_CLOEXEC | (writable ? Fcntl.O_RDWR : Fcntl.O_RDONLY);
    for (OpenOption option : options) {
      flags |= flag(option);
    }
    int fd = Libc.open(path.toString(), flags, MODE);
    if (fd < 0) {
      throw new IOException(
          "cannot open %s; observed=%s, limit=a file that may be opened so; remedy: check path and"
                  .formatted(path, Errno.describe(-fd))
              + " rights");
    }
    try {
      // By the descriptor: the path may lead elsewhere by now.
      Object inode = Files.getAttribute(Path.of("/proc/self/fd/" + fd), "unix:ino");
      return new RingFile(fd, ((Number) inode).longValue(), writable);
    } catch (IOException | RuntimeException | Error e) {
      Libc.close(fd);
      throw e;
    }
  }

  private static int flag(OpenOption option) {
    if (!(option instanceof StandardOpenOption known)) {
      throw unsupported(option);
    }
    return switch (known) {
      case READ, WRITE -> 0;
      case CREATE -> Fcntl.O_CREAT;
      case CREATE_NEW -> Fcntl.O_CREAT | Fcntl.O_EXCL;
      case TRUNCATE_EXISTING -> Fcntl.O_TRUNC;
      case APPEND, DELETE_ON_CLOSE, SPARSE, SYNC, DSYNC -> throw unsupported(option);
    };
  }

  private static IllegalArgumentException unsupported(OpenOption option) {
    return new IllegalArgumentException(
        "files for rings cannot be opened so; observed=%s, limit=READ, WRITE, CREATE, CREATE_NEW,"
                .formatted(option)
            + " TRUNCATE_EXISTING; remedy: leave it out");
  }

  long inode() {
    return inode;
  }

  boolean isWritable() {
    return writable;
  }

  /** How long it is now, in bytes. */
  public long sizeBytes() throws IOException {
    long size = Libc.fileSize(fd);
    if (size < 0) {
      throw failed("statx", size);
    }
    return size;
  }

  /** Makes what was written through rings, and the length, durable. */
  public void sync() throws IOException {
    int result = Libc.fsync(fd);
    if (result < 0) {
      throw failed("fsync", result);
    }
  }

  private static IOException failed(String call, long result) {
    return new IOException("%s failed; observed=%s".formatted(call, Errno.describe((int) -result)));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      Libc.close(fd);
    }
  }
}
