package io.lampyris.meta.service;

import static java.nio.charset.StandardCharsets.UTF_8;

import io.lampyris.meta.ops.LayoutPolicy;
import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.sbe.AttributesReplyDecoder;
import io.lampyris.protocol.sbe.BeginTruncateEncoder;
import io.lampyris.protocol.sbe.ChoresReplyDecoder;
import io.lampyris.protocol.sbe.CloseFileEncoder;
import io.lampyris.protocol.sbe.CreateFileEncoder;
import io.lampyris.protocol.sbe.DirectoryReplyDecoder;
import io.lampyris.protocol.sbe.EndChoreEncoder;
import io.lampyris.protocol.sbe.EndTruncateEncoder;
import io.lampyris.protocol.sbe.GetAttributesEncoder;
import io.lampyris.protocol.sbe.IdentityEncoder;
import io.lampyris.protocol.sbe.LayoutDecoder;
import io.lampyris.protocol.sbe.ListChoresEncoder;
import io.lampyris.protocol.sbe.ListDirectoryEncoder;
import io.lampyris.protocol.sbe.LookupEncoder;
import io.lampyris.protocol.sbe.MakeDirectoryEncoder;
import io.lampyris.protocol.sbe.MakeLinkEncoder;
import io.lampyris.protocol.sbe.MakeSymlinkEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.NamespaceReplyDecoder;
import io.lampyris.protocol.sbe.OpenFileEncoder;
import io.lampyris.protocol.sbe.QueryNamespaceEncoder;
import io.lampyris.protocol.sbe.ReadSymlinkEncoder;
import io.lampyris.protocol.sbe.RemoveDirectoryEncoder;
import io.lampyris.protocol.sbe.RenameEncoder;
import io.lampyris.protocol.sbe.SetAttributesEncoder;
import io.lampyris.protocol.sbe.SymlinkReplyDecoder;
import io.lampyris.protocol.sbe.SyncFileEncoder;
import io.lampyris.protocol.sbe.UnlinkEncoder;
import io.lampyris.protocol.sbe.UserEncoder;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.Transaction;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.LocalNetwork;
import java.util.ArrayList;
import java.util.List;

/** A service over a store and a client that speaks its messages, driven step by step. */
final class MetaRig {
  static final LayoutPolicy LAYOUTS = new LayoutPolicy(1 << 20, 2, 1, 1, 4);
  static final long EPOCH_NS = 1_700_000_000_000_000_000L;

  /** Of how many answers the order is remembered. */
  private static final int ANSWERS_MAX = 100;

  /** An entry of a directory. */
  record Entry(long inode, int mode, String name) {}

  /** A chore as it was listed. */
  record Listed(long inode, long lengthBytes, long truncateVersion, long client) {}

  /** A store whose syncs are counted and refused at will. */
  static final class WatchedKv implements Kv {
    private final Kv kv;
    int syncs;
    boolean broken;

    WatchedKv(Kv kv) {
      this.kv = kv;
    }

    @Override
    public Transaction begin() {
      return kv.begin();
    }

    @Override
    public void sync() {
      if (broken) {
        throw new io.lampyris.reactor.kv.KvException("sync", false, new java.io.IOException("EIO"));
      }
      syncs++;
      kv.sync();
    }

    @Override
    public void close() {
      kv.close();
    }
  }

  /** A call that remembers its answer. */
  static final class TestCall extends Call {
    boolean answered;
    private final List<TestCall> order;

    TestCall(int replyCapacity, List<TestCall> order) {
      super(null, 8 << 10, replyCapacity);
      this.order = order;
    }

    @Override
    protected void onReply() {
      answered = true;
      if (order.size() < ANSWERS_MAX) {
        order.add(this);
      }
    }
  }

  final StepContext context = new StepContext();
  final WatchedKv kv;
  final MetaService service;
  final Connection connection;
  final List<TestCall> answers = new ArrayList<>();
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
  long wallNs = EPOCH_NS;
  int uid;
  int gid;
  long client = 7;
  int channel = 1;
  long sequence;
  int replyCapacity = 64 << 10;

  MetaRig(Kv store) {
    kv = new WatchedKv(store);
    service = new MetaService(context, kv, LAYOUTS, () -> wallNs);
    LocalNetwork network = new LocalNetwork();
    network.serve(1, Services.META, context, service);
    connection = network.connect(1, Services.META);
  }

  MetaRig as(int newUid, int newGid) {
    uid = newUid;
    gid = newGid;
    return this;
  }

  /** Sends and steps until answered; the result. */
  TestCall run(TestCall call) {
    send(call);
    for (int i = 0; i < 3 && !call.answered; i++) {
      service.doWork(context.nowNs());
    }
    assert call.answered : "every call is answered";
    return call;
  }

  TestCall send(TestCall call) {
    call.answered = false;
    connection.send(call);
    return call;
  }

  TestCall call() {
    return new TestCall(replyCapacity, answers);
  }

  private static TestCall sized(TestCall call, int encodedLength) {
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encodedLength;
    return call;
  }

  private void user(UserEncoder user) {
    user.uid(uid).gid(gid);
  }

  private void identity(IdentityEncoder identity) {
    identity.clientHigh(client).clientLow(0).channel(channel).sequence(++sequence);
  }

  TestCall lookupCall(long parent, String name) {
    TestCall call = call();
    LookupEncoder e = new LookupEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    byte[] bytes = name.getBytes(UTF_8);
    e.parent(parent).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall attributesCall(long inode) {
    TestCall call = call();
    GetAttributesEncoder e = new GetAttributesEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    e.inode(inode);
    return sized(call, e.encodedLength());
  }

  TestCall setCall(long inode, int mask, int mode, int newUid, int newGid, long aNs, long mNs) {
    TestCall call = call();
    SetAttributesEncoder e = new SetAttributesEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    e.inode(inode).valid(mask).mode(mode).uid(newUid).gid(newGid).atimeNs(aNs).mtimeNs(mNs);
    return sized(call, e.encodedLength());
  }

  TestCall createCall(long parent, String name, int mode, int flags) {
    TestCall call = call();
    CreateFileEncoder e = new CreateFileEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    e.parent(parent).mode(mode).flags(flags).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall mkdirCall(long parent, String name, int mode) {
    TestCall call = call();
    MakeDirectoryEncoder e = new MakeDirectoryEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    e.parent(parent).mode(mode).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall symlinkCall(long parent, String name, String target) {
    TestCall call = call();
    MakeSymlinkEncoder e = new MakeSymlinkEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    byte[] to = target.getBytes(UTF_8);
    e.parent(parent).putName(bytes, 0, bytes.length).putTarget(to, 0, to.length);
    return sized(call, e.encodedLength());
  }

  TestCall linkCall(long inode, long parent, String name) {
    TestCall call = call();
    MakeLinkEncoder e = new MakeLinkEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    e.inode(inode).parent(parent).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall unlinkCall(long parent, String name) {
    TestCall call = call();
    UnlinkEncoder e = new UnlinkEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    e.parent(parent).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall rmdirCall(long parent, String name) {
    TestCall call = call();
    RemoveDirectoryEncoder e =
        new RemoveDirectoryEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] bytes = name.getBytes(UTF_8);
    e.parent(parent).putName(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  TestCall renameCall(long parent, String name, long newParent, String newName, int flags) {
    TestCall call = call();
    RenameEncoder e = new RenameEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    byte[] from = name.getBytes(UTF_8);
    byte[] to = newName.getBytes(UTF_8);
    e.parent(parent).newParent(newParent).flags(flags);
    e.putName(from, 0, from.length).putNewName(to, 0, to.length);
    return sized(call, e.encodedLength());
  }

  TestCall openCall(long inode, int flags) {
    TestCall call = call();
    OpenFileEncoder e = new OpenFileEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    e.inode(inode).flags(flags);
    return sized(call, e.encodedLength());
  }

  TestCall closeCall(long inode, long lengthBytes, long truncateVersion, long mtimeNs) {
    TestCall call = call();
    CloseFileEncoder e = new CloseFileEncoder().wrapAndApplyHeader(call.request, 0, header);
    identity(e.identity());
    e.inode(inode).lengthBytes(lengthBytes).truncateVersion(truncateVersion).mtimeNs(mtimeNs);
    return sized(call, e.encodedLength());
  }

  TestCall syncCall(long inode, long length, long truncateVersion, long mtimeNs, boolean durable) {
    TestCall call = call();
    SyncFileEncoder e = new SyncFileEncoder().wrapAndApplyHeader(call.request, 0, header);
    identity(e.identity());
    e.inode(inode).lengthBytes(length).truncateVersion(truncateVersion).mtimeNs(mtimeNs);
    e.durable((short) (durable ? 1 : 0));
    return sized(call, e.encodedLength());
  }

  TestCall beginTruncateCall(long inode, long lengthBytes) {
    TestCall call = call();
    BeginTruncateEncoder e = new BeginTruncateEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    identity(e.identity());
    e.inode(inode).lengthBytes(lengthBytes);
    return sized(call, e.encodedLength());
  }

  TestCall endTruncateCall(long inode, long truncateVersion) {
    TestCall call = call();
    EndTruncateEncoder e = new EndTruncateEncoder().wrapAndApplyHeader(call.request, 0, header);
    identity(e.identity());
    e.inode(inode).truncateVersion(truncateVersion);
    return sized(call, e.encodedLength());
  }

  TestCall endChoreCall(ChoreKind kind, long inode, long lengthBytes, long ofClient) {
    TestCall call = call();
    EndChoreEncoder e = new EndChoreEncoder().wrapAndApplyHeader(call.request, 0, header);
    e.kind((short) kind.number()).inode(inode).lengthBytes(lengthBytes);
    e.clientHigh(ofClient).clientLow(0);
    return sized(call, e.encodedLength());
  }

  long inodeCount() {
    TestCall call = call();
    QueryNamespaceEncoder e =
        new QueryNamespaceEncoder().wrapAndApplyHeader(call.request, 0, header);
    run(sized(call, e.encodedLength()));
    return new NamespaceReplyDecoder().wrapAndApplyHeader(call.reply, 0, replyHeader).inodeCount();
  }

  /** A page of chores; throws when there are more. */
  List<Listed> chores(ChoreKind kind) {
    List<Listed> found = new ArrayList<>();
    if (chores(kind, 0, 1000, found)) {
      throw new AssertionError("more than a page");
    }
    return found;
  }

  boolean chores(ChoreKind kind, long after, int max, List<Listed> found) {
    TestCall call = call();
    ListChoresEncoder e = new ListChoresEncoder().wrapAndApplyHeader(call.request, 0, header);
    e.kind((short) kind.number()).after(after).choresMax(max).clientHigh(client).clientLow(0);
    run(sized(call, e.encodedLength()));
    ChoresReplyDecoder d = new ChoresReplyDecoder().wrapAndApplyHeader(call.reply, 0, replyHeader);
    boolean more = d.more() != 0;
    for (ChoresReplyDecoder.ChoresDecoder chore : d.chores()) {
      found.add(
          new Listed(
              chore.inode(), chore.lengthBytes(), chore.truncateVersion(), chore.clientHigh()));
    }
    return more;
  }

  String readlink(long inode) {
    TestCall call = call();
    ReadSymlinkEncoder e = new ReadSymlinkEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    e.inode(inode);
    run(sized(call, e.encodedLength()));
    if (call.result < 0) {
      return "status " + call.result;
    }
    SymlinkReplyDecoder d =
        new SymlinkReplyDecoder().wrapAndApplyHeader(call.reply, 0, replyHeader);
    byte[] target = new byte[d.targetLength()];
    d.getTarget(target, 0, target.length);
    return new String(target, UTF_8);
  }

  TestCall listCall(long inode, String after, int max) {
    TestCall call = call();
    ListDirectoryEncoder e = new ListDirectoryEncoder().wrapAndApplyHeader(call.request, 0, header);
    user(e.user());
    byte[] bytes = after.getBytes(UTF_8);
    e.inode(inode).entriesMax(max).putAfter(bytes, 0, bytes.length);
    return sized(call, e.encodedLength());
  }

  /** Decodes a page; whether there are more. */
  boolean page(TestCall call, List<Entry> found) {
    DirectoryReplyDecoder d =
        new DirectoryReplyDecoder().wrapAndApplyHeader(call.reply, 0, replyHeader);
    boolean more = d.more() != 0;
    for (DirectoryReplyDecoder.EntriesDecoder entry : d.entries()) {
      byte[] name = new byte[entry.nameLength()];
      long inode = entry.inode();
      int mode = entry.mode();
      entry.getName(name, 0, name.length);
      found.add(new Entry(inode, mode, new String(name, UTF_8)));
    }
    return more;
  }

  /** Everything in a directory. */
  List<Entry> list(long inode) {
    List<Entry> all = new ArrayList<>();
    boolean more = true;
    while (more) {
      String after = all.isEmpty() ? "" : all.getLast().name();
      TestCall call = run(listCall(inode, after, Integer.MAX_VALUE));
      if (call.result < 0) {
        throw new AssertionError("list: " + call.result);
      }
      more = page(call, all);
    }
    return all;
  }

  Attributes attributes(Call call) {
    AttributesReplyDecoder d =
        new AttributesReplyDecoder().wrapAndApplyHeader(call.reply, 0, replyHeader);
    LayoutDecoder l = d.layout();
    return new Attributes(
        d.inode(),
        d.mode(),
        d.uid(),
        d.gid(),
        d.linkCount(),
        d.lengthBytes(),
        d.atimeNs(),
        d.mtimeNs(),
        d.ctimeNs(),
        d.truncateVersion(),
        d.parent(),
        new FileLayout(
            l.chunkSizeBytes(),
            l.stripeSize(),
            l.chainTableId(),
            l.chainTableVersion(),
            l.chainBase(),
            l.placement()));
  }

  /** Runs a call that must succeed. */
  Attributes ok(TestCall call) {
    run(call);
    if (call.result < 0) {
      throw new AssertionError("failed: " + io.lampyris.protocol.Status.of(call.result));
    }
    return attributes(call);
  }

  long mkdir(long parent, String name) {
    return ok(mkdirCall(parent, name, 0755)).inode();
  }

  long create(long parent, String name) {
    return ok(createCall(parent, name, FileMode.REGULAR | 0644, 0)).inode();
  }

  Attributes stat(long inode) {
    return ok(attributesCall(inode));
  }
}
