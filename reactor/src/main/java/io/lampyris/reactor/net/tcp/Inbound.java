package io.lampyris.reactor.net.tcp;

import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Endpoints;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** A call that came over a link, on its way to a service and back; pooled. */
final class Inbound extends Endpoints.Arrived implements Transmit {
  private final TcpNetwork network;
  private @Nullable Link link;
  private long epoch;
  private long id;
  @Nullable ServerSide side;

  Inbound(TcpNetwork network, ReactorContext home) {
    super(home);
    this.network = network;
  }

  /** Takes header and message. */
  void begin(Link from, MemorySegment in, long at, int messageLength, long nowNs) {
    link = from;
    epoch = from.epoch;
    id = in.get(FrameLayout.LONG, at + FrameLayout.REQUEST_ID_AT);
    traceId = in.get(FrameLayout.LONG, at + FrameLayout.TRACE_ID_AT);
    long us = Integer.toUnsignedLong(in.get(FrameLayout.INT, at + FrameLayout.BUDGET_AT));
    deadlineNs = us == FrameLayout.BUDGET_NONE ? Long.MAX_VALUE : nowNs + us * 1000;
    int room = Short.toUnsignedInt(in.get(FrameLayout.SHORT, at + FrameLayout.MESSAGE_ROOM_AT));
    reserve(messageLength, Math.min(room, Link.MESSAGE_MAX_BYTES));
    requestLength = messageLength;
    MemorySegment.copy(
        in,
        ValueLayout.JAVA_BYTE,
        at + FrameLayout.HEADER_BYTES,
        request.byteArray(),
        0,
        messageLength);
    payload(MemorySegment.NULL, 0, 0);
  }

  boolean isOf(Link other) {
    return link == other && epoch == other.epoch;
  }

  @Override
  protected void onReply() {
    left(network.late);
    Link to = link;
    ServerSide from = side;
    side = null;
    if (from != null && to != null && to.epoch == epoch) {
      from.inFlight--;
    }
    if (to != null && to.epoch == epoch && to.isOpen()) {
      to.enqueue(this);
    } else {
      network.recycle(this);
    }
  }

  @Override
  public int messageLength() {
    return replyLength;
  }

  @Override
  public int payloadLength() {
    return payloadIsRoom && result > 0 ? (int) Math.min(result, payloadLength) : 0;
  }

  @Override
  public MemorySegment payload() {
    return payload;
  }

  @Override
  public long payloadOffset() {
    return payloadOffset;
  }

  @Override
  public void encode(Link over, MemorySegment into, long at) {
    FrameLayout.clear(into, at);
    byte[] message = reply.byteArray();
    int checksum = FrameLayout.messageChecksum(message, replyLength, over.crc);
    into.set(FrameLayout.SHORT, at + FrameLayout.MESSAGE_LENGTH_AT, (short) replyLength);
    into.set(FrameLayout.INT, at + FrameLayout.MESSAGE_CRC_AT, checksum);
    into.set(FrameLayout.INT, at + FrameLayout.PAYLOAD_LENGTH_AT, payloadLength());
    into.set(FrameLayout.LONG, at + FrameLayout.REQUEST_ID_AT, id);
    into.set(FrameLayout.LONG, at + FrameLayout.TRACE_ID_AT, traceId);
    into.set(FrameLayout.LONG, at + FrameLayout.RESULT_AT, result);
    into.set(ValueLayout.JAVA_BYTE, at + FrameLayout.KIND_AT, (byte) FrameLayout.ANSWER);
    into.set(FrameLayout.SHORT, at + FrameLayout.VERSION_AT, (short) FrameLayout.VERSION);
    FrameLayout.seal(into, at, over.crc, over.scratch);
    MemorySegment.copy(
        message, 0, into, ValueLayout.JAVA_BYTE, at + FrameLayout.HEADER_BYTES, replyLength);
  }

  @Override
  public void onSending(boolean payloadApart) {}

  @Override
  public void onSent(boolean whole) {
    network.recycle(this);
  }
}
