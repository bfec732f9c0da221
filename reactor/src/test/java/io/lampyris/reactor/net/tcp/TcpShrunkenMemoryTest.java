package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.Fcntl;
import io.lampyris.bindings.Libc;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.protocol.Status;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Payloads in memory that is taken away: I7 of the package. */
@Timeout(60)
class TcpShrunkenMemoryTest {
  private static final int MAX_BYTES = 4 << 20;
  private static final byte FILL = 7;

  private final MemorySegment whole = NativeMemory.allocateAligned(MAX_BYTES);
  private MemorySegment shared = MemorySegment.NULL;
  private final Counters counters = new Counters();
  private Reactor reactor;
  private Reactor home;
  private TcpNetwork network;
  private TcpNetwork caller;

  /** Answers a write with how many of its bytes are not 0, a read with bytes that are not. */
  private static void serve(Call call) {
    long result = 0;
    for (int i = 0; i < call.payloadLength; i++) {
      if (call.payloadIsRoom) {
        call.payload.set(ValueLayout.JAVA_BYTE, call.payloadOffset + i, FILL);
        result++;
      } else {
        result += call.payload.get(ValueLayout.JAVA_BYTE, call.payloadOffset + i) == 0 ? 0 : 1;
      }
    }
    call.reply(result);
  }

  @BeforeEach
  void start() throws Exception {
    reactor = Reactor.builder("server").start();
    home = Reactor.builder("home").start();
    TcpOptions options =
        TcpOptions.withSecret(TcpNetworkTest.SECRET)
            .connectionsMax(4)
            .zeroCopyMinBytes(Link.COPY_MAX_BYTES + 1);
    network = new TcpNetwork(reactor, "server", options, node -> null, new Counters());
    InetSocketAddress any = new InetSocketAddress(InetAddress.getLoopbackAddress(), 0);
    InetSocketAddress to = new InetSocketAddress(any.getAddress(), network.listen(any));
    network.serve(1, 2, reactor, TcpShrunkenMemoryTest::serve);
    caller = new TcpNetwork(home, "caller", options, node -> to, counters);
  }

  @AfterEach
  void stop() {
    caller.close();
    network.close();
    home.close();
    reactor.close();
    NativeMemory.unmap(whole);
    NativeMemory.unmap(shared);
  }

  /** Maps a file and takes away all from {@code keptBytes} on. */
  private void share(int lengthBytes, int keptBytes) {
    String name = "/lampyris-shrunken-%d".formatted(ProcessHandle.current().pid());
    int fd = Libc.shmOpen(name, Fcntl.O_RDWR | Fcntl.O_CREAT | Fcntl.O_EXCL, 0600);
    assertTrue(fd >= 0, "errno=" + -fd);
    Libc.shmUnlink(name);
    assertEquals(0, Libc.ftruncate(fd, lengthBytes));
    int prot = Fcntl.PROT_READ | Fcntl.PROT_WRITE;
    shared = NativeMemory.map(fd, 0, lengthBytes, prot, Fcntl.MAP_SHARED);
    shared.fill(FILL);
    assertEquals(0, Libc.ftruncate(fd, keptBytes));
    Libc.close(fd);
  }

  private long write(Connection connection, MemorySegment memory, int length) {
    BlockingCall call = new BlockingCall(16, 16);
    call.payload(memory, 0, length);
    return call.send(connection);
  }

  private long read(Connection connection, MemorySegment memory, int length) {
    BlockingCall call = new BlockingCall(16, 16);
    call.payloadRoom(memory, 0, length);
    return call.send(connection);
  }

  private long faults() {
    return counters.snapshot().getOrDefault("caller_payload_faults", -1L);
  }

  /** The connection is still the first, and carries whole payloads. */
  private void assertGoesOn(Connection connection, int length) {
    whole.fill(FILL);
    assertEquals(length, write(connection, whole, length));
    assertEquals(length, read(connection, whole, length));
    assertEquals(1, caller.opens());
  }

  @ParameterizedTest
  @CsvSource({"4096, 0", "65536, 0", "65536, 4096", "1048576, 524288", "4194304, 4096"})
  void roomThatIsLostIsTheFaultOfItsCallAlone(int length, int kept) throws Exception {
    share(length, kept);
    Connection connection = caller.connect(1, 2);
    for (int i = 0; i < 3; i++) {
      assertEquals(Status.MEMORY_FAULT.code(), read(connection, shared, length));
      assertGoesOn(connection, length);
    }
    assertEquals(3, faults());
  }

  @ParameterizedTest
  @CsvSource({
    "false, 4096, 0",
    "false, 65536, 0",
    "false, 65536, 4096",
    "false, 1048576, 524288",
    "false, 4194304, 4096",
    "true, 65536, 0",
    "true, 1048576, 524288",
    "true, 4194304, 4096",
  })
  void bytesThatAreLostGoAsZeros(boolean lends, int length, int kept) throws Exception {
    caller.lendsAlways = lends;
    share(length, kept);
    Connection connection = caller.connect(1, 2);
    for (int i = 0; i < 3; i++) {
      long there = write(connection, shared, length);
      assertTrue(there >= 0 && there <= kept, "there=" + there);
      assertGoesOn(connection, length);
    }
    assertEquals(3, faults());
  }

  @Test
  void callsBesideOneThatLosesItsMemoryAreCarriedOut() throws Exception {
    share(1 << 20, 4096);
    whole.fill(FILL);
    Connection connection = caller.connect(1, 2);
    Thread other =
        Thread.startVirtualThread(() -> {
          for (int i = 0; i < 200; i++) {
            assertEquals(Status.MEMORY_FAULT.code(), read(connection, shared, 1 << 20));
            assertTrue(write(connection, shared, 1 << 20) <= 4096);
          }
        });
    long good = 0;
    while (other.isAlive()) {
      assertEquals(100_000, write(connection, whole, 100_000));
      assertEquals(3000, write(connection, whole, 3000));
      good++;
    }
    other.join();
    assertTrue(good > 0);
    assertEquals(400, faults());
    assertEquals(1, caller.opens());
  }
}
