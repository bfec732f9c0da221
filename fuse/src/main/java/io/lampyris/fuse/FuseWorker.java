package io.lampyris.fuse;

import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import io.lampyris.bindings.Errno;
import io.lampyris.client.FileSystem.User;
import io.lampyris.client.VirtualTree.Caller;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * A request thread: takes a request from the kernel, lets libfuse call the handlers for it on this
 * very thread, and so on until the mount is gone. What the header says of the request is found here
 * while it is handled.
 */
final class FuseWorker extends Thread {
  private static final Logger LOG = LoggerFactory.getLogger(FuseWorker.class);
  private static final long SCRATCH_BYTES = 1024;

  private final LibFuse fuse;
  private final long session;
  private final long channel;
  private final long tap;
  private final OpenNodes nodes;
  private final Arena arena = Arena.ofShared();
  private final MemorySegment request;
  private final MemorySegment channelInOut;
  private final MemorySegment scratch;

  private Caller caller = new Caller(User.ROOT, 0);
  private long nodeInode;
  private @Nullable OpenFile created;

  FuseWorker(String name, LibFuse fuse, long session, long channel, long tap, OpenNodes nodes) {
    super(name);
    setDaemon(true);
    this.fuse = fuse;
    this.session = session;
    this.channel = channel;
    this.tap = tap;
    this.nodes = nodes;
    this.request = arena.allocate(fuse.fuse_chan_bufsize(channel), 4096);
    this.channelInOut = arena.allocate(JAVA_LONG);
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

  /** The node id that the request names. */
  long nodeId() {
    return request.get(JAVA_LONG, FuseLayout.REQUEST_NODE);
  }

  /** The node that a link request gives another name. */
  long linkedNodeId() {
    return request.get(JAVA_LONG, FuseLayout.LINK_NODE);
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
    try (arena) {
      while (fuse.fuse_session_exited(session) == 0) {
        channelInOut.set(JAVA_LONG, 0, channel);
        int size =
            fuse.fuse_chan_recv(channelInOut.address(), request.address(), request.byteSize());
        if (size > 0) {
          handle(size);
        } else if (size != -Errno.EINTR && size != -Errno.EAGAIN) {
          break;
        }
      }
    } catch (RuntimeException | Error e) {
      LOG.error("request thread ended; observed={}; remedy: mount again and report this", this, e);
    }
  }

  private void handle(int size) {
    int opcode = request.get(JAVA_INT, FuseLayout.REQUEST_OPCODE);
    takeCaller();
    created = null;
    if (opcode == FuseLayout.OPCODE_GETATTR) {
      turnToHandle();
    }
    long replyTo = opcode == FuseLayout.OPCODE_CREATE ? tap : channel;
    fuse.fuse_session_process(session, request.address(), size, replyTo);
  }

  /** One process sends most requests in a row, so the last caller is kept. */
  private void takeCaller() {
    int uid = request.get(JAVA_INT, FuseLayout.REQUEST_UID);
    int gid = request.get(JAVA_INT, FuseLayout.REQUEST_GID);
    int pid = request.get(JAVA_INT, FuseLayout.REQUEST_PID);
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
    int flags = request.get(JAVA_INT, FuseLayout.GETATTR_FLAGS);
    OpenNodes.Node node = nodes.find(nodeId());
    if (node == null) {
      return;
    }
    nodeInode = node.inode();
    if ((flags & FuseLayout.GETATTR_BY_HANDLE) == 0) {
      request.set(JAVA_INT, FuseLayout.GETATTR_FLAGS, flags | FuseLayout.GETATTR_BY_HANDLE);
      request.set(JAVA_LONG, FuseLayout.GETATTR_HANDLE, node.handle());
    }
  }
}
