package io.lampyris.reactor.sim.net;

import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.sim.SimReactor;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** A request at the process that serves it, in memory of that process. */
final class Inbound extends Call {
  private final Line line;
  private final long epoch;
  private final Flight flight;
  private final SimNetwork at;
  private @Nullable Buffer buffer;

  Inbound(Line line, long epoch, Flight flight, SimNetwork at) {
    super(null, Math.max(1, flight.message().length), flight.replyBytes);
    this.line = line;
    this.epoch = epoch;
    this.flight = flight;
    this.at = at;
    request.putBytes(0, flight.message());
    requestLength = flight.message().length;
    traceId = flight.traceId;
    boolean forEver = flight.budgetNs == Long.MAX_VALUE;
    deadlineNs = forEver ? Long.MAX_VALUE : at.reactor().nowNs() + flight.budgetNs;
  }

  /** Takes memory for the payload; false when there is none. */
  boolean takePayload(byte[] bytes) {
    int size = Math.max(flight.roomBytes, bytes.length);
    if (size == 0) {
      return true;
    }
    SimReactor reactor = at.reactor();
    Buffer taken = reactor.buffers().acquireSparingly(size);
    if (taken == null) {
      return false;
    }
    buffer = taken;
    MemorySegment.copy(bytes, 0, taken.segment(), ValueLayout.JAVA_BYTE, 0, bytes.length);
    payload(taken.segment(), 0, size);
    payloadIsRoom = flight.roomBytes > 0;
    return true;
  }

  @Override
  protected void onReply() {
    byte[] message = new byte[replyLength];
    reply.getBytes(0, message);
    byte[] bytes = {};
    if (payloadIsRoom && result > 0) {
      int length = (int) Math.min(result, payloadLength);
      bytes = payload.asSlice(payloadOffset, length).toArray(ValueLayout.JAVA_BYTE);
    }
    if (buffer != null) {
      buffer.release();
      buffer = null;
    }
    line.answer(epoch, flight, result, message, bytes);
  }
}
