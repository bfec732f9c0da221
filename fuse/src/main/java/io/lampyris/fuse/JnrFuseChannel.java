package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.fuse.requests.InitReply;
import io.lampyris.fuse.requests.Request;
import io.lampyris.fuse.requests.RequestAgent;
import io.lampyris.fuse.requests.RequestLayout;
import io.lampyris.fuse.requests.RequestQueue;
import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.provider.ClosureManager;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import ru.serce.jnrfuse.struct.FuseOperations;

/**
 * libfuse 2.9's high-level interface through jnr-fuse's structures, with a request loop of our own;
 * see the package for why.
 */
final class JnrFuseChannel implements FuseChannel {
  private static final Logger LOG = LoggerFactory.getLogger(JnrFuseChannel.class);
  private static final Path DEVICE = Path.of("/dev/fuse");

  /**
   * Direct I/O with several requests under way, reads ahead of mappings and the like, per mount.
   */
  private static final int BACKGROUND_MAX = 64;

  /** Requests that others wait for, one per thread of theirs, beside those of our threads. */
  private static final int FOREGROUND_MAX = 32;

  /** Shared by the threads of this channel and C, freed when the last of them has ended. */
  private final Arena arena = Arena.ofShared();

  /** C holds their addresses, so they must not be collected. */
  private final List<Object> upcalls = new ArrayList<>();

  private final List<FuseWorker> workers = new ArrayList<>();
  private final OpenNodes nodes = new OpenNodes();
  private final Guard guard = new Guard();
  private final RequestAgent agent;
  private final InstantSource clock;

  private @Nullable Mounted mounted;

  private record Mounted(
      LibFuse lib,
      long fuse,
      long session,
      long channel,
      long tap,
      String mountPoint,
      int connection,
      KernelOperations operations,
      RequestQueue requests) {}

  JnrFuseChannel(RequestAgent agent, InstantSource clock) {
    this.agent = agent;
    this.clock = clock;
  }

  @Override
  public void mount(Path mountPoint, MountOptions options, InodeView view) throws MountException {
    LibFuse lib = load();
    checkDevice();
    String point = mountPoint.toString();
    Forgetter forget = new Forgetter(lib);
    Ioctls ioctls = new Ioctls(options.name(), point);
    KernelOperations operations = new KernelOperations(view, ioctls, nodes, forget, clock);
    long fuse = setUp(lib, point, options, operationTable(operations));
    long session = lib.fuse_get_session(fuse);
    long channel = lib.fuse_session_next_chan(session, 0);
    forget.channel = channel;
    long tap = newTap(lib, channel, operations);
    int connection = connectionOf(point);
    int count = options.threads();
    int requestsMax = BACKGROUND_MAX + FOREGROUND_MAX + count;
    RequestQueue requests = agent.serve(lib.fuse_chan_fd(channel), requestsMax, count, operations);
    mounted =
        new Mounted(lib, fuse, session, channel, tap, point, connection, operations, requests);
    startWorkers(count);
  }

  @Override
  public boolean isServing() {
    Mounted m = mounted;
    return m != null && m.requests().isServing();
  }

  @Override
  public Ending unmount(Duration limit) {
    Mounted m = mounted;
    assert m != null : "mounted before unmounted";
    long deadlineNs = System.nanoTime() + limit.toNanos();
    Ending ending = detach(m);
    if (ending == Ending.DETACHED) {
      FuseConnections.abort(m.connection());
    }
    boolean ended = join(deadlineNs);
    m.operations().releaseAll();
    boolean quiet = m.requests().awaitQuiet(Duration.ofNanos(deadlineNs - System.nanoTime()));
    if (ended && quiet) {
      m.requests().close();
      m.lib().fuse_chan_destroy(m.tap());
      m.lib().fuse_destroy(m.fuse());
      arena.close();
    } else {
      LOG.warn(
          "requests of {} are still under way; observed={} threads alive, all answered={},"
              + " limit={}; remedy: none, they end with the process",
          m.mountPoint(),
          workers.stream().filter(Thread::isAlive).count(),
          quiet,
          limit);
    }
    mounted = null;
    return ending;
  }

  // ---- Mounting

  private static LibFuse load() throws MountException {
    try {
      return LibFuse.Holder.INSTANCE;
    } catch (LinkageError e) {
      throw new MountException(
          MountException.Reason.LIBRARY_MISSING,
          "libfuse cannot be loaded; observed="
              + e.getMessage()
              + ", limit="
              + LibFuse.FILE_NAME
              + "; remedy: apt-get install libfuse2, or dnf install fuse-libs",
          e);
    }
  }

  private static void checkDevice() throws MountException {
    if (!Files.exists(DEVICE)) {
      throw new MountException(
          MountException.Reason.DEVICE_MISSING,
          "the kernel offers no FUSE; observed=no "
              + DEVICE
              + ", limit=a character device; remedy: modprobe fuse (in a container: give it the"
              + " device and CAP_SYS_ADMIN)");
    }
  }

  private long setUp(LibFuse lib, String point, MountOptions options, MemorySegment operations)
      throws MountException {
    String kernelOptions =
        "subtype=hf3fs,fsname="
            + options.source()
            + ",use_ino,big_writes,default_permissions,allow_other,hard_remove"
            + ",attr_timeout=1,entry_timeout=1,negative_timeout=0"
            + ",max_read="
            + Request.PAYLOAD_MAX_BYTES
            + ",max_background="
            + BACKGROUND_MAX;
    String[] words = {"lampyris", point, "-f", "-o", kernelOptions};
    MemorySegment argv = arena.allocate(JAVA_LONG, words.length + 1L);
    for (int i = 0; i < words.length; i++) {
      argv.setAtIndex(JAVA_LONG, i, arena.allocateFrom(words[i]).address());
    }
    MemorySegment outs = arena.allocate(JAVA_LONG, 2);
    long fuse =
        lib.fuse_setup(
            words.length,
            argv.address(),
            operations.address(),
            operations.byteSize(),
            outs.address(),
            outs.address() + Long.BYTES,
            /* userData= */ 0);
    if (fuse == 0) {
      throw new MountException(
          MountException.Reason.REFUSED,
          "the mount was refused; observed=fuse_setup failed for "
              + point
              + ", its reason is on standard error, limit=-o "
              + kernelOptions
              + "; remedy: run as root, or allow user_allow_other in /etc/fuse.conf");
    }
    return fuse;
  }

  private static int connectionOf(String point) throws MountException {
    try {
      List<MountTable.Mount> mounts = MountTable.at(point);
      if (!mounts.isEmpty() && mounts.getLast().type().equals(MountTable.TYPE)) {
        return mounts.getLast().deviceMinor();
      }
    } catch (IOException e) {
      throw new MountException(
          MountException.Reason.REFUSED,
          "mountinfo cannot be read; observed=" + e + ", limit=readable; remedy: mount /proc",
          e);
    }
    throw new MountException(
        MountException.Reason.REFUSED,
        "the mount does not show; observed=no "
            + MountTable.TYPE
            + " at "
            + point
            + " in mountinfo, limit=one; remedy: use a kernel that knows FUSE subtypes");
  }

  private void startWorkers(int count) {
    Mounted m = mounted;
    assert m != null : "mounted before served";
    for (int i = 0; i < count; i++) {
      FuseWorker worker =
          new FuseWorker(
              "fuse-" + i,
              m.lib(),
              m.session(),
              m.channel(),
              m.tap(),
              nodes,
              m.requests().newTaker(),
              m.operations(),
              guard);
      workers.add(worker);
      worker.start();
    }
  }

  // ---- What C calls

  private MemorySegment operationTable(KernelOperations ops) {
    MemorySegment table = arena.allocate(FuseLayout.OPERATIONS_BYTES, Long.BYTES);
    FuseOperations at = FuseLayout.OPERATIONS;
    put(table, at.init.offset(), guard.of("init", c -> ops.init(c)));
    put(table, at.getattr.offset(), guard.of("getattr", (p, s) -> ops.getattr(p, s)));
    put(table, at.fgetattr.offset(), guard.of("fgetattr", (p, s, i) -> ops.fgetattr(s, i)));
    put(table, at.readlink.offset(), guard.of("readlink", (p, b, n) -> ops.readlink(p, b, n)));
    put(table, at.mknod.offset(), guard.of("mknod", (p, m, d) -> ops.mknod(p, (int) m)));
    put(table, at.mkdir.offset(), guard.of("mkdir", (p, m) -> ops.mkdir(p, (int) m)));
    put(table, at.unlink.offset(), guard.of("unlink", p -> ops.unlink(p)));
    put(table, at.rmdir.offset(), guard.of("rmdir", p -> ops.rmdir(p)));
    put(table, at.symlink.offset(), guard.of("symlink", (t, p) -> ops.symlink(t, p)));
    put(table, at.rename.offset(), guard.of("rename", (p, q) -> ops.rename(p, q)));
    put(table, at.link.offset(), guard.of("link", (p, q) -> ops.link(p, q)));
    put(table, at.chmod.offset(), guard.of("chmod", (p, m) -> ops.chmod(p, (int) m)));
    put(table, at.chown.offset(), guard.of("chown", (p, u, g) -> ops.chown(p, (int) u, (int) g)));
    put(table, at.truncate.offset(), guard.of("truncate", (p, n) -> ops.truncate(p, n)));
    put(table, at.ftruncate.offset(), guard.of("ftruncate", (p, n, i) -> ops.ftruncate(n, i)));
    put(table, at.utimens.offset(), guard.of("utimens", (p, t) -> ops.utimens(p, t)));
    putOpenFileOperations(table, ops);
    put(table, at.opendir.offset(), guard.of("opendir", (p, i) -> ops.opendir(p, i)));
    put(
        table,
        at.readdir.offset(),
        guard.of("readdir", (p, b, fill, off, i) -> ops.readdir(b, fill, i)));
    put(table, at.releasedir.offset(), guard.of("releasedir", (p, i) -> ops.releasedir(i)));
    put(table, at.fsyncdir.offset(), guard.of("fsyncdir", (p, d, i) -> ops.fsyncdir(i)));
    put(table, at.statfs.offset(), guard.of("statfs", (p, s) -> ops.statfs(s)));
    put(
        table,
        at.ioctl.offset(),
        guard.of("ioctl", (p, c, a, i, f, d) -> ops.ioctl((int) c, i, (int) f, d)));
    table.set(JAVA_INT, FuseLayout.OPERATION_FLAGS, FuseLayout.OPERATION_FLAGS_VALUE);
    return table;
  }

  private void putOpenFileOperations(MemorySegment table, KernelOperations ops) {
    FuseOperations at = FuseLayout.OPERATIONS;
    put(table, at.open.offset(), guard.of("open", (p, i) -> ops.open(p, i)));
    put(table, at.create.offset(), guard.of("create", (p, m, i) -> ops.create(p, (int) m, i)));
    put(table, at.flush.offset(), guard.of("flush", (p, i) -> ops.flush(i)));
    put(table, at.fsync.offset(), guard.of("fsync", (p, d, i) -> ops.fsync((int) d != 0, i)));
    put(
        table,
        at.fallocate.offset(),
        guard.of("fallocate", (p, m, o, n, i) -> ops.fallocate((int) m, o, n, i)));
    put(table, at.release.offset(), guard.of("release", (p, i) -> ops.release(i)));
  }

  private void put(MemorySegment table, long offset, Upcalls.Of1 call) {
    table.set(JAVA_LONG, offset, addressOf(Upcalls.Of1.class, call));
  }

  private void put(MemorySegment table, long offset, Upcalls.Of2 call) {
    table.set(JAVA_LONG, offset, addressOf(Upcalls.Of2.class, call));
  }

  private void put(MemorySegment table, long offset, Upcalls.Of3 call) {
    table.set(JAVA_LONG, offset, addressOf(Upcalls.Of3.class, call));
  }

  private void put(MemorySegment table, long offset, Upcalls.Of5 call) {
    table.set(JAVA_LONG, offset, addressOf(Upcalls.Of5.class, call));
  }

  private void put(MemorySegment table, long offset, Upcalls.Of6 call) {
    table.set(JAVA_LONG, offset, addressOf(Upcalls.Of6.class, call));
  }

  private <T> long addressOf(Class<T> shape, T call) {
    ClosureManager closures = Runtime.getSystemRuntime().getClosureManager();
    Pointer pointer = closures.getClosurePointer(shape, call);
    upcalls.add(call);
    upcalls.add(pointer);
    return pointer.address();
  }

  /**
   * A second channel over the same device, through which replies to create and init leave. Nothing
   * else in libfuse's high-level interface tells which node id a created file was given; and
   * libfuse 2 knows neither requests above 128 KiB nor several for one direct I/O.
   */
  private long newTap(LibFuse lib, long channel, KernelOperations operations) {
    // struct fuse_chan_ops: receive, send, destroy.
    MemorySegment ops = arena.allocate(JAVA_LONG, 3);
    InitReply initReply = new InitReply(arena);
    Upcalls.Of3 send =
        guard.of(
            "a tapped reply",
            (tap, vectors, count) -> {
              FuseWorker worker = FuseWorker.current();
              if (worker.opcode() == RequestLayout.OPCODE_INIT) {
                long amended = initReply.amend(worker.request(), vectors, count);
                return lib.fuse_chan_send(channel, amended, 1);
              }
              readCreateReply(worker, operations, vectors, count);
              return lib.fuse_chan_send(channel, vectors, count);
            });
    ops.setAtIndex(JAVA_LONG, 1, addressOf(Upcalls.Of3.class, send));
    return lib.fuse_chan_new(
        ops.address(), lib.fuse_chan_fd(channel), lib.fuse_chan_bufsize(channel), 0);
  }

  /** The vectors are a header and, on success, an entry followed by what open tells. */
  private static void readCreateReply(
      FuseWorker worker, KernelOperations operations, long vectors, long count) {
    if (vectors == 0 || count < 2 || worker.created() == null) {
      return;
    }
    MemorySegment iov = NativeMemory.ofAddress(vectors, 4L * Long.BYTES);
    MemorySegment header =
        NativeMemory.ofAddress(iov.getAtIndex(JAVA_LONG, 0), RequestLayout.REPLY_HEADER_BYTES);
    if (header.get(JAVA_INT, RequestLayout.REPLY_ERROR) == 0) {
      MemorySegment reply =
          NativeMemory.ofAddress(iov.getAtIndex(JAVA_LONG, 2), iov.getAtIndex(JAVA_LONG, 3));
      operations.onCreateReply(
          reply.get(JAVA_LONG, 0), reply.get(JAVA_LONG, RequestLayout.ENTRY_BYTES));
    }
  }

  private static final class Forgetter implements KernelOperations.Forget {
    private final LibFuse lib;

    /** Set before the first request is taken. */
    private long channel;

    Forgetter(LibFuse lib) {
      this.lib = lib;
    }

    /** The kernel takes no page lock for attributes alone, so this may be called in a handler. */
    @Override
    public void attributesOf(long nodeId) {
      lib.fuse_lowlevel_notify_inval_inode(channel, nodeId, /* offset= */ -1, /* length= */ 0);
    }

    @Override
    public void name(long nodeId, byte[] name) {
      MemorySegment scratch = FuseWorker.current().scratch();
      FuseLayout.writeString(scratch, name, name.length);
      lib.fuse_lowlevel_notify_inval_entry(channel, nodeId, scratch.address(), name.length);
    }
  }

  // ---- Unmounting

  private static Ending detach(Mounted m) {
    int result = Libc.umount2(m.mountPoint(), 0);
    if (result == -Errno.EBUSY) {
      LOG.warn(
          "{} is in use; observed=open files or working directories, limit=none; remedy: it is"
              + " detached, programs that still use it get errors",
          m.mountPoint());
      result = Libc.umount2(m.mountPoint(), Fcntl.MNT_DETACH);
      return result == 0 ? Ending.DETACHED : Ending.WAS_GONE;
    }
    return result == 0 ? Ending.UNMOUNTED : Ending.WAS_GONE;
  }

  private boolean join(long deadlineNs) {
    boolean ended = true;
    for (FuseWorker worker : workers) {
      long leftMs = Math.max(1, (deadlineNs - System.nanoTime()) / 1_000_000);
      try {
        ended &= worker.join(Duration.ofMillis(leftMs));
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        return false;
      }
    }
    return ended;
  }
}
