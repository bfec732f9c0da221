package io.lampyris.reactor.net.verbs;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.Buffer;
import io.lampyris.reactor.net.Endpoints;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.agrona.collections.Long2ObjectHashMap;

/** What is done with the messages of an accepted connection. Owner: the network's reactor. */
final class ServerSide implements Link.Sink {
  private final VerbsNetwork network;

  /** Admitted and not with their service: they go there in the order in which they came. */
  private final ArrayDeque<Served> arriving = new ArrayDeque<>();

  /** Admitted and not answered, by id. */
  private final Long2ObjectHashMap<Served> active = new Long2ObjectHashMap<>();

  ServerSide(VerbsNetwork network) {
    this.network = network;
  }

  @Override
  public void onOpen(Link link) {}

  @Override
  public void onMessage(Link link, MemorySegment in, long at, byte[] message, int length, int key) {
    switch (in.get(Frame.BYTE, at + Frame.KIND_AT)) {
      case Frame.REQUEST -> onRequest(link, in, at, message, length);
      case Frame.CANCEL -> onCancel(link, in.get(Frame.LONG, at + Frame.ID_AT));
      default -> link.end(LinkEnd.PROTOCOL);
    }
  }

  private void onRequest(Link link, MemorySegment in, long at, byte[] message, int length) {
    Served call = network.served();
    int bytes = in.get(Frame.INT, at + Frame.PAYLOAD_AT);
    boolean sound = call.begin(link, this, in, at, message, length, network.nowNs());
    if (!sound || bytes > network.payloadMaxBytes() || active.containsKey(call.id)) {
      call.drop();
      link.end(LinkEnd.PROTOCOL);
      return;
    }
    Endpoints.Endpoint endpoint =
        network
            .endpoints()
            .find(
                in.get(Frame.INT, at + Frame.NODE_ID_AT),
                Short.toUnsignedInt(in.get(Frame.SHORT, at + Frame.SERVICE_ID_AT)));
    if (endpoint == null) {
      call.refuseUnknown();
      return;
    }
    Buffer buffer = null;
    boolean admitted =
        endpoint.inFlight < network.servedMax() && active.size() < network.options().callsMax();
    if (admitted && bytes > 0) {
      buffer = network.acquire(bytes);
      admitted = buffer != null;
    }
    if (!admitted) {
      network.busy.increment();
      call.refuseBusy();
      return;
    }
    boolean isRoom = (in.get(Frame.SHORT, at + Frame.FLAGS_AT) & Frame.PAYLOAD_IS_ROOM) != 0;
    call.admitted(endpoint);
    active.put(call.id, call);
    arriving.add(call);
    if (buffer != null) {
      call.payloadIn(buffer, bytes, isRoom);
    }
    call.ready = buffer == null || isRoom;
    if (call.ready) {
      dispatch();
    } else {
      link.read(call);
    }
  }

  private void dispatch() {
    while (!arriving.isEmpty() && arriving.element().ready) {
      Served call = arriving.remove();
      if (call.released) {
        call.drop();
      } else {
        call.dispatched = true;
        call.dispatch();
      }
    }
  }

  /** The caller gives a call up: it is told when nothing of its memory is reached any more. */
  private void onCancel(Link link, long id) {
    Served call = active.get(id);
    if (call == null || call.released) {
      return; // its answer is on the way
    }
    call.released = true;
    if (call.ready) {
      release(link, call);
    }
  }

  private void release(Link link, Served call) {
    active.remove(call.id);
    link.enqueue(network.control().answer(call.id, Status.TIMEOUT.code(), call.takesBack()));
  }

  @Override
  public void onRead(Link link, Served call, boolean whole) {
    call.ready = true;
    if (!whole) {
      // Nobody is told: its connection ends.
      call.released = true;
    } else if (call.released) {
      release(link, call);
    }
    dispatch();
  }

  /** Its service is done with it. */
  void answered(Served call) {
    active.remove(call.id, call);
  }

  @Override
  public void onEnded(Link link, LinkEnd why) {
    while (!arriving.isEmpty()) {
      Served call = arriving.remove();
      assert call.ready : "what was read has ended with the connection";
      call.drop();
    }
    active.clear();
  }
}
