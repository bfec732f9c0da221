package io.lampyris.client;

import io.lampyris.bindings.ShrinkableMemory;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import java.lang.foreign.MemorySegment;
import java.util.zip.CRC32C;

/**
 * Whether what a read brought is what the member sent, by the checksum that the member was asked
 * for. Owner: reactor.
 */
final class ReadVerifier {
  private static final int BLOCK_BYTES = 64 << 10;

  private final PayloadCrc payloadCrc;
  private final MessageHeaderDecoder header = new MessageHeaderDecoder();
  private final ChunkReplyDecoder reply = new ChunkReplyDecoder();
  private final CRC32C crc = new CRC32C();
  private final byte[] block = new byte[BLOCK_BYTES];
  private final MemorySegment blockMemory = MemorySegment.ofArray(block);

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
    int length = (int) result;
    int expected = (int) said;
    if (!call.shrinkable) {
      int actual = payloadCrc.compute(call.payload, call.payloadOffset, length);
      return actual == expected ? result : Status.CHECKSUM_MISMATCH.code();
    }
    return verifiedShrinkable(call, length, expected);
  }

  /** Memory that may be gone is looked at through a copy. */
  private long verifiedShrinkable(ChunkCall call, int length, int expected) {
    crc.reset();
    for (int done = 0; done < length; done += BLOCK_BYTES) {
      int part = Math.min(BLOCK_BYTES, length - done);
      long from = call.payloadOffset + done;
      if (!ShrinkableMemory.copy(call.payload, from, blockMemory, 0, part)) {
        return Status.MEMORY_FAULT.code();
      }
      crc.update(block, 0, part);
    }
    return (int) crc.getValue() == expected ? length : Status.CHECKSUM_MISMATCH.code();
  }
}
