package io.lampyris.reactor.net.verbs;

import java.lang.foreign.MemorySegment;

/** A message that waits to be sent. Owner: the network's reactor. */
interface Sendable {
  /** Bytes behind the header. */
  int messageLength();

  /** The bytes behind the header. */
  byte[] message();

  /** How many operations go before the message: windows to open, payload to write. */
  int entriesBefore();

  /**
   * Prepares what those operations need; they may be asked for again until it is true.
   *
   * @return false when memory is short: it waits at the head of its queue
   */
  boolean prepare();

  /** Fills the entries before the message. */
  void fillBefore(Link link);

  /** Writes the header, without credits; the header was cleared. */
  void encode(MemorySegment into, long at);

  /** A key of the peer's that the message takes back, or 0. */
  int takesBack();

  /** Whether something waits for the device to be done with it. */
  boolean holds();

  /**
   * The device is done with it, or the connection ended.
   *
   * @param whole whether the peer has it
   */
  void onSent(boolean whole);
}
