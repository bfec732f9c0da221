package io.lampyris.chunkengine.chain;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.sun.management.ThreadMXBean;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.UringDevice;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * What an operation on a chain costs the collectors of head, middle, tail and client: nothing, once
 * what it needs has been made. Three strict targets on real reactors with real files, over TCP; the
 * logs are not rewritten meanwhile, as that is rare and most of it other threads'.
 */
@Timeout(300)
class ChainAllocationTest {
  private static final int MEMBERS = 3;
  private static final int HEAD = 1;
  private static final int TAIL = MEMBERS;
  private static final int CHAIN = 7;
  private static final int CHUNKS = 16;
  private static final int CHUNK_BYTES = 1 << 20;
  private static final int SMALL = 4096;
  private static final int WANTS_CRC = 2;
  private static final byte[] SECRET = "allocation".getBytes(StandardCharsets.UTF_8);
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 256), new SizeClass(64 << 10, 64), new SizeClass(1 << 20, 64));

  /** The compiler may take its time; what it has not compiled may allocate. */
  private static final int ROUNDS_MAX = 200;

  /** So many operations of each chunk make a round: its odd 500 bytes are less than one each. */
  private static final int PER_CHUNK = 64;

  private static volatile byte[] kept = {};

  @TempDir Path tmp;
  private final MemorySegment memory = NativeMemory.allocateAligned(2L * CHUNKS * CHUNK_BYTES);
  private final ThreadMXBean threads = (ThreadMXBean) ManagementFactory.getThreadMXBean();
  private final Map<Integer, InetSocketAddress> addresses = new ConcurrentHashMap<>();
  private final Node[] nodes = new Node[MEMBERS + 1];
  private final Writer[] writers = new Writer[CHUNKS];
  private final Reader[] readers = new Reader[CHUNKS];
  private Reactor home;
  private TcpNetwork network;
  private CountDownLatch done = new CountDownLatch(0);
  private volatile String failure = "";

  /** A node with one target. */
  private final class Node {
    final TargetStore store;
    final Reactor reactor;

    @SuppressWarnings("NullAway.Init") // in serve
    private TcpNetwork listening;

    @SuppressWarnings("NullAway.Init") // in serve
    private ChainService service;

    Node(int id) throws StoreException {
      Path dir = tmp.resolve("target-" + id);
      TargetOptions options = TargetOptions.defaults();
      LogOptions log = options.log().withRewriteBytes(1L << 50).withLookMs(1_000_000_000);
      TargetStore.format(dir, new TargetSpec(id, CHAIN, 192L << 20), options);
      store = TargetStore.open(dir, options.withLog(log));
      reactor =
          Reactor.builder("node-" + id).bufferClasses(BUFFERS).agent(on -> serve(id, on)).build();
      reactor.start();
    }

    private ChainService serve(int id, Reactor on) {
      listening = network(on, "node");
      try {
        service =
            new ChainService(
                on,
                (path, direct) -> UringDevice.open(on, path, direct),
                List.of(store),
                listening,
                (nowNs, targetId) -> true,
                ChainOptions.defaults(1));
        InetAddress here = InetAddress.getLoopbackAddress();
        int port = listening.listen(new InetSocketAddress(here, 0));
        addresses.put(id, new InetSocketAddress(here, port));
      } catch (StoreException | IOException e) {
        throw new IllegalStateException(e);
      }
      listening.serve(id, Services.STORAGE, on, service);
      return service;
    }

    void close() {
      listening.close();
      reactor.close();
      store.close();
    }
  }

  private TcpNetwork network(Reactor on, String name) {
    TcpOptions options = TcpOptions.withSecret(SECRET).connectionsMax(8);
    return new TcpNetwork(on, name, options, addresses::get, new Counters());
  }

  @BeforeEach
  void start() throws Exception {
    for (int id = HEAD; id <= TAIL; id++) {
      nodes[id] = new Node(id);
    }
    home = Reactor.builder("home").bufferClasses(BUFFERS).start();
    network = network(home, "home");
    Map<Long, Routing.Target> targets = new HashMap<>();
    for (int id = HEAD; id <= TAIL; id++) {
      targets.put((long) id, new Routing.Target(id, id, TargetState.SERVING));
    }
    Routing.Chain chain = new Routing.Chain(CHAIN, 1, List.of(1L, 2L, 3L));
    Routing routing = new Routing(1, Map.of(), Map.of(CHAIN, chain), targets);
    for (int id = HEAD; id <= TAIL; id++) {
      Node node = nodes[id];
      on(node.reactor, () -> node.service.onRouting(routing));
    }
    int smallCrc = new Crc32c().of(memory, 0, SMALL);
    int wholeCrc = new Crc32c().of(memory, 0, CHUNK_BYTES);
    for (int i = 0; i < CHUNKS; i++) {
      writers[i] = new Writer(i, smallCrc, wholeCrc);
      readers[i] = new Reader(i);
    }
  }

  @AfterEach
  void stop() {
    network.close();
    for (int id = HEAD; id <= TAIL; id++) {
      nodes[id].close();
    }
    home.close();
    NativeMemory.unmap(memory);
  }

  private static void on(Reactor reactor, Runnable task) throws InterruptedException {
    CountDownLatch over = new CountDownLatch(1);
    reactor.offer(nowNs -> {
      task.run();
      over.countDown();
    });
    over.await();
  }

  /** One operation after another of one chunk, from the client's reactor. */
  private abstract class Operation extends Call {
    final int chunk;
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final Connection[] to = new Connection[MEMBERS + 1];
    private int left;
    int offset;
    int bytes;
    int node;

    Operation(int chunk) {
      super(home, 256, 256);
      this.chunk = chunk;
      for (int id = HEAD; id <= TAIL; id++) {
        to[id] = network.connect(id, Services.STORAGE);
      }
    }

    abstract int encode(MessageHeaderEncoder header);

    void start(int count) {
      left = count;
      next();
    }

    void again() {
      requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encode(header);
      deadlineNs = home.nowNs() + TimeUnit.SECONDS.toNanos(30);
      to[node].send(this);
    }

    private void next() {
      if (left-- == 0) {
        done.countDown();
      } else {
        offset = bytes == CHUNK_BYTES ? 0 : (offset + SMALL) % CHUNK_BYTES;
        again();
      }
    }

    @Override
    protected void onReply() {
      if (result == Status.BUSY.code()) {
        again();
        return;
      }
      if (result != bytes) {
        failure = getClass().getSimpleName() + " " + Status.of(result);
      }
      next();
    }
  }

  private final class Writer extends Operation {
    private final WriteChunkEncoder message = new WriteChunkEncoder();
    private final int smallCrc;
    private final int wholeCrc;
    private long sequence;

    Writer(int chunk, int smallCrc, int wholeCrc) {
      super(chunk);
      this.smallCrc = smallCrc;
      this.wholeCrc = wholeCrc;
      node = HEAD;
    }

    @Override
    int encode(MessageHeaderEncoder header) {
      message.wrapAndApplyHeader(request, 0, header);
      message.chunk().inode(1).chunkIndex(chunk).chainId(CHAIN).chainVersion(1).targetId(node);
      message.identity().clientHigh(1).clientLow(1).sequence(++sequence).channel(chunk + 1);
      message
          .chunkSizeBytes(CHUNK_BYTES)
          .chunkOffset(offset)
          .length(bytes)
          .updateVersion(0)
          .payloadCrc32c(Integer.toUnsignedLong(bytes == SMALL ? smallCrc : wholeCrc))
          .flags(0);
      payload(memory, 0, bytes);
      return message.encodedLength();
    }
  }

  private final class Reader extends Operation {
    private final ReadChunkEncoder message = new ReadChunkEncoder();

    Reader(int chunk) {
      super(chunk);
    }

    @Override
    int encode(MessageHeaderEncoder header) {
      message.wrapAndApplyHeader(request, 0, header);
      message.chunk().inode(1).chunkIndex(chunk).chainId(CHAIN).chainVersion(1).targetId(node);
      message.chunkOffset(offset).length(bytes).flags(WANTS_CRC);
      payloadRoom(memory, (long) (CHUNKS + chunk) * CHUNK_BYTES, bytes);
      return message.encodedLength();
    }
  }

  /** So many operations of each chunk, all chunks side by side; bytes by thread. */
  private long[] round(int perChunk, Operation[]... all) throws InterruptedException {
    done = new CountDownLatch(all.length * CHUNKS);
    long[] before = allocated();
    home.offer(nowNs -> {
      for (Operation[] each : all) {
        for (Operation operation : each) {
          operation.start(perChunk);
        }
      }
    });
    assertTrue(done.await(60, TimeUnit.SECONDS));
    assertEquals("", failure, "an operation's result");
    long[] bytes = allocated();
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] -= before[i];
    }
    return bytes;
  }

  /** By node; the client's is the first. */
  private long[] allocated() {
    long[] bytes = new long[MEMBERS + 1];
    bytes[0] = threads.getThreadAllocatedBytes(home.threadId());
    for (int id = HEAD; id <= TAIL; id++) {
      bytes[id] = threads.getThreadAllocatedBytes(nodes[id].reactor.threadId());
    }
    return bytes;
  }

  /** Below one byte per operation on each reactor. */
  private void allocatesNothing(String what, int roundsMax, Operation[]... all)
      throws InterruptedException {
    int count = PER_CHUNK * CHUNKS * all.length;
    long[] bytes = {};
    long worst = Long.MAX_VALUE;
    int rounds = 0;
    for (; rounds < roundsMax && worst >= count; rounds++) {
      bytes = round(PER_CHUNK, all);
      worst = 0;
      for (long each : bytes) {
        worst = Math.max(worst, each);
      }
    }
    System.out.printf(
        "%s: client, head, middle, tail %d %d %d %d bytes in %d operations, round %d%n",
        what, bytes[0], bytes[1], bytes[2], bytes[3], count, rounds);
    assertTrue(worst < count, worst + " bytes in " + count + " operations");
  }

  private void set(Operation[] all, int node, int bytes) {
    for (Operation each : all) {
      each.node = node;
      each.bytes = bytes;
    }
  }

  private void fill() throws InterruptedException {
    set(writers, HEAD, CHUNK_BYTES);
    round(1, new Operation[][] {writers});
  }

  @Test
  void readsAtHeadAndTailAllocateNothing() throws Exception {
    fill();
    for (int node : new int[] {HEAD, TAIL}) {
      set(readers, node, SMALL);
      allocatesNothing("reads of 4 KiB at node " + node, ROUNDS_MAX, readers);
      set(readers, node, CHUNK_BYTES);
      allocatesNothing("reads of 1 MiB at node " + node, ROUNDS_MAX, readers);
    }
  }

  @Test
  void overwritesAndWholeChunksThroughTheChainAllocateNothing() throws Exception {
    fill();
    set(writers, HEAD, SMALL);
    allocatesNothing("overwrites of 4 KiB", ROUNDS_MAX, writers);
    set(writers, HEAD, CHUNK_BYTES);
    allocatesNothing("whole chunks", ROUNDS_MAX, writers);
  }

  @Test
  void readsThatAskTheTailAllocateNothing() throws Exception {
    fill();
    set(writers, HEAD, SMALL);
    set(readers, HEAD, SMALL);
    allocatesNothing("overwrites and reads beside them", ROUNDS_MAX, writers, readers);
    long[] asked = new long[1];
    ChainTarget head = nodes[HEAD].service.targets().getFirst();
    on(nodes[HEAD].reactor, () -> asked[0] = head.counters().tailQueries);
    assertTrue(asked[0] > CHUNKS, "questions to the tail: " + asked[0]);
  }

  /** Canary: the measurement must be able to fail. */
  @Test
  void anAllocationPerOperationIsNoticed() throws Exception {
    fill();
    Operation[] wasteful = new Operation[CHUNKS];
    for (int i = 0; i < CHUNKS; i++) {
      wasteful[i] = new Wasteful(i);
    }
    set(wasteful, TAIL, SMALL);
    assertThrows(AssertionError.class, () -> allocatesNothing("wasteful", 20, wasteful));
    assertEquals(1, kept.length);
  }

  private final class Wasteful extends Operation {
    private final ReadChunkEncoder message = new ReadChunkEncoder();

    Wasteful(int chunk) {
      super(chunk);
    }

    @Override
    int encode(MessageHeaderEncoder header) {
      kept = new byte[1];
      message.wrapAndApplyHeader(request, 0, header);
      message.chunk().inode(1).chunkIndex(chunk).chainId(CHAIN).chainVersion(1).targetId(node);
      message.chunkOffset(offset).length(bytes).flags(0);
      payloadRoom(memory, (long) (CHUNKS + chunk) * CHUNK_BYTES, bytes);
      return message.encodedLength();
    }
  }
}
