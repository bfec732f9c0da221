package io.lampyris.client;

import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QuerySpaceEncoder;
import io.lampyris.protocol.sbe.QuerySpaceReplyDecoder;
import io.lampyris.reactor.net.BlockingCall;

/** Sums the space of storage nodes, asked one after the other. One thread. */
final class SpaceQuery {
  private static final int MESSAGE_BYTES = 64;

  private final BlockingCall call = new BlockingCall(MESSAGE_BYTES, MESSAGE_BYTES);
  private final QuerySpaceEncoder request = new QuerySpaceEncoder();
  private final QuerySpaceReplyDecoder reply = new QuerySpaceReplyDecoder();
  private long capacityBytes;
  private long freeBytes;

  BlockingCall prepare() {
    request.wrapAndApplyHeader(call.request, 0, new MessageHeaderEncoder());
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + request.encodedLength();
    return call;
  }

  /** Takes the answer of one node. */
  void add() {
    reply.wrapAndApplyHeader(call.reply, 0, new MessageHeaderDecoder());
    capacityBytes += reply.capacityBytes();
    freeBytes += reply.freeBytes();
  }

  long capacityBytes() {
    return capacityBytes;
  }

  long freeBytes() {
    return freeBytes;
  }
}
