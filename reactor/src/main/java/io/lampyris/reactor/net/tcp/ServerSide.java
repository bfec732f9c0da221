package io.lampyris.reactor.net.tcp;

import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.net.Endpoints;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import org.jspecify.annotations.Nullable;

/** What is done with the frames of an accepted connection. Owner: the network's reactor. */
final class ServerSide implements Link.Sink {
  private final TcpNetwork network;
  private @Nullable Inbound receiving;

  /** Calls of this connection that are admitted and not answered. */
  int inFlight;

  ServerSide(TcpNetwork network) {
    this.network = network;
  }

  @Override
  public void onOpen(Link link) {
    inFlight = 0;
  }

  @Override
  public void onFrame(Link link, MemorySegment in, long at, int messageLength, int payloadLength) {
    int room = in.get(FrameLayout.INT, at + FrameLayout.PAYLOAD_ROOM_AT);
    if (in.get(ValueLayout.JAVA_BYTE, at + FrameLayout.KIND_AT) != FrameLayout.REQUEST
        || (room > 0 && payloadLength > 0)) {
      link.close(CloseReason.PROTOCOL);
      return;
    }
    if (room < 0 || room > network.payloadMaxBytes()) {
      link.close(CloseReason.OVERSIZE);
      return;
    }
    Inbound call = network.inbound();
    call.begin(link, in, at, messageLength, network.nowNs());
    Endpoints.Endpoint endpoint =
        network
            .endpoints()
            .find(
                in.get(FrameLayout.INT, at + FrameLayout.NODE_ID_AT),
                Short.toUnsignedInt(in.get(FrameLayout.SHORT, at + FrameLayout.SERVICE_ID_AT)));
    if (endpoint == null) {
      call.refuseUnknown();
      return;
    }
    int bytes = Math.max(room, payloadLength);
    Buffer buffer = null;
    boolean admitted = endpoint.inFlight < network.callsMax() && inFlight < network.windowMax();
    if (admitted && bytes > 0) {
      buffer = network.acquire(bytes);
      admitted = buffer != null;
    }
    if (!admitted) {
      network.busy.increment();
      call.refuseBusy();
      return;
    }
    inFlight++;
    call.admitted(endpoint);
    call.side = this;
    if (buffer != null) {
      call.buffer = buffer;
      call.payload(buffer.segment(), 0, bytes);
      call.payloadIsRoom = room > 0;
    }
    if (payloadLength > 0 && buffer != null) {
      receiving = call;
      link.expect(buffer.segment(), 0);
    } else {
      call.dispatch();
    }
  }

  @Override
  public void onPayload(Link link, Link.Payload end) {
    Inbound call = receiving;
    assert call != null : "a payload is of a call";
    receiving = null;
    if (end == Link.Payload.WHOLE) {
      call.dispatch();
    } else {
      inFlight--;
      call.side = null;
      call.left(network.late);
      network.recycle(call);
    }
  }

  @Override
  public void onClosed(Link link, CloseReason reason) {}
}
