package io.lampyris.client;

import io.lampyris.protocol.AttributeMask;
import io.lampyris.protocol.ChoreKind;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.FileMode;
import io.lampyris.protocol.Inodes;
import io.lampyris.protocol.OpenFlags;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.*;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;

/**
 * A metadata service in memory, with one directory level and no permissions: enough of the real
 * messages for a client to work against. State outlives the clients of a test.
 */
final class TestMeta implements Service {
  private record Client(long high, long low) {}

  private static final class Node {
    long inode;
    int mode;
    int uid;
    int gid;
    int links = 1;
    long length;
    long atimeNs = 1;
    long mtimeNs = 1;
    long ctimeNs = 1;
    long truncateVersion;
    FileLayout layout = FileLayout.NONE;
    byte[] target = new byte[0];
    final Set<Client> sessions = new HashSet<>();
    boolean truncating;
  }

  private final FileLayout newLayout;
  private final Map<Long, Node> nodes = new HashMap<>();
  private final TreeMap<String, Long> root = new TreeMap<>();
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final MessageHeaderEncoder replyHeader = new MessageHeaderEncoder();
  private long nextInode = Inodes.FIRST;

  /** How many of the next calls are answered BUSY without effect. */
  final AtomicInteger busyNext = new AtomicInteger();

  final AtomicInteger syncs = new AtomicInteger();
  final AtomicInteger durableSyncs = new AtomicInteger();

  TestMeta(FileLayout newLayout) {
    this.newLayout = newLayout;
    Node directory = new Node();
    directory.inode = Inodes.ROOT;
    directory.mode = FileMode.DIRECTORY | 0755;
    nodes.put(Inodes.ROOT, directory);
  }

  @Override
  public void onCall(Call call) {
    if (busyNext.getAndUpdate(value -> Math.max(0, value - 1)) > 0) {
      call.reply(Status.BUSY.code());
      return;
    }
    header.wrap(call.request, 0);
    call.reply(
        switch (header.templateId()) {
          case LookupDecoder.TEMPLATE_ID -> lookup(call);
          case GetAttributesDecoder.TEMPLATE_ID -> getAttributes(call);
          case SetAttributesDecoder.TEMPLATE_ID -> setAttributes(call);
          case CreateFileDecoder.TEMPLATE_ID -> create(call);
          case MakeDirectoryDecoder.TEMPLATE_ID -> makeDirectory(call);
          case MakeSymlinkDecoder.TEMPLATE_ID -> makeSymlink(call);
          case ReadSymlinkDecoder.TEMPLATE_ID -> readSymlink(call);
          case MakeLinkDecoder.TEMPLATE_ID -> link(call);
          case UnlinkDecoder.TEMPLATE_ID -> unlink(call);
          case RenameDecoder.TEMPLATE_ID -> rename(call);
          case ListDirectoryDecoder.TEMPLATE_ID -> list(call);
          case OpenFileDecoder.TEMPLATE_ID -> open(call);
          case CloseFileDecoder.TEMPLATE_ID -> close(call);
          case SyncFileDecoder.TEMPLATE_ID -> sync(call);
          case BeginTruncateDecoder.TEMPLATE_ID -> beginTruncate(call);
          case EndTruncateDecoder.TEMPLATE_ID -> endTruncate(call);
          case QueryNamespaceDecoder.TEMPLATE_ID -> namespace(call);
          case ListChoresDecoder.TEMPLATE_ID -> listChores(call);
          case EndChoreDecoder.TEMPLATE_ID -> endChore(call);
          default -> Status.NOT_IMPLEMENTED.code();
        });
  }

  private long answer(Call call, @Nullable Node node) {
    if (node == null) {
      return Status.NOT_FOUND.code();
    }
    AttributesReplyEncoder reply = new AttributesReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.inode(node.inode).mode(node.mode).uid(node.uid).gid(node.gid).linkCount(node.links);
    reply.lengthBytes(node.length).atimeNs(node.atimeNs).mtimeNs(node.mtimeNs);
    reply.ctimeNs(node.ctimeNs).truncateVersion(node.truncateVersion).parent(0);
    layout(reply.layout(), node.layout);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private static void layout(LayoutEncoder encoder, FileLayout layout) {
    encoder
        .chunkSizeBytes(layout.chunkSizeBytes())
        .stripeSize(layout.stripeSize())
        .chainTableId(layout.chainTableId())
        .chainTableVersion(layout.chainTableVersion())
        .chainBase(layout.chainBase())
        .placement(layout.placement());
  }

  private static String text(byte[] bytes) {
    return new String(bytes, StandardCharsets.ISO_8859_1);
  }

  private long lookup(Call call) {
    LookupDecoder message = new LookupDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    return answer(call, nodes.get(root.getOrDefault(text(name), 0L)));
  }

  private long getAttributes(Call call) {
    GetAttributesDecoder message =
        new GetAttributesDecoder().wrapAndApplyHeader(call.request, 0, header);
    return answer(call, nodes.get(message.inode()));
  }

  private long setAttributes(Call call) {
    SetAttributesDecoder message =
        new SetAttributesDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node == null) {
      return Status.NOT_FOUND.code();
    }
    if ((message.valid() & AttributeMask.MODE) != 0) {
      node.mode = (node.mode & FileMode.TYPE_MASK) | message.mode();
    }
    if ((message.valid() & AttributeMask.MTIME) != 0) {
      node.mtimeNs = message.mtimeNs();
    }
    return answer(call, node);
  }

  private Node make(String name, int mode) {
    Node node = new Node();
    node.inode = nextInode++;
    node.mode = mode;
    nodes.put(node.inode, node);
    root.put(name, node.inode);
    return node;
  }

  private long create(Call call) {
    CreateFileDecoder message = new CreateFileDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    Node node = nodes.get(root.getOrDefault(text(name), 0L));
    if (node != null && (message.flags() & OpenFlags.EXCLUSIVE) != 0) {
      return Status.EXISTS.code();
    }
    if (node == null) {
      node = make(text(name), message.mode());
      node.layout = FileMode.isRegular(message.mode()) ? newLayout : FileLayout.NONE;
    }
    if ((message.flags() & OpenFlags.SESSION) != 0) {
      node.sessions.add(client(message.identity()));
    }
    return answer(call, node);
  }

  private long makeDirectory(Call call) {
    MakeDirectoryDecoder message =
        new MakeDirectoryDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    return answer(call, make(text(name), FileMode.DIRECTORY | message.mode()));
  }

  private long makeSymlink(Call call) {
    MakeSymlinkDecoder message =
        new MakeSymlinkDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    byte[] target = new byte[message.targetLength()];
    message.getTarget(target, 0, target.length);
    Node node = make(text(name), FileMode.SYMLINK | 0777);
    node.target = target;
    node.length = target.length;
    return answer(call, node);
  }

  private long readSymlink(Call call) {
    ReadSymlinkDecoder message =
        new ReadSymlinkDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node == null) {
      return Status.NOT_FOUND.code();
    }
    SymlinkReplyEncoder reply = new SymlinkReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.putTarget(node.target, 0, node.target.length);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private long link(Call call) {
    MakeLinkDecoder message = new MakeLinkDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    Node node = nodes.get(message.inode());
    if (node != null) {
      node.links++;
      root.put(text(name), node.inode);
    }
    return answer(call, node);
  }

  private long unlink(Call call) {
    UnlinkDecoder message = new UnlinkDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    Long inode = root.remove(text(name));
    Node node = inode == null ? null : nodes.get(inode);
    if (node != null) {
      node.links--;
    }
    return answer(call, node);
  }

  private long rename(Call call) {
    RenameDecoder message = new RenameDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] name = new byte[message.nameLength()];
    message.getName(name, 0, name.length);
    byte[] newName = new byte[message.newNameLength()];
    message.getNewName(newName, 0, newName.length);
    Long inode = root.remove(text(name));
    if (inode == null) {
      return Status.NOT_FOUND.code();
    }
    Long replaced = root.put(text(newName), inode);
    Node node = replaced == null ? new Node() : nodes.get(replaced);
    if (replaced != null && node != null) {
      node.links--;
    }
    return answer(call, node);
  }

  private long list(Call call) {
    ListDirectoryDecoder message =
        new ListDirectoryDecoder().wrapAndApplyHeader(call.request, 0, header);
    byte[] after = new byte[message.afterLength()];
    message.getAfter(after, 0, after.length);
    List<String> names = new ArrayList<>(root.tailMap(text(after), false).keySet());
    // Small pages, so that paging is seen in tests.
    List<String> page = names.subList(0, Math.min(7, names.size()));
    DirectoryReplyEncoder reply = new DirectoryReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.more((short) (names.size() > page.size() ? 1 : 0));
    DirectoryReplyEncoder.EntriesEncoder entries = reply.entriesCount(page.size());
    for (String name : page) {
      byte[] bytes = name.getBytes(StandardCharsets.ISO_8859_1);
      long inode = root.getOrDefault(name, 0L);
      Node node = nodes.get(inode);
      int mode = node == null ? 0 : node.mode & FileMode.TYPE_MASK;
      entries.next().inode(inode).mode(mode).putName(bytes, 0, bytes.length);
    }
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private static Client client(IdentityDecoder identity) {
    return new Client(identity.clientHigh(), identity.clientLow());
  }

  private long open(Call call) {
    OpenFileDecoder message = new OpenFileDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node == null || (node.links == 0 && node.sessions.isEmpty())) {
      return Status.NOT_FOUND.code();
    }
    node.sessions.add(client(message.identity()));
    return answer(call, node);
  }

  private long close(Call call) {
    CloseFileDecoder message = new CloseFileDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node == null) {
      return Status.NOT_FOUND.code();
    }
    node.sessions.remove(client(message.identity()));
    return report(node, message.lengthBytes(), message.truncateVersion(), message.mtimeNs());
  }

  private static long report(Node node, long length, long truncateVersion, long mtimeNs) {
    if (length >= 0 && truncateVersion != node.truncateVersion) {
      return Status.STALE_LENGTH.code();
    }
    node.length = Math.max(node.length, length);
    node.mtimeNs = mtimeNs >= 0 ? mtimeNs : node.mtimeNs;
    return 0;
  }

  private long sync(Call call) {
    SyncFileDecoder message = new SyncFileDecoder().wrapAndApplyHeader(call.request, 0, header);
    syncs.incrementAndGet();
    durableSyncs.addAndGet(message.durable());
    Node node = nodes.get(message.inode());
    return node == null
        ? Status.NOT_FOUND.code()
        : report(node, message.lengthBytes(), message.truncateVersion(), message.mtimeNs());
  }

  private long beginTruncate(Call call) {
    BeginTruncateDecoder message =
        new BeginTruncateDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node != null) {
      node.length = message.lengthBytes();
      node.truncateVersion++;
      node.truncating = true;
    }
    return answer(call, node);
  }

  private long endTruncate(Call call) {
    EndTruncateDecoder message =
        new EndTruncateDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node != null) {
      node.truncating = false;
    }
    return 0;
  }

  private long namespace(Call call) {
    NamespaceReplyEncoder reply = new NamespaceReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader).inodeCount(nodes.size());
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private record Row(Node node, Client client) {}

  private long listChores(Call call) {
    ListChoresDecoder message = new ListChoresDecoder().wrapAndApplyHeader(call.request, 0, header);
    Client caller = new Client(message.clientHigh(), message.clientLow());
    List<Row> rows = new ArrayList<>();
    for (Long inode : new TreeSet<>(nodes.keySet()).tailSet(message.after() + 1)) {
      Node node = nodes.get(inode);
      if (node != null) {
        addRows(ChoreKind.of(message.kind()), node, caller, rows);
      }
    }
    List<Row> page = rows.subList(0, Math.min(3, rows.size()));
    ChoresReplyEncoder reply = new ChoresReplyEncoder();
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    reply.more((short) (rows.size() > page.size() ? 1 : 0));
    ChoresReplyEncoder.ChoresEncoder chores = reply.choresCount(page.size());
    for (Row row : page) {
      chores.next().inode(row.node().inode).lengthBytes(row.node().length);
      chores.truncateVersion(row.node().truncateVersion);
      chores.clientHigh(row.client().high()).clientLow(row.client().low());
      layout(chores.layout(), row.node().layout);
    }
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + reply.encodedLength();
    return 0;
  }

  private static void addRows(ChoreKind kind, Node node, Client caller, List<Row> rows) {
    switch (kind) {
      case REMOVE -> {
        if (node.links == 0 && node.sessions.isEmpty()) {
          rows.add(new Row(node, new Client(0, 0)));
        }
      }
      case TRUNCATE -> {
        if (node.truncating) {
          rows.add(new Row(node, new Client(0, 0)));
        }
      }
      case SETTLE -> {
        for (Client client : node.sessions) {
          if (!client.equals(caller)) {
            rows.add(new Row(node, client));
          }
        }
      }
    }
  }

  private long endChore(Call call) {
    EndChoreDecoder message = new EndChoreDecoder().wrapAndApplyHeader(call.request, 0, header);
    Node node = nodes.get(message.inode());
    if (node == null) {
      return Status.NOT_FOUND.code();
    }
    if (message.kind() == ChoreKind.REMOVE.number() && !node.sessions.isEmpty()) {
      return Status.BUSY.code();
    }
    switch (ChoreKind.of(message.kind())) {
      case REMOVE -> nodes.remove(node.inode);
      case TRUNCATE -> node.truncating = false;
      case SETTLE -> {
        node.length = message.lengthBytes();
        node.sessions.remove(new Client(message.clientHigh(), message.clientLow()));
      }
    }
    return 0;
  }
}
