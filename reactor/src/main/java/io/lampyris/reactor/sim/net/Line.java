package io.lampyris.reactor.sim.net;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.SimReactor;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A node that a process calls: one connection, made when there is a call and made again when it was
 * lost. Owner: the simulation's thread.
 */
final class Line {
  private static final Service NOBODY = call -> call.reply(Status.UNREACHABLE.code());
  private static final Service NO_MEMORY = call -> call.reply(Status.BUSY.code());
  private static final int FRAME_BYTES = 64;
  private static final int SYN_BYTES = 80;

  /** Marks a call sent; what answers it is its flight. */
  private static final Service FAR_AWAY =
      call -> {
        throw new AssertionError("a flight answers it");
      };

  private final SimFabric fabric;
  private final SimNetwork caller;
  private final int nodeId;

  /** In the order of sending. */
  private final Map<Long, Flight> flights = new LinkedHashMap<>();

  private final ArrayDeque<Flight> waiting = new ArrayDeque<>();

  /** The process at the other end; null without a connection. */
  private @Nullable SimNetwork peer;

  private @Nullable Stream requests;
  private @Nullable Stream answers;
  private boolean connecting;
  private long retryAtNs = -1;
  private long numbers;

  /** Rises with the end of every connection. */
  private long epoch;

  Line(SimFabric fabric, SimNetwork caller, int nodeId) {
    this.fabric = fabric;
    this.caller = caller;
    this.nodeId = nodeId;
  }

  SimReactor reactor() {
    return caller.reactor();
  }

  void forget(Flight flight) {
    flights.remove(flight.number);
  }

  // ---------------------------------------------------------------- the caller's side

  void submit(Call call, int serviceId) {
    call.sending(FAR_AWAY);
    if (caller.isClosed() || (peer == null && fabric.simulation().nowNs() < retryAtNs)) {
      call.reply(Status.UNREACHABLE.code());
      return;
    }
    if (call.deadlineNs <= reactor().nowNs()) {
      call.reply(Status.TIMEOUT.code());
      return;
    }
    Flight flight = new Flight(this, call, serviceId, numbers++, reactor());
    flights.put(flight.number, flight);
    if (peer != null) {
      send(flight);
    } else {
      waiting.add(flight);
      connect();
    }
  }

  void cancel(Call call) {
    for (Flight flight : flights.values()) {
      if (flight.isOf(call)) {
        flight.answer(Status.TIMEOUT.code());
        return;
      }
    }
  }

  /** The handshake takes a round trip; it is tried until it gets through or takes too long. */
  private void connect() {
    if (connecting) {
      return;
    }
    connecting = true;
    int there = fabric.machineOf(nodeId);
    long started = epoch;
    Stream back = new Stream(fabric, there, caller.machine(), () -> refused(started));
    Stream forth = new Stream(fabric, caller.machine(), there, () -> refused(started));
    forth.put(
        SYN_BYTES,
        () -> {
          SimNetwork found = fabric.listening(nodeId);
          back.put(
              SYN_BYTES,
              () -> {
                if (found == null || found.isClosed()) {
                  refused(started);
                } else {
                  connected(started, found);
                }
              });
        });
  }

  private void refused(long started) {
    if (started == epoch && connecting) {
      retryAtNs = fabric.simulation().nowNs() + fabric.faults().backoffNs;
      close(false);
    }
  }

  private void connected(long started, SimNetwork to) {
    if (started != epoch || caller.isClosed()) {
      return;
    }
    connecting = false;
    peer = to;
    requests = new Stream(fabric, caller.machine(), to.machine(), () -> closeOf(started));
    answers = new Stream(fabric, to.machine(), caller.machine(), () -> closeOf(started));
    for (Flight flight = waiting.poll(); flight != null; flight = waiting.poll()) {
      if (!flight.isAnswered() && peer != null) {
        send(flight);
      }
    }
  }

  private void send(Flight flight) {
    Stream over = requests;
    assert over != null : "connected";
    long sent = epoch;
    fabric.statistics().requests++;
    SimNetwork to = peer;
    assert to != null : "connected";
    over.put(flight.sizeBytes(), () -> arrive(sent, flight, to));
    if (fabric.prng().oneIn(fabric.faults().resetOneIn)) {
      long soonNs = fabric.prng().below(4 * fabric.faults().latencyMaxNs);
      fabric.simulation().after(soonNs, () -> closeOf(sent));
    }
  }

  private void closeOf(long ended) {
    if (ended == epoch && peer != null) {
      close(true);
    }
  }

  /** The connection is over: everything is answered, and some of it is carried out later. */
  private void close(boolean late) {
    epoch++;
    fabric.statistics().ended++;
    connecting = false;
    waiting.clear();
    SimNetwork lost = peer;
    peer = null;
    if (requests != null) {
      requests.end(late && lost != null && !lost.isClosed());
      requests = null;
    }
    if (answers != null) {
      answers.end(false);
      answers = null;
    }
    if (caller.isClosed()) {
      flights.clear();
      return;
    }
    List<Flight> all = new ArrayList<>(flights.values());
    for (Flight flight : all) {
      reactor().offer(nowNs -> flight.answer(Status.UNREACHABLE.code()));
    }
  }

  void onPeerEnded(SimNetwork ended) {
    if (peer != ended) {
      return;
    }
    long lost = epoch;
    long hearsNs =
        ended.isSilent()
            ? fabric.faults().peerTimeoutNs
            : fabric.latencyNs(ended.machine(), caller.machine(), FRAME_BYTES);
    // A reset that does not get through is noticed by silence.
    if (!ended.isSilent() && fabric.isBlocked(ended.machine(), caller.machine())) {
      hearsNs = fabric.faults().peerTimeoutNs;
    }
    fabric.simulation().after(hearsNs, () -> closeOf(lost));
  }

  // ---------------------------------------------------------------- the server's side

  private void arrive(long sent, Flight flight, SimNetwork server) {
    boolean cutOff = sent != epoch && fabric.isBlocked(caller.machine(), server.machine());
    if (server.isClosed() || cutOff) {
      return;
    }
    server.reactor().offer(nowNs -> dispatch(sent, flight, server));
    watchBlockedWayBack(sent, server);
  }

  /** What arrives without being acknowledged ends its connection too. */
  private void watchBlockedWayBack(long sent, SimNetwork server) {
    if (fabric.isBlocked(server.machine(), caller.machine())) {
      fabric
          .simulation()
          .after(
              fabric.faults().peerTimeoutNs,
              () -> {
                if (fabric.isBlocked(server.machine(), caller.machine())) {
                  closeOf(sent);
                }
              });
    }
  }

  private void dispatch(long sent, Flight flight, SimNetwork server) {
    Inbound inbound = new Inbound(this, sent, flight, server);
    SimFabric.Endpoint endpoint = fabric.endpoint(nodeId, flight.serviceId);
    fabric.simulation().trace(flight.number ^ (long) nodeId << 40);
    Service by;
    if (endpoint == null || endpoint.network() != server) {
      by = NOBODY;
    } else if (!inbound.takePayload(flipped(flight.payload(), fabric.faults().flipRequestOneIn))) {
      by = NO_MEMORY;
    } else {
      by = endpoint.service();
    }
    inbound.sending(by);
    if (endpoint == null || by != endpoint.service() || endpoint.host() == server.reactor()) {
      inbound.arrive();
    } else {
      endpoint.host().offer(inbound);
    }
  }

  private byte[] flipped(byte[] payload, int oneIn) {
    if (payload.length == 0 || !fabric.prng().oneIn(oneIn)) {
      return payload;
    }
    fabric.statistics().flipped++;
    byte[] other = payload.clone();
    other[fabric.prng().below(other.length)] ^= (byte) (1 << fabric.prng().below(Byte.SIZE));
    return other;
  }

  /** The service has answered. */
  void answer(long sent, Flight flight, long result, byte[] message, byte[] payload) {
    Stream over = answers;
    if (sent != epoch || over == null) {
      return;
    }
    fabric.simulation().trace(result);
    fabric.statistics().answers++;
    byte[] bytes = flipped(payload, fabric.faults().flipAnswerOneIn);
    over.put(
        (long) FRAME_BYTES + message.length + bytes.length,
        () -> {
          if (!caller.isClosed()) {
            reactor()
                .offer(nowNs -> {
                  if (sent == epoch) {
                    flight.answer(result, message, bytes);
                  }
                });
          }
        });
  }
}
