package io.lampyris.cli.cluster;

import io.lampyris.chunkengine.format.Crc32c;
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
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.net.BlockingCall;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.List;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** Writes and reads chunks of a cluster, one call at a time, and follows routing. */
public final class ChunkCaller implements AutoCloseable {
  private static final long ATTEMPT_NS = TimeUnit.MILLISECONDS.toNanos(500);
  private static final long PATIENCE_NS = TimeUnit.SECONDS.toNanos(60);
  private static final int CHUNK_BYTES = 64 << 10;
  private static final Set<Status> AGAIN =
      Set.of(
          Status.BUSY,
          Status.TIMEOUT,
          Status.UNREACHABLE,
          Status.NO_ROUTE,
          Status.CHAIN_VERSION_MISMATCH,
          Status.TARGET_OFFLINE,
          Status.CANCELLED);

  private final Addresses addresses;
  private final Reactor reactor;
  private final TcpNetwork[] network = new TcpNetwork[1];
  private final RoutingClient[] follower = new RoutingClient[1];
  private final BlockingCall call = new BlockingCall(512, 512);
  private final MessageHeaderEncoder header = new MessageHeaderEncoder();
  private final Arena arena = Arena.ofShared();
  private final MemorySegment memory = arena.allocate(CHUNK_BYTES);
  private long sequence;

  /** Attempts that had to be made again. */
  public int retries;

  public ChunkCaller(ClusterFile file) {
    addresses = new Addresses(file.named());
    RoutingClient.Options options =
        new RoutingClient.Options(file.managerIds(), 20_000_000, 500_000_000, 7, 7, "test", 1);
    reactor =
        Reactor.builder("caller")
            .bufferClasses(List.of(new SizeClass(64 << 10, 16), new SizeClass(1 << 20, 4)))
            .agent(on -> {
              network[0] =
                  new TcpNetwork(
                      on,
                      "tcp",
                      TcpOptions.withSecret(file.secret().bytes()).connectionsMax(16),
                      addresses,
                      new Counters());
              follower[0] = new RoutingClient(on, network[0], options, addresses::onRouting);
              return follower[0];
            })
            .start();
  }

  public Routing routing() {
    return follower[0].routing();
  }

  /** Until the chain has this many members that serve. */
  public void awaitServing(int chainId, int count) {
    long untilNs = System.nanoTime() + PATIENCE_NS;
    while (serving(chainId).size() != count) {
      if (System.nanoTime() > untilNs) {
        throw new AssertionError("chain %d: %s".formatted(chainId, routing()));
      }
      LockSupport.parkNanos(5_000_000);
    }
  }

  public List<Routing.Target> serving(int chainId) {
    Routing routing = routing();
    Routing.Chain chain = routing.chains().get(chainId);
    return chain == null
        ? List.of()
        : chain.targetIds().stream()
            .map(id -> routing.targets().get(id))
            .filter(target -> target.state() == TargetState.SERVING)
            .toList();
  }

  /** Writes at the head until it is told how it went; once, however often it asks. */
  public void write(int chainId, long inode, int index, byte[] bytes) {
    sequence++;
    long untilNs = System.nanoTime() + PATIENCE_NS;
    MemorySegment.copy(bytes, 0, memory, ValueLayout.JAVA_BYTE, 0, bytes.length);
    long crc = Integer.toUnsignedLong(new Crc32c().of(memory, 0, bytes.length));
    long result = Status.NO_ROUTE.code();
    while (result != bytes.length) {
      List<Routing.Target> serving = serving(chainId);
      if (!serving.isEmpty()) {
        WriteChunkEncoder message = new WriteChunkEncoder();
        message.wrapAndApplyHeader(call.request, 0, header);
        message
            .chunk()
            .inode(inode)
            .chunkIndex(index)
            .chainId(chainId)
            .chainVersion(chainVersion(chainId))
            .targetId(serving.getFirst().id());
        message.identity().clientHigh(7).clientLow(7).sequence(sequence).channel(1);
        message
            .chunkSizeBytes(CHUNK_BYTES)
            .chunkOffset(0)
            .length(bytes.length)
            .updateVersion(0)
            .payloadCrc32c(crc)
            .flags(0);
        call.payload(memory, 0, bytes.length);
        result = send(serving.getFirst(), message.encodedLength());
      }
      again(result, untilNs, "write");
    }
  }

  /** Reads a chunk at one member, which serves. */
  public byte[] read(int chainId, Routing.Target from, long inode, int index) {
    long untilNs = System.nanoTime() + PATIENCE_NS;
    long result = Status.NO_ROUTE.code();
    while (result < 0) {
      ReadChunkEncoder message = new ReadChunkEncoder();
      message.wrapAndApplyHeader(call.request, 0, header);
      message
          .chunk()
          .inode(inode)
          .chunkIndex(index)
          .chainId(chainId)
          .chainVersion(chainVersion(chainId))
          .targetId(from.id());
      message.chunkOffset(0).length(CHUNK_BYTES).flags(0);
      call.payloadRoom(memory, 0, CHUNK_BYTES);
      result = send(from, message.encodedLength());
      again(result, untilNs, "read");
    }
    return memory.asSlice(0, result).toArray(ValueLayout.JAVA_BYTE);
  }

  private int chainVersion(int chainId) {
    Routing.Chain chain = routing().chains().get(chainId);
    return chain == null ? 0 : chain.version();
  }

  private long send(Routing.Target to, int encodedBytes) {
    call.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encodedBytes;
    call.deadlineNs = System.nanoTime() + ATTEMPT_NS;
    return call.send(network[0].connect(to.nodeId(), Services.STORAGE));
  }

  private void again(long result, long untilNs, String what) {
    if (result >= 0) {
      return;
    }
    retries++;
    Status status = Status.of(result);
    if (!AGAIN.contains(status) || System.nanoTime() > untilNs) {
      throw new AssertionError(what + " was answered " + status);
    }
    LockSupport.parkNanos(2_000_000);
  }

  @Override
  public void close() {
    network[0].close();
    reactor.close();
    addresses.close();
    arena.close();
  }
}
