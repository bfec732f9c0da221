package io.lampyris.reactor.net.verbs;

import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Endpoints;
import java.lang.foreign.MemorySegment;
import org.jspecify.annotations.Nullable;

/**
 * A call that came over RDMA, on its way to a service and back; pooled. Its payload lies in a
 * buffer of the reactor, which the device reaches.
 */
final class Served extends Endpoints.Arrived implements Sendable {
  private final VerbsNetwork network;
  private @Nullable Link link;
  private @Nullable ServerSide side;
  private int epoch;
  long id;
  private int windows;
  private final long[] addresses = new long[Frame.WINDOWS_MAX];
  private final int[] lengths = new int[Frame.WINDOWS_MAX];
  private final int[] keys = new int[Frame.WINDOWS_MAX];
  private final VerbsMemory.Pinned pinned = new VerbsMemory.Pinned();

  /** Its payload is here, or it has none: it goes to its service when those before it have. */
  boolean ready;

  /** The service has it. */
  boolean dispatched;

  /** The caller gave it up and has its answer: nothing of the caller's is touched any more. */
  boolean released;

  Served(VerbsNetwork network, ReactorContext home) {
    super(home);
    this.network = network;
  }

  /** Takes header and message; false when the windows make no sense. */
  boolean begin(
      Link from, ServerSide of, MemorySegment in, long at, byte[] message, int length, long nowNs) {
    link = from;
    side = of;
    epoch = from.epoch;
    ready = false;
    dispatched = false;
    released = false;
    id = in.get(Frame.LONG, at + Frame.ID_AT);
    traceId = in.get(Frame.LONG, at + Frame.TRACE_ID_AT);
    long us = Integer.toUnsignedLong(in.get(Frame.INT, at + Frame.BUDGET_AT));
    deadlineNs = us == Frame.BUDGET_NONE ? Long.MAX_VALUE : nowNs + us * 1000;
    int room = Short.toUnsignedInt(in.get(Frame.SHORT, at + Frame.MESSAGE_ROOM_AT));
    reserve(length, Math.min(room, Link.MESSAGE_MAX_BYTES));
    requestLength = length;
    System.arraycopy(message, 0, request.byteArray(), 0, length);
    payload(MemorySegment.NULL, 0, 0);
    windows = in.get(Frame.BYTE, at + Frame.WINDOWS_AT);
    int payloadBytes = in.get(Frame.INT, at + Frame.PAYLOAD_AT);
    if (windows < 0 || windows > Frame.WINDOWS_MAX || payloadBytes < 0) {
      return false;
    }
    long sum = 0;
    for (int i = 0; i < windows; i++) {
      addresses[i] = in.get(Frame.LONG, at + Frame.windowAt(i));
      lengths[i] = in.get(Frame.INT, at + Frame.windowLengthAt(i));
      keys[i] = in.get(Frame.INT, at + Frame.windowKeyAt(i));
      if (lengths[i] <= 0) {
        return false;
      }
      sum += lengths[i];
    }
    return sum == payloadBytes;
  }

  /** The memory for its payload, which the device can reach. */
  void payloadIn(Buffer memory, int lengthBytes, boolean isRoom) {
    buffer = memory;
    payload(memory.segment(), 0, lengthBytes);
    payloadIsRoom = isRoom;
    boolean known = network.memory().pin(memory.segment().address(), lengthBytes, pinned);
    assert known && pinned.count == 1 : "the reactor's buffers are one region";
  }

  int windows() {
    return windows;
  }

  long windowAddress(int index) {
    return addresses[index];
  }

  int windowLength(int index) {
    return lengths[index];
  }

  int windowKey(int index) {
    return keys[index];
  }

  int localKey() {
    return pinned.region(0).localKey;
  }

  long localAddress(int index) {
    return pinned.addresses[0] + (index == 0 ? 0 : lengths[0]);
  }

  boolean isOf(Link other) {
    return link == other && epoch == other.epoch;
  }

  private void recycle() {
    pinned.release(network.memory());
    release();
    link = null;
    side = null;
    network.recycle(this);
  }

  /** It will see no service: its connection ended, or nobody waits for it. */
  void drop() {
    left(network.late);
    recycle();
  }

  @Override
  protected void onReply() {
    left(network.late);
    Link to = link;
    ServerSide from = side;
    boolean same = to != null && isOf(to);
    if (from != null && same) {
      from.answered(this);
    }
    if (to != null && same && to.isOpen() && !released) {
      to.enqueue(this);
    } else {
      recycle();
    }
  }

  private int answerBytes() {
    return payloadIsRoom && result > 0 ? (int) Math.min(result, payloadLength) : 0;
  }

  @Override
  public int messageLength() {
    return replyLength;
  }

  @Override
  public byte[] message() {
    return reply.byteArray();
  }

  @Override
  public int entriesBefore() {
    return answerBytes() > 0 ? windows : 0;
  }

  @Override
  public boolean prepare() {
    return true;
  }

  @Override
  public void fillBefore(Link over) {
    int left = answerBytes();
    assert left == 0 || payload.address() == pinned.addresses[0]
        : "a service fills the room it has";
    for (int i = 0; i < windows && left > 0; i++) {
      int take = Math.min(left, lengths[i]);
      over.fillWrite(localAddress(i), take, localKey(), addresses[i], keys[i]);
      left -= take;
    }
  }

  @Override
  public void encode(MemorySegment into, long at) {
    into.set(Frame.BYTE, at + Frame.KIND_AT, Frame.ANSWER);
    into.set(Frame.LONG, at + Frame.ID_AT, id);
    into.set(Frame.LONG, at + Frame.TRACE_ID_AT, traceId);
    into.set(Frame.LONG, at + Frame.RESULT_AT, result);
  }

  @Override
  public int takesBack() {
    return windows > 0 ? keys[0] : 0;
  }

  @Override
  public boolean holds() {
    return answerBytes() > 0;
  }

  @Override
  public void onSent(boolean whole) {
    recycle();
  }
}
