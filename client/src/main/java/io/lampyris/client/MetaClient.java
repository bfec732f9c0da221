package io.lampyris.client;

import io.lampyris.client.FileSystem.User;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.EndChoreEncoder;
import io.lampyris.protocol.sbe.IdentityEncoder;
import io.lampyris.protocol.sbe.LayoutDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.UserEncoder;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.agrona.concurrent.ManyToManyConcurrentArrayQueue;

/**
 * The messages of the metadata service as blocking methods. Any thread but a reactor's.
 *
 * <p>A call that was refused for now (BUSY), did not get through, or was not answered in time is
 * sent again with the same identity until the deadline.
 *
 * <p><b>What a retry may do twice.</b> Nothing where the service records outcomes by identity: what
 * makes, removes or moves names, and the beginning of a truncation (package I1). Everything else
 * may be carried out again with the same effect: attributes are set to values, lengths only rise
 * for their truncate version, opening and closing set a client's one session of an inode, chores
 * end once. Not covered: an attempt that was given up and arrives after its retry was answered and
 * something else was done to the same inode. It could set attributes back, or end a session that
 * was opened again; connections and the deadline in each message bound for how long. Nor is a
 * failure recorded: a retry after one is carried out as new.
 */
final class MetaClient {
  private static final int CALLS_KEPT = 64;
  private static final int LIST_CALLS_KEPT = 4;
  private static final int REPLY_BYTES = 8 << 10;
  private static final int LIST_REPLY_BYTES = 64 << 10;

  /** More than fit into an answer, so that the answer's size decides. */
  private static final int ENTRIES_MAX = 4096;

  private static final int CHORES_MAX = 256;
  private static final int SMALL_BYTES = 128;

  /** For lengths and times that a message does not set. */
  static final long UNCHANGED = -1;

  /** How long one attempt waits: a service that stood still has another connection by then. */
  private static final long ATTEMPT_NS = TimeUnit.SECONDS.toNanos(3);

  private static final long BACKOFF_MIN_NS = TimeUnit.MILLISECONDS.toNanos(1);
  private static final long BACKOFF_MAX_NS = TimeUnit.MILLISECONDS.toNanos(100);

  /** What metadata remembers to be done; see {@link ChoreKind}. */
  record Chore(
      long inode,
      long lengthBytes,
      long truncateVersion,
      long clientHigh,
      long clientLow,
      FileLayout layout) {}

  private final Connection meta;
  private final ClientIdentity identity;
  private final ClientCounters counters;
  private final long retryNs;
  private final ManyToManyConcurrentArrayQueue<MetaCall> calls =
      new ManyToManyConcurrentArrayQueue<>(CALLS_KEPT);
  private final ManyToManyConcurrentArrayQueue<MetaCall> listCalls =
      new ManyToManyConcurrentArrayQueue<>(LIST_CALLS_KEPT);

  MetaClient(Connection meta, ClientIdentity identity, ClientCounters counters, long retryNs) {
    this.meta = meta;
    this.identity = identity;
    this.counters = counters;
    this.retryNs = retryNs;
  }

  String clientId() {
    return ClientCensus.id(identity.high(), identity.low());
  }

  Attributes lookup(User user, long parent, byte[] name) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.lookup.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      message.parent(parent).putName(name, 0, name.length);
      send(call, message.encodedLength(), "lookup");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes attributes(User user, long inode) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.getAttributes.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      message.inode(inode);
      send(call, message.encodedLength(), "getattr");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes setAttributes(
      User user, long inode, int mask, int mode, int uid, int gid, long atimeNs, long mtimeNs)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.setAttributes.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.inode(inode).valid(Integer.toUnsignedLong(mask));
      message.mode(mode).uid(uid).gid(gid).atimeNs(atimeNs).mtimeNs(mtimeNs);
      send(call, message.encodedLength(), "setattr");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes createFile(User user, long parent, byte[] name, int mode, int flags)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.createFile.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).mode(mode).flags(flags).putName(name, 0, name.length);
      send(call, message.encodedLength(), "create");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes makeDirectory(User user, long parent, byte[] name, int mode)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.makeDirectory.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).mode(mode).putName(name, 0, name.length);
      send(call, message.encodedLength(), "mkdir");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes makeSymlink(User user, long parent, byte[] name, byte[] target)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.makeSymlink.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).putName(name, 0, name.length).putTarget(target, 0, target.length);
      send(call, message.encodedLength(), "symlink");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  byte[] readSymlink(User user, long inode) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.readSymlink.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      message.inode(inode);
      send(call, message.encodedLength(), "readlink");
      return call.symlink();
    } finally {
      give(call);
    }
  }

  Attributes link(User user, long inode, long parent, byte[] name) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.makeLink.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.inode(inode).parent(parent).putName(name, 0, name.length);
      send(call, message.encodedLength(), "link");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  Attributes unlink(User user, long parent, byte[] name) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.unlink.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).putName(name, 0, name.length);
      send(call, message.encodedLength(), "unlink");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  void removeDirectory(User user, long parent, byte[] name) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.removeDirectory.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).putName(name, 0, name.length);
      send(call, message.encodedLength(), "rmdir");
    } finally {
      give(call);
    }
  }

  /** Answers what was replaced; inode 0 when nothing was. */
  long rename(User user, long parent, byte[] name, long newParent, byte[] newName, int flags)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.rename.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.parent(parent).newParent(newParent).flags(Integer.toUnsignedLong(flags));
      message.putName(name, 0, name.length).putNewName(newName, 0, newName.length);
      send(call, message.encodedLength(), "rename");
      return call.call.replyLength == 0 ? 0 : call.attributes().inode();
    } finally {
      give(call);
    }
  }

  /** All entries, page by page. */
  void list(User user, long inode, FileSystem.EntryVisitor entries) throws FileSystemException {
    MetaCall call = takeList();
    try {
      byte[] after = new byte[0];
      boolean more = true;
      while (more) {
        var message = call.listDirectory.wrapAndApplyHeader(call.request(), 0, call.header);
        user(message.user(), user);
        message.inode(inode).entriesMax(ENTRIES_MAX).putAfter(after, 0, after.length);
        send(call, message.encodedLength(), "readdir");
        byte[] last = call.entries(entries, after);
        more = call.directoryMore() && last != after;
        after = last;
      }
    } finally {
      giveList(call);
    }
  }

  Attributes open(User user, long inode, int flags) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.openFile.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.inode(inode).flags(flags);
      send(call, message.encodedLength(), "open");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  /** Ends the session; a length from before another client's truncation is left out. */
  void close(long inode, long lengthBytes, long truncateVersion, long mtimeNs)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.closeFile.wrapAndApplyHeader(call.request(), 0, call.header);
      identify(message.identity(), call);
      message.inode(inode).lengthBytes(lengthBytes);
      message.truncateVersion(truncateVersion).mtimeNs(mtimeNs);
      long result = sendForResult(call, message.encodedLength());
      if (result == Status.STALE_LENGTH.code()) {
        message.lengthBytes(UNCHANGED);
        result = sendForResult(call, message.encodedLength());
      }
      if (result == Status.NOT_FOUND.code() && call.attempts > 1) {
        // The first attempt ended the last session of a file without a name.
        return;
      }
      check(result, "close");
    } finally {
      give(call);
    }
  }

  /** Answers false when the file was truncated since the length was taken. */
  boolean sync(long inode, long lengthBytes, long truncateVersion, long mtimeNs, boolean durable)
      throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.syncFile.wrapAndApplyHeader(call.request(), 0, call.header);
      identify(message.identity(), call);
      message.inode(inode).lengthBytes(lengthBytes).truncateVersion(truncateVersion);
      message.mtimeNs(mtimeNs).durable((short) (durable ? 1 : 0));
      long result = sendForResult(call, message.encodedLength());
      if (result == Status.STALE_LENGTH.code()) {
        return false;
      }
      check(result, "fsync");
      return true;
    } finally {
      give(call);
    }
  }

  /** Answers the attributes with the new length and the new truncate version. */
  Attributes beginTruncate(User user, long inode, long lengthBytes) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.beginTruncate.wrapAndApplyHeader(call.request(), 0, call.header);
      user(message.user(), user);
      identify(message.identity(), call);
      message.inode(inode).lengthBytes(lengthBytes);
      send(call, message.encodedLength(), "truncate");
      return call.attributes();
    } finally {
      give(call);
    }
  }

  void endTruncate(long inode, long truncateVersion) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.endTruncate.wrapAndApplyHeader(call.request(), 0, call.header);
      identify(message.identity(), call);
      message.inode(inode).truncateVersion(truncateVersion);
      send(call, message.encodedLength(), "end truncate");
    } finally {
      give(call);
    }
  }

  long inodeCount() throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.queryNamespace.wrapAndApplyHeader(call.request(), 0, call.header);
      send(call, message.encodedLength(), "statfs");
      return call.inodeCount();
    } finally {
      give(call);
    }
  }

  /** One page of chores after an inode; an empty one means that there are no more. */
  List<Chore> chores(ChoreKind kind, long after) throws FileSystemException {
    MetaCall call = takeList();
    try {
      var message = call.listChores.wrapAndApplyHeader(call.request(), 0, call.header);
      message.kind((short) kind.number()).after(after).choresMax(CHORES_MAX);
      message.clientHigh(identity.high()).clientLow(identity.low());
      send(call, message.encodedLength(), "list chores");
      List<Chore> chores = new ArrayList<>();
      call.chores(chores);
      return chores;
    } finally {
      giveList(call);
    }
  }

  /** The chunks have followed. */
  void endChore(ChoreKind kind, Chore chore, long lengthBytes) throws FileSystemException {
    MetaCall call = take();
    try {
      var message = call.endChore.wrapAndApplyHeader(call.request(), 0, call.header);
      message.kind((short) kind.number()).inode(chore.inode()).lengthBytes(lengthBytes);
      message.clientHigh(chore.clientHigh()).clientLow(chore.clientLow());
      send(call, message.encodedLength(), "end chore");
    } finally {
      give(call);
    }
  }

  /**
   * The same for many at once, so that they share one commit.
   *
   * @return how many were not ended; they are listed again
   */
  int endChores(ChoreKind kind, List<Chore> chores) {
    CountDownLatch done = new CountDownLatch(chores.size());
    AtomicInteger failed = new AtomicInteger();
    for (Chore chore : chores) {
      counters.metaCalls.increment();
      EndChoreCall call = new EndChoreCall(kind, chore, done, failed);
      call.deadlineNs = System.nanoTime() + retryNs;
      call.sendTo(meta);
    }
    Waiting.uninterruptibly(done);
    return failed.get();
  }

  private static final class EndChoreCall extends Call {
    private final CountDownLatch done;
    private final AtomicInteger failed;

    EndChoreCall(ChoreKind kind, Chore chore, CountDownLatch done, AtomicInteger failed) {
      super(null, SMALL_BYTES, SMALL_BYTES);
      this.done = done;
      this.failed = failed;
      EndChoreEncoder message = new EndChoreEncoder();
      message.wrapAndApplyHeader(request, 0, new MessageHeaderEncoder());
      message.kind((short) kind.number()).inode(chore.inode()).lengthBytes(0);
      message.clientHigh(chore.clientHigh()).clientLow(chore.clientLow());
      requestLength = MessageHeaderEncoder.ENCODED_LENGTH + message.encodedLength();
    }

    void sendTo(Connection connection) {
      connection.send(this);
    }

    @Override
    protected void onReply() {
      if (result < 0 && result != Status.NOT_FOUND.code()) {
        failed.incrementAndGet();
      }
      done.countDown();
    }
  }

  static FileLayout layout(LayoutDecoder layout) {
    if (layout.chunkSizeBytes() == 0) {
      return FileLayout.NONE;
    }
    return new FileLayout(
        layout.chunkSizeBytes(),
        layout.stripeSize(),
        layout.chainTableId(),
        layout.chainTableVersion(),
        layout.chainBase(),
        layout.placement());
  }

  private void send(MetaCall call, int encodedLength, String what) throws FileSystemException {
    check(sendForResult(call, encodedLength), what);
  }

  private static void check(long result, String what) throws FileSystemException {
    if (result < 0) {
      Status status = Status.of(result);
      throw new FileSystemException(status.errno(), what + " failed; observed=" + status);
    }
  }

  private long sendForResult(MetaCall call, int encodedLength) {
    counters.metaCalls.increment();
    long startNs = System.nanoTime();
    long backoffNs = BACKOFF_MIN_NS;
    call.attempts = 0;
    while (true) {
      call.attempts++;
      long nowNs = System.nanoTime();
      long leftNs = Math.max(1, retryNs - (nowNs - startNs));
      call.call.deadlineNs = nowNs + Math.min(leftNs, attemptNs(call.attempts));
      long result = call.send(meta, encodedLength);
      if (!isPassing(result) || System.nanoTime() - startNs + backoffNs > retryNs) {
        return result;
      }
      counters.retries.increment();
      LockSupport.parkNanos(this, backoffNs);
      backoffNs = Math.min(backoffNs * 2, BACKOFF_MAX_NS);
    }
  }

  /** Longer with every attempt: a service that is slow gets through its work in the end. */
  private static long attemptNs(int attempts) {
    return ATTEMPT_NS << Math.min(attempts - 1, 3);
  }

  private static boolean isPassing(long result) {
    return result == Status.BUSY.code()
        || result == Status.UNREACHABLE.code()
        || result == Status.TIMEOUT.code();
  }

  private static void user(UserEncoder encoder, User user) {
    encoder.uid(user.uid()).gid(user.gid());
  }

  private void identify(IdentityEncoder encoder, MetaCall call) {
    encoder
        .clientHigh(identity.high())
        .clientLow(identity.low())
        .sequence(identity.nextSequence())
        .channel(call.channel);
  }

  private MetaCall take() {
    MetaCall call = calls.poll();
    return call != null ? call : new MetaCall(identity.newChannel(), REPLY_BYTES);
  }

  private void give(MetaCall call) {
    calls.offer(call);
  }

  private MetaCall takeList() {
    MetaCall call = listCalls.poll();
    return call != null ? call : new MetaCall(identity.newChannel(), LIST_REPLY_BYTES);
  }

  private void giveList(MetaCall call) {
    listCalls.offer(call);
  }
}
