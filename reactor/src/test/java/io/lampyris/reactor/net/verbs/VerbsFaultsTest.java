package io.lampyris.reactor.net.verbs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicLong;
import java.util.concurrent.atomic.AtomicReference;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * RDMA breaks in the middle of transfers: no byte is wrong, every call is answered, and calls get
 * through again, by TCP or by RDMA. Needs a device.
 */
@Timeout(200)
class VerbsFaultsTest {
  private static final int BYTES = 256 << 10;

  private Reactor server;
  private Reactor home;
  private @Nullable Pair pair;

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

  private Pair open() throws Exception {
    Pair made = Pair.orSkip(server, home);
    pair = made;
    return made;
  }

  /** Writes and reads payloads, each of which says what it is, until it is closed. */
  static final class Load implements AutoCloseable {
    final AtomicInteger right = new AtomicInteger();
    final AtomicInteger failed = new AtomicInteger();
    final AtomicReference<String> wrong = new AtomicReference<>("");
    final AtomicReference<String> lastFailure = new AtomicReference<>("");
    private final MemorySegment memory = NativeMemory.allocateAligned(2L * BYTES);
    private final Connection connection;
    private final Reactor home;
    private final Thread thread;
    private volatile boolean ends;

    /**
     * @param expected the reactor that is told of the memory, so that it is reached without a copy
     */
    Load(Network network, Reactor expected) {
      connection = network.connect(Pair.NODE, StoreNode.SERVICE);
      home = expected;
      home.offer(nowNs -> home.expectMemory(memory));
      thread = Thread.ofPlatform().start(this::run);
    }

    private void run() {
      for (long seed = 1; !ends; seed++) {
        long number = seed % 7;
        StoreNode.fill(memory, 0, BYTES, seed);
        BlockingCall write = call(number, seed);
        write.payload(memory, 0, BYTES);
        boolean stored = judge("write", write, write.send(connection));
        memory.asSlice(BYTES, BYTES).fill((byte) 0);
        BlockingCall read = call(number, 0);
        read.payloadRoom(memory, BYTES, BYTES);
        boolean got = judge("read", read, read.send(connection));
        if (got && read.result > 0) {
          long told = read.reply.getLong(0);
          boolean same = StoreNode.holds(memory, BYTES, BYTES, told);
          if (!same || (stored && told != seed)) {
            wrong.set("read " + number + " after " + seed + ": " + told + ", " + same);
          }
        }
      }
    }

    private BlockingCall call(long number, long seed) {
      BlockingCall call = new BlockingCall(64, 64);
      call.request.putLong(0, number);
      call.request.putLong(Long.BYTES, seed);
      call.requestLength = 2 * Long.BYTES;
      call.deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(10);
      return call;
    }

    private boolean judge(String what, BlockingCall call, long result) {
      if (result >= 0) {
        right.incrementAndGet();
        return true;
      }
      failed.incrementAndGet();
      lastFailure.set(what + ": " + Status.of(result));
      boolean known =
          result == Status.UNREACHABLE.code()
              || result == Status.TIMEOUT.code()
              || result == Status.BUSY.code();
      if (!known) {
        wrong.set(what + " of " + call.request.getLong(0) + ": " + result);
      }
      return false;
    }

    /** Waits until so many more calls have got through. */
    void more(int count) {
      int until = right.get() + count;
      Pair.until(
          () -> "calls get through; failed=" + failed + ", last " + lastFailure,
          () -> right.get() >= until);
    }

    @Override
    public void close() {
      ends = true;
      try {
        thread.join();
        on(home, () -> home.forgetMemory(memory));
      } catch (InterruptedException e) {
        throw new AssertionError("a test is not interrupted", e);
      }
      NativeMemory.unmap(memory);
      assertEquals("", wrong.get());
    }
  }

  static void on(Reactor reactor, Runnable work) throws InterruptedException {
    CountDownLatch done = new CountDownLatch(1);
    reactor.offer(nowNs -> {
      work.run();
      done.countDown();
    });
    assertTrue(done.await(30, TimeUnit.SECONDS));
  }

  private static void breakAll(VerbsNetwork network) {
    for (Link link : network.links()) {
      if (link.isOpen()) {
        link.queuePair().toError();
      }
    }
  }

  @Test
  void aQueuePairThatGoesIntoErrorIsReplaced() throws Exception {
    Pair made = open();
    new StoreNode().serve(made.serving, server);
    try (Load load = new Load(made.calling, home)) {
      load.more(10);
      for (int round = 0; round < 4; round++) {
        long opened = Pair.count(made.called, "opened");
        boolean servers = round % 2 == 0;
        on(servers ? server : home, () -> breakAll(servers ? made.serving : made.calling));
        Pair.until("RDMA comes back", () -> Pair.count(made.called, "opened") > opened);
        load.more(10);
      }
    }
    assertEquals(5, Pair.count(made.called, "opened"));
    assertEquals(0, Pair.count(made.called, "copied_bytes"));
  }

  /** I2: a key that was taken back opens nothing, whoever still has it. */
  @Test
  void aNodeWhoseKeyWasRevokedWritesNothing() throws Exception {
    Pair made = open();
    AtomicReference<Call> held = new AtomicReference<>();
    CountDownLatch arrived = new CountDownLatch(1);
    made.serving.serve(
        Pair.NODE,
        StoreNode.SERVICE,
        server,
        call -> {
          if (arrived.getCount() > 0) {
            held.set(call);
            arrived.countDown();
          } else {
            call.payload.asSlice(0, call.payloadLength).fill((byte) 0x11);
            call.reply(call.payloadLength);
          }
        });
    Connection connection = made.calling.connect(Pair.NODE, StoreNode.SERVICE);
    MemorySegment memory = NativeMemory.allocateAligned(BYTES);
    on(home, () -> home.expectMemory(memory));
    BlockingCall call = new BlockingCall(64, 64);
    call.requestLength = Long.BYTES;
    call.payloadRoom(memory, 0, BYTES);
    Thread caller = Thread.ofPlatform().start(() -> call.send(connection));
    assertTrue(arrived.await(60, TimeUnit.SECONDS));
    on(
        home,
        () -> {
          for (Outgoing of : made.calling.peer(Pair.NODE).slots) {
            if (of != null) {
              of.destroyWindows();
            }
          }
        });
    on(server, () -> answer(held.get()));
    caller.join();
    assertEquals(Status.UNREACHABLE.code(), call.result);
    MemorySegment zeros = NativeMemory.allocateAligned(BYTES);
    assertEquals(-1, zeros.mismatch(memory), "nothing was written");
    assertEquals(1, Pair.count(made.served, "ended_access_refused"));
    BlockingCall again = new BlockingCall(64, 64);
    again.requestLength = Long.BYTES;
    again.payloadRoom(memory, 0, BYTES);
    assertEquals(BYTES, again.send(connection));
    assertEquals((byte) 0x11, memory.get(java.lang.foreign.ValueLayout.JAVA_BYTE, BYTES - 1L));
    on(home, () -> home.forgetMemory(memory));
    NativeMemory.unmap(memory);
    NativeMemory.unmap(zeros);
  }

  private static void answer(@Nullable Call call) {
    assert call != null : "it has arrived";
    call.payload.asSlice(0, BYTES).fill((byte) 0x22);
    call.reply(BYTES);
  }

  /** I6 of io.lampyris.reactor.net. */
  @Test
  void aCancelledCallComesBackWhenItsMemoryIsNotReachedAnyMore() throws Exception {
    Pair made = open();
    AtomicReference<Call> held = new AtomicReference<>();
    CountDownLatch arrived = new CountDownLatch(1);
    made.serving.serve(
        Pair.NODE,
        StoreNode.SERVICE,
        server,
        call -> {
          held.set(call);
          arrived.countDown();
        });
    Connection connection = made.calling.connect(Pair.NODE, StoreNode.SERVICE);
    MemorySegment memory = NativeMemory.allocateAligned(BYTES);
    MemorySegment zeros = NativeMemory.allocateAligned(BYTES);
    BlockingCall call = new BlockingCall(64, 64);
    call.requestLength = Long.BYTES;
    call.payloadRoom(memory, 0, BYTES);
    Thread caller = Thread.ofPlatform().start(() -> call.send(connection));
    assertTrue(arrived.await(60, TimeUnit.SECONDS));
    connection.cancel(call);
    caller.join();
    assertEquals(Status.TIMEOUT.code(), call.result);
    on(server, () -> answer(held.get()));
    made.serving.withdraw(Pair.NODE, StoreNode.SERVICE);
    new StoreNode().serve(made.serving, server);
    try (Load load = new Load(made.calling, home)) {
      load.more(4);
    }
    assertEquals(-1, zeros.mismatch(memory), "its late answer touches nothing");
    assertEquals(1, Pair.count(made.called, "opened"), "the connection lives on");
    NativeMemory.unmap(memory);
    NativeMemory.unmap(zeros);
  }

  @Test
  void aNodeWithoutRdmaIsCalledByTcp() throws Exception {
    Pair made = open();
    try (TcpNetwork plain =
        new TcpNetwork(server, "plain", Pair.TCP, node -> null, new Counters())) {
      int port = plain.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      new StoreNode().serve(plain, server);
      made.moveTo(port);
      try (Load load = new Load(made.calling, home)) {
        load.more(10);
      }
      assertEquals(0, Pair.count(made.called, "opened"));
      assertTrue(Pair.count(made.called, "failed_tries") > 0);
      assertTrue(Pair.count(made.called, "calls_by_tcp") >= 10);
    }
  }

  @Test
  void aCableThatIsOutAndInAgainCostsRdmaForThatTimeOnly() throws Exception {
    RigHost.orSkip();
    Pair made = open();
    new StoreNode().serve(made.serving, server);
    try (Load load = new Load(made.calling, home)) {
      load.more(10);
      long byTcp = Pair.count(made.called, "calls_by_tcp");
      cable("down");
      try {
        Pair.until("calls go by TCP", () -> Pair.count(made.called, "calls_by_tcp") > byTcp + 10);
        load.more(10);
      } finally {
        cable("up");
      }
      long opened = Pair.count(made.called, "opened");
      Pair.until("RDMA comes back", () -> Pair.count(made.called, "opened") > opened);
      load.more(10);
    }
  }

  private static void cable(String how) throws Exception {
    RigHost.run("rig-host", "link", "nic1", how);
  }

  @Test
  void aNodeThatIsKilledInTheMiddleOfTransfersIsReplacedByAnother() throws Exception {
    Pair made = open();
    AtomicLong port = new AtomicLong();
    Process first = node(port);
    try {
      made.moveTo((int) port.get());
      try (Load load = new Load(made.calling, home)) {
        load.more(10);
        assertEquals(1, Pair.count(made.called, "opened"));
        first.destroyForcibly();
        int failed = load.failed.get();
        Pair.until("calls are answered", () -> load.failed.get() > failed + 4);
        Process second = node(port);
        try {
          made.moveTo((int) port.get());
          load.more(10);
          Pair.until("RDMA comes back", () -> Pair.count(made.called, "opened") == 2);
          load.more(10);
        } finally {
          second.destroyForcibly();
          second.waitFor();
        }
      }
    } finally {
      first.destroyForcibly();
      first.waitFor();
    }
  }

  private static Process node(AtomicLong port) throws Exception {
    String java = Path.of(System.getProperty("java.home"), "bin", "java").toString();
    Process process =
        new ProcessBuilder(
                java,
                "-ea",
                "-XX:TieredStopAtLevel=1",
                "--enable-native-access=ALL-UNNAMED",
                "--add-exports=java.base/jdk.internal.misc=ALL-UNNAMED",
                "--add-opens=java.base/jdk.internal.misc=ALL-UNNAMED",
                "-cp",
                System.getProperty("java.class.path"),
                StoreNode.class.getName())
            .redirectError(ProcessBuilder.Redirect.INHERIT)
            .start();
    BufferedReader said =
        new BufferedReader(new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8));
    String line = said.readLine();
    assertTrue(line != null, "the node says its port");
    port.set(Long.parseLong(line));
    return process;
  }
}
