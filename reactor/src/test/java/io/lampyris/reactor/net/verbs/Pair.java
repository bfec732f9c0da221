package io.lampyris.reactor.net.verbs;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.verbs.VerbsLibrary;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Assumptions;

/**
 * Two networks that reach each other by RDMA: over the machine's first two devices, where it has
 * two. They wait for RDMA to be set up, so that calls go by it from the first one on.
 */
final class Pair implements AutoCloseable {
  static final int NODE = 1;
  static final TcpOptions TCP =
      TcpOptions.withSecret("a secret of tests".getBytes(StandardCharsets.UTF_8))
          .connectionsMax(32)
          .backoffNs(TimeUnit.MILLISECONDS.toNanos(1), TimeUnit.MILLISECONDS.toNanos(20));

  final Counters served = new Counters();
  final Counters called = new Counters();
  private final TcpNetwork servingTcp;
  private final TcpNetwork callingTcp;
  private volatile InetSocketAddress to;
  final VerbsNetwork serving;
  final VerbsNetwork calling;

  private Pair(Reactor server, Reactor home, VerbsNetworkOptions there, VerbsNetworkOptions here)
      throws Exception {
    servingTcp = new TcpNetwork(server, "tcp", TCP, node -> null, new Counters());
    InetAddress address = InetAddress.getLoopbackAddress();
    int port = servingTcp.listen(new InetSocketAddress(address, 0));
    to = new InetSocketAddress(address, port);
    callingTcp = new TcpNetwork(home, "tcp", TCP, node -> node == NODE ? to : null, new Counters());
    VerbsNetwork one = null;
    try {
      one = new VerbsNetwork(server, "verbs", there, servingTcp, node -> null, served);
      calling =
          new VerbsNetwork(
              home, "verbs", here, callingTcp, node -> node == NODE ? to : null, called);
    } catch (VerbsUnavailableException e) {
      if (one != null) {
        one.close();
      }
      callingTcp.close();
      servingTcp.close();
      Assumptions.abort(e.getMessage() + "; or run it in the virtual rig: bin/test --rig");
      throw new AssertionError("aborted", e);
    }
    serving = one;
  }

  /** Skips the calling test where there is no RDMA. */
  static Pair orSkip(Reactor server, Reactor home) throws Exception {
    return orSkip(server, home, options());
  }

  static Pair orSkip(Reactor server, Reactor home, VerbsNetworkOptions options) throws Exception {
    List<String> devices = devices();
    String last = devices.isEmpty() ? null : devices.getLast();
    return new Pair(server, home, first(), on(options, last));
  }

  private static List<String> devices() {
    try {
      return VerbsLibrary.load(VerbsLibrary.DEFAULT_PATH).deviceNames().stream().sorted().toList();
    } catch (VerbsUnavailableException none) {
      return List.of(); // the networks say it again
    }
  }

  /** For the end that serves: on the first device. */
  static VerbsNetworkOptions first() {
    List<String> devices = devices();
    return on(options(), devices.isEmpty() ? null : devices.getFirst());
  }

  /** The node is there from now on. */
  void moveTo(int port) {
    to = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    calling.onAddress(NODE);
  }

  private static VerbsNetworkOptions on(VerbsNetworkOptions o, @Nullable String device) {
    return new VerbsNetworkOptions(
        new VerbsOptions(o.device().library(), device, 0, -1),
        o.connectionsMax(),
        o.callsMax(),
        o.patienceNs(),
        o.attemptNs(),
        o.retryMinNs(),
        o.retryMaxNs(),
        o.peerTimeoutNs(),
        o.releaseNs(),
        o.ackTimeoutExponent(),
        o.retries());
  }

  /** Few connections, and calls wait for RDMA as long as a try of it takes. */
  static VerbsNetworkOptions options() {
    return new VerbsNetworkOptions(
        VerbsOptions.ANY,
        4,
        128,
        TimeUnit.SECONDS.toNanos(20),
        TimeUnit.SECONDS.toNanos(15),
        TimeUnit.MILLISECONDS.toNanos(200),
        TimeUnit.MILLISECONDS.toNanos(400),
        TimeUnit.SECONDS.toNanos(20),
        TimeUnit.SECONDS.toNanos(5),
        14,
        7);
  }

  static long count(Counters of, String name) {
    return of.snapshot().getOrDefault("verbs_" + name, 0L);
  }

  static void until(String what, BooleanSupplier condition) {
    until(() -> what, condition);
  }

  static void until(Supplier<String> what, BooleanSupplier condition) {
    long endNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNs, what);
      Thread.onSpinWait();
      Thread.yield();
    }
  }

  @Override
  public void close() {
    calling.close();
    serving.close();
    callingTcp.close();
    servingTcp.close();
  }
}
