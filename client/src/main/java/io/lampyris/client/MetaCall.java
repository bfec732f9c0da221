package io.lampyris.client;

import io.lampyris.protocol.Attributes;
import io.lampyris.protocol.sbe.AttributesReplyDecoder;
import io.lampyris.protocol.sbe.BeginTruncateEncoder;
import io.lampyris.protocol.sbe.ChoresReplyDecoder;
import io.lampyris.protocol.sbe.CloseFileEncoder;
import io.lampyris.protocol.sbe.CreateFileEncoder;
import io.lampyris.protocol.sbe.DirectoryReplyDecoder;
import io.lampyris.protocol.sbe.EndChoreEncoder;
import io.lampyris.protocol.sbe.EndTruncateEncoder;
import io.lampyris.protocol.sbe.GetAttributesEncoder;
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
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Connection;
import java.util.List;
import org.agrona.concurrent.UnsafeBuffer;

/** A pooled metadata call with its flyweights. One thread at a time. */
final class MetaCall {
  /** The longest request is a symlink's: 255 bytes of name, 4095 of target. */
  private static final int REQUEST_BYTES = 8 << 10;

  final int channel;

  /** Of the message that was sent last. */
  int attempts;

  final BlockingCall call;
  final MessageHeaderEncoder header = new MessageHeaderEncoder();
  final LookupEncoder lookup = new LookupEncoder();
  final GetAttributesEncoder getAttributes = new GetAttributesEncoder();
  final SetAttributesEncoder setAttributes = new SetAttributesEncoder();
  final CreateFileEncoder createFile = new CreateFileEncoder();
  final MakeDirectoryEncoder makeDirectory = new MakeDirectoryEncoder();
  final MakeSymlinkEncoder makeSymlink = new MakeSymlinkEncoder();
  final ReadSymlinkEncoder readSymlink = new ReadSymlinkEncoder();
  final MakeLinkEncoder makeLink = new MakeLinkEncoder();
  final UnlinkEncoder unlink = new UnlinkEncoder();
  final RemoveDirectoryEncoder removeDirectory = new RemoveDirectoryEncoder();
  final RenameEncoder rename = new RenameEncoder();
  final ListDirectoryEncoder listDirectory = new ListDirectoryEncoder();
  final OpenFileEncoder openFile = new OpenFileEncoder();
  final CloseFileEncoder closeFile = new CloseFileEncoder();
  final SyncFileEncoder syncFile = new SyncFileEncoder();
  final BeginTruncateEncoder beginTruncate = new BeginTruncateEncoder();
  final EndTruncateEncoder endTruncate = new EndTruncateEncoder();
  final QueryNamespaceEncoder queryNamespace = new QueryNamespaceEncoder();
  final ListChoresEncoder listChores = new ListChoresEncoder();
  final EndChoreEncoder endChore = new EndChoreEncoder();

  private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
  private final AttributesReplyDecoder attributesReply = new AttributesReplyDecoder();
  private final DirectoryReplyDecoder directoryReply = new DirectoryReplyDecoder();
  private final SymlinkReplyDecoder symlinkReply = new SymlinkReplyDecoder();
  private final NamespaceReplyDecoder namespaceReply = new NamespaceReplyDecoder();
  private final ChoresReplyDecoder choresReply = new ChoresReplyDecoder();
  private boolean more;

  MetaCall(int channel, int replyBytes) {
    this.channel = channel;
    this.call = new BlockingCall(REQUEST_BYTES, replyBytes);
  }

  UnsafeBuffer request() {
    return call.request;
  }

  long send(Connection meta, int encodedLength) {
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encodedLength;
    return call.send(meta);
  }

  Attributes attributes() {
    AttributesReplyDecoder reply = attributesReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    return new Attributes(
        reply.inode(),
        reply.mode(),
        reply.uid(),
        reply.gid(),
        reply.linkCount(),
        reply.lengthBytes(),
        reply.atimeNs(),
        reply.mtimeNs(),
        reply.ctimeNs(),
        reply.truncateVersion(),
        reply.parent(),
        MetaClient.layout(reply.layout()));
  }

  byte[] symlink() {
    symlinkReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    byte[] target = new byte[symlinkReply.targetLength()];
    symlinkReply.getTarget(target, 0, target.length);
    return target;
  }

  long inodeCount() {
    return namespaceReply.wrapAndApplyHeader(call.reply, 0, replyHeader).inodeCount();
  }

  /**
   * Hands out the entries of a page; answers the last one's name, or {@code none} if there is none
   * or no more are wanted.
   */
  byte[] entries(FileSystem.EntryVisitor visitor, byte[] none) {
    directoryReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    more = directoryReply.more() != 0;
    byte[] last = none;
    for (DirectoryReplyDecoder.EntriesDecoder entry : directoryReply.entries()) {
      long inode = entry.inode();
      int mode = entry.mode();
      last = new byte[entry.nameLength()];
      entry.getName(last, 0, last.length);
      if (!visitor.onEntry(inode, mode, last)) {
        return none;
      }
    }
    return last;
  }

  boolean directoryMore() {
    return more;
  }

  void chores(List<MetaClient.Chore> into) {
    choresReply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    for (ChoresReplyDecoder.ChoresDecoder chore : choresReply.chores()) {
      into.add(
          new MetaClient.Chore(
              chore.inode(),
              chore.lengthBytes(),
              chore.truncateVersion(),
              chore.clientHigh(),
              chore.clientLow(),
              MetaClient.layout(chore.layout())));
    }
  }
}
