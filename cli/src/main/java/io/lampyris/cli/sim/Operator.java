package io.lampyris.cli.sim;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.protocol.cluster.AdminRequest;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.util.List;
import java.util.Map;
import org.agrona.ExpandableArrayBuffer;

/**
 * Who runs the cluster: gives commands, and looks at it from a machine that nothing befalls. Owner:
 * the simulation's thread.
 */
final class Operator {
  private static final int MACHINE = 900;
  private static final int ATTEMPTS_MAX = 200;
  private static final int MESSAGE_BYTES = 48 << 10;
  private static final long MS = 1_000_000;
  private static final long TIMEOUT_NS = 500 * MS;
  private static final List<SizeClass> BUFFERS = List.of(new SizeClass(4 << 10, 1));

  private final ClusterRun run;
  private final SimReactor reactor;
  private final SimNetwork network;
  private final RoutingClient routing;

  Operator(ClusterRun run, SimClock clock) {
    this.run = run;
    reactor = new SimReactor(run.simulation(), "operator", BUFFERS, clock);
    network = new SimNetwork(run.fabric(), MACHINE, reactor);
    RoutingClient.Options options =
        new RoutingClient.Options(
            run.managerIds(), 200 * MS, TIMEOUT_NS, 900, 1, "operator", MACHINE);
    routing = new RoutingClient(reactor, network, options, newer -> {});
    reactor.add(routing);
  }

  /** As far as it is known here. */
  Routing routing() {
    return routing.routing();
  }

  /** Has a command carried out; tries until a manager does. */
  void command(AdminCommand command, Map<String, String> arguments) {
    ExpandableArrayBuffer bytes = new ExpandableArrayBuffer();
    int length = ClusterCodec.encode(new AdminRequest(command, MESSAGE_BYTES, arguments), bytes);
    List<Integer> managers = run.managerIds();
    for (int attempt = 0; ; attempt++) {
      Asked call = new Asked();
      call.request.putBytes(0, bytes, 0, length);
      call.requestLength = length;
      call.deadlineNs = reactor.nowNs() + TIMEOUT_NS;
      network.connect(managers.get(attempt % managers.size()), Services.MGMTD).send(call);
      run.simulation().runUntil(() -> call.answered);
      if (call.result >= 0) {
        return;
      }
      boolean last = attempt == ATTEMPTS_MAX;
      run.expect(!last, () -> "%s is refused: %s".formatted(command, call.reason()));
      run.simulation().runFor(50 * MS);
    }
  }

  /** Asks a manager, any, to carry a command out; whether it did nobody looks at. */
  void ask(int manager, AdminCommand command, Map<String, String> arguments) {
    Asked call = new Asked();
    call.requestLength =
        ClusterCodec.encode(new AdminRequest(command, MESSAGE_BYTES, arguments), call.request);
    call.deadlineNs = reactor.nowNs() + TIMEOUT_NS;
    network.connect(manager, Services.MGMTD).send(call);
  }

  private final class Asked extends Call {
    boolean answered;

    String reason() {
      return replyLength == 0 ? "no answer" : ClusterCodec.adminAnswer(reply, replyLength).text();
    }

    Asked() {
      super(reactor, MESSAGE_BYTES, MESSAGE_BYTES);
    }

    @Override
    protected void onReply() {
      answered = true;
    }
  }

  void close() {
    routing.onClose();
    network.close();
    reactor.close();
  }
}
