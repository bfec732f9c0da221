package io.lampyris.reactor.net.tcp;

import java.lang.foreign.MemorySegment;

/** A frame that waits to be sent. Owner: the network's reactor. */
interface Transmit {
  /** Message bytes, without header and payload. */
  int messageLength();

  /** Payload bytes that go behind the message. */
  int payloadLength();

  MemorySegment payload();

  long payloadOffset();

  /** Writes header and message at {@code at}. */
  void encode(Link link, MemorySegment into, long at);

  /** Its bytes are in the frame buffer, or on their way. */
  void onSending(boolean payloadApart);

  /** The kernel has taken all bytes, or the connection ended: nothing refers to its memory now. */
  void onSent(boolean whole);
}
