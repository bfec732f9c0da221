package io.lampyris.client;

import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;

/**
 * Whether what a read brought is what the member sent, by the checksum that the member was asked
 * for. Owner: reactor.
 */
final class ReadVerifier {
  private final PayloadCrc payloadCrc;
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final ChunkReplyDecoder reply = new ChunkReplyDecoder();

  ReadVerifier(PayloadCrc payloadCrc) {
    this.payloadCrc = payloadCrc;
  }

  /** The result of a read as it stands after a look at the bytes. */
  long verified(ChunkCall call) {
    long result = call.result;
    if (call.replyLength < MessageHeaderDecoder.ENCODED_LENGTH) {
      return result;
    }
    reply.wrapAndApplyHeader(call.reply, 0, header);
    long said = reply.payloadCrc32c();
    if (said == ChunkReplyDecoder.payloadCrc32cNullValue()) {
      return result;
    }
    long actual = payloadCrc.compute(call, (int) result);
    if (actual == PayloadCrc.GONE) {
      return Status.MEMORY_FAULT.code();
    }
    return actual == said ? result : Status.CHECKSUM_MISMATCH.code();
  }
}
