package io.lampyris.mgmtd.service;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.LocalNetwork;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Simulation;
import java.util.HashSet;
import java.util.Set;

/**
 * A {@link LocalNetwork} between which and its callers messages take time, are lost, or find the
 * way cut. A call whose request or answer is lost is answered TIMEOUT at its deadline.
 */
final class LossyNetwork {
  private static final long LATENCY_MAX_NS = 2_000_000;

  private final Simulation simulation;
  private final LocalNetwork services = new LocalNetwork();
  private final Prng random;
  private final Set<Integer> cut = new HashSet<>();

  /** One message in so many is lost; 0: none. */
  int lossOneIn;

  LossyNetwork(Simulation simulation) {
    this.simulation = simulation;
    random = simulation.prng().split();
  }

  /** From now on nothing comes from or to this node, or it does again. */
  void cut(int nodeId, boolean is) {
    if (is) {
      cut.add(nodeId);
    } else {
      cut.remove(nodeId);
    }
  }

  void heal() {
    cut.clear();
    lossOneIn = 0;
  }

  /** The network as a process of this node has it. */
  Network at(int nodeId) {
    return new Network() {
      @Override
      public void serve(int node, int serviceId, ReactorContext host, Service service) {
        services.serve(node, serviceId, host, service);
      }

      @Override
      public void withdraw(int node, int serviceId) {
        services.withdraw(node, serviceId);
      }

      @Override
      public Connection connect(int node, int serviceId) {
        Connection direct = services.connect(node, serviceId);
        return call -> send(call, nodeId, node, direct);
      }
    };
  }

  private boolean isLost(int from, int to) {
    return cut.contains(from) || cut.contains(to) || random.oneIn(lossOneIn);
  }

  private void send(Call call, int from, int to, Connection direct) {
    call.sending(original -> relay(original, from, to, direct));
    call.arrive();
  }

  private void relay(Call original, int from, int to, Connection direct) {
    Relay relay = new Relay(original, from, to);
    if (isLost(from, to)) {
      relay.expire();
    } else {
      simulation.after(random.below(LATENCY_MAX_NS), () -> direct.send(relay));
    }
  }

  private final class Relay extends Call {
    private final Call original;
    private final int from;
    private final int to;

    Relay(Call original, int from, int to) {
      super(null, original.requestLength, original.reply.capacity());
      this.original = original;
      this.from = from;
      this.to = to;
      request.putBytes(0, original.request, 0, original.requestLength);
      requestLength = original.requestLength;
      payload = original.payload;
      payloadOffset = original.payloadOffset;
      payloadLength = original.payloadLength;
      payloadIsRoom = original.payloadIsRoom;
    }

    void expire() {
      long waitNs = Math.max(0, original.deadlineNs - simulation.nowNs());
      simulation.after(waitNs, () -> original.reply(Status.TIMEOUT.code()));
    }

    @Override
    protected void onReply() {
      if (isLost(from, to)) {
        expire();
        return;
      }
      simulation.after(
          random.below(LATENCY_MAX_NS),
          () -> {
            original.reply.putBytes(0, reply, 0, replyLength);
            original.replyLength = replyLength;
            original.reply(result);
          });
    }
  }
}
