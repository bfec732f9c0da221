package io.lampyris.reactor.net.verbs;

import io.lampyris.bindings.verbs.QueuePairAddress;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.VerbsHelloDecoder;
import io.lampyris.protocol.sbe.VerbsHelloEncoder;
import org.agrona.concurrent.UnsafeBuffer;
import org.jspecify.annotations.Nullable;

/** What the ends of a connection tell each other over TCP. Owner: the network's reactor. */
final class Greeting {
  static final int BYTES = MessageHeaderEncoder.ENCODED_LENGTH + VerbsHelloEncoder.BLOCK_LENGTH;

  private final MessageHeaderEncoder headerEncoder = new MessageHeaderEncoder();
  private final VerbsHelloEncoder encoder = new VerbsHelloEncoder();
  private final MessageHeaderDecoder headerDecoder = new MessageHeaderDecoder();
  private final VerbsHelloDecoder decoder = new VerbsHelloDecoder();

  /** Writes a queue pair's address, or a mark without one; returns the length. */
  int encode(UnsafeBuffer into, @Nullable QueuePairAddress address) {
    encoder.wrapAndApplyHeader(into, 0, headerEncoder);
    encoder
        .qpNumber(address == null ? 0 : address.qpNumber())
        .firstPsn(address == null ? 0 : address.firstPsn())
        .lid(address == null ? 0 : address.lid())
        .mtu((short) (address == null ? 0 : address.mtu()))
        .readsMax((short) (address == null ? 0 : address.readsMax()))
        .gidHigh(address == null ? 0 : address.gidHigh())
        .gidLow(address == null ? 0 : address.gidLow())
        .receives(Link.RECEIVES)
        .receiveBytes(Link.SLOT_BYTES)
        .version(Frame.VERSION);
    return BYTES;
  }

  /** Reads one; false when it is none, or not one of ours to understand. */
  boolean decode(UnsafeBuffer from, int length) {
    if (length < BYTES) {
      return false;
    }
    headerDecoder.wrap(from, 0);
    if (headerDecoder.templateId() != VerbsHelloDecoder.TEMPLATE_ID) {
      return false;
    }
    decoder.wrapAndApplyHeader(from, 0, headerDecoder);
    return decoder.version() == Frame.VERSION
        && decoder.receives() >= Link.RECEIVES
        && decoder.receiveBytes() >= Link.SLOT_BYTES;
  }

  /** Whether the message that was read is only a mark. */
  boolean isMark() {
    return decoder.qpNumber() == 0;
  }

  QueuePairAddress address() {
    return new QueuePairAddress(
        (int) decoder.qpNumber(),
        (int) decoder.firstPsn(),
        decoder.lid(),
        decoder.gidHigh(),
        decoder.gidLow(),
        decoder.mtu(),
        decoder.readsMax());
  }

  int receives() {
    return decoder.receives();
  }

  int receiveBytes() {
    return (int) Math.min(Integer.MAX_VALUE, decoder.receiveBytes());
  }
}
