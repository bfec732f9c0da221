package io.lampyris.usrbio;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeException;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.FileSystemException;
import io.lampyris.protocol.FileMode;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.charset.CharacterCodingException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Objects;

/**
 * A file directly under {@code /dev/shm} that a program shares with us, mapped whole. The mapping
 * outlives the file's name; the descriptor stays open to see whether the file was shrunk.
 */
final class SharedFile {
  static final String DIRECTORY = "/dev/shm/";

  private static final int READ_WRITE = FileMode.MAY_READ | FileMode.MAY_WRITE;

  private final String path;
  private final int fd;
  private final MemorySegment memory;

  private SharedFile(String path, int fd, MemorySegment memory) {
    this.path = path;
    this.fd = fd;
    this.memory = memory;
  }

  /**
   * Opens and maps the target of a registration on a user's behalf.
   *
   * @throws FileSystemException EINVAL for a target elsewhere or of another kind, EACCES when it
   *     cannot be opened, mapped, or is not the user's to read and write
   */
  static SharedFile open(byte[] target, User user) throws FileSystemException {
    String path = pathOf(target);
    // NONBLOCK: opening a FIFO must not wait for its other end.
    int flags = Fcntl.O_RDWR | Fcntl.O_NOFOLLOW | Fcntl.O_CLOEXEC | Fcntl.O_NONBLOCK;
    int fd = Libc.open(path, flags, 0);
    if (fd < 0) {
      String observed = Errno.describe(-fd);
      throw refused(openErrno(-fd), "cannot open shared memory", path, observed, "/dev/shm/NAME");
    }
    try {
      return new SharedFile(path, fd, map(path, fd, user));
    } catch (FileSystemException | RuntimeException | Error e) {
      Libc.close(fd);
      throw e;
    }
  }

  private static int openErrno(int errno) {
    return switch (errno) {
      case Errno.EMFILE, Errno.ENFILE -> Errno.EMFILE;
      // A symlink or a directory: not what may be registered.
      case Errno.ELOOP, Errno.EISDIR -> Errno.EINVAL;
      default -> Errno.EACCES;
    };
  }

  private static MemorySegment map(String path, int fd, User user) throws FileSystemException {
    Map<String, Object> found;
    try {
      // Through the descriptor: the name may lead elsewhere by now.
      found = Files.readAttributes(Path.of("/proc/self/fd/" + fd), "unix:mode,uid,gid,size");
    } catch (IOException e) {
      throw refused(Errno.EACCES, "cannot examine shared memory", path, e.toString(), "none");
    }
    int mode = (int) number(found, "mode");
    if (!FileMode.isRegular(mode)) {
      String observed = "mode " + Integer.toOctalString(mode);
      throw refused(Errno.EINVAL, "not a regular file", path, observed, "a regular file");
    }
    if (!mayUse(user, mode, (int) number(found, "uid"), (int) number(found, "gid"))) {
      String observed = "uid " + user.uid() + ", mode " + Integer.toOctalString(mode);
      throw refused(Errno.EACCES, "not this user's memory", path, observed, "read and write");
    }
    long sizeBytes = number(found, "size");
    if (sizeBytes == 0) {
      throw refused(Errno.EINVAL, "shared memory is empty", path, "0 bytes", "at least 1");
    }
    try {
      int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
      return NativeMemory.map(fd, 0, sizeBytes, prot, Fcntl.MAP_SHARED);
    } catch (NativeException e) {
      String observed = String.valueOf(e.getMessage());
      throw refused(Errno.EACCES, "cannot map shared memory", path, observed, "mappable");
    }
  }

  private static long number(Map<String, Object> attributes, String name) {
    return ((Number) Objects.requireNonNull(attributes.get(name), name)).longValue();
  }

  /** Supplementary groups are not known here, so they do not help. */
  private static boolean mayUse(User user, int mode, int ownerUid, int ownerGid) {
    boolean isOwner = user.uid() == ownerUid;
    return user.uid() == 0 || FileMode.grants(mode, isOwner, user.gid() == ownerGid, READ_WRITE);
  }

  /** Exactly one name below the directory, so that nothing needs to be resolved. */
  private static String pathOf(byte[] target) throws FileSystemException {
    String text;
    try {
      text = StandardCharsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(target)).toString();
    } catch (CharacterCodingException e) {
      throw outside("bytes that are not UTF-8");
    }
    String collapsed = text.replaceAll("/+", "/");
    String name = collapsed.startsWith(DIRECTORY) ? collapsed.substring(DIRECTORY.length()) : "";
    boolean single = !name.isEmpty() && name.indexOf('/') < 0 && name.indexOf('\0') < 0;
    if (!single || name.equals(".") || name.equals("..")) {
      throw outside(text);
    }
    return DIRECTORY + name;
  }

  private static FileSystemException outside(String observed) {
    return refused(Errno.EINVAL, "target is no shared memory", "target", observed, "/dev/shm/NAME");
  }

  private static FileSystemException refused(
      int errno, String what, String path, String observed, String limit) {
    return new FileSystemException(
        errno,
        what
            + " ("
            + RegistrationKey.shown(path)
            + "); observed="
            + RegistrationKey.shown(observed)
            + ", limit="
            + limit
            + "; remedy: link to a file made by shm_open, readable and writable by its user");
  }

  /** Gives every page its memory now, so that a full {@code /dev/shm} is an error and no fault. */
  void claimPages() throws FileSystemException {
    int result = Libc.fallocate(fd, 0, 0, memory.byteSize());
    if (result < 0) {
      String observed = Errno.describe(-result);
      throw refused(Errno.EACCES, "no room in /dev/shm", path, observed, memory.byteSize() + " B");
    }
  }

  MemorySegment memory() {
    return memory;
  }

  /** Whether all that is mapped is still there; one system call that allocates nothing. */
  boolean isWhole() {
    return Libc.lseek(fd, 0, Fcntl.SEEK_END) >= memory.byteSize();
  }

  /** Nothing uses the memory any more. */
  void close() {
    NativeMemory.unmap(memory);
    Libc.close(fd);
  }

  @Override
  public String toString() {
    return path;
  }
}
