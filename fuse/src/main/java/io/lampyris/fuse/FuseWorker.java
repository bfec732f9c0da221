package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.client.FileSystem.User;
import io.lampyris.client.VirtualTree.Caller;
import io.lampyris.fuse.requests.Request;
import io.lampyris.fuse.requests.RequestLayout;
import io.lampyris.fuse.requests.RequestTaker;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request thread: takes a request that is not for the reactor, lets libfuse call the handlers for
 * it on this very thread, or moves data without libfuse, and so on until the mount is gone. What
 * the header says of the request is found here while it is handled.
 */
final class FuseWorker extends Thread {
  private static final Logger LOG = LoggerFactory.getLogger(FuseWorker.class);
  private static final long SCRATCH_BYTES = 1024;

  private final LibFuse fuse;
  private final long session;
  private final long channel;
  private final long tap;
  private final OpenNodes nodes;
  private final RequestTaker taker;
  private final KernelOperations operations;
  private final Guard guard;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment scratch;

  private MemorySegment request = MemorySegment.NULL;
  private int opcode;

  private Caller caller = new Caller(User.ROOT, 0);
  private long nodeInode;
  private @Nullable OpenFile created;

  FuseWorker(
      String name,
      LibFuse fuse,
      long session,
      long channel,
      long tap,
      OpenNodes nodes,
      RequestTaker taker,
      KernelOperations operations,
      Guard guard) {
    super(name);
    setDaemon(true);
    this.fuse = fuse;
    this.session = session;
    this.channel = channel;
    this.tap = tap;
    this.nodes = nodes;
    this.taker = taker;
    this.operations = operations;
    this.guard = guard;
    this.scratch = arena.allocate(SCRATCH_BYTES, 16);
  }

  /** The worker whose request is being handled: handlers run on no other thread. */
  static FuseWorker current() {
    return (FuseWorker) Thread.currentThread();
  }

  /** On whose behalf. */
  Caller caller() {
    return caller;
  }

  /** The kernel's number of what the request asks for. */
  int opcode() {
    return opcode;
  }

  /** The request that is being handled. */
  MemorySegment request() {
    return request;
  }

  /** The node id that the request names. */
  long nodeId() {
    return request.get(JAVA_LONG, RequestLayout.NODE);
  }

  /** The node that a link request gives another name. */
  long linkedNodeId() {
    return request.get(JAVA_LONG, RequestLayout.LINK_NODE);
  }

  /** The inode of a getattr that was turned to a handle. */
  long nodeInode() {
    return nodeInode;
  }

  /** A file that this request has created, whose node id its reply will tell. */
  void created(@Nullable OpenFile file) {
    created = file;
  }

  @Nullable OpenFile created() {
    return created;
  }

  /** Native memory of this thread for the length of one call. */
  MemorySegment scratch() {
    return scratch;
  }

  @Override
  public void run() {
    try (arena;
        taker) {
      for (Request next = taker.take(); next != null; next = taker.take()) {
        request = next.input();
        if (next.movesData()) {
          next.answer(move(next));
        } else {
          handle(next);
        }
        next.recycle();
      }
    } catch (RuntimeException | Error e) {
      LOG.error("request thread ended; observed={}; remedy: mount again and report this", this, e);
    }
  }

  /** Bytes, or -errno (I5). */
  private int move(Request next) {
    try {
      return operations.move(next);
    } catch (Throwable t) {
      return guard.errnoOf(next.write ? "write" : "read", t);
    }
  }

  private void handle(Request next) {
    takeCaller();
    created = null;
    opcode = next.opcode();
    if (opcode == RequestLayout.OPCODE_GETATTR) {
      turnToHandle();
    }
    boolean tapped = opcode == RequestLayout.OPCODE_CREATE || opcode == RequestLayout.OPCODE_INIT;
    int size = request.get(JAVA_INT, RequestLayout.SIZE);
    fuse.fuse_session_process(session, request.address(), size, tapped ? tap : channel);
  }

  /** One process sends most requests in a row, so the last caller is kept. */
  private void takeCaller() {
    int uid = request.get(JAVA_INT, RequestLayout.UID);
    int gid = request.get(JAVA_INT, RequestLayout.GID);
    int pid = request.get(JAVA_INT, RequestLayout.PID);
    User user = caller.user();
    if (user.uid() != uid || user.gid() != gid || caller.pid() != pid) {
      caller = new Caller(new User(uid, gid), pid);
    }
  }

  /**
   * fstat(2) comes without a handle, and libfuse would look for a path, which a file that was
   * unlinked while open has not. So a node that is open is asked for by one of its handles (I2).
   */
  private void turnToHandle() {
    int flags = request.get(JAVA_INT, RequestLayout.GETATTR_FLAGS);
    OpenNodes.Node node = nodes.find(nodeId());
    if (node == null) {
      return;
    }
    nodeInode = node.inode();
    if ((flags & RequestLayout.GETATTR_BY_HANDLE) == 0) {
      request.set(JAVA_INT, RequestLayout.GETATTR_FLAGS, flags | RequestLayout.GETATTR_BY_HANDLE);
      request.set(JAVA_LONG, RequestLayout.GETATTR_HANDLE, node.handle());
    }
  }
}
