package io.lampyris.client;

import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.QuerySpaceEncoder;
import io.lampyris.protocol.sbe.QuerySpaceReplyDecoder;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Connection;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** Asks a storage node for its space. One thread. */
final class SpaceQuery {
  private static final int MESSAGE_BYTES = 64;
  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(1);

  /** What a node has. */
  record Answer(long capacityBytes, long freeBytes) {
    static final Answer NONE = new Answer(0, 0);
  }

  private final BlockingCall call = new BlockingCall(MESSAGE_BYTES, MESSAGE_BYTES);
  private final QuerySpaceEncoder request = new QuerySpaceEncoder();
  private final QuerySpaceReplyDecoder reply = new QuerySpaceReplyDecoder();

  /** Null when the node does not say. */
  @Nullable Answer ask(Connection node) {
    request.wrapAndApplyHeader(call.request, 0, new MessageHeaderEncoder());
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + request.encodedLength();
    call.deadlineNs = System.nanoTime() + TIMEOUT_NS;
    if (call.send(node) < 0) {
      return null;
    }
    reply.wrapAndApplyHeader(call.reply, 0, new MessageHeaderDecoder());
    return new Answer(reply.capacityBytes(), reply.freeBytes());
  }
}
