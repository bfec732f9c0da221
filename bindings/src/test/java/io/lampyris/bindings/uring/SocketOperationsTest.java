package io.lampyris.bindings.uring;

import static java.lang.foreign.ValueLayout.JAVA_BYTE;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.lampyris.bindings.CProgram;
import io.lampyris.bindings.Errno;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.Sockets;
import java.lang.foreign.MemorySegment;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.util.ArrayDeque;
import java.util.Deque;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** A connection over the loopback device, both ends on one ring. */
class SocketOperationsTest {
  private static final long SECOND_NS = 1_000_000_000L;
  private static final int ACCEPT = 1;
  private static final int CONNECT = 2;
  private static final int SEND = 3;
  private static final int RECEIVE = 4;
  private static final int BYTES = 64 << 10;
  private static final long IN_AT = BYTES;
  private static final long ADDRESS_AT = 2L * BYTES;
  private static final int NO_SIGNAL = Sockets.MSG_NOSIGNAL | Sockets.MSG_WAITALL;

  private record Completion(long userData, int result, int flags) {}

  private final Deque<Completion> seen = new ArrayDeque<>();
  private IoUring ring;
  private MemorySegment memory;
  private int listener;
  private int near;
  private int far;

  @BeforeEach
  void connect() {
    Probe probe = Probe.run();
    assumeTrue(probe.available(), probe.reason());
    ring = IoUring.open(16);
    memory = NativeMemory.allocateAligned(3L * BYTES);
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    listener = checked(Sockets.stream(any));
    checked(Sockets.bind(listener, any));
    checked(Sockets.listen(listener, 1));
    InetSocketAddress to =
        new InetSocketAddress(any.getAddress(), checked(Sockets.localPort(listener)));
    near = checked(Sockets.stream(to));
    assertTrue(ring.prepAcceptMultishot(listener, ACCEPT));
    int length = Sockets.encode(to, memory.asSlice(ADDRESS_AT));
    assertTrue(ring.prepConnect(near, memory.address() + ADDRESS_AT, length, CONNECT));
    far = -1;
    for (int i = 0; i < 2; i++) {
      Completion one = next();
      assertTrue(one.result() >= 0, one::toString);
      far = one.userData() == ACCEPT ? one.result() : far;
      assertEquals(one.userData() == ACCEPT, IoUring.hasMore(one.flags()));
    }
  }

  @AfterEach
  void close() {
    if (ring != null) {
      ring.close();
      NativeMemory.unmap(memory);
      Libc.close(near);
      Libc.close(far);
      Libc.close(listener);
    }
  }

  private static int checked(int result) {
    assertTrue(result >= 0, () -> Errno.describe(-result));
    return result;
  }

  private Completion next() {
    long endNs = System.nanoTime() + 10 * SECOND_NS;
    while (seen.isEmpty()) {
      assertTrue(System.nanoTime() < endNs, "nothing completes");
      ring.submitAndWait(1, SECOND_NS);
      ring.poll((user, result, flags) -> seen.add(new Completion(user, result, flags)), 64);
    }
    return seen.remove();
  }

  private void receive(int expected) {
    assertTrue(ring.prepReceive(far, memory.address() + IN_AT, expected, 0x100, RECEIVE));
  }

  private void assertArrived(int length) {
    assertEquals(-1, memory.asSlice(0, length).mismatch(memory.asSlice(IN_AT, length)));
  }

  @Test
  void aReceiveThatWaitsFirstGetsTheBytesAndLearnsWhetherThereAreMore() {
    memory.asSlice(0, 100).fill((byte) 7);
    receive(60);
    ring.waitFirst();
    ring.submit();
    assertTrue(ring.prepSend(near, memory.address(), 100, NO_SIGNAL, SEND));
    assertEquals(new Completion(SEND, 100, 0), next());
    Completion first = next();
    assertEquals(60, first.result());
    assertTrue(IoUring.socketHasMore(first.flags()));
    assertArrived(60);
    receive(40);
    Completion second = next();
    assertEquals(40, second.result());
    assertFalse(IoUring.socketHasMore(second.flags()));
  }

  @Test
  void aZeroCopySendSaysWhenItsMemoryIsFreeAndWhetherItWasCopied() {
    assumeTrue(ring.supports(Opcodes.SEND_ZC), "this kernel copies");
    for (int i = 0; i < BYTES; i++) {
      memory.set(JAVA_BYTE, i, (byte) (i * 31));
    }
    receive(BYTES);
    assertTrue(ring.prepSendZeroCopy(near, memory.address(), BYTES, NO_SIGNAL, SEND));
    int notifications = 0;
    for (int left = 3; left > 0; left--) {
      Completion one = next();
      if (IoUring.isNotification(one.flags())) {
        notifications++;
        assertFalse(IoUring.hasMore(one.flags()));
        assertTrue(IoUring.wasCopied(one.result()), "the loopback device copies");
      } else {
        assertEquals(BYTES, one.result());
        assertEquals(one.userData() == SEND, IoUring.hasMore(one.flags()));
      }
    }
    assertEquals(1, notifications);
    assertArrived(BYTES);
  }

  @Test
  void aSocketThatIsShutDownEndsItsReceiveWithTheEndOfTheStream() {
    receive(10);
    ring.submit();
    checked(Sockets.resetOnClose(near));
    checked(Sockets.shutdown(near, Sockets.SHUT_RDWR));
    assertEquals(0, next().result());
  }

  @Test
  void theFlagsAreThoseOfTheCCompiler() throws Exception {
    String observed =
        CProgram.compile(
                """
                #include <linux/io_uring.h>
                #include <netinet/in.h>
                #include <netinet/tcp.h>
                #include <stdio.h>
                #include <sys/socket.h>
                int main(void) {
                  printf("%d %d %d %d %d %d", IORING_ACCEPT_MULTISHOT, IORING_RECVSEND_POLL_FIRST,
                         IORING_SEND_ZC_REPORT_USAGE, IORING_CQE_F_SOCK_NONEMPTY,
                         IORING_CQE_F_NOTIF, (int)IORING_NOTIF_USAGE_ZC_COPIED);
                  printf(" %d %d %d %d %d", IORING_OP_SENDMSG, IORING_OP_ACCEPT, IORING_OP_CONNECT,
                         IORING_OP_SEND, IORING_OP_RECV);
                  printf(" %d %d %d %d %d %d", SO_REUSEADDR, SO_KEEPALIVE, TCP_NODELAY,
                         TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_USER_TIMEOUT);
                  printf(" %d %d %d %zu", MSG_WAITALL, MSG_MORE, MSG_NOSIGNAL,
                         sizeof(struct sockaddr_in6));
                }
                """)
            .output();
    String expected =
        "%d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d %d"
            .formatted(
                SocketFlags.ACCEPT_MULTISHOT,
                SocketFlags.RECVSEND_POLL_FIRST,
                SocketFlags.SEND_ZC_REPORT_USAGE,
                SocketFlags.CQE_F_SOCK_NONEMPTY,
                SocketFlags.CQE_F_NOTIF,
                SocketFlags.NOTIF_USAGE_ZC_COPIED,
                Opcodes.SENDMSG,
                Opcodes.ACCEPT,
                Opcodes.CONNECT,
                Opcodes.SEND,
                Opcodes.RECV,
                Sockets.SO_REUSEADDR,
                Sockets.SO_KEEPALIVE,
                Sockets.TCP_NODELAY,
                Sockets.TCP_KEEPIDLE,
                Sockets.TCP_KEEPINTVL,
                Sockets.TCP_USER_TIMEOUT,
                Sockets.MSG_WAITALL,
                Sockets.MSG_MORE,
                Sockets.MSG_NOSIGNAL,
                Sockets.ADDRESS_BYTES_MAX);
    assertEquals(expected, observed.strip());
  }
}
