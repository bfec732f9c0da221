package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.uring.IoUring;
import io.lampyris.bindings.uring.Opcodes;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Connection;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** How often payloads are copied outside the kernel: I5 of the package. */
@Timeout(60)
class TcpCopiesTest {
  private static final int LARGE_BYTES = 1 << 20;
  private static final int COUNT = 50;

  private final MemorySegment memory = NativeMemory.allocateAligned(LARGE_BYTES);
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

  private void exchange(boolean read, int length, int count) {
    Connection connection = caller.connect(1, 2);
    BlockingCall call = new BlockingCall(16, 16);
    for (int i = 0; i < count; i++) {
      if (read) {
        call.payloadRoom(memory, 0, length);
      } else {
        call.payload(memory, 0, length);
      }
      assertEquals(length, call.send(connection));
    }
  }

  @Test
  void ofALargePayloadOnlyWhatComesAlongWithItsHeaderIsCopied() {
    for (boolean read : new boolean[] {false, true}) {
      // The first of its kind comes unexpected.
      exchange(read, LARGE_BYTES, 1);
      long before = network.copiedBytes() + caller.copiedBytes();
      exchange(read, LARGE_BYTES, COUNT);
      long copied = network.copiedBytes() + caller.copiedBytes() - before;
      assertTrue(copied <= COUNT * 512, "copied=" + copied + " read=" + read);
    }
  }

  @Test
  void aSmallPayloadIsCopiedOncePerSideSoThatItNeedsNoSendOfItsOwn() {
    exchange(false, 4096, COUNT);
    assertEquals(2 * 4096 * COUNT, network.copiedBytes() + caller.copiedBytes());
  }

  @Test
  void theKernelIsLentLargePayloadsUntilItSaysThatItCopiesThem() {
    boolean can;
    try (IoUring ring = IoUring.open(4)) {
      can = ring.supports(Opcodes.SEND_ZC);
    }
    exchange(false, LARGE_BYTES, COUNT);
    long lent = caller.zeroCopySends();
    assertTrue(can ? lent > 0 && lent < COUNT : lent == 0, "lent=" + lent);
  }
}
