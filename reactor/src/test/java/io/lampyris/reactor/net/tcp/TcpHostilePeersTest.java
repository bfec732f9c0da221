package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicReference;
import java.util.function.BooleanSupplier;
import java.util.zip.CRC32C;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Peers that break the rules, or break down: I1 to I4 of the package. */
@Timeout(120)
class TcpHostilePeersTest {
  private static final int CONNECTIONS_MAX = 16;
  private static final long WAIT_NS = TimeUnit.SECONDS.toNanos(60);

  private Reactor reactor;
  private Reactor home;
  private TcpNetwork network;
  private int port;
  private final List<TcpNetwork> callers = new ArrayList<>();
  private final List<MemorySegment> mapped = new ArrayList<>();
  private final Counters counters = new Counters();

  @BeforeEach
  void start() throws Exception {
    reactor = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
    TcpOptions options =
        TcpOptions.withSecret(TcpNetworkTest.SECRET)
            .connectionsMax(CONNECTIONS_MAX)
            .callsMax(4)
            .handshakeTimeoutNs(TimeUnit.SECONDS.toNanos(2));
    network = new TcpNetwork(reactor, "server", options, node -> null, counters);
    port = network.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
    network.serve(1, 2, reactor, call -> call.reply(call.payloadLength + 1));
  }

  @AfterEach
  void stop() {
    callers.forEach(TcpNetwork::close);
    network.close();
    home.close();
    reactor.close();
    mapped.forEach(NativeMemory::unmap);
  }

  private TcpNetwork caller(byte[] secret, int toPort) {
    InetSocketAddress to = new InetSocketAddress(InetAddress.getLoopbackAddress(), toPort);
    TcpNetwork made =
        new TcpNetwork(
            home,
            "caller" + callers.size(),
            TcpOptions.withSecret(secret).connectionsMax(8),
            node -> to,
            counters);
    callers.add(made);
    return made;
  }

  private Socket raw() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), port);
    socket.setSoTimeout(60_000);
    return socket;
  }

  private static void await(BooleanSupplier condition) {
    long endNs = System.nanoTime() + WAIT_NS;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNs, "waited too long");
      Thread.onSpinWait();
    }
  }

  private static void awaitEnd(Socket socket) throws IOException {
    try {
      while (socket.getInputStream().read() >= 0) {
        // What the server said before it closed.
      }
    } catch (java.net.SocketException reset) {
      // Closed with bytes unread: as good an end.
    }
  }

  private void stillServes() {
    Connection connection = caller(TcpNetworkTest.SECRET, port).connect(1, 2);
    assertEquals(1, new BlockingCall(16, 16).send(connection));
  }

  @Test
  void aThousandGarbageConnectionsEndCountedAndLeaveEverythingFree() throws Exception {
    long seed = System.nanoTime();
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    for (int i = 0; i < 1000; i++) {
      byte[] garbage = new byte[8 + random.nextInt(200)];
      random.nextBytes(garbage);
      try (Socket socket = raw()) {
        socket.getOutputStream().write(garbage);
        awaitEnd(socket);
      }
    }
    await(() -> network.accepts() == 1000);
    assertEquals(0, network.opens());
    assertEquals(1000, network.closes(CloseReason.GARBAGE) + network.closes(CloseReason.TOO_MANY));
    assertTrue(network.closes(CloseReason.GARBAGE) > 900);
    stillServes();
  }

  @Test
  void aWrongSecretIsRefusedOnBothSides() {
    byte[] other = "another secret".getBytes(StandardCharsets.UTF_8);
    List<String> told = new CopyOnWriteArrayList<>();
    network.onRefusal((reason, peer) -> told.add(reason + " " + peer));
    TcpNetwork caller = caller(other, port);
    caller.onRefusal((reason, peer) -> told.add(reason + " " + peer));
    Connection connection = caller.connect(1, 2);
    assertEquals(Status.UNREACHABLE.code(), new BlockingCall(16, 16).send(connection));
    await(() -> network.closes(CloseReason.WRONG_SECRET) == 1);
    assertEquals(1, caller.closes(CloseReason.SECRET_REFUSED));
    assertEquals(2, told.size(), told.toString());
    assertTrue(told.get(0).startsWith("WRONG_SECRET /127.0.0.1:"), told.toString());
    assertEquals("SECRET_REFUSED /127.0.0.1:" + port, told.get(1));
    assertEquals(0, network.opens());
    stillServes();
  }

  @Test
  void aHalfOpenConnectionEndsAtTheHandshakeDeadline() throws Exception {
    try (Socket silent = raw();
        Socket halfway = raw()) {
      halfway.getOutputStream().write(new byte[] {'L', 'Y', 'R', 'H', 1});
      awaitEnd(silent);
      awaitEnd(halfway);
    }
    assertEquals(2, network.closes(CloseReason.HANDSHAKE_TIMEOUT));
    stillServes();
  }

  @Test
  void connectionsBeyondTheLimitAreClosed() throws Exception {
    List<Socket> open = new ArrayList<>();
    try {
      for (int i = 0; i < CONNECTIONS_MAX; i++) {
        open.add(proven(false));
      }
      for (int i = 0; i < 5; i++) {
        open.add(raw());
      }
      await(() -> network.closes(CloseReason.TOO_MANY) == 5);
    } finally {
      for (Socket socket : open) {
        socket.close();
      }
    }
    await(() -> network.closes(CloseReason.PEER_GONE) == CONNECTIONS_MAX);
    stillServes();
  }

  @Test
  void silentConnectionsMakeRoomForNewOnesSoThatThoseWithASecretAreServed() throws Exception {
    List<Socket> silent = new ArrayList<>();
    try {
      for (int i = 0; i < 5 * CONNECTIONS_MAX; i++) {
        silent.add(raw());
      }
      await(() -> network.accepts() == silent.size());
      stillServes();
      assertTrue(network.closes(CloseReason.CROWDED_OUT) > 0);
      // Of a burst within one cycle some find no slot that has been given back.
      long ended =
          network.closes(CloseReason.CROWDED_OUT)
              + network.closes(CloseReason.TOO_MANY)
              + network.closes(CloseReason.HANDSHAKE_TIMEOUT);
      assertTrue(ended >= silent.size() - CONNECTIONS_MAX / 2, "ended=" + ended);
    } finally {
      for (Socket socket : silent) {
        socket.close();
      }
    }
  }

  @Test
  void aReplayedConversationProvesNothing() throws Exception {
    // A proxy records what a rightful client says.
    java.io.ByteArrayOutputStream recorded = new java.io.ByteArrayOutputStream();
    try (ServerSocket proxy = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Thread relay =
          Thread.ofPlatform()
              .start(() -> {
                try (Socket from = proxy.accept();
                    Socket to = raw()) {
                  Thread back =
                      Thread.ofPlatform()
                          .start(() -> pump(to, from, OutputStream.nullOutputStream()));
                  pump(from, to, recorded);
                  back.join();
                } catch (IOException | InterruptedException e) {
                  throw new IllegalStateException(e);
                }
              });
      TcpNetwork caller = caller(TcpNetworkTest.SECRET, proxy.getLocalPort());
      assertEquals(1, new BlockingCall(16, 16).send(caller.connect(1, 2)));
      caller.close();
      relay.join();
    }
    assertEquals(1, network.opens());
    try (Socket replay = raw()) {
      replay.getOutputStream().write(recorded.toByteArray());
      awaitEnd(replay);
    }
    await(() -> network.closes(CloseReason.WRONG_SECRET) == 1);
    assertEquals(1, network.opens());
  }

  private static void pump(Socket from, Socket to, OutputStream copy) {
    try {
      InputStream in = from.getInputStream();
      byte[] bytes = new byte[4096];
      for (int n = in.read(bytes); n >= 0; n = in.read(bytes)) {
        copy.write(bytes, 0, n);
        to.getOutputStream().write(bytes, 0, n);
      }
      to.shutdownOutput();
    } catch (IOException e) {
      // The other side is gone.
    }
  }

  /** Proves the secret by hand, byte by byte when {@code dribble}. */
  private Socket proven(boolean dribble) throws IOException {
    Socket socket = raw();
    MemorySegment in = MemorySegment.ofArray(new byte[Handshake.BYTES]);
    MemorySegment out = MemorySegment.ofArray(new byte[Handshake.BYTES]);
    Handshake handshake = new Handshake(TcpNetworkTest.SECRET, true);
    handshake.hello(out, 0);
    for (int step = 0; step < 2; step++) {
      write(socket, out.toArray(ValueLayout.JAVA_BYTE), dribble);
      byte[] answer = socket.getInputStream().readNBytes(Handshake.BYTES);
      MemorySegment.copy(answer, 0, in, ValueLayout.JAVA_BYTE, 0, Handshake.BYTES);
      Handshake.Step expected = step == 0 ? Handshake.Step.ANSWERED : Handshake.Step.PROVEN;
      assertEquals(expected, handshake.accept(in, 0, out, 0));
    }
    return socket;
  }

  private static void write(Socket socket, byte[] bytes, boolean dribble) throws IOException {
    socket.setTcpNoDelay(true);
    OutputStream to = socket.getOutputStream();
    for (int i = 0; dribble && i < bytes.length; i++) {
      to.write(bytes[i]);
    }
    if (!dribble) {
      to.write(bytes);
    }
  }

  private static byte[] request(int messageLength, int payloadLength) {
    return request(messageLength, payloadLength, 0);
  }

  private static byte[] request(int messageLength, int payloadLength, int payloadRoom) {
    MemorySegment frame = MemorySegment.ofArray(new byte[FrameLayout.HEADER_BYTES]);
    frame.set(FrameLayout.SHORT, FrameLayout.MESSAGE_LENGTH_AT, (short) messageLength);
    frame.set(FrameLayout.INT, FrameLayout.PAYLOAD_LENGTH_AT, payloadLength);
    frame.set(FrameLayout.LONG, FrameLayout.REQUEST_ID_AT, 7);
    frame.set(FrameLayout.INT, FrameLayout.BUDGET_AT, -1);
    frame.set(FrameLayout.INT, FrameLayout.PAYLOAD_ROOM_AT, payloadRoom);
    frame.set(FrameLayout.INT, FrameLayout.NODE_ID_AT, 1);
    frame.set(FrameLayout.SHORT, FrameLayout.SERVICE_ID_AT, (short) 2);
    frame.set(ValueLayout.JAVA_BYTE, FrameLayout.KIND_AT, (byte) FrameLayout.REQUEST);
    frame.set(FrameLayout.SHORT, FrameLayout.VERSION_AT, (short) FrameLayout.VERSION);
    FrameLayout.seal(frame, 0, new CRC32C(), new byte[FrameLayout.HEADER_BYTES]);
    return frame.toArray(ValueLayout.JAVA_BYTE);
  }

  @Test
  void aFrameThatComesByteByByteIsAnswered() throws Exception {
    try (Socket socket = proven(true)) {
      write(socket, request(0, 0), true);
      byte[] answer = socket.getInputStream().readNBytes(FrameLayout.HEADER_BYTES);
      MemorySegment frame = MemorySegment.ofArray(answer);
      assertTrue(FrameLayout.isSealed(frame, 0, new CRC32C(), new byte[FrameLayout.HEADER_BYTES]));
      assertEquals(7, frame.get(FrameLayout.LONG, FrameLayout.REQUEST_ID_AT));
      assertEquals(1, frame.get(FrameLayout.LONG, FrameLayout.RESULT_AT));
    }
  }

  @Test
  void everyFlippedBitOfAHeaderEndsTheConnection() throws Exception {
    for (int i = 0; i < FrameLayout.HEADER_BYTES; i += 3) {
      byte[] frame = request(0, 0);
      frame[i] ^= (byte) (1 << i % 8);
      try (Socket socket = proven(false)) {
        write(socket, frame, false);
        awaitEnd(socket);
      }
    }
    assertEquals(22, network.closes(CloseReason.BAD_HEADER));
    stillServes();
  }

  @Test
  void lengthsBeyondTheLimitEndTheConnection() throws Exception {
    int[][] lengths = {{Link.MESSAGE_MAX_BYTES + 1, 0}, {-1, 0}, {0, Integer.MAX_VALUE}, {0, -1}};
    for (int[] length : lengths) {
      try (Socket socket = proven(false)) {
        write(socket, request(length[0], length[1]), false);
        awaitEnd(socket);
      }
    }
    assertEquals(lengths.length, network.closes(CloseReason.OVERSIZE));
    stillServes();
  }

  @Test
  void aConnectionThatEndsWithinAPayloadGivesItsBufferBack() throws Exception {
    for (int i = 0; i < 100; i++) {
      try (Socket socket = proven(false)) {
        write(socket, request(0, 1 << 20), false);
        write(socket, new byte[1000], false);
      }
    }
    await(() -> network.closes(CloseReason.PEER_GONE) == 100);
    assertEquals(0, buffersOut());
  }

  private int buffersOut() {
    CompletableFuture<Integer> out = new CompletableFuture<>();
    reactor.offer(nowNs -> reactor.offer(later -> out.complete(reactor.buffers().acquired())));
    return out.join();
  }

  @Test
  void callsBeyondTheLimitAreAnsweredBusy() throws Exception {
    List<Call> held = new ArrayList<>();
    network.serve(1, 3, reactor, held::add);
    Connection connection = caller(TcpNetworkTest.SECRET, port).connect(1, 3);
    List<Long> results = java.util.Collections.synchronizedList(new ArrayList<>());
    home.offer(nowNs -> {
      for (int i = 0; i < 6; i++) {
        connection.send(collecting(results));
      }
    });
    await(() -> results.size() == 2);
    assertEquals(List.of((long) Status.BUSY.code(), (long) Status.BUSY.code()), results);
    reactor.offer(nowNs -> held.forEach(call -> call.reply(5)));
    await(() -> results.size() == 6);
    assertEquals(4, results.stream().filter(result -> result == 5).count());
  }

  @Test
  void aConnectionThatAsksForMoreThanItsWindowIsAnsweredBusyAndOthersAreServed() throws Exception {
    List<Call> held = new ArrayList<>();
    TcpOptions options =
        TcpOptions.withSecret(TcpNetworkTest.SECRET).connectionsMax(8).windowMax(2);
    try (TcpNetwork strict = new TcpNetwork(reactor, "strict", options, node -> null, counters)) {
      port = strict.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      strict.serve(1, 2, reactor, call -> call.reply(call.payloadLength + 1));
      strict.serve(1, 3, reactor, held::add);
      List<Long> results = java.util.Collections.synchronizedList(new ArrayList<>());
      Connection greedy = caller(TcpNetworkTest.SECRET, port).connect(1, 3);
      home.offer(nowNs -> {
        for (int i = 0; i < 5; i++) {
          greedy.send(collecting(results));
        }
      });
      await(() -> results.size() == 3);
      assertEquals(3, results.stream().filter(result -> result == Status.BUSY.code()).count());
      stillServes();
      reactor.offer(nowNs -> held.forEach(call -> call.reply(5)));
      await(() -> results.size() == 5);
      BlockingCall again = new BlockingCall(16, 16);
      strict.serve(1, 4, reactor, call -> call.reply(6));
      Connection same = callers.getFirst().connect(1, 4);
      assertEquals(6, again.send(same), "the window is free again");
    }
  }

  @Test
  void aCallWhoseDeadlineIsOverBeforeItsServiceSeesItIsNotCarriedOut() throws Exception {
    AtomicReference<Call> seen = new AtomicReference<>();
    CountDownLatch busy = new CountDownLatch(1);
    try (Reactor host = Reactor.builder("host").start()) {
      network.serve(1, 3, host, seen::set);
      Connection late = caller(TcpNetworkTest.SECRET, port).connect(1, 3);
      Connection prompt = callers.getFirst().connect(1, 2);
      // What a connection takes to be made would count too, and the call might never be sent.
      assertEquals(1, new BlockingCall(16, 16).send(prompt));
      CountDownLatch entered = new CountDownLatch(1);
      host.offer(nowNs -> {
        entered.countDown();
        awaitQuietly(busy);
      });
      // A call that the host finds in its inbox beside this one is of the same cycle, and so in
      // time.
      entered.await();
      long budgetNs = TimeUnit.SECONDS.toNanos(1);
      BlockingCall call = new BlockingCall(16, 16);
      call.deadlineNs = System.nanoTime() + budgetNs;
      assertEquals(Status.TIMEOUT.code(), call.send(late));
      // Answered behind it on the same connection: by now its budget runs at the server too.
      assertEquals(1, new BlockingCall(16, 16).send(prompt));
      long overNs = System.nanoTime() + budgetNs;
      await(() -> System.nanoTime() > overNs);
      busy.countDown();
      await(() -> Long.valueOf(1).equals(counters.snapshot().get("server_refused_late")));
      assertEquals(null, seen.get());
      network.withdraw(1, 3);
    }
  }

  private static void awaitQuietly(CountDownLatch latch) {
    try {
      latch.await();
    } catch (InterruptedException e) {
      throw new AssertionError(e);
    }
  }

  private Call collecting(List<Long> results) {
    return new Call(home, 16, 16) {
      @Override
      protected void onReply() {
        results.add(result);
      }
    };
  }

  @Test
  void aLateAnswerLeavesMemoryAloneThatWentBackToItsOwner() throws Exception {
    AtomicReference<Call> held = new AtomicReference<>();
    network.serve(1, 3, reactor, held::set);
    TcpNetwork caller = caller(TcpNetworkTest.SECRET, port);
    MemorySegment room = NativeMemory.allocateAligned(1 << 20);
    mapped.add(room);
    BlockingCall call = new BlockingCall(16, 16);
    call.payloadRoom(room, 0, 1 << 20);
    call.deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(300);
    assertEquals(Status.TIMEOUT.code(), call.send(caller.connect(1, 3)));
    await(() -> held.get() != null);
    reactor.offer(nowNs -> {
      Call late = java.util.Objects.requireNonNull(held.get());
      late.payload.fill((byte) 1);
      late.reply(late.payloadLength);
    });
    await(() -> Long.valueOf(1).equals(counters.snapshot().get("caller0_peer1_late_answers")));
    assertEquals(1, new BlockingCall(16, 16).send(caller.connect(1, 2)));
    assertEquals(-1, room.mismatch(MemorySegment.ofArray(new byte[1 << 20])));
  }

  @Test
  void aCancelledCallComesBackAtOnceAndItsLateAnswerLeavesMemoryAlone() throws Exception {
    AtomicReference<Call> held = new AtomicReference<>();
    network.serve(1, 3, reactor, held::set);
    TcpNetwork caller = caller(TcpNetworkTest.SECRET, port);
    Connection connection = caller.connect(1, 3);
    MemorySegment room = NativeMemory.allocateAligned(1 << 20);
    mapped.add(room);
    BlockingCall call = new BlockingCall(16, 16);
    connection.cancel(call);
    call.payloadRoom(room, 0, 1 << 20);
    Thread canceller =
        Thread.ofPlatform()
            .start(() -> {
              while (held.get() == null) {
                Thread.onSpinWait();
              }
              connection.cancel(call);
            });
    assertEquals(Status.TIMEOUT.code(), call.send(connection));
    canceller.join();
    reactor.offer(nowNs -> {
      Call late = java.util.Objects.requireNonNull(held.get());
      late.payload.fill((byte) 1);
      late.reply(late.payloadLength);
    });
    await(() -> Long.valueOf(1).equals(counters.snapshot().get("caller0_peer1_late_answers")));
    assertEquals(1, new BlockingCall(16, 16).send(caller.connect(1, 2)));
    assertEquals(-1, room.mismatch(MemorySegment.ofArray(new byte[1 << 20])));
  }

  @Test
  void callsToANodeThatHasMovedComeBackThoughTheOldPlaceSaysNothing() throws Exception {
    AtomicReference<Call> held = new AtomicReference<>();
    network.serve(1, 3, reactor, held::set);
    AtomicReference<InetSocketAddress> at =
        new AtomicReference<>(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    TcpOptions options = TcpOptions.withSecret(TcpNetworkTest.SECRET).connectionsMax(8);
    TcpNetwork caller = new TcpNetwork(home, "mover", options, node -> at.get(), counters);
    callers.add(caller);
    try (TcpNetwork other = new TcpNetwork(reactor, "other", options, node -> null, counters)) {
      other.serve(1, 3, reactor, call -> call.reply(7));
      int there = other.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      Connection connection = caller.connect(1, 3);
      Thread mover =
          Thread.ofPlatform()
              .start(() -> {
                while (held.get() == null) {
                  Thread.onSpinWait();
                }
                caller.onAddress(1);
                at.set(new InetSocketAddress(InetAddress.getLoopbackAddress(), there));
                caller.onAddress(1);
              });
      assertEquals(Status.UNREACHABLE.code(), new BlockingCall(16, 16).send(connection));
      mover.join();
      assertEquals(7, new BlockingCall(16, 16).send(connection));
      assertEquals(1, caller.closes(CloseReason.MOVED));
      reactor.offer(nowNs -> java.util.Objects.requireNonNull(held.get()).reply(1));
    }
  }

  @Test
  void aPeerThatTakesNothingMoreIsGivenUpAtTheDeadline() throws Exception {
    // A listener that never accepts takes a connection and answers no handshake.
    try (ServerSocket mute = new ServerSocket(0, 50, InetAddress.getLoopbackAddress())) {
      Connection connection = caller(TcpNetworkTest.SECRET, mute.getLocalPort()).connect(1, 2);
      BlockingCall call = new BlockingCall(16, 16);
      call.deadlineNs = System.nanoTime() + TimeUnit.MILLISECONDS.toNanos(200);
      assertEquals(Status.TIMEOUT.code(), call.send(connection));
    }
  }

  @Test
  void aPeerThatTakesNoAnswersIsNotListenedToAndThenCountsAsGone() throws Exception {
    TcpOptions options =
        TcpOptions.withSecret(TcpNetworkTest.SECRET)
            .connectionsMax(4)
            .peerTimeoutNs(TimeUnit.SECONDS.toNanos(1));
    try (TcpNetwork strict = new TcpNetwork(reactor, "strict", options, node -> null, counters)) {
      port = strict.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0));
      strict.serve(1, 2, reactor, call -> call.reply(call.payloadLength));
      try (Socket socket = proven(false)) {
        byte[] ask = request(0, 0, 1 << 20);
        assertThrows(
            IOException.class,
            () -> {
              while (true) {
                socket.getOutputStream().write(ask);
              }
            });
      }
      await(() -> strict.closes(CloseReason.PEER_GONE) == 1 && buffersOut() == 0);
    }
  }

  @Test
  void aPeerThatComesBackIsReachedAgain() throws Exception {
    TcpNetwork caller = caller(TcpNetworkTest.SECRET, port);
    Connection connection = caller.connect(1, 2);
    assertEquals(1, new BlockingCall(16, 16).send(connection));
    network.close();
    BlockingCall call = new BlockingCall(16, 16);
    await(() -> call.send(connection) == Status.UNREACHABLE.code());
    network =
        new TcpNetwork(
            reactor,
            "again",
            TcpOptions.withSecret(TcpNetworkTest.SECRET).connectionsMax(4),
            node -> null,
            counters);
    network.serve(1, 2, reactor, again -> again.reply(9));
    network.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), port));
    await(() -> call.send(connection) == 9);
  }
}
