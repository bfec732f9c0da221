package io.lampyris.reactor.sim.net;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.protocol.Status;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.ReactorContext;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.NetworkPromises;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.function.IntConsumer;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The simulated network is a network, and its faults are those of connections. */
final class SimNetworkTest extends NetworkPromises {
  private static final int SERVER = 1;
  private static final int CLIENT = 2;
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(1 << 20, 8));

  private final long seed = Long.getLong("seed", System.nanoTime());
  private final Simulation simulation = new Simulation(new Prng(seed));
  private final NetworkFaults faults = new NetworkFaults();
  private final SimFabric fabric = new SimFabric(simulation, faults);
  private final SimReactor server = new SimReactor(simulation, "server", BUFFERS);
  private final SimReactor home = new SimReactor(simulation, "home", BUFFERS);
  private final SimNetwork serving = new SimNetwork(fabric, SERVER, server);
  private final SimNetwork calling = new SimNetwork(fabric, CLIENT, home);
  private boolean inSimulation;

  @BeforeEach
  void place() {
    System.out.println("seed=" + seed);
    fabric.place(NODE, SERVER);
  }

  @AfterEach
  void close() {
    calling.close();
    serving.close();
    home.close();
    server.close();
  }

  @Override
  protected ReactorContext server() {
    return server;
  }

  @Override
  protected ReactorContext home() {
    return home;
  }

  @Override
  protected Network serving() {
    return serving;
  }

  /** Who calls from outside the simulation waits in it. */
  @Override
  protected Network calling() {
    return new Network() {
      @Override
      public void serve(int nodeId, int serviceId, ReactorContext host, Service service) {
        calling.serve(nodeId, serviceId, host, service);
      }

      @Override
      public void withdraw(int nodeId, int serviceId) {
        calling.withdraw(nodeId, serviceId);
      }

      @Override
      public Connection connect(int nodeId, int serviceId) {
        Connection connection = calling.connect(nodeId, serviceId);
        return call -> {
          connection.send(call);
          if (!inSimulation) {
            simulation.runUntil(() -> !call.isInFlight());
          }
        };
      }
    };
  }

  @Override
  protected void await(CountDownLatch done) {
    inSimulation = true;
    simulation.runUntil(() -> done.getCount() == 0);
    inSimulation = false;
  }

  @Override
  protected void concurrently(int times, IntConsumer work) {
    for (int i = 0; i < times; i++) {
      work.accept(i);
    }
  }

  /** A call that somebody in the simulation makes. */
  private final class Asked extends Call {
    int answers;

    Asked(long number) {
      super(home, 64, 64);
      request.putLong(0, number);
      requestLength = Long.BYTES;
    }

    @Override
    protected void onReply() {
      answers++;
    }
  }

  private List<Asked> ask(int count, long deadlineNs) {
    Connection connection = calling.connect(NODE, SERVICE);
    List<Asked> all = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      Asked call = new Asked(i);
      all.add(call);
      call.deadlineNs = deadlineNs;
      home.offer(nowNs -> connection.send(call));
    }
    return all;
  }

  @Test
  void everyCallIsAnsweredOnceAndCarriedOutAtMostOnceWhateverIsLost() {
    faults.loseOneIn = 5;
    faults.resetOneIn = 7;
    int[] carriedOut = new int[2_000];
    serving.serve(
        NODE,
        SERVICE,
        server,
        call -> {
          int number = (int) call.request.getLong(0);
          carriedOut[number]++;
          call.reply(number);
        });
    List<Asked> all = new ArrayList<>();
    Connection connection = calling.connect(NODE, SERVICE);
    for (int i = 0; i < carriedOut.length; i++) {
      Asked call = new Asked(i);
      all.add(call);
      simulation.after(i * 1_000_000L, () -> home.offer(nowNs -> connection.send(call)));
    }
    simulation.runFor(20_000_000_000L);
    int lostAnswers = 0;
    for (int i = 0; i < all.size(); i++) {
      Asked call = all.get(i);
      assertEquals(1, call.answers, "I1 of reactor.net; seed=" + seed);
      boolean reached = call.result == i;
      assertTrue(reached || call.result == Status.UNREACHABLE.code());
      assertTrue(carriedOut[i] <= 1, "I2");
      assertTrue(!reached || carriedOut[i] == 1);
      lostAnswers += !reached && carriedOut[i] == 1 ? 1 : 0;
    }
    assertTrue(fabric.statistics().late > 0, "requests outlive their connections");
    assertTrue(lostAnswers > 0, "some were carried out and not answered");
  }

  @Test
  void aPartitionThatEndsSoonOnlyDelaysCalls() {
    serving.serve(NODE, SERVICE, server, call -> call.reply(1));
    assertEquals(1, blocking(0).send(calling().connect(NODE, SERVICE)));
    fabric.block(CLIENT, SERVER);
    simulation.after(faults.peerTimeoutNs / 2, fabric::unblockAll);
    assertEquals(1, blocking(0).send(calling().connect(NODE, SERVICE)));
    assertTrue(simulation.nowNs() > faults.peerTimeoutNs / 2);
  }

  @Test
  void aPartitionInOneDirectionLetsRequestsThroughAndLosesTheirAnswers() {
    int[] carriedOut = new int[1];
    serving.serve(
        NODE,
        SERVICE,
        server,
        call -> {
          carriedOut[0]++;
          call.reply(1);
        });
    assertEquals(1, blocking(0).send(calling().connect(NODE, SERVICE)));
    fabric.block(SERVER, CLIENT);
    BlockingCall call = blocking(0);
    assertEquals(Status.UNREACHABLE.code(), call.send(calling().connect(NODE, SERVICE)));
    assertEquals(2, carriedOut[0]);
    assertTrue(simulation.nowNs() >= faults.peerTimeoutNs, "silence is noticed after a while");
  }

  @Test
  void aDeadlineIsKeptByTheCallersClockWhateverTheNetworkDoes() {
    serving.serve(NODE, SERVICE, server, call -> call.reply(1));
    ask(1, Long.MAX_VALUE);
    simulation.runFor(10_000_000);
    fabric.block(CLIENT, SERVER);
    List<Asked> late = ask(3, home.nowNs() + 50_000_000);
    simulation.runFor(60_000_000);
    for (Asked call : late) {
      assertEquals(Status.TIMEOUT.code(), call.result);
      assertEquals(1, call.answers);
    }
    fabric.unblockAll();
    simulation.runFor(faults.peerTimeoutNs);
    late.forEach(call -> assertEquals(1, call.answers, "a late answer is skipped"));
  }

  @Test
  void aProcessThatEndsIsNoticedAtOnceAndAMachineAfterAWhile() {
    for (boolean power : new boolean[] {false, true}) {
      SimReactor on = new SimReactor(simulation, "other", BUFFERS);
      SimNetwork other = new SimNetwork(fabric, 5, on);
      other.serve(
          9,
          SERVICE,
          on,
          call -> {
            // Never answered.
          });
      Connection connection = calling.connect(9, SERVICE);
      Asked call = new Asked(1);
      home.offer(nowNs -> connection.send(call));
      simulation.runFor(50_000_000);
      assertEquals(0, call.answers);
      long endedNs = simulation.nowNs();
      if (power) {
        other.powerCut();
      } else {
        other.close();
      }
      on.close();
      simulation.runUntil(() -> call.answers == 1);
      assertEquals(Status.UNREACHABLE.code(), call.result);
      assertEquals(power, simulation.nowNs() - endedNs >= faults.peerTimeoutNs);
    }
  }

  @Test
  void aFlippedBitIsOfThePayloadAlone() {
    faults.flipRequestOneIn = 1;
    byte[] sent = new byte[4096];
    serving.serve(
        NODE,
        SERVICE,
        server,
        call -> {
          int bits = 0;
          for (int i = 0; i < call.payloadLength; i++) {
            bits += Integer.bitCount(call.payload.get(ValueLayout.JAVA_BYTE, i) & 0xFF);
          }
          call.reply(bits);
        });
    BlockingCall call = blocking(3);
    call.payload(memory(sent.length), 0, sent.length);
    assertEquals(1, call.send(calling().connect(NODE, SERVICE)));
  }

  @Test
  void theSameSeedGivesTheSameRun() {
    assertEquals(trace(42), trace(42));
    assertTrue(trace(42) != trace(43));
  }

  private static long trace(long of) {
    Simulation world = new Simulation(new Prng(of));
    NetworkFaults faults = new NetworkFaults();
    faults.loseOneIn = 10;
    faults.resetOneIn = 10;
    SimFabric fabric = new SimFabric(world, faults);
    try (SimReactor at = new SimReactor(world, "server", BUFFERS);
        SimReactor from = new SimReactor(world, "client", BUFFERS);
        SimNetwork serving = new SimNetwork(fabric, SERVER, at);
        SimNetwork calling = new SimNetwork(fabric, CLIENT, from)) {
      serving.serve(NODE, SERVICE, at, call -> call.reply(call.request.getLong(0)));
      Connection connection = calling.connect(NODE, SERVICE);
      for (int i = 0; i < 200; i++) {
        BlockingCall call = blocking(i);
        world.after(i * 300_000L, () -> from.offer(nowNs -> connection.send(call)));
      }
      world.runFor(1_000_000_000L);
      return world.traceHash();
    }
  }
}
