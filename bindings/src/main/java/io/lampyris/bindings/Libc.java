package io.lampyris.bindings;

import static java.lang.foreign.ValueLayout.ADDRESS;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.linux.Linux;
import io.lampyris.bindings.linux.statfs;
import io.lampyris.bindings.linux.statx;
import java.lang.foreign.Arena;
import java.lang.foreign.FunctionDescriptor;
import java.lang.foreign.Linker;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.lang.invoke.MethodHandle;
import org.jspecify.annotations.Nullable;

/**
 * libc and system calls on files, devices and processes. Unless a method says otherwise it returns
 * a value {@code >= 0} or {@code -errno} (see {@link Errno}), retries nothing, and takes its flags
 * from {@link Fcntl}.
 *
 * <p>Calls that take a path or a name allocate a C string and are for the control path; the ones on
 * file descriptors allocate nothing.
 */
public final class Libc {
  private static final Linker.Option VARIADIC_FROM_2 = Linker.Option.firstVariadicArg(2);

  private static final FunctionDescriptor INT_OF_INT = FunctionDescriptor.of(JAVA_INT, JAVA_INT);
  private static final FunctionDescriptor INT_OF_INT_INT =
      FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT);
  private static final FunctionDescriptor TRANSFER =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG, JAVA_LONG);
  private static final FunctionDescriptor STREAM =
      FunctionDescriptor.of(JAVA_LONG, JAVA_INT, ADDRESS, JAVA_LONG);

  private static final MethodHandle OPEN =
      Native.withErrno(
          "open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT), VARIADIC_FROM_2);
  private static final MethodHandle CLOSE = Native.withErrno("close", INT_OF_INT);
  private static final MethodHandle READ = Native.withErrno("read", STREAM);
  private static final MethodHandle WRITE = Native.withErrno("write", STREAM);
  private static final MethodHandle PREAD = Native.withErrno("pread", TRANSFER);
  private static final MethodHandle PWRITE = Native.withErrno("pwrite", TRANSFER);
  private static final MethodHandle FSYNC = Native.withErrno("fsync", INT_OF_INT);
  private static final MethodHandle FDATASYNC = Native.withErrno("fdatasync", INT_OF_INT);
  private static final MethodHandle FTRUNCATE =
      Native.withErrno("ftruncate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG));
  private static final MethodHandle FALLOCATE =
      Native.withErrno(
          "fallocate", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_INT, JAVA_LONG, JAVA_LONG));
  private static final MethodHandle FLOCK = Native.withErrno("flock", INT_OF_INT_INT);
  private static final MethodHandle LSEEK =
      Native.withErrno("lseek", FunctionDescriptor.of(JAVA_LONG, JAVA_INT, JAVA_LONG, JAVA_INT));
  private static final MethodHandle EVENTFD = Native.withErrno("eventfd", INT_OF_INT_INT);
  private static final MethodHandle IOCTL =
      Native.withErrno(
          "ioctl", FunctionDescriptor.of(JAVA_INT, JAVA_INT, JAVA_LONG, ADDRESS), VARIADIC_FROM_2);
  private static final MethodHandle MOUNT =
      Native.withErrno(
          "mount", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS, ADDRESS, JAVA_LONG, ADDRESS));
  private static final MethodHandle UMOUNT2 =
      Native.withErrno("umount2", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final MethodHandle SHM_OPEN =
      Native.withErrno("shm_open", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT));
  private static final MethodHandle SHM_UNLINK =
      Native.withErrno("shm_unlink", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle UNLINK =
      Native.withErrno("unlink", FunctionDescriptor.of(JAVA_INT, ADDRESS));
  private static final MethodHandle CHMOD =
      Native.withErrno("chmod", FunctionDescriptor.of(JAVA_INT, ADDRESS, JAVA_INT));
  private static final FunctionDescriptor STATX_FUNCTION =
      FunctionDescriptor.of(JAVA_INT, JAVA_INT, ADDRESS, JAVA_INT, JAVA_INT, ADDRESS);
  private static final MethodHandle STATX = Native.withErrno("statx", STATX_FUNCTION);

  /** For who does not ask why it failed: errno takes a slice until all around it is compiled. */
  private static final MethodHandle STATX_PLAIN = Native.plain("statx", STATX_FUNCTION);

  /** From linux/stat.h. */
  private static final int STATX_NLINK = 4;

  private static final ThreadLocal<MemorySegment> LINK_STAT =
      ThreadLocal.withInitial(() -> Arena.ofAuto().allocate(statx.layout()));

  private static final MemorySegment EMPTY_PATH = Arena.global().allocate(1);

  private static final MethodHandle STATFS =
      Native.withErrno("statfs", FunctionDescriptor.of(JAVA_INT, ADDRESS, ADDRESS));
  private static final MethodHandle GETPID = id("getpid");
  private static final MethodHandle GETUID = id("getuid");
  private static final MethodHandle GETGID = id("getgid");
  private static final MethodHandle KILL = Native.withErrno("kill", INT_OF_INT_INT);

  private Libc() {}

  /**
   * What statfs(2) knows of a file system.
   *
   * @param type its magic number
   * @param blockSize in bytes
   * @param totalBytes size of the file system
   * @param freeBytes free, the reserve of root included
   * @param availableBytes free for everyone
   */
  public record FsStats(
      long type, long blockSize, long totalBytes, long freeBytes, long availableBytes) {
    private static final long TMPFS_MAGIC = 0x01021994;

    /** Whether its files are in memory and nowhere else. */
    public boolean isTmpfs() {
      return type == TMPFS_MAGIC;
    }
  }

  /** open(2): a file descriptor. {@code mode} counts with O_CREAT only. */
  public static int open(String path, int flags, int mode) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result(
          (int) OPEN.invokeExact(state, Native.cString(arena, path), flags, mode), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** close(2). Do not call again after -EINTR: Linux has closed it. */
  public static int close(int fd) {
    return call(CLOSE, fd);
  }

  /** read(2) of up to {@code sizeBytes} at the file's position. */
  public static long read(int fd, MemorySegment buf, long sizeBytes) {
    assert sizeBytes <= buf.byteSize() : outOfBounds(sizeBytes, buf);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((long) READ.invokeExact(state, fd, buf, sizeBytes), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** write(2) of {@code sizeBytes} at the file's position; may write less. */
  public static long write(int fd, MemorySegment buf, long sizeBytes) {
    assert sizeBytes <= buf.byteSize() : outOfBounds(sizeBytes, buf);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((long) WRITE.invokeExact(state, fd, buf, sizeBytes), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** pread(2): bytes read, fewer at the end of the file, 0 behind it. */
  public static long pread(int fd, MemorySegment buf, long sizeBytes, long offset) {
    assert sizeBytes <= buf.byteSize() : outOfBounds(sizeBytes, buf);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((long) PREAD.invokeExact(state, fd, buf, sizeBytes, offset), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** pwrite(2): bytes written, which can be fewer than {@code sizeBytes}. */
  public static long pwrite(int fd, MemorySegment buf, long sizeBytes, long offset) {
    assert sizeBytes <= buf.byteSize() : outOfBounds(sizeBytes, buf);
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((long) PWRITE.invokeExact(state, fd, buf, sizeBytes, offset), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** fsync(2). */
  public static int fsync(int fd) {
    return call(FSYNC, fd);
  }

  /** fdatasync(2). */
  public static int fdatasync(int fd) {
    return call(FDATASYNC, fd);
  }

  /** ftruncate(2). */
  public static int ftruncate(int fd, long sizeBytes) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) FTRUNCATE.invokeExact(state, fd, sizeBytes), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** fallocate(2) with {@code Fcntl.FALLOC_FL_*}, 0 to reserve and extend. */
  public static int fallocate(int fd, int mode, long offset, long sizeBytes) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) FALLOCATE.invokeExact(state, fd, mode, offset, sizeBytes), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** flock(2); -EWOULDBLOCK when another holds it and LOCK_NB was given. */
  public static int flock(int fd, int operation) {
    return call(FLOCK, fd, operation);
  }

  /** lseek(2): the new position; -ENXIO for SEEK_DATA behind the last data. */
  public static long lseek(int fd, long offset, int whence) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((long) LSEEK.invokeExact(state, fd, offset, whence), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** eventfd(2): a file descriptor. */
  public static int eventfd(int initialValue, int flags) {
    return call(EVENTFD, initialValue, flags);
  }

  /** Makes reads of a descriptor answer EAGAIN instead of waiting; 0 or -errno. */
  public static int setNonBlocking(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      return ioctl(fd, Linux.FIONBIO(), arena.allocateFrom(ValueLayout.JAVA_INT, 1));
    }
  }

  /** ioctl(2) whose argument is a pointer; MemorySegment.NULL for none. */
  public static int ioctl(int fd, long request, MemorySegment argument) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) IOCTL.invokeExact(state, fd, request, argument), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** mount(2). */
  public static int mount(
      @Nullable String source,
      String target,
      @Nullable String type,
      long flags,
      @Nullable String data) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result(
          (int)
              MOUNT.invokeExact(
                  state,
                  Native.cStringOrNull(arena, source),
                  Native.cString(arena, target),
                  Native.cStringOrNull(arena, type),
                  flags,
                  Native.cStringOrNull(arena, data)),
          state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** umount2(2). */
  public static int umount2(String target, int flags) {
    return call(UMOUNT2, target, flags);
  }

  /** shm_open(3): a file descriptor; the name begins with a slash and has no other. */
  public static int shmOpen(String name, int flags, int mode) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result(
          (int) SHM_OPEN.invokeExact(state, Native.cString(arena, name), flags, mode), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** shm_unlink(3). */
  public static int shmUnlink(String name) {
    return call(SHM_UNLINK, name);
  }

  /** unlink(2). */
  public static int unlink(String path) {
    return call(UNLINK, path);
  }

  /** chmod(2). */
  public static int chmod(String path, int mode) {
    return call(CHMOD, path, mode);
  }

  /** This process, as its own pid namespace numbers it. */
  public static long getpid() {
    return id(GETPID);
  }

  /** Real user id; above 2^31 it shows negative, as Java has no unsigned int. */
  public static int getuid() {
    return id(GETUID);
  }

  /** Real group id, as {@link #getuid}. */
  public static int getgid() {
    return id(GETGID);
  }

  /**
   * kill(2); signal 0 only asks: 0 or -EPERM means that the process exists, -ESRCH that it does
   * not.
   */
  public static int kill(int pid, int signal) {
    return call(KILL, pid, signal);
  }

  /** Size of a file in bytes; 0 for devices. */
  public static long fileSize(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(statx.layout());
      int result = statx(fd, Linux.STATX_SIZE(), stat);
      return result < 0 ? result : statx.stx_size(stat);
    }
  }

  /** How many names an open file has; 0 once it was deleted, -1 on failure. Allocates nothing. */
  public static int linkCount(int fd) {
    MemorySegment stat = LINK_STAT.get();
    try {
      int result =
          (int) STATX_PLAIN.invokeExact(fd, EMPTY_PATH, Linux.AT_EMPTY_PATH(), STATX_NLINK, stat);
      return result < 0 ? -1 : statx.stx_nlink(stat);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /** 1 for a regular file, 0 for anything else. */
  public static int isRegular(int fd) {
    return isKind(fd, Fcntl.S_IFREG);
  }

  /** 1 for a block device, 0 for anything else. */
  public static int isBlockDevice(int fd) {
    return isKind(fd, Fcntl.S_IFBLK);
  }

  /** Size of a block device in bytes; -ENOTTY for what is none. */
  public static long blockDeviceSizeBytes(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sizeBytes = arena.allocate(JAVA_LONG);
      int result = ioctl(fd, Fcntl.BLKGETSIZE64, sizeBytes);
      return result < 0 ? result : sizeBytes.get(JAVA_LONG, 0);
    }
  }

  /**
   * Logical sector size of a block device in bytes: what O_DIRECT aligns to; -ENOTTY for what is
   * none.
   */
  public static int blockDeviceSectorBytes(int fd) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment sectorBytes = arena.allocate(JAVA_INT);
      int result = ioctl(fd, Fcntl.BLKSSZGET, sectorBytes);
      return result < 0 ? result : sectorBytes.get(JAVA_INT, 0);
    }
  }

  /**
   * The file system that holds {@code path}.
   *
   * @throws NativeException when statfs(2) fails
   */
  public static FsStats statfs(String path) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stats = arena.allocate(statfs.layout());
      int result = (int) STATFS.invokeExact(state, Native.cString(arena, path), stats);
      if (result != 0) {
        throw new NativeException("statfs", path, Native.errno(state));
      }
      return fsStats(stats);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  /**
   * Block counts are in units of f_frsize, which f_bsize equals on most file systems but not on
   * all.
   */
  private static FsStats fsStats(MemorySegment stats) {
    long unit = statfs.f_frsize(stats) > 0 ? statfs.f_frsize(stats) : statfs.f_bsize(stats);
    return new FsStats(
        statfs.f_type(stats),
        statfs.f_bsize(stats),
        statfs.f_blocks(stats) * unit,
        statfs.f_bfree(stats) * unit,
        statfs.f_bavail(stats) * unit);
  }

  private static int isKind(int fd, int kind) {
    try (Arena arena = Arena.ofConfined()) {
      MemorySegment stat = arena.allocate(statx.layout());
      int result = statx(fd, Linux.STATX_TYPE(), stat);
      if (result < 0) {
        return result;
      }
      return (statx.stx_mode(stat) & Fcntl.S_IFMT) == kind ? 1 : 0;
    }
  }

  /**
   * statx rather than fstat: one struct on every architecture, and a symbol in every glibc since
   * 2.28.
   */
  private static int statx(int fd, int mask, MemorySegment stat) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result(
          (int)
              STATX.invokeExact(
                  state, fd, arena.allocateFrom(""), Linux.AT_EMPTY_PATH(), mask, stat),
          state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static int call(MethodHandle handle, int a) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) handle.invokeExact(state, a), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static int call(MethodHandle handle, int a, int b) {
    MemorySegment state = Native.errnoState();
    try {
      return Native.result((int) handle.invokeExact(state, a, b), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static int call(MethodHandle handle, String path) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result((int) handle.invokeExact(state, Native.cString(arena, path)), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static int call(MethodHandle handle, String path, int b) {
    MemorySegment state = Native.errnoState();
    try (Arena arena = Arena.ofConfined()) {
      return Native.result((int) handle.invokeExact(state, Native.cString(arena, path), b), state);
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static MethodHandle id(String symbol) {
    return Native.plain(symbol, FunctionDescriptor.of(JAVA_INT));
  }

  private static int id(MethodHandle handle) {
    try {
      return (int) handle.invokeExact();
    } catch (Throwable t) {
      throw Native.unexpected(t);
    }
  }

  private static String outOfBounds(long sizeBytes, MemorySegment buf) {
    return "transfer exceeds its buffer; observed=" + sizeBytes + ", limit=" + buf.byteSize();
  }
}
