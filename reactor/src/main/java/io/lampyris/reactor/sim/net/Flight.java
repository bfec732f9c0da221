package io.lampyris.reactor.sim.net;

import io.lampyris.reactor.TimerTask;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.sim.SimReactor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;

/** A call between its sending and its answer, on its caller's side. */
final class Flight implements TimerTask {
  private static final int FRAME_BYTES = 64;
  private static final byte[] NOTHING = {};

  private final Line line;
  private final Call call;
  final int serviceId;
  final long number;
  private final byte[] message;
  private final byte[] payload;
  final int roomBytes;
  final int replyBytes;
  final long traceId;

  /** How long the caller waits from when it sent; {@link Long#MAX_VALUE} for ever. */
  final long budgetNs;

  private long timer = -1;
  private boolean answered;

  Flight(Line line, Call call, int serviceId, long number, SimReactor reactor) {
    this.line = line;
    this.call = call;
    this.serviceId = serviceId;
    this.number = number;
    message = new byte[call.requestLength];
    call.request.getBytes(0, message);
    payload = call.payloadIsRoom ? NOTHING : copyOfPayload(call);
    roomBytes = call.payloadIsRoom ? call.payloadLength : 0;
    replyBytes = call.reply.capacity();
    traceId = call.traceId;
    boolean forEver = call.deadlineNs == Long.MAX_VALUE;
    budgetNs = forEver ? Long.MAX_VALUE : call.deadlineNs - reactor.nowNs();
    if (!forEver) {
      timer = reactor.timers().schedule(call.deadlineNs, this);
    }
  }

  private static byte[] copyOfPayload(Call call) {
    if (call.payloadLength == 0) {
      return NOTHING;
    }
    return call.payload
        .asSlice(call.payloadOffset, call.payloadLength)
        .toArray(ValueLayout.JAVA_BYTE);
  }

  byte[] message() {
    return message;
  }

  byte[] payload() {
    return payload;
  }

  long sizeBytes() {
    return (long) FRAME_BYTES + message.length + payload.length;
  }

  boolean isOf(Call other) {
    return call == other;
  }

  boolean isAnswered() {
    return answered;
  }

  /** Gives the call back to its caller, unless that was done. In the caller's cycle. */
  void answer(long result, byte[] reply, byte[] bytes) {
    if (answered) {
      return;
    }
    answered = true;
    line.forget(this);
    if (timer >= 0) {
      line.reactor().timers().cancel(timer);
    }
    assert reply.length <= call.reply.capacity() : "the service was told how much room there is";
    call.reply.putBytes(0, reply);
    call.replyLength = reply.length;
    if (bytes.length > 0) {
      MemorySegment.copy(
          bytes, 0, call.payload, ValueLayout.JAVA_BYTE, call.payloadOffset, bytes.length);
    }
    call.reply(result);
  }

  void answer(long status) {
    answer(status, NOTHING, NOTHING);
  }

  /** The deadline. */
  @Override
  public void onTimer(long nowNs) {
    timer = -1;
    answer(io.lampyris.protocol.Status.TIMEOUT.code());
  }
}
