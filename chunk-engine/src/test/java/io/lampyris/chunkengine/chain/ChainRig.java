package io.lampyris.chunkengine.chain;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.store.ReadOp;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.sbe.ChunkReplyDecoder;
import io.lampyris.protocol.sbe.MessageHeaderDecoder;
import io.lampyris.protocol.sbe.MessageHeaderEncoder;
import io.lampyris.protocol.sbe.ReadChunkEncoder;
import io.lampyris.protocol.sbe.RemoveChunksEncoder;
import io.lampyris.protocol.sbe.TruncateChunkEncoder;
import io.lampyris.protocol.sbe.WriteChunkEncoder;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.net.Connection;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimMedium;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Nodes with one target each, in one chain, in one thread; processes that end and start again with
 * what they had written; and a manager that follows what the targets claim, one step at a time.
 */
final class ChainRig implements AutoCloseable {
  static final int CHAIN = 7;
  static final int CHUNK = 64 << 10;
  private static final long DEVICE_BYTES = 40L << 20;
  private static final int CLIENT_NODE = 1000;
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 32), new SizeClass(1 << 20, 8));

  static {
    ((Logger) LoggerFactory.getLogger("io.lampyris")).setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("net.openhft")).setLevel(Level.ERROR);
  }

  final Simulation simulation;
  final StepNetwork network;
  final Map<Integer, Node> nodes = new TreeMap<>();
  final Manager manager = new Manager();
  final ReactorOfClients clients;
  long copyBytesPerSecond = 256L << 20;
  int copyPartBytes = 1 << 20;
  long logRewriteBytes = TargetOptions.defaults().log().rewriteBytes();
  private final Path work;
  private final Prng prng;

  /** The clients' own reactor. */
  record ReactorOfClients(SimReactor reactor) {}

  ChainRig(Path base, long seed, int members) {
    prng = new Prng(seed);
    simulation = new Simulation(prng);
    network = new StepNetwork(simulation);
    clients =
        new ReactorOfClients(
            new SimReactor(simulation, "clients", List.of(new SizeClass(4 << 10, 1))));
    try {
      Path memory = Path.of("/dev/shm");
      boolean roomy =
          Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > 1L << 30;
      work = Files.createTempDirectory(roomy ? memory : base, "lampyris-chain-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (int n = 1; n <= members; n++) {
      nodes.put(n, new Node(n));
    }
  }

  /** All members serve from the start. */
  void begin() {
    begin(0, SimPower.steady());
  }

  /** One of them has this power in its first life. */
  void begin(int victim, SimPower power) {
    nodes.values().forEach(node -> node.start(node.id == victim ? power : SimPower.steady()));
    nodes.values().forEach(node -> manager.states.put(node.id, TargetState.SERVING));
    manager.publish();
    settle();
  }

  /** Until every message of the manager has arrived. */
  void settle() {
    runFor(10_000_000);
  }

  // ---- nodes ----

  Node node(int id) {
    Node node = nodes.get(id);
    assert node != null : "no node " + id;
    return node;
  }

  final class Node {
    final int id;
    @Nullable TargetStore store;
    @Nullable ChainService service;
    @Nullable SimReactor reactor;
    SimPower power = SimPower.steady();
    SimFaults faults = new SimFaults();
    int starts;
    long incarnation;
    boolean mayServe = true;
    private final List<SimDevice> devices = new ArrayList<>();
    private final Arena arena = Arena.ofShared();

    Node(int id) {
      this.id = id;
      try {
        TargetStore.format(dir(), new TargetSpec(id, CHAIN, DEVICE_BYTES), options());
      } catch (StoreException e) {
        throw new IllegalStateException(e);
      }
    }

    private Path dir() {
      return work.resolve("target-" + id);
    }

    private TargetOptions options() {
      int life = starts;
      return TargetOptions.defaults()
          .withKeepers(name -> new SimKeeper(this, life))
          .withLog(
              TargetOptions.defaults()
                  .log()
                  .withSizes(3 << 20, 64 << 10)
                  .withRewriteBytes(logRewriteBytes));
    }

    boolean isUp() {
      return service != null;
    }

    TargetStore store() {
      TargetStore present = store;
      assert present != null : "node " + id + " is up";
      return present;
    }

    ChainService service() {
      ChainService present = service;
      assert present != null : "node " + id + " is up";
      return present;
    }

    ChainTarget target() {
      return service().targets().getFirst();
    }

    void start(SimPower with) {
      assert service == null : "one life at a time";
      starts++;
      incarnation++;
      power = with;
      try {
        TargetStore opened = TargetStore.open(dir(), options());
        SimReactor on = new SimReactor(simulation, "node-" + id, BUFFERS);
        ChainService made =
            new ChainService(
                on,
                (path, direct) -> device(on, path, direct),
                List.of(opened),
                network.of(id),
                (nowNs, targetId) -> mayServe,
                ChainOptions.defaults(incarnation)
                    .withForwardTimeoutNs(10_000_000)
                    .withCopyBytesPerSecond(copyBytesPerSecond)
                    .withCopyPartBytes(copyPartBytes));
        network.of(id).serve(id, Services.STORAGE, on, made);
        on.add(new Living(made, power));
        store = opened;
        service = made;
        reactor = on;
      } catch (StoreException e) {
        throw new IllegalStateException(e);
      }
    }

    private Device device(SimReactor on, Path path, boolean direct) {
      SimMedium medium = direct ? new Written(map(path)) : new Nothing();
      SimDevice device =
          new SimDevice(
              on,
              path.toString(),
              medium,
              direct ? 512 : 1,
              power,
              direct ? faults : new SimFaults());
      devices.add(device);
      return device;
    }

    /** Spoils the chunk that has these bytes, behind everyone's back. */
    void flipByteOf(byte[] bytes) {
      MemorySegment device = map(dir().resolve("device"));
      byte[] start = Arrays.copyOf(bytes, 64);
      for (long at = 8 << 20; at < device.byteSize(); at += 4096) {
        byte[] there = device.asSlice(at, 64).toArray(ValueLayout.JAVA_BYTE);
        if (Arrays.equals(there, start)) {
          device.set(ValueLayout.JAVA_BYTE, at + 7, (byte) ~start[7]);
          return;
        }
      }
      throw new AssertionError("no such bytes on node " + id);
    }

    private MemorySegment map(Path path) {
      try (FileChannel channel =
          FileChannel.open(path, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
        return channel.map(FileChannel.MapMode.READ_WRITE, 0, channel.size(), arena);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    /** The process ends; what it had written stays. */
    void kill() {
      power.cut();
      devices.forEach(SimDevice::powerCut);
      devices.clear();
      network.onEnded(id);
      TargetStore closing = store;
      SimReactor ended = reactor;
      store = null;
      service = null;
      reactor = null;
      if (ended != null) {
        // Its memory stays: calls of others may still have parts of it.
        ended.stop();
      }
      if (closing != null) {
        closing.close();
      }
    }
  }

  /** Does nothing any more once its process has ended. */
  private record Living(Agent agent, SimPower power) implements Agent {
    @Override
    public String roleName() {
      return agent.roleName();
    }

    @Override
    public int doWork(long nowNs) {
      return power.isOff() ? 0 : agent.doWork(nowNs);
    }

    @Override
    public boolean mayBlock(long nowNs) {
      return power.isOff() || agent.mayBlock(nowNs);
    }
  }

  private final class SimKeeper implements Keeper {
    private final Node node;
    private final int life;

    SimKeeper(Node node, int life) {
      this.node = node;
      this.life = life;
    }

    @Override
    public void submit(Runnable job) {
      if (node.service == null) {
        job.run();
      } else {
        simulation.after(
            100_000,
            () -> {
              if (node.starts == life && !node.power.isOff()) {
                job.run();
              }
            });
      }
    }

    @Override
    public void close() {}
  }

  /** What a killed process has written stays, flushed or not. */
  private record Written(MemorySegment content) implements SimMedium {
    @Override
    public long sizeBytes() {
      return content.byteSize();
    }

    @Override
    public void read(long at, MemorySegment into, long offset, int sizeBytes) {
      MemorySegment.copy(content, at, into, offset, sizeBytes);
    }

    @Override
    public void write(long at, MemorySegment from, long offset, int sizeBytes) {
      MemorySegment.copy(from, offset, content, at, sizeBytes);
    }

    @Override
    public void discard(long at, long sizeBytes) {}

    @Override
    public long flushMark() {
      return 0;
    }

    @Override
    public void flushed(long mark) {}
  }

  private static final class Nothing implements SimMedium {
    @Override
    public long sizeBytes() {
      return 1L << 40;
    }

    @Override
    public void read(long at, MemorySegment into, long offset, int sizeBytes) {}

    @Override
    public void write(long at, MemorySegment from, long offset, int sizeBytes) {}

    @Override
    public void discard(long at, long sizeBytes) {}

    @Override
    public long flushMark() {
      return 0;
    }

    @Override
    public void flushed(long mark) {}
  }

  // ---- the manager ----

  /** Moves the chain as the targets' claims allow, one member at a time. */
  final class Manager {
    final Map<Integer, TargetState> states = new TreeMap<>();

    /** In chain order. */
    List<Integer> order = new ArrayList<>();

    /** Not what the stores were made for, when a test says so. */
    int chainId = CHAIN;

    long routingVersion;
    int chainVersion;
    boolean active = true;
    Routing routing = Routing.EMPTY;
    private final Map<Integer, Integer> seen = new HashMap<>();

    void publish() {
      routingVersion++;
      chainVersion++;
      order.clear();
      for (TargetState wanted : TargetState.values()) {
        states.forEach((id, state) -> {
          if (state == wanted) {
            order.add(id);
          }
        });
      }
      if (lastServed != null) {
        order.sort(Comparator.comparingInt(this::rank));
      }
      lastServed = List.copyOf(order);
      Map<Long, Routing.Target> targets = new HashMap<>();
      order.forEach(id -> targets.put((long) id, new Routing.Target(id, id, state(id))));
      Routing.Chain chain =
          new Routing.Chain(chainId, chainVersion, order.stream().map(id -> (long) id).toList());
      routing = new Routing(routingVersion, Map.of(), Map.of(chainId, chain), targets);
      Routing now = routing;
      for (Node node : nodes.values()) {
        tell(node, now);
      }
    }

    private @Nullable List<Integer> lastServed;

    private TargetState state(int id) {
      TargetState state = states.get(id);
      assert state != null : "no member " + id;
      return state;
    }

    /** By state, and where the state is the same as it was before. */
    private int rank(int id) {
      List<Integer> before = lastServed;
      int at = before == null ? id : before.indexOf(id);
      return state(id).number() * 1000 + at;
    }

    void tell(Node node, Routing what) {
      int life = node.starts;
      simulation.after(
          prng.below(3_000_000),
          () -> {
            if (node.isUp() && node.starts == life) {
              node.service().onRouting(what);
            }
          });
    }

    /** One step, when there is one to take. */
    void step() {
      for (Node node : nodes.values()) {
        if (node.isUp() && seen.getOrDefault(node.id, 0) != node.starts) {
          seen.put(node.id, node.starts);
          tell(node, routing);
        }
      }
      boolean serves = states.containsValue(TargetState.SERVING);
      boolean syncs = states.containsValue(TargetState.SYNCING);
      int serving = 0;
      for (TargetState state : states.values()) {
        serving += state == TargetState.SERVING ? 1 : 0;
      }
      for (Map.Entry<Integer, TargetState> entry : List.copyOf(states.entrySet())) {
        TargetState next = next(entry.getKey(), entry.getValue(), serves, syncs, serving);
        if (next != entry.getValue()) {
          if (next == TargetState.SERVING && entry.getValue() == TargetState.LAST_SERVING) {
            states.replaceAll((id, s) -> s == TargetState.LAST_SERVING ? TargetState.OFFLINE : s);
          }
          states.put(entry.getKey(), next);
          publish();
          return;
        }
      }
    }

    private TargetState next(
        int id, TargetState state, boolean serves, boolean syncs, int serving) {
      Node node = node(id);
      LocalState local = node.isUp() ? node.target().localState() : LocalState.OFFLINE;
      boolean current = node.isUp() && node.target().chainVersion() == chainVersion;
      return switch (state) {
        case SERVING ->
            local != LocalState.OFFLINE
                ? state
                : serving > 1 ? TargetState.OFFLINE : TargetState.LAST_SERVING;
        case LAST_SERVING -> local != LocalState.OFFLINE && !serves ? TargetState.SERVING : state;
        case SYNCING ->
            local == LocalState.OFFLINE
                ? TargetState.OFFLINE
                : local == LocalState.UP_TO_DATE && current ? TargetState.SERVING : state;
        case WAITING, OFFLINE ->
            local != LocalState.OFFLINE && serves && !syncs ? TargetState.SYNCING : state;
      };
    }

    void run() {
      if (active) {
        step();
      }
      simulation.after(2_000_000, this::run);
    }

    boolean isWhole() {
      if (!states.values().stream().allMatch(s -> s == TargetState.SERVING)) {
        return false;
      }
      for (Node node : nodes.values()) {
        if (!node.isUp() || node.target().chainVersion() != chainVersion) {
          return false;
        }
      }
      return true;
    }

    List<Integer> serving() {
      return order.stream().filter(id -> state(id) == TargetState.SERVING).toList();
    }
  }

  // ---- running ----

  /** Runs until it holds; a node whose power fails meanwhile has been killed. */
  void runUntil(BooleanSupplier done) {
    while (true) {
      try {
        simulation.runUntil(done);
        return;
      } catch (PowerCut cut) {
        for (Node node : nodes.values()) {
          if (node.isUp() && node.power.isOff()) {
            node.kill();
          }
        }
      }
    }
  }

  void runFor(long durationNs) {
    boolean[] over = new boolean[1];
    simulation.after(durationNs, () -> over[0] = true);
    runUntil(() -> over[0]);
  }

  boolean isQuiet() {
    for (Node node : nodes.values()) {
      if (node.isUp() && node.service().inFlight() > 0) {
        return false;
      }
    }
    return true;
  }

  // ---- clients ----

  /** A client that retries with the same identity until it is told how it went. */
  final class Client {
    final long id;
    final int channel;
    long sequence;
    int chunkSizeBytes = CHUNK;
    int retries;
    boolean busy;
    long result;
    int version;
    byte[] read = new byte[0];

    /** Not asked again after these. */
    long giveUpNs = Long.MAX_VALUE;

    private final Crc32c crc = new Crc32c();
    private final MessageHeaderEncoder header = new MessageHeaderEncoder();
    private final MessageHeaderDecoder replyHeader = new MessageHeaderDecoder();
    private final ChunkReplyDecoder reply = new ChunkReplyDecoder();

    Client(long id, int channel) {
      this.id = id;
      this.channel = channel;
    }

    private final class Attempt extends Call {
      private final Runnable again;
      private final int readBytes;

      Attempt(Runnable again, int readBytes) {
        super(clients.reactor(), 256, 256);
        this.again = again;
        this.readBytes = readBytes;
      }

      @Override
      protected void onReply() {
        boolean retry = isRetryable(result) && simulation.nowNs() < giveUpNs;
        if (retry) {
          retries++;
          simulation.after(1_000_000 + prng.below(3_000_000), again::run);
          return;
        }
        Client.this.result = result;
        if (result >= 0 && replyLength > 0) {
          replyHeader.wrap(this.reply, 0);
          if (replyHeader.templateId() == ChunkReplyDecoder.TEMPLATE_ID) {
            Client.this.reply.wrapAndApplyHeader(this.reply, 0, replyHeader);
            version = Client.this.reply.committedVersion();
          }
        }
        if (readBytes > 0 && result >= 0) {
          read = payload.asSlice(0, result).toArray(ValueLayout.JAVA_BYTE);
        }
        busy = false;
      }
    }

    private boolean isRetryable(long outcome) {
      return outcome == Status.BUSY.code()
          || outcome == Status.TIMEOUT.code()
          || outcome == Status.UNREACHABLE.code()
          || outcome == Status.CHAIN_VERSION_MISMATCH.code()
          || outcome == Status.NO_ROUTE.code()
          || outcome == Status.TARGET_OFFLINE.code()
          || outcome == Status.CANCELLED.code();
    }

    private boolean send(Attempt attempt, int encodedBytes, int node) {
      attempt.requestLength = MessageHeaderEncoder.ENCODED_LENGTH + encodedBytes;
      attempt.deadlineNs = simulation.nowNs() + 60_000_000;
      Connection to = network.of(CLIENT_NODE).connect(node, Services.STORAGE);
      to.send(attempt);
      return true;
    }

    private int head(Runnable again) {
      List<Integer> serving = manager.serving();
      if (serving.isEmpty()) {
        simulation.after(2_000_000, again::run);
        return 0;
      }
      return serving.getFirst();
    }

    void write(long inode, int index, int offset, byte[] bytes) {
      sequence++;
      writeAgain(inode, index, offset, bytes);
    }

    void writeAgain(long inode, int index, int offset, byte[] bytes) {
      busy = true;
      sendWrite(inode, index, offset, bytes);
    }

    private void sendWrite(long inode, int index, int offset, byte[] bytes) {
      Runnable again = () -> sendWrite(inode, index, offset, bytes);
      int head = head(again);
      if (head == 0) {
        return;
      }
      Attempt attempt = new Attempt(again, 0);
      WriteChunkEncoder message = new WriteChunkEncoder();
      message.wrapAndApplyHeader(attempt.request, 0, header);
      message
          .chunk()
          .inode(inode)
          .chunkIndex(index)
          .chainId(manager.chainId)
          .chainVersion(manager.chainVersion)
          .targetId(head);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      MemorySegment memory = MemorySegment.ofArray(bytes);
      message
          .chunkSizeBytes(chunkSizeBytes)
          .chunkOffset(offset)
          .length(bytes.length)
          .updateVersion(0)
          .payloadCrc32c(Integer.toUnsignedLong(crc.of(memory, 0, bytes.length)))
          .flags(0);
      attempt.payload(memory, 0, bytes.length);
      send(attempt, message.encodedLength(), head);
    }

    void truncate(long inode, int index, int length) {
      sequence++;
      busy = true;
      sendTruncate(inode, index, length);
    }

    private void sendTruncate(long inode, int index, int length) {
      Runnable again = () -> sendTruncate(inode, index, length);
      int head = head(again);
      if (head == 0) {
        return;
      }
      Attempt attempt = new Attempt(again, 0);
      TruncateChunkEncoder message = new TruncateChunkEncoder();
      message.wrapAndApplyHeader(attempt.request, 0, header);
      message
          .chunk()
          .inode(inode)
          .chunkIndex(index)
          .chainId(manager.chainId)
          .chainVersion(manager.chainVersion)
          .targetId(head);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      message.chunkSizeBytes(chunkSizeBytes).length(length).updateVersion(0).flags(0);
      send(attempt, message.encodedLength(), head);
    }

    void remove(long inode, int from) {
      sequence++;
      busy = true;
      sendRemove(inode, from);
    }

    private void sendRemove(long inode, int from) {
      Runnable again = () -> sendRemove(inode, from);
      int head = head(again);
      if (head == 0) {
        return;
      }
      Attempt attempt = new Attempt(again, 0);
      RemoveChunksEncoder message = new RemoveChunksEncoder();
      message.wrapAndApplyHeader(attempt.request, 0, header);
      message
          .chunk()
          .inode(inode)
          .chunkIndex(from)
          .chainId(manager.chainId)
          .chainVersion(manager.chainVersion)
          .targetId(head);
      message.identity().clientHigh(id).clientLow(1).sequence(sequence).channel(channel);
      message.removeMax(1000);
      send(attempt, message.encodedLength(), head);
    }

    /** From one of the members that serve. */
    void read(long inode, int index, int offset, int length) {
      busy = true;
      read = new byte[0];
      sendRead(inode, index, offset, length, 0);
    }

    void readAt(int node, long inode, int index, int offset, int length) {
      busy = true;
      read = new byte[0];
      sendRead(inode, index, offset, length, node);
    }

    private void sendRead(long inode, int index, int offset, int length, int only) {
      Runnable again = () -> sendRead(inode, index, offset, length, only);
      List<Integer> serving = manager.serving();
      if (serving.isEmpty()) {
        simulation.after(2_000_000, again::run);
        return;
      }
      int node = only != 0 ? only : serving.get(prng.below(serving.size()));
      Attempt attempt = new Attempt(again, length);
      ReadChunkEncoder message = new ReadChunkEncoder();
      message.wrapAndApplyHeader(attempt.request, 0, header);
      message
          .chunk()
          .inode(inode)
          .chunkIndex(index)
          .chainId(manager.chainId)
          .chainVersion(manager.chainVersion)
          .targetId(node);
      message.chunkOffset(offset).length(length).flags(0);
      attempt.payloadRoom(MemorySegment.ofArray(new byte[length]), 0, length);
      send(attempt, message.encodedLength(), node);
    }

    long await() {
      runUntil(() -> !busy);
      return result;
    }
  }

  // ---- what is there ----

  /** Every chunk of a node with its bytes; none is pending. */
  Map<String, String> content(Node node) {
    TargetStore store = node.store();
    Map<String, String> all = new TreeMap<>();
    ChunkState state = new ChunkState();
    assert store.pendingCount() == 0 : "node " + node.id + " has versions pending";
    for (int slot = 0; slot < store.slots(); slot++) {
      if (store.at(slot, state)) {
        byte[] bytes = bytes(node, state.inode, state.chunkIndex, state.lengthBytes);
        all.put(
            state.inode + "/" + state.chunkIndex,
            "version %d length %d crc %08x bytes %d"
                .formatted(state.version, state.lengthBytes, state.crc32c, Arrays.hashCode(bytes)));
      }
    }
    return all;
  }

  byte[] bytes(Node node, long inode, int index, int length) {
    MemorySegment memory = MemorySegment.ofArray(new byte[Math.max(1, length)]);
    long[] result = {Long.MIN_VALUE};
    ReadOp op =
        new ReadOp() {
          @Override
          protected void onComplete(long value) {
            result[0] = value;
          }
        };
    op.inode = inode;
    op.chunkIndex = index;
    op.lengthBytes = length;
    op.payload = memory;
    op.payloadCapacityBytes = length;
    node.store().submit(op);
    runUntil(() -> result[0] != Long.MIN_VALUE);
    assert result[0] == length : "read of " + inode + "/" + index + ": " + result[0];
    return memory.asSlice(0, length).toArray(ValueLayout.JAVA_BYTE);
  }

  /** Everything heals: all members serve, hold the same, and nothing is under way. */
  void heal() {
    network.script = StepNetwork.ALL_ARRIVES;
    for (Node node : nodes.values()) {
      node.faults.readErrorOneIn = 0;
      if (!node.isUp()) {
        node.start(SimPower.steady());
      }
    }
    long untilNs = simulation.nowNs() + 20_000_000_000L;
    runUntil(() -> (manager.isWhole() && isQuiet()) || simulation.nowNs() > untilNs);
    assert manager.isWhole() && isQuiet() : "does not heal: " + describe();
  }

  String describe() {
    StringBuilder text = new StringBuilder(manager.states + " v" + manager.chainVersion);
    nodes.forEach((id, node) -> {
      text.append("; node ").append(id);
      if (node.isUp()) {
        text.append(" v")
            .append(node.target().chainVersion())
            .append(' ')
            .append(node.target().localState())
            .append(" in flight ")
            .append(node.service().inFlight())
            .append(" pending ")
            .append(node.store().pendingCount());
      } else {
        text.append(" down");
      }
    });
    return text.toString();
  }

  @Override
  public void close() {
    nodes.values().stream().filter(Node::isUp).forEach(Node::kill);
    nodes.values().forEach(node -> node.arena.close());
    try (Stream<Path> all = Files.walk(work)) {
      all.sorted(Comparator.reverseOrder()).forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
