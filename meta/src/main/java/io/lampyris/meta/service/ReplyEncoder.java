package io.lampyris.meta.service;

import io.lampyris.meta.ops.Chores;
import io.lampyris.meta.schema.Inode;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.AttributesReplyEncoder;
import io.lampyris.protocol.sbe.ChoresReplyEncoder;
import io.lampyris.protocol.sbe.DirectoryReplyEncoder;
import io.lampyris.protocol.sbe.LayoutEncoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.NamespaceReplyEncoder;
import io.lampyris.protocol.sbe.SymlinkReplyEncoder;
import io.lampyris.reactor.net.Call;
import java.util.List;

/** Encodes answers into calls. Owner: the service's reactor. */
final class ReplyEncoder {
  /** What every answer that has attributes takes. */
  static final int ATTRIBUTES_BYTES =
      MessageHeaderEncoder.ENCODED_LENGTH + AttributesReplyEncoder.BLOCK_LENGTH;

  static final int NAMESPACE_BYTES =
      MessageHeaderEncoder.ENCODED_LENGTH + NamespaceReplyEncoder.BLOCK_LENGTH;

  private static final int NAMES_MAX = 65_534;

  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final AttributesReplyEncoder attributes = new AttributesReplyEncoder();
  private final DirectoryReplyEncoder directory = new DirectoryReplyEncoder();
  private final SymlinkReplyEncoder symlink = new SymlinkReplyEncoder();
  private final NamespaceReplyEncoder namespace = new NamespaceReplyEncoder();
  private final ChoresReplyEncoder chores = new ChoresReplyEncoder();

  void attributes(Call call, Inode inode) {
    attributes
        .wrapAndApplyHeader(call.reply, 0, header)
        .inode(inode.number())
        .mode(inode.mode())
        .uid(inode.uid())
        .gid(inode.gid())
        .linkCount(inode.linkCount())
        .lengthBytes(inode.lengthBytes())
        .atimeNs(inode.atimeNs())
        .mtimeNs(inode.mtimeNs())
        .ctimeNs(inode.ctimeNs())
        .truncateVersion(inode.truncateVersion())
        .parent(inode.parent());
    layout(attributes.layout(), inode.layout());
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + attributes.encodedLength();
  }

  /** An inode of 0: nothing was replaced. */
  void noAttributes(Call call) {
    attributes(call, Inode.make(0, 0, FileLayout.NONE));
  }

  /** Answers INVALID_ARGUMENT when the caller has no room for the target. */
  long symlink(Call call, byte[] target) {
    int needed =
        MessageHeaderEncoder.ENCODED_LENGTH
            + SymlinkReplyEncoder.BLOCK_LENGTH
            + SymlinkReplyEncoder.targetHeaderLength()
            + target.length;
    if (needed > call.reply.capacity()) {
      return Status.INVALID_ARGUMENT.code();
    }
    symlink.wrapAndApplyHeader(call.reply, 0, header).putTarget(target, 0, target.length);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + symlink.encodedLength();
    return 0;
  }

  void namespace(Call call, long inodeCount) {
    namespace.wrapAndApplyHeader(call.reply, 0, header).inodeCount(inodeCount);
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + namespace.encodedLength();
  }

  /** One entry of a page of a directory. */
  static final class Entry {
    private final long inode;
    private final int typeBits;
    private final byte[] name;

    Entry(long inode, int typeBits, byte[] name) {
      this.inode = inode;
      this.typeBits = typeBits;
      this.name = name;
    }

    /** How much of a reply it takes. */
    int sizeBytes() {
      return DirectoryReplyEncoder.EntriesEncoder.sbeBlockLength()
          + DirectoryReplyEncoder.EntriesEncoder.nameHeaderLength()
          + name.length;
    }
  }

  /** What a page of a directory may take. */
  static int directoryRoomBytes(Call call) {
    return call.reply.capacity()
        - MessageHeaderEncoder.ENCODED_LENGTH
        - DirectoryReplyEncoder.BLOCK_LENGTH
        - DirectoryReplyEncoder.EntriesEncoder.sbeHeaderSize();
  }

  static int entriesMax(int asked) {
    return Math.min(asked, NAMES_MAX);
  }

  void directory(Call call, boolean more, List<Entry> page) {
    directory.wrapAndApplyHeader(call.reply, 0, header).more((short) (more ? 1 : 0));
    DirectoryReplyEncoder.EntriesEncoder entries = directory.entriesCount(page.size());
    for (Entry entry : page) {
      entries
          .next()
          .inode(entry.inode)
          .mode(entry.typeBits)
          .putName(entry.name, 0, entry.name.length);
    }
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + directory.encodedLength();
  }

  /** How many chores a reply has room for. */
  static int choresMax(Call call, int asked) {
    int room =
        call.reply.capacity()
            - MessageHeaderEncoder.ENCODED_LENGTH
            - ChoresReplyEncoder.BLOCK_LENGTH
            - ChoresReplyEncoder.ChoresEncoder.sbeHeaderSize();
    int fit = room / ChoresReplyEncoder.ChoresEncoder.sbeBlockLength();
    return Math.min(asked, Math.min(fit, NAMES_MAX));
  }

  void chores(Call call, boolean more, List<Chores.Chore> page) {
    chores.wrapAndApplyHeader(call.reply, 0, header).more((short) (more ? 1 : 0));
    ChoresReplyEncoder.ChoresEncoder entries = chores.choresCount(page.size());
    for (Chores.Chore chore : page) {
      Inode inode = chore.inode();
      entries
          .next()
          .inode(inode.number())
          .lengthBytes(inode.lengthBytes())
          .truncateVersion(inode.truncateVersion())
          .clientHigh(chore.client().high())
          .clientLow(chore.client().low());
      layout(entries.layout(), inode.layout());
    }
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + chores.encodedLength();
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
}
