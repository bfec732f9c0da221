package io.lampyris.chunkengine.chain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.verbs.VerbsDevice;
import io.lampyris.bindings.verbs.VerbsOptions;
import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import io.lampyris.reactor.net.verbs.VerbsNetwork;
import io.lampyris.reactor.net.verbs.VerbsNetworkOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three nodes with a replica of each chunk, and a client: everything goes by RDMA. Needs a device.
 */
@Timeout(200)
class VerbsChainTest {
  private static final int MEMBERS = 3;
  private static final int CHAIN = 4;
  private static final int CHUNKS = 4;
  private static final int BYTES = 256 << 10;
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 256), new SizeClass(64 << 10, 64), new SizeClass(1 << 20, 24));

  @TempDir Path tmp;
  private final Map<Integer, InetSocketAddress> addresses = new ConcurrentHashMap<>();
  private final List<AutoCloseable> parts = new ArrayList<>();
  private final List<ChainService> services = new ArrayList<>();
  private final List<Reactor> reactors = new ArrayList<>();
  private final Counters[] counters = new Counters[MEMBERS + 1];
  private final MemorySegment memory = NativeMemory.allocateAligned(2L * BYTES);

  @SuppressWarnings("NullAway.Init") // in start
  private Network client;

  /** Both networks of a node, or of the client, which is 0. */
  private Network network(int id, Reactor on) throws IOException, VerbsUnavailableException {
    TcpOptions tcpOptions =
        TcpOptions.withSecret("a chain".getBytes(StandardCharsets.UTF_8)).connectionsMax(16);
    TcpNetwork tcp = new TcpNetwork(on, "tcp", tcpOptions, addresses::get, new Counters());
    parts.addFirst(tcp);
    if (id > 0) {
      InetAddress here = InetAddress.getLoopbackAddress();
      int port = tcp.listen(new InetSocketAddress(here, 0));
      addresses.put(id, new InetSocketAddress(here, port));
    }
    counters[id] = new Counters();
    VerbsNetworkOptions sooner = VerbsNetworkOptions.of(VerbsOptions.ANY);
    long patienceNs = TimeUnit.SECONDS.toNanos(20);
    VerbsNetworkOptions patient =
        new VerbsNetworkOptions(
            sooner.device(),
            8,
            sooner.callsMax(),
            patienceNs,
            patienceNs,
            sooner.retryMinNs(),
            sooner.retryMaxNs(),
            patienceNs,
            sooner.releaseNs(),
            sooner.ackTimeoutExponent(),
            sooner.retries());
    VerbsNetwork made = new VerbsNetwork(on, "verbs", patient, tcp, addresses::get, counters[id]);
    parts.addFirst(made);
    return made;
  }

  private ChainService serve(int id, Reactor on) {
    try {
      Path dir = tmp.resolve("target-" + id);
      TargetOptions options = TargetOptions.defaults();
      TargetStore.format(dir, new TargetSpec(id, CHAIN, 192L << 20), options);
      TargetStore store = TargetStore.open(dir, options);
      parts.addLast(store);
      Network network = network(id, on);
      ChainService service =
          new ChainService(
              on,
              // The rig keeps its files in memory, where there is no direct I/O.
              (path, direct) -> UringDevice.open(on, path, false),
              List.of(store),
              network,
              (nowNs, targetId) -> true,
              ChainOptions.defaults(1));
      network.serve(id, Services.STORAGE, on, service);
      services.add(service);
      return service;
    } catch (StoreException | IOException | VerbsUnavailableException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void start() throws Exception {
    try {
      VerbsDevice.open(VerbsOptions.ANY).close();
    } catch (VerbsUnavailableException e) {
      Assumptions.abort(e.getMessage() + "; or run it in the virtual rig: bin/test --rig");
    }
    for (int id = 0; id <= MEMBERS; id++) {
      int number = id;
      Reactor.Builder builder = Reactor.builder("node-" + id).bufferClasses(BUFFERS);
      Reactor made = id == 0 ? builder.build() : builder.agent(on -> serve(number, on)).build();
      reactors.add(made);
      made.start();
    }
    client = network(0, reactors.getFirst());
    Map<Long, Routing.Target> targets = new HashMap<>();
    for (int id = 1; id <= MEMBERS; id++) {
      targets.put((long) id, new Routing.Target(id, id, TargetState.SERVING));
    }
    Routing.Chain chain = new Routing.Chain(CHAIN, 1, List.of(1L, 2L, 3L));
    Routing routing = new Routing(1, Map.of(), Map.of(CHAIN, chain), targets);
    for (int id = 1; id <= MEMBERS; id++) {
      ChainService service = services.get(id - 1);
      CountDownLatch told = new CountDownLatch(1);
      reactors
          .get(id)
          .offer(nowNs -> {
            service.onRouting(routing);
            told.countDown();
          });
      assertTrue(told.await(30, TimeUnit.SECONDS));
    }
  }

  @AfterEach
  void stop() throws Exception {
    List<AutoCloseable> stores = new ArrayList<>();
    for (AutoCloseable part : parts) {
      if (part instanceof TargetStore) {
        stores.add(part);
      } else {
        part.close();
      }
    }
    reactors.forEach(Reactor::close);
    for (AutoCloseable store : stores) {
      store.close();
    }
    NativeMemory.unmap(memory);
  }

  private void fill(long seed) {
    for (long i = 0; i < BYTES; i += Long.BYTES) {
      memory.set(ValueLayout.JAVA_LONG, i, seed * 0x9e3779b97f4a7c15L + i);
    }
  }

  private BlockingCall call() {
    BlockingCall call = new BlockingCall(256, 256);
    call.deadlineNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(30);
    return call;
  }

  private void write(int chunk, int sequence) {
    fill(chunk + 100L * sequence);
    BlockingCall call = call();
    WriteChunkEncoder message = new WriteChunkEncoder();
    message.wrapAndApplyHeader(call.request, 0, new MessageHeaderEncoder());
    message.chunk().inode(1).chunkIndex(chunk).chainId(CHAIN).chainVersion(1).targetId(1);
    message.identity().clientHigh(1).clientLow(1).sequence(sequence).channel(chunk + 1);
    message
        .chunkSizeBytes(BYTES)
        .chunkOffset(0)
        .length(BYTES)
        .updateVersion(0)
        .payloadCrc32c(Integer.toUnsignedLong(new Crc32c().of(memory, 0, BYTES)))
        .flags(0);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + message.encodedLength();
    call.payload(memory, 0, BYTES);
    assertEquals(BYTES, call.send(client.connect(1, Services.STORAGE)));
  }

  private void read(int node, int chunk, int sequence) {
    fill(chunk + 100L * sequence);
    MemorySegment got = memory.asSlice(BYTES, BYTES);
    got.fill((byte) 0);
    BlockingCall call = call();
    ReadChunkEncoder message = new ReadChunkEncoder();
    message.wrapAndApplyHeader(call.request, 0, new MessageHeaderEncoder());
    message.chunk().inode(1).chunkIndex(chunk).chainId(CHAIN).chainVersion(1).targetId(node);
    message.chunkOffset(0).length(BYTES).flags(0);
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + message.encodedLength();
    call.payloadRoom(memory, BYTES, BYTES);
    assertEquals(BYTES, call.send(client.connect(node, Services.STORAGE)));
    assertEquals(-1, got.mismatch(memory.asSlice(0, BYTES)), "chunk " + chunk + " at " + node);
  }

  private long count(int id, String name) {
    return counters[id].snapshot().getOrDefault("verbs_" + name, 0L);
  }

  @Test
  void eachReplicaHoldsWhatWasWrittenAndAllOfItWentOneSided() {
    for (int sequence = 1; sequence <= 2; sequence++) {
      for (int chunk = 0; chunk < CHUNKS; chunk++) {
        write(chunk, sequence);
      }
    }
    for (int node = 1; node <= MEMBERS; node++) {
      for (int chunk = 0; chunk < CHUNKS; chunk++) {
        read(node, chunk, 2);
      }
    }
    for (int node = 1; node <= MEMBERS; node++) {
      // Each member reads the payload from the one before it, and writes what is read there.
      assertEquals(2L * CHUNKS * BYTES, count(node, "rdma_read_bytes"), "node " + node);
      assertEquals((long) CHUNKS * BYTES, count(node, "rdma_written_bytes"), "node " + node);
      assertEquals(0, count(node, "copied_bytes"), "node " + node);
    }
    for (int id = 0; id <= MEMBERS; id++) {
      assertEquals(0, count(id, "calls_by_tcp"), "node " + id);
      assertEquals(0, count(id, "failed_operations"), "node " + id);
    }
  }
}
