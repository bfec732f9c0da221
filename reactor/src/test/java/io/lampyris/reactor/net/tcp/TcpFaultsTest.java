package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.tcp.FaultyLine.Fault;
import io.lampyris.reactor.net.tcp.FaultyLine.Plan;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/**
 * Rightful peers with a bad line between them. What a call ends with is its right answer or a
 * failure, and within its deadline; the server has all its buffers back when the line is gone.
 */
@Timeout(300)
class TcpFaultsTest {
  private static final int MEMORY_BYTES = 4 << 20;

  /** Not copied by the sender, and several segments. */
  private static final int PAYLOAD_BYTES = 20_000;

  private static final int PROOFS_BYTES = 2 * Handshake.BYTES;
  private static final int HEAD_BYTES = FrameLayout.HEADER_BYTES + Integer.BYTES;

  /** Nothing here lasts so long; without it a hang would be the suite's. */
  private static final long LONG_NS = TimeUnit.SECONDS.toNanos(60);

  private final Counters counters = new Counters();
  private final MemorySegment memory = NativeMemory.allocateAligned(MEMORY_BYTES);
  private Reactor reactor;
  private Reactor home;
  private TcpNetwork network;
  private FaultyLine line;

  @BeforeEach
  void start() throws Exception {
    reactor = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
    network = new TcpNetwork(reactor, "server", options(), node -> null, counters);
    prepare(network);
    line =
        new FaultyLine(network.listen(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0)));
    network.serve(1, 2, reactor, TcpFaultsTest::serve);
  }

  @AfterEach
  void stop() throws Exception {
    line.close();
    await(() -> buffersOut() == 0);
    network.close();
    home.close();
    reactor.close();
    NativeMemory.unmap(memory);
  }

  /** For tests of one way to send. */
  void prepare(TcpNetwork made) {}

  TcpOptions options() {
    return TcpOptions.withSecret(TcpNetworkTest.SECRET).connectionsMax(64).backoffNs(0, 0);
  }

  private int buffersOut() {
    CompletableFuture<Integer> out = new CompletableFuture<>();
    reactor.offer(nowNs -> out.complete(reactor.buffers().acquired()));
    return out.join();
  }

  private static void await(BooleanSupplier condition) {
    long endNs = System.nanoTime() + LONG_NS;
    while (!condition.getAsBoolean()) {
      assertTrue(System.nanoTime() < endNs, "waited too long");
      Thread.onSpinWait();
    }
  }

  /** Sums up what it is given; gives what the message names. */
  private static void serve(Call call) {
    int seed = call.request.getInt(0);
    if (call.payloadIsRoom) {
      fill(call.payload, call.payloadLength, seed);
      call.reply(call.payloadLength);
    } else {
      call.reply(sum(call.payload, call.payloadLength));
    }
  }

  private static void fill(MemorySegment memory, int length, int seed) {
    for (int i = 0; i < length; i++) {
      memory.set(ValueLayout.JAVA_BYTE, i, (byte) (i * 7 + seed));
    }
  }

  private static long sum(MemorySegment memory, int length) {
    long sum = 1;
    for (int i = 0; i < length; i++) {
      sum = (sum * 31 + memory.get(ValueLayout.JAVA_BYTE, i)) & Long.MAX_VALUE;
    }
    return sum;
  }

  private TcpNetwork caller(int port) {
    InetSocketAddress to = new InetSocketAddress(InetAddress.getLoopbackAddress(), port);
    TcpOptions few = options().connectionsMax(2);
    TcpNetwork made = new TcpNetwork(home, "caller", few, node -> to, new Counters());
    prepare(made);
    return made;
  }

  /** One call, over a connection of its own when {@code caller} is new; a right answer or less. */
  private long exchange(Connection to, boolean read, int length, int seed, long timeoutNs) {
    BlockingCall call = new BlockingCall(16, 16);
    call.request.putInt(0, seed);
    call.requestLength = Integer.BYTES;
    call.deadlineNs = System.nanoTime() + timeoutNs;
    fill(memory, length, read ? ~seed : seed);
    long expected = read ? length : sum(memory, length);
    if (read) {
      call.payloadRoom(memory, 0, length);
    } else {
      call.payload(memory, 0, length);
    }
    long result = call.send(to);
    if (result >= 0) {
      assertEquals(expected, result);
      for (int i = 0; read && i < length; i++) {
        assertEquals((byte) (i * 7 + seed), memory.get(ValueLayout.JAVA_BYTE, i));
      }
    }
    return result;
  }

  private long exchangeUnder(Plan plan, boolean read, long timeoutNs) {
    line.plan(plan);
    TcpNetwork caller = caller(line.port());
    try {
      return exchange(caller.connect(1, 2), read, PAYLOAD_BYTES, (int) plan.at(), timeoutNs);
    } finally {
      caller.close();
    }
  }

  /** Every byte of proofs, header and message; of the payload some, and its last. */
  private static long next(long at, long end) {
    return at < PROOFS_BYTES + HEAD_BYTES
        ? at + 1
        : at < end - 1 ? Math.min(at + 1999, end - 1) : end;
  }

  private static long bytesOf(boolean toServer, boolean read) {
    long head = PROOFS_BYTES;
    head += toServer ? HEAD_BYTES : FrameLayout.HEADER_BYTES;
    return head + (toServer == read ? 0 : PAYLOAD_BYTES);
  }

  @Test
  void theFramesHaveTheLengthThatTheseTestsCountWith() {
    for (boolean read : new boolean[] {false, true}) {
      assertTrue(exchangeUnder(Plan.CLEAN, read, LONG_NS) >= 0);
      assertEquals(bytesOf(true, read), line.toServerBytes());
      assertEquals(bytesOf(false, read), line.toClientBytes());
    }
  }

  @Test
  void aConnectionLostAtAnyByteAnswersUnreachable() {
    for (boolean read : new boolean[] {false, true}) {
      for (boolean toServer : new boolean[] {false, true}) {
        long end = bytesOf(toServer, read);
        for (long at = 0; at < end; at = next(at, end)) {
          Plan plan = new Plan(Fault.CUT, toServer, at);
          assertEquals(
              Status.UNREACHABLE.code(), exchangeUnder(plan, read, LONG_NS), plan + " " + read);
        }
      }
    }
  }

  @Test
  void aFlippedBitOfProofsHeadersOrMessagesIsNeverTakenForAnAnswer() {
    int refused = 0;
    for (boolean toServer : new boolean[] {false, true}) {
      int end = PROOFS_BYTES + (toServer ? HEAD_BYTES : FrameLayout.HEADER_BYTES);
      for (long at = 0; at < end; at++) {
        Plan plan = new Plan(Fault.FLIP, toServer, at);
        long result = exchangeUnder(plan, true, LONG_NS);
        // What a handshake leaves empty is not looked at; all else is.
        boolean spare = at < PROOFS_BYTES && result == PAYLOAD_BYTES;
        assertTrue(spare || result == Status.UNREACHABLE.code(), plan + ": " + result);
        refused += spare ? 0 : 1;
      }
    }
    // Magic, version, kind, two nonces, two proofs; all of two headers and a message.
    int checked = 4 * 7 + 2 * (Handshake.NONCE_BYTES + Handshake.PROOF_BYTES);
    assertEquals(checked + FrameLayout.HEADER_BYTES + HEAD_BYTES, refused);
    assertEquals(Integer.BYTES, network.closes(CloseReason.BAD_MESSAGE));
  }

  @Test
  void aLineThatStallsAtAnyByteEndsTheCallAtItsDeadline() {
    for (boolean toServer : new boolean[] {false, true}) {
      boolean read = !toServer;
      long end = bytesOf(toServer, read);
      for (long at = 0; at < end; at += at < PROOFS_BYTES + HEAD_BYTES ? 13 : 4999) {
        Plan plan = new Plan(Fault.STALL, toServer, at);
        long timeoutNs = TimeUnit.MILLISECONDS.toNanos(30);
        assertEquals(Status.TIMEOUT.code(), exchangeUnder(plan, read, timeoutNs), plan.toString());
      }
    }
  }

  @Test
  void bytesThatComeOneByOneMakeTheSameAnswer() {
    for (boolean toServer : new boolean[] {false, true}) {
      for (boolean read : new boolean[] {false, true}) {
        Plan plan = new Plan(Fault.DRIBBLE, toServer, 0);
        assertTrue(exchangeUnder(plan, read, LONG_NS) >= 0, plan.toString());
      }
    }
  }

  @Test
  void anAnswerThatStallsWithinItsPayloadIsSkippedAndTheConnectionServesOn() {
    line.plan(new Plan(Fault.STALL, false, PROOFS_BYTES + FrameLayout.HEADER_BYTES + 70_000));
    try (TcpNetwork caller = caller(line.port())) {
      Connection connection = caller.connect(1, 2);
      long timeoutNs = TimeUnit.MILLISECONDS.toNanos(200);
      assertEquals(Status.TIMEOUT.code(), exchange(connection, true, 1 << 20, 1, timeoutNs));
      fill(memory, 1 << 20, 9);
      long before = sum(memory, 1 << 20);
      line.release();
      BlockingCall empty = new BlockingCall(16, 16);
      empty.requestLength = Integer.BYTES;
      assertEquals(1, empty.send(connection));
      assertEquals(before, sum(memory, 1 << 20), "memory changed behind its owner's back");
      assertEquals(1, network.accepts());
    }
  }

  @Test
  void aPeerThatTakesNoPayloadLosesItsConnectionAtTheDeadline() {
    line.plan(new Plan(Fault.STALL, true, PROOFS_BYTES));
    try (TcpNetwork caller = caller(line.port())) {
      Connection connection = caller.connect(1, 2);
      // More than all socket buffers on the way take.
      long timeoutNs = TimeUnit.MILLISECONDS.toNanos(300);
      BlockingCall[] calls = new BlockingCall[8];
      Thread[] threads = new Thread[calls.length];
      for (int i = 0; i < calls.length; i++) {
        BlockingCall call = new BlockingCall(16, 16);
        call.payload(memory, 0, MEMORY_BYTES);
        call.deadlineNs = System.nanoTime() + timeoutNs;
        calls[i] = call;
        threads[i] = Thread.ofPlatform().start(() -> call.send(connection));
      }
      join(threads);
      for (BlockingCall call : calls) {
        assertTrue(
            call.result == Status.TIMEOUT.code() || call.result == Status.UNREACHABLE.code(),
            "result " + call.result);
      }
      assertEquals(1, caller.closes(CloseReason.STALLED));
      line.release();
      line.plan(Plan.CLEAN);
      assertEquals(100, exchange(connection, true, 100, 3, LONG_NS));
    }
  }

  private static void join(Thread... threads) {
    try {
      for (Thread thread : threads) {
        thread.join();
      }
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }

  @Test
  void acrossManyConnectionsACallEndsWithTheRightAnswerOrAFailure() {
    long seed = Long.getLong("seed", System.nanoTime());
    System.out.println("seed=" + seed);
    Random random = new Random(seed);
    int succeeded = 0;
    try (TcpNetwork caller = caller(line.port())) {
      Connection connection = caller.connect(1, 2);
      for (int i = 0; i < 300; i++) {
        // For the next connection: each carries some calls, then is cut in the middle of one.
        line.plan(new Plan(Fault.CUT, random.nextBoolean(), random.nextInt(1 << 20)));
        int length = 1 + random.nextInt(200_000);
        long result = exchange(connection, random.nextBoolean(), length, i, LONG_NS);
        assertTrue(result >= 0 || result == Status.UNREACHABLE.code(), i + ": " + result);
        succeeded += result >= 0 ? 1 : 0;
      }
      assertTrue(
          succeeded > 0 && succeeded < 300,
          succeeded + " of 300: a line that carries all or nothing shows nothing");
    }
  }
}
