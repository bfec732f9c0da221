package io.lampyris.reactor.net.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.VerbsLibrary;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.verbs.RigHost.Obstacle;
import io.lampyris.reactor.net.verbs.VerbsFaultsTest.Load;
import java.net.InetSocketAddress;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * What lies between two ends is set up wrongly: it is found out in bounded time and told, and calls
 * go another way meanwhile. Needs the rig.
 */
@Timeout(200)
class VerbsSetUpTest {
  private static final String SERVER = "rxe0";
  private static final String CALLER = "rxe1";
  private static final String ROCE = "match ip protocol 17 0xff match ip dport 4791 0xffff";

  /** Total length, at 2 of IP's header, from 4096 on. */
  private static final String LARGE_ROCE = ROCE + " match u16 0x1000 0xf000 at 2";

  private final Told told = new Told();
  private Reactor server;
  private Reactor home;
  private @Nullable Pair pair;

  /** What the caller's network tells. */
  private static final class Told implements VerbsNetwork.Troubles {
    final AtomicInteger blocked = new AtomicInteger();
    final AtomicReference<String> lost = new AtomicReference<>("");

    @Override
    public void onBlockedWay(int nodeId, @Nullable InetSocketAddress at) {
      assertEquals(Pair.NODE, nodeId);
      blocked.incrementAndGet();
    }

    @Override
    public void onLostPackets(
        int nodeId, @Nullable InetSocketAddress at, int lostBytes, int usedBytes) {
      assertEquals(Pair.NODE, nodeId);
      lost.set(lostBytes + ", not " + usedBytes);
    }
  }

  @BeforeEach
  void start() {
    server = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
  }

  @AfterEach
  void stop() {
    Pair made = pair;
    if (made != null) {
      made.close();
    }
    home.close();
    server.close();
  }

  /** Calls do not wait for RDMA as long as other tests' do. */
  private Pair open() throws Exception {
    VerbsNetworkOptions o = Pair.options();
    VerbsNetworkOptions impatient =
        new VerbsNetworkOptions(
            o.device(),
            o.connectionsMax(),
            o.callsMax(),
            TimeUnit.MILLISECONDS.toNanos(500),
            o.attemptNs(),
            o.retryMinNs(),
            o.retryMaxNs(),
            o.peerTimeoutNs(),
            o.releaseNs(),
            o.ackTimeoutExponent(),
            o.retries());
    Pair made = Pair.orSkip(server, home, impatient);
    pair = made;
    made.calling.onTrouble(told);
    new StoreNode().serve(made.serving, server);
    return made;
  }

  @Test
  void aFirewallBetweenHandshakeAndQueuePairsIsToldAndCallsGoByTcp() throws Exception {
    RigHost.orSkip();
    Pair made = open();
    try (Obstacle firewall = new Obstacle(CALLER, ROCE);
        Load load = new Load(made.calling, home)) {
      load.more(10);
      Pair.until("it is told", () -> told.blocked.get() > 0);
      load.more(10);
      assertEquals(0, Pair.count(made.called, "opened"));
      assertTrue(Pair.count(made.called, "ended_untried") >= 2, "large packets, then small");
      assertTrue(Pair.count(made.called, "calls_by_tcp") >= 20);
      firewall.remove();
      Pair.until("RDMA works without it", () -> Pair.count(made.called, "opened") > 0);
      Pair.until("calls go by it", () -> Pair.count(made.called, "calls") > 10);
      assertEquals(0, load.failed.get(), () -> "no call failed: " + load.lastFailure);
    }
    assertEquals("", told.lost.get());
  }

  @Test
  void aSwitchThatTakesNoLargePacketsGetsSmallOnes() throws Exception {
    RigHost.orSkip();
    Pair made = open();
    try (Obstacle _ = new Obstacle(SERVER, LARGE_ROCE);
        Load load = new Load(made.calling, home)) {
      load.more(10);
      Pair.until("RDMA works", () -> Pair.count(made.called, "opened") > 0);
      Pair.until("it is told", () -> !"".equals(told.lost.get()));
      assertEquals("4096, not 1024", told.lost.get());
      Pair.until("calls go by it", () -> Pair.count(made.called, "calls") > 10);
      load.more(10);
      assertEquals(0, load.failed.get(), () -> "no call failed: " + load.lastFailure);
      assertEquals(2, Pair.count(made.called, "ended_untried"), "large packets, twice");
      assertEquals(1, Pair.count(made.called, "ended_small_worked"));
      assertEquals(2, Pair.count(made.called, "opened"));
    }
    assertEquals(0, told.blocked.get());
  }

  @Test
  void endsWithDifferentMtusUseTheSmaller() throws Exception {
    RigHost.orSkip();
    String narrow = RigHost.interfaceOf(CALLER);
    RigHost.run("ip", "link", "set", "dev", narrow, "mtu", "1500");
    try {
      assertEquals(4096, packetBytes(SERVER));
      assertEquals(1024, packetBytes(CALLER));
      Pair made = open();
      try (Load load = new Load(made.calling, home)) {
        Pair.until("RDMA works", () -> Pair.count(made.called, "opened") > 0);
        Pair.until("calls go by it", () -> Pair.count(made.called, "calls") > 10);
        load.more(10);
        assertEquals(0, load.failed.get(), () -> "no call failed: " + load.lastFailure);
      }
      assertEquals(0, Pair.count(made.called, "ended_untried"));
      assertEquals("", told.lost.get(), "nothing is wrong with that");
    } finally {
      RigHost.run("ip", "link", "set", "dev", narrow, "mtu", "4200");
    }
  }

  private static int packetBytes(String device) throws Exception {
    VerbsOptions options = new VerbsOptions(VerbsLibrary.DEFAULT_PATH, device, 0, -1);
    try (VerbsDevice opened = VerbsDevice.open(options)) {
      return opened.address(1, 1).mtuBytes();
    }
  }
}
