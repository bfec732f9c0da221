package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** What a call costs the collector: nothing, on either side, once what it needs has been made. */
@Timeout(300)
class TcpAllocationTest {
  private static final int DEPTH = 16;

  /**
   * An object per call, however small, is at least as much; calls of the kernel that capture errno
   * cost a slice each where the compiler happens not to inline them, but those are of many calls.
   */
  private static final int OBJECT_BYTES = 16;

  /** The compiler may take its time; what it has not compiled may allocate. */
  private static final int ROUNDS_MAX = 60;

  private static volatile byte[] kept = {};

  private final MemorySegment memory = NativeMemory.allocateAligned(DEPTH << 20);
  private Reactor reactor;
  private Reactor home;
  private TcpNetwork network;
  private TcpNetwork caller;

  @BeforeEach
  void start() throws Exception {
    reactor = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
    TcpOptions options = TcpOptions.withSecret(TcpNetworkTest.SECRET).connectionsMax(4);
    network = new TcpNetwork(reactor, "server", options, node -> null, new Counters());
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    InetSocketAddress to = new InetSocketAddress(any.getAddress(), network.listen(any));
    network.serve(1, 2, reactor, call -> call.reply(call.payloadLength));
    caller = new TcpNetwork(home, "caller", options, node -> to, new Counters());
  }

  @AfterEach
  void stop() {
    caller.close();
    network.close();
    home.close();
    reactor.close();
    NativeMemory.unmap(memory);
  }

  /** Sends itself again, with a new deadline, until its share of a round is done. */
  private final class Repeating extends Call {
    private final Connection connection;
    private CountDownLatch done = new CountDownLatch(0);
    private int left;
    private boolean wrong;

    Repeating(Connection connection, long at, int payload, boolean read) {
      super(home, 64, 64);
      this.connection = connection;
      requestLength = 32;
      if (read) {
        payloadRoom(memory, at, payload);
      } else {
        payload(memory, at, payload);
      }
    }

    void start(int count, CountDownLatch whenDone) {
      left = count;
      done = whenDone;
      again();
    }

    private void again() {
      deadlineNs = home.nowNs() + TimeUnit.SECONDS.toNanos(30);
      connection.send(this);
    }

    @Override
    protected void onReply() {
      wrong |= result != payloadLength;
      left--;
      if (left > 0) {
        again();
      } else {
        done.countDown();
      }
    }
  }

  private void allocatesNothing(int payload, boolean read, int count) throws Exception {
    allocatesNothing(2, payload, read, count);
  }

  private void allocatesNothing(int service, int payload, boolean read, int count)
      throws Exception {
    ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
    Connection connection = caller.connect(1, service);
    Repeating[] calls = new Repeating[DEPTH];
    for (int i = 0; i < DEPTH; i++) {
      calls[i] = new Repeating(connection, (long) i << 20, payload, read);
    }
    long perRound = Long.MAX_VALUE;
    for (int round = 0; round < ROUNDS_MAX && perRound >= count; round++) {
      long before = allocated(threads);
      CountDownLatch done = new CountDownLatch(DEPTH);
      home.offer(nowNs -> {
        for (Repeating call : calls) {
          call.start(count / DEPTH, done);
        }
      });
      assertTrue(done.await(60, TimeUnit.SECONDS));
      perRound = allocated(threads) - before;
    }
    for (Repeating call : calls) {
      assertTrue(!call.wrong, "every call was answered with what it carried");
    }
    System.out.printf(
        "payload=%d read=%b bytes/call=%.3f%n", payload, read, (double) perRound / count);
    assertTrue(perRound < (long) count * OBJECT_BYTES, perRound + " bytes in " + count + " calls");
  }

  private long allocated(ThreadMXBean threads) {
    return threads.getThreadAllocatedBytes(reactor.threadId())
        + threads.getThreadAllocatedBytes(home.threadId());
  }

  @Test
  void aCallWithoutPayloadAllocatesNothing() throws Exception {
    allocatesNothing(0, false, 8_000);
  }

  /** Canary: the measurement must be able to fail. */
  @Test
  void anAllocationPerCallIsNoticed() {
    network.serve(
        1,
        3,
        reactor,
        call -> {
          kept = new byte[1];
          call.reply(0);
        });
    assertThrows(AssertionError.class, () -> allocatesNothing(3, 0, false, 8_000));
    assertEquals(1, kept.length);
  }

  @Test
  void smallPayloadsAllocateNothing() throws Exception {
    allocatesNothing(4096, false, 8_000);
    allocatesNothing(4096, true, 8_000);
  }

  @Test
  void largePayloadsAllocateNothing() throws Exception {
    allocatesNothing(1 << 20, false, 400);
    allocatesNothing(1 << 20, true, 400);
  }
}
