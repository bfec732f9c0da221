package io.lampyris.chunkengine.chain;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;

/**
 * A network in a simulation that counts its messages, so that a test can say what becomes of each:
 * a request or an answer is lost, or a request arrives again, later. Calls are answered TIMEOUT at
 * their deadline, UNREACHABLE when the process at the other end ends.
 */
final class StepNetwork {
  enum Fate {
    ARRIVES,
    REQUEST_LOST,
    ANSWER_LOST,
    ARRIVES_TWICE
  }

  /** Says what becomes of the n-th request, counted from 1. */
  @FunctionalInterface
  interface Script {
    Fate of(long number, int from, int to, int template);
  }

  static final Script ALL_ARRIVES = (number, from, to, template) -> Fate.ARRIVES;

  /** Requests of one kind are lost, and nothing else. */
  static Script losing(int template) {
    return (number, from, to, kind) -> kind == template ? Fate.REQUEST_LOST : Fate.ARRIVES;
  }

  private record Endpoint(ReactorContext host, Service service) {}

  private static final Service NOBODY = call -> {};

  Script script = ALL_ARRIVES;
  long lateNs = 20_000_000;
  int delayMaxNs = 40_000;
  long requests;

  private final Simulation simulation;
  private final Prng prng;
  private final Map<Integer, Endpoint> endpoints = new HashMap<>();
  private final Set<Flight> flights = new HashSet<>();
  private final Map<Integer, Integer> lives = new HashMap<>();

  StepNetwork(Simulation simulation) {
    this.simulation = simulation;
    this.prng = simulation.prng().split();
  }

  /** What a process on a node has. */
  Network of(int from) {
    int life = life(from);
    return new Network() {
      @Override
      public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
        endpoints.put(nodeId, new Endpoint(host, service));
      }

      @Override
      public void withdraw(int nodeId, int serviceId) {
        endpoints.remove(nodeId);
      }

      @Override
      public Connection connect(int nodeId, int serviceId) {
        return call -> send(from, life, nodeId, call);
      }
    };
  }

  private int life(int node) {
    return lives.getOrDefault(node, 0);
  }

  private long delayNs() {
    return 1_000L + prng.below(delayMaxNs);
  }

  /** A node's process ends: what it sent and what it would have answered. */
  void onEnded(int node) {
    endpoints.remove(node);
    lives.merge(node, 1, Integer::sum);
    List<Flight> gone = new ArrayList<>(flights);
    gone.sort((a, b) -> Long.compare(a.number, b.number));
    for (Flight flight : gone) {
      if (flight.from == node) {
        flights.remove(flight);
      } else if (flight.to == node) {
        simulation.after(delayNs(), () -> flight.answer(Status.UNREACHABLE.code()));
      }
    }
  }

  private void send(int from, int life, int to, Call call) {
    if (life(from) != life) {
      return;
    }
    call.sending(NOBODY);
    requests++;
    int template = call.requestLength < 8 ? 0 : call.request.getShort(2) & 0xFFFF;
    Flight flight = new Flight(requests, from, to, call);
    flights.add(flight);
    Fate fate = script.of(requests, from, to, template);
    if (call.deadlineNs != Long.MAX_VALUE) {
      long leftNs = Math.max(0, call.deadlineNs - simulation.nowNs());
      simulation.after(leftNs, () -> flight.answer(Status.TIMEOUT.code()));
    }
    if (fate != Fate.REQUEST_LOST) {
      flight.travel(delayNs(), fate != Fate.ANSWER_LOST);
    }
    if (fate == Fate.ARRIVES_TWICE) {
      flight.travel(lateNs, false);
    }
  }

  private final class Flight {
    final long number;
    final int from;
    final int to;
    final Call call;
    final byte[] request;
    final byte[] payload;

    Flight(long number, int from, int to, Call call) {
      this.number = number;
      this.from = from;
      this.to = to;
      this.call = call;
      request = new byte[call.requestLength];
      call.request.getBytes(0, request);
      payload =
          call.payloadIsRoom || call.payloadLength == 0
              ? new byte[0]
              : call.payload
                  .asSlice(call.payloadOffset, call.payloadLength)
                  .toArray(ValueLayout.JAVA_BYTE);
    }

    void travel(long afterNs, boolean answered) {
      int room = call.payloadIsRoom ? call.payloadLength : -1;
      long deadlineNs = call.deadlineNs;
      int capacity = call.reply.capacity();
      simulation.after(
          afterNs,
          () -> {
            Endpoint endpoint = endpoints.get(to);
            if (endpoint == null) {
              if (answered) {
                simulation.after(delayNs(), () -> answer(Status.UNREACHABLE.code()));
              }
              return;
            }
            Copy copy = new Copy(this, endpoint.host, capacity, answered, life(to));
            copy.fill(request, payload, room, deadlineNs);
            copy.sending(endpoint.service);
            copy.arrive();
          });
    }

    void answer(long result) {
      if (flights.remove(this)) {
        call.reply(result);
      }
    }
  }

  /** A request as it arrived. */
  private final class Copy extends Call {
    private final Flight flight;
    private final boolean answered;
    private final int life;

    Copy(Flight flight, ReactorContext host, int replyBytes, boolean answered, int life) {
      super(host, Math.max(8, flight.request.length), replyBytes);
      this.flight = flight;
      this.answered = answered;
      this.life = life;
    }

    void fill(byte[] message, byte[] bytes, int room, long deadline) {
      request.putBytes(0, message);
      requestLength = message.length;
      deadlineNs = deadline;
      if (room >= 0) {
        payloadRoom(MemorySegment.ofArray(new byte[room]), 0, room);
      } else if (bytes.length > 0) {
        payload(MemorySegment.ofArray(bytes), 0, bytes.length);
      }
    }

    @Override
    protected void onReply() {
      if (!answered || life(flight.to) != life) {
        return;
      }
      simulation.after(
          delayNs(),
          () -> {
            if (!flights.contains(flight)) {
              return;
            }
            Call to = flight.call;
            to.reply.putBytes(0, reply, 0, replyLength);
            to.replyLength = replyLength;
            if (payloadIsRoom && result > 0) {
              MemorySegment.copy(payload, 0, to.payload, to.payloadOffset, result);
            }
            flight.answer(result);
          });
    }
  }
}
