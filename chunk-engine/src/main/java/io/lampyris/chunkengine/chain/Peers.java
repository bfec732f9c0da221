package io.lampyris.chunkengine.chain;

import io.lampyris.protocol.Services;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import java.lang.foreign.MemorySegment;
import java.util.ArrayDeque;
import org.agrona.collections.Int2ObjectHashMap;

/** The ways to other nodes, and the calls that go there. Owner: reactor. */
final class Peers {
  private static final int SMALL_BYTES = 256;

  /** A page of chunks; below what every network takes. */
  private static final int LARGE_BYTES = 8 << 10;

  private final ReactorContext context;
  private final Network network;
  private final Int2ObjectHashMap<Connection> connections = new Int2ObjectHashMap<>();
  private final ArrayDeque<PeerCall> small = new ArrayDeque<>();
  private final ArrayDeque<PeerCall> large = new ArrayDeque<>();
  private int inFlight;

  Peers(ReactorContext context, Network network) {
    this.context = context;
    this.network = network;
  }

  /** A call for a message of one chunk; as many as there are operations. */
  PeerCall call() {
    PeerCall call = small.poll();
    return call == null ? new PeerCall(context, this, SMALL_BYTES, SMALL_BYTES, false) : call;
  }

  /** A call for a page of chunks. */
  PeerCall pageCall() {
    PeerCall call = large.poll();
    return call == null ? new PeerCall(context, this, LARGE_BYTES, LARGE_BYTES, true) : call;
  }

  void send(PeerCall call, int nodeId, PeerCall.User user, long timeoutNs) {
    Connection to = connections.get(nodeId);
    if (to == null) {
      to = network.connect(nodeId, Services.STORAGE);
      connections.put(nodeId, to);
    }
    call.user = user;
    call.deadlineNs = context.nowNs() + timeoutNs;
    inFlight++;
    to.send(call);
  }

  void free(PeerCall call) {
    inFlight--;
    call.payload(MemorySegment.NULL, 0, 0);
    (call.large ? large : small).push(call);
  }

  int inFlight() {
    return inFlight;
  }
}
