package io.lampyris.reactor.net.tcp;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Call;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** A call on its way to a peer; pooled by it. Owner: the network's reactor. */
final class Outgoing implements Transmit {
  private static final long NANOS_PER_MICRO = 1000;
  private static final int TEMPLATE_AT = 2;
  private static final int SBE_HEADER_BYTES = 8;

  enum State {
    /** In the pool. */
    FREE,
    /** No connection, or its window is full. */
    WAITING,
    /** The link has it, and no byte is sent. */
    QUEUED,
    /** The kernel has its bytes, or is taking them. */
    SENDING,
    /** Sent; the answer is to come. */
    SENT
  }

  private final Peer peer;
  State state = State.FREE;
  @Nullable Call call;
  int serviceId;
  long id;
  boolean hasSlot;

  /** The payload goes from the call's memory: that is the kernel's while sending. */
  boolean apart;

  /** The result is decided; the answer may have to wait for the kernel. */
  boolean done;

  boolean expired;
  long result;

  Outgoing(Peer peer) {
    this.peer = peer;
  }

  void begin(Call of, int service) {
    assert state == State.FREE : "taken from the pool: " + state;
    call = of;
    serviceId = service;
    state = State.WAITING;
    hasSlot = false;
    apart = false;
    done = false;
    expired = false;
  }

  Call call() {
    Call of = call;
    assert of != null : "an answered call is not asked about";
    return of;
  }

  @Override
  public int messageLength() {
    return call().requestLength;
  }

  @Override
  public int payloadLength() {
    return call().payloadIsRoom ? 0 : call().payloadLength;
  }

  @Override
  public MemorySegment payload() {
    return call().payload;
  }

  @Override
  public long payloadOffset() {
    return call().payloadOffset;
  }

  @Override
  public void encode(Link link, MemorySegment into, long at) {
    Call of = call();
    byte[] message = of.request.byteArray();
    int length = of.requestLength;
    int replyRoom = Math.min(of.reply.capacity(), Link.MESSAGE_MAX_BYTES);
    into.set(FrameLayout.SHORT, at + FrameLayout.MESSAGE_LENGTH_AT, (short) length);
    into.set(FrameLayout.SHORT, at + FrameLayout.MESSAGE_ROOM_AT, (short) replyRoom);
    into.set(FrameLayout.INT, at + FrameLayout.PAYLOAD_LENGTH_AT, payloadLength());
    into.set(FrameLayout.LONG, at + FrameLayout.REQUEST_ID_AT, id);
    into.set(FrameLayout.LONG, at + FrameLayout.TRACE_ID_AT, of.traceId);
    into.set(FrameLayout.LONG, at + FrameLayout.RESULT_AT, 0);
    into.set(FrameLayout.INT, at + FrameLayout.BUDGET_AT, (int) budgetUs(of.deadlineNs));
    int room = of.payloadIsRoom ? of.payloadLength : 0;
    into.set(FrameLayout.INT, at + FrameLayout.PAYLOAD_ROOM_AT, room);
    into.set(FrameLayout.INT, at + FrameLayout.NODE_ID_AT, peer.nodeId());
    into.set(FrameLayout.SHORT, at + FrameLayout.SERVICE_ID_AT, (short) serviceId);
    boolean named = length >= SBE_HEADER_BYTES;
    short template = named ? of.request.getShort(TEMPLATE_AT) : 0;
    into.set(FrameLayout.SHORT, at + FrameLayout.TEMPLATE_ID_AT, template);
    into.set(ValueLayout.JAVA_BYTE, at + FrameLayout.KIND_AT, (byte) FrameLayout.REQUEST);
    into.set(ValueLayout.JAVA_BYTE, at + FrameLayout.FLAGS_AT, (byte) 0);
    into.set(FrameLayout.SHORT, at + FrameLayout.VERSION_AT, (short) FrameLayout.VERSION);
    int checksum = FrameLayout.messageChecksum(message, length, link.crc);
    into.set(FrameLayout.INT, at + FrameLayout.MESSAGE_CRC_AT, checksum);
    FrameLayout.seal(into, at, link.crc, link.scratch);
    MemorySegment.copy(
        message, 0, into, ValueLayout.JAVA_BYTE, at + FrameLayout.HEADER_BYTES, length);
  }

  private long budgetUs(long deadlineNs) {
    if (deadlineNs == Long.MAX_VALUE) {
      return FrameLayout.BUDGET_NONE;
    }
    long us = (deadlineNs - peer.nowNs()) / NANOS_PER_MICRO;
    return Math.clamp(us, 0, FrameLayout.BUDGET_NONE - 1);
  }

  @Override
  public void onSending(boolean payloadApart) {
    assert state == State.QUEUED : "sent once: " + state;
    state = State.SENDING;
    apart = payloadApart;
  }

  @Override
  public void onSent(boolean whole) {
    state = State.SENT;
    if (done) {
      peer.settle(this);
    } else if (!whole) {
      peer.complete(this, Status.UNREACHABLE.code());
    }
  }
}
