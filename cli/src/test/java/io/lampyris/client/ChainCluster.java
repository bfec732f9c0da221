package io.lampyris.client;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.lampyris.chunkengine.chain.ChainOptions;
import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.sim.SimHost;
import io.lampyris.chunkengine.sim.SimKeeper;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.FileLayout;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import io.lampyris.reactor.sim.net.NetworkFaults;
import io.lampyris.reactor.sim.net.SimFabric;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * Storage nodes with real chains and one client in virtual time, and a manager that moves chains
 * away from who has gone, as slowly as leases make it.
 */
final class ChainCluster implements AutoCloseable {
  static final int CHUNK = 64 << 10;
  static final long LEASE_NS = 2_000_000_000L;
  private static final int CLIENT_MACHINE = 100;
  private static final long POLL_NS = 1_000_000_000L;
  private static final long TARGET_BYTES = (1 << 20) + 5 * (64L << 20);
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 128), new SizeClass(1 << 20, 6));

  static {
    ((Logger) LoggerFactory.getLogger("io.lampyris")).setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("net.openhft")).setLevel(Level.ERROR);
  }

  final Prng prng;
  final Simulation simulation;
  final NetworkFaults faults = new NetworkFaults();
  final SimFabric fabric;
  final Map<Integer, Node> nodes = new TreeMap<>();
  final ClientCounters counters = new ClientCounters();
  final SimReactor client;
  final ReactorDataPath dataPath;
  final FileLayout layout;

  /** What clients are told when they ask. */
  Routing newest = Routing.EMPTY;

  int refreshes;
  private final Path work;
  private final int chains;
  private final int replicas;
  private final Map<Integer, Integer> versions = new HashMap<>();
  private final Map<Long, TargetState> states = new TreeMap<>();
  private long routingVersion;
  private Routing known = Routing.EMPTY;

  ChainCluster(long seed, int nodeCount, int chains, int replicas, DataPathOptions options) {
    this.chains = chains;
    this.replicas = replicas;
    prng = new Prng(seed);
    simulation = new Simulation(prng);
    fabric = new SimFabric(simulation, faults);
    layout = new FileLayout(CHUNK, chains, 1, 1, 0, 0);
    try {
      Path memory = Path.of("/dev/shm");
      boolean roomy =
          Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > 1L << 30;
      work =
          roomy
              ? Files.createTempDirectory(memory, "lampyris-client-")
              : Files.createTempDirectory("lampyris-client-");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    for (int id = 1; id <= nodeCount; id++) {
      nodes.put(id, new Node(id));
    }
    for (int chain = 1; chain <= chains; chain++) {
      versions.put(chain, 1);
      for (int i = 0; i < replicas; i++) {
        states.put(target(chain, nodeOf(chain, i)), TargetState.SERVING);
      }
    }
    nodes.values().forEach(Node::start);
    client = new SimReactor(simulation, "client", List.of(new SizeClass(4 << 10, 16)));
    SimNetwork network = new SimNetwork(fabric, CLIENT_MACHINE, client);
    dataPath =
        new ReactorDataPath(
            client,
            network::connect,
            RouteSource.of(() -> known, this::refresh),
            new ClientIdentity(prng.nextLong(), 1),
            counters,
            options);
    client.add(dataPath);
    publish();
    poll();
    simulation.runFor(10_000_000);
  }

  private int nodeOf(int chain, int member) {
    return 1 + (chain - 1 + member) % nodes.size();
  }

  static long target(int chain, int node) {
    return chain * 100L + node;
  }

  // ---- the manager ----

  private void refresh(long staleVersion) {
    refreshes++;
    simulation.after(500_000, () -> known = newest);
  }

  private void poll() {
    known = newest;
    simulation.after(POLL_NS, this::poll);
  }

  void publish() {
    routingVersion++;
    Map<Integer, Routing.Chain> made = new HashMap<>();
    Map<Long, Routing.Target> targets = new HashMap<>();
    List<Integer> ids = new ArrayList<>();
    for (int chain = 1; chain <= chains; chain++) {
      ids.add(chain);
      List<Long> members = new ArrayList<>();
      for (TargetState wanted : List.of(TargetState.SERVING, TargetState.OFFLINE)) {
        for (int i = 0; i < replicas; i++) {
          int node = nodeOf(chain, i);
          long id = target(chain, node);
          if (states.get(id) == wanted) {
            members.add(id);
            targets.put(id, new Routing.Target(id, node, wanted));
          }
        }
      }
      made.put(chain, new Routing.Chain(chain, versions.getOrDefault(chain, 0), members));
    }
    Routing.ChainTable table = new Routing.ChainTable(1, 1, ids);
    newest = new Routing(routingVersion, Map.of(1, table), made, targets);
    Routing now = newest;
    for (Node node : nodes.values()) {
      simulation.after(prng.below(3_000_000), () -> node.onRouting(now));
    }
  }

  /** All chains have another version, and the members they had. */
  void newVersions() {
    versions.replaceAll((chain, version) -> version + 1);
    publish();
  }

  /** The manager has given up a node. */
  private void drop(int id) {
    for (int chain = 1; chain <= chains; chain++) {
      TargetState state = states.get(target(chain, id));
      if (state == TargetState.SERVING && replicas > 1) {
        states.put(target(chain, id), TargetState.OFFLINE);
        versions.merge(chain, 1, Integer::sum);
      }
    }
    publish();
  }

  /** The process is gone, and its machine says so. */
  void kill(int id) {
    node(id).end();
    simulation.after(LEASE_NS, () -> drop(id));
  }

  /** The process answers nothing from now on, and nobody is told. */
  void stop(int id) {
    Node node = node(id);
    cutOff(id);
    simulation.after(LEASE_NS - 100_000_000, () -> node.mayServe = false);
    simulation.after(LEASE_NS, () -> drop(id));
  }

  /** Nothing gets there or comes from there. */
  void cutOff(int id) {
    Node node = node(id);
    fabric.block(node.machine, CLIENT_MACHINE);
    fabric.block(CLIENT_MACHINE, node.machine);
    for (Node other : nodes.values()) {
      fabric.block(node.machine, other.machine);
      fabric.block(other.machine, node.machine);
    }
  }

  Node node(int id) {
    Node node = nodes.get(id);
    assert node != null : "no node " + id;
    return node;
  }

  /** The head of a chain as the manager knows it. */
  int head(int chain) {
    Routing.Chain known = newest.chains().get(chain);
    assert known != null : "no chain " + chain;
    Routing.Target head = newest.targets().get(known.targetIds().getFirst());
    assert head != null : "a chain has members";
    return head.nodeId();
  }

  // ---- nodes ----

  /** A machine with a process. */
  final class Node {
    final int id;
    int machine;
    boolean mayServe = true;

    /** That came here so far. */
    long calls;

    private int lives;
    private SimPower power = SimPower.steady();
    private final SimHost host;
    private @Nullable SimReactor reactor;
    private @Nullable SimNetwork network;
    private @Nullable ChainService service;
    private final List<TargetStore> stores = new ArrayList<>();
    private final List<SimDevice> devices = new ArrayList<>();

    Node(int id) {
      this.id = id;
      this.machine = id;
      Path root = work.resolve("node-" + id);
      try {
        Files.createDirectories(root);
        host = new SimHost(root, prng.split(), power);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      }
    }

    private TargetOptions options() {
      return TargetOptions.defaults()
          .withHost(host)
          .withKeepers(name -> new SimKeeper(simulation, prng, power))
          .withLog(LogOptions.DEFAULTS.withSizes(3 << 20, 64 << 10).withPayloadSlots(2));
    }

    void start() {
      boolean first = lives++ == 0;
      if (!first) {
        power = SimPower.steady();
        host.restart(power);
      }
      try {
        for (long target : states.keySet()) {
          if (target % 100 == id) {
            Path directory = work.resolve("node-" + id).resolve("target-" + target);
            if (first) {
              TargetStore.format(
                  directory, new TargetSpec(target, (int) target / 100, TARGET_BYTES), options());
            }
            stores.add(TargetStore.open(directory, options()));
          }
        }
        SimReactor on = new SimReactor(simulation, "node-" + id, BUFFERS);
        SimNetwork joined = new SimNetwork(fabric, machine, on);
        ChainService made =
            new ChainService(
                on,
                (path, direct) -> device(on, path, direct),
                stores,
                joined,
                (nowNs, targetId) -> mayServe,
                ChainOptions.defaults(lives).withForwardTimeoutNs(200_000_000));
        on.add(made);
        joined.serve(
            id,
            Services.STORAGE,
            on,
            call -> {
              calls++;
              made.onCall(call);
            });
        made.onRouting(newest);
        reactor = on;
        network = joined;
        service = made;
      } catch (StoreException e) {
        throw new IllegalStateException(e);
      }
    }

    private Device device(SimReactor on, Path path, boolean direct) {
      SimDevice made =
          direct
              ? new SimDevice(on, "data", host.disk(path), 512, power, new SimFaults())
              : new SimDevice(on, "log", host.log(path), 1, power, new SimFaults());
      devices.add(made);
      return made;
    }

    void onRouting(Routing newer) {
      if (service != null) {
        service.onRouting(newer);
      }
    }

    void end() {
      if (service == null || network == null || reactor == null) {
        return;
      }
      service = null;
      power.cut();
      devices.forEach(SimDevice::powerCut);
      devices.clear();
      network.close();
      network = null;
      stores.forEach(TargetStore::close);
      stores.clear();
      reactor.close();
      reactor = null;
    }
  }

  @Override
  public void close() {
    nodes.values().forEach(Node::end);
    nodes.values().forEach(node -> node.host.close());
    dataPath.onClose();
    client.close();
    try (var paths = Files.walk(work)) {
      List<Path> all = new ArrayList<>(paths.toList());
      all.reversed().forEach(path -> path.toFile().delete());
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
