package io.lampyris.chunkengine.chain;

import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.protocol.sbe.ChunkAddressEncoder;
import io.lampyris.protocol.sbe.ForwardReplyDecoder;
import io.lampyris.protocol.sbe.ForwardReplyEncoder;
import io.lampyris.protocol.sbe.ForwardUpdateEncoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QueryVersionEncoder;
import io.lampyris.reactor.net.Call;

/** Writes and reads what members say to each other of one chunk. Owner: reactor. */
final class ForwardMessage {
  static final short WRITE = 1;
  static final short TRUNCATE = 2;
  static final short REMOVE = 3;
  static final short COPY = 4;

  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
  private final ForwardUpdateEncoder forward = new ForwardUpdateEncoder();
  private final QueryVersionEncoder query = new QueryVersionEncoder();
  private final ForwardReplyEncoder answer = new ForwardReplyEncoder();
  private final ForwardReplyDecoder reply = new ForwardReplyDecoder();

  /** Of a chunk at another member. */
  static void address(
      ChunkAddressEncoder chunk, ChainTarget from, ChainView.Peer to, long inode, int index) {
    chunk
        .inode(inode)
        .chunkIndex(index)
        .chainId(from.view().chainId())
        .chainVersion(from.view().version())
        .targetId(to.targetId());
  }

  /**
   * An update on its way.
   *
   * @param base the chunk before it, as committed here; version 0 without
   * @param version what it makes of it
   * @param doubt 0, or {@link UpdateRun#DOUBTED}
   */
  void update(
      PeerCall call,
      ChainTarget target,
      ChainView.Peer to,
      UpdateRun run,
      ChunkState base,
      int version,
      short kind,
      int doubt,
      long order) {
    forward.wrapAndApplyHeader(call.request, 0, header);
    address(forward.chunk(), target, to, run.inode, run.chunkIndex);
    forward
        .identity()
        .clientHigh(run.clientHigh)
        .clientLow(run.clientLow)
        .sequence(run.sequence)
        .channel(run.channel);
    forward
        .kind(kind)
        .chunkSizeBytes(run.chunkSizeBytes)
        .chunkOffset(run.chunkOffset)
        .length(run.lengthBytes)
        .updateVersion(version)
        .payloadCrc32c(Integer.toUnsignedLong(run.payloadCrc32c))
        .answer(doubt);
    if (run.kind == UpdateRun.Kind.REMOVE) {
      forward
          .length(run.doneVersion)
          .chunkOffset(run.doneIndex)
          .payloadCrc32c(Integer.toUnsignedLong(run.doneBefore));
    }
    sender(target, order);
    forward
        .baseVersion(base.version)
        .baseLength(base.version == 0 ? 0 : base.lengthBytes)
        .baseCrc32c(base.version == 0 ? 0 : Integer.toUnsignedLong(base.crc32c))
        .baseMaker(base.version == 0 ? 0 : Integer.toUnsignedLong(base.maker()));
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + forward.encodedLength();
  }

  /** A part of a copy. */
  void copyPart(
      PeerCall call,
      ChainTarget target,
      ChainView.Peer to,
      ChunkState of,
      int at,
      int bytes,
      int crc,
      long order) {
    forward.wrapAndApplyHeader(call.request, 0, header);
    address(forward.chunk(), target, to, of.inode, of.chunkIndex);
    forward
        .identity()
        .clientHigh(of.clientHigh)
        .clientLow(of.clientLow)
        .sequence(of.sequence)
        .channel(of.channel);
    forward
        .kind(COPY)
        .chunkSizeBytes(of.chunkSizeBytes)
        .chunkOffset(at)
        .length(bytes)
        .updateVersion(of.version)
        .payloadCrc32c(Integer.toUnsignedLong(crc))
        .answer(of.result);
    sender(target, order);
    forward
        .baseVersion(0)
        .baseLength(of.lengthBytes)
        .baseCrc32c(Integer.toUnsignedLong(of.crc32c))
        .baseMaker(0);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + forward.encodedLength();
  }

  /** The removal of a chunk that is not here. */
  void removal(
      PeerCall call,
      ChainTarget target,
      ChainView.Peer to,
      long inode,
      int chunkIndex,
      long order) {
    forward.wrapAndApplyHeader(call.request, 0, header);
    address(forward.chunk(), target, to, inode, chunkIndex);
    forward.identity().clientHigh(0).clientLow(0).sequence(0).channel(0);
    forward
        .kind(REMOVE)
        .chunkSizeBytes(0)
        .chunkOffset(0)
        .length(0)
        .updateVersion(0)
        .payloadCrc32c(0)
        .answer(0);
    sender(target, order);
    forward.baseVersion(0).baseLength(0).baseCrc32c(0).baseMaker(0);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + forward.encodedLength();
  }

  private void sender(ChainTarget target, long order) {
    forward
        .senderTarget(target.targetId())
        .senderStart(target.options.incarnation())
        .order(order)
        .floor(target.forwards.floor());
  }

  /** Which version of a chunk is committed; for the tail. */
  void query(PeerCall call, ChainTarget target, ChainView.Peer to, long inode, int chunkIndex) {
    query.wrapAndApplyHeader(call.request, 0, header);
    address(query.chunk(), target, to, inode, chunkIndex);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + query.encodedLength();
  }

  /** Answers with a chunk as it is committed here; version 0 without one. */
  void answer(Call call, int version, int lengthBytes, int crc32c) {
    answer
        .wrapAndApplyHeader(call.reply, 0, header)
        .committedVersion(version)
        .chunkLength(lengthBytes)
        .chunkCrc32c(Integer.toUnsignedLong(crc32c));
    call.replyLength = MessageHeaderEncoder.ENCODED_LENGTH + answer.encodedLength();
    call.reply(0);
  }

  private boolean hasReply(Call call) {
    if (call.result < 0
        || call.replyLength
            < MessageHeaderEncoder.ENCODED_LENGTH + ForwardReplyDecoder.BLOCK_LENGTH) {
      return false;
    }
    replyHeader.wrap(call.reply, 0);
    if (replyHeader.templateId() != ForwardReplyDecoder.TEMPLATE_ID) {
      return false;
    }
    reply.wrapAndApplyHeader(call.reply, 0, replyHeader);
    return true;
  }

  /** The version that an answer names; -1 when it names none. */
  int version(Call call) {
    return hasReply(call) ? reply.committedVersion() : -1;
  }

  /** Whether the answering member has this very version committed. */
  boolean isLike(Call call, ChunkState version) {
    return hasReply(call)
        && reply.committedVersion() == version.version
        && reply.chunkLength() == version.lengthBytes
        && (int) reply.chunkCrc32c() == version.crc32c;
  }
}
