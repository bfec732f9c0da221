package io.lampyris.mgmtd.service;

import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.Chain;
import io.lampyris.protocol.Routing.Target;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.protocol.cluster.AdminRequest;
import io.lampyris.protocol.cluster.ClusterCodec;
import io.lampyris.reactor.BufferPool;
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.net.Call;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.BooleanSupplier;
import org.agrona.ExpandableArrayBuffer;
import org.jspecify.annotations.Nullable;

/** Managers, storage nodes and a client in virtual time under one seed. */
final class ClusterRig implements AutoCloseable {
  static final long MS = 1_000_000;
  static final long S = 1_000 * MS;
  static final int MANAGER = 1001;
  private static final int CLIENT = 2001;
  private static final List<BufferPool.SizeClass> BUFFERS =
      List.of(new BufferPool.SizeClass(4096, 1));

  final Simulation simulation;
  final Prng random;
  final LossyNetwork network;
  final CrashingKv kv = new CrashingKv();
  final Map<Integer, StorageNode> nodes = new TreeMap<>();
  final RoutingClient client;
  private final int managerCount;
  private final MgmtdService[] managers;
  private final List<SimReactor> reactors = new ArrayList<>();

  /** Writes that were acknowledged, by chain. */
  private final Map<Integer, List<Integer>> acknowledged = new TreeMap<>();

  Map<String, String> settings = Map.of("mgmtd.spare.after", "20s");

  /** Acknowledged writes that an operator accepted to lose are not missed. */
  boolean lossAccepted;

  /** A planted defect: nodes serve whether or not they hold a lease. */
  boolean ignoreLeases;

  private int writes;
  private long stores;

  /** How often the manager died. */
  int deaths;

  ClusterRig(long seed, int managerCount) {
    simulation = new Simulation(new Prng(seed));
    random = simulation.prng().split();
    network = new LossyNetwork(simulation);
    this.managerCount = managerCount;
    managers = new MgmtdService[managerCount];
    client = newClient(seed);
  }

  /** One that knows nothing yet. */
  RoutingClient newClient(long id) {
    RoutingClient.Options options =
        new RoutingClient.Options(managerIds(), 500 * MS, 500 * MS, 7, id, "client", id);
    SimReactor reactor = reactor("client-" + id);
    RoutingClient made = new RoutingClient(reactor, network.at(CLIENT), options, routing -> {});
    reactor.add(made);
    return made;
  }

  private SimReactor reactor(String name) {
    return reactor(name, BUFFERS);
  }

  /** One that ends with the rig. */
  SimReactor reactor(String name, List<BufferPool.SizeClass> buffers) {
    SimReactor made = new SimReactor(simulation, name, buffers);
    reactors.add(made);
    return made;
  }

  List<Integer> managerIds() {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < managerCount; i++) {
      ids.add(MANAGER + i);
    }
    return ids;
  }

  void startManagers() {
    for (int i = 0; i < managerCount; i++) {
      startManager(i);
    }
  }

  void startManager(int i) {
    assert managers[i] == null;
    int nodeId = MANAGER + i;
    MgmtdOptions options =
        managerCount == 1 ? MgmtdOptions.alone(nodeId) : MgmtdOptions.oneOfMany(nodeId);
    SimReactor reactor = reactor("mgmtd-" + i);
    MgmtdService service = new MgmtdService(reactor, kv, options.settings(settings));
    managers[i] = service;
    network.at(nodeId).serve(nodeId, Services.MGMTD, reactor, service);
    surviving(() -> reactor.add(service));
  }

  void killManager(int i) {
    MgmtdService service = managers[i];
    if (service != null) {
      managers[i] = null;
      network.at(MANAGER + i).withdraw(MANAGER + i, Services.MGMTD);
      service.onClose();
    }
  }

  /** All processes stand still, as on a machine that is suspended; leases go on. */
  void suspend(long durationNs) {
    reactors.forEach(SimReactor::stop);
    run(durationNs);
    reactors.forEach(SimReactor::resume);
  }

  boolean isManagerUp(int i) {
    return managers[i] != null;
  }

  int primaries() {
    int count = 0;
    for (MgmtdService service : managers) {
      count += service != null && service.isPrimary() ? 1 : 0;
    }
    return count;
  }

  /** Nodes 1 … count with so many targets on each of so many disks. */
  void addNodes(int from, int count, int disks, int targetsPerDisk) {
    for (int id = from; id < from + count; id++) {
      StorageNode node = new StorageNode(this, id, "");
      for (int disk = 0; disk < disks; disk++) {
        for (int i = 0; i < targetsPerDisk; i++) {
          long targetId = id * 100L + disk * 10L + i;
          node.stores.put(targetId, new StorageNode.Store(targetId, disk, newStoreId()));
        }
      }
      nodes.put(id, node);
      node.start();
    }
  }

  long newStoreId() {
    return ++stores;
  }

  StorageNode node(int id) {
    StorageNode node = nodes.get(id);
    assert node != null;
    return node;
  }

  StorageNode nodeOf(long targetId) {
    return node((int) (targetId / 100));
  }

  // ---------------------------------------------------------------- time

  /** Runs for a while; a manager that dies at a commit is started again. */
  void run(long durationNs) {
    boolean[] over = new boolean[1];
    simulation.after(durationNs, () -> over[0] = true);
    runUntil(() -> over[0]);
  }

  void runUntil(BooleanSupplier done) {
    boolean[] finished = new boolean[1];
    while (!finished[0]) {
      surviving(() -> {
        simulation.runUntil(() -> {
          check();
          return done.getAsBoolean();
        });
        finished[0] = true;
      });
    }
  }

  /** Runs until a condition holds, and says how long it took. */
  long await(String what, long limitNs, BooleanSupplier done) {
    long beganNs = simulation.nowNs();
    boolean[] late = new boolean[1];
    simulation.after(limitNs, () -> late[0] = true);
    runUntil(() -> done.getAsBoolean() || late[0]);
    if (!done.getAsBoolean()) {
      throw new AssertionError(
          what + " did not happen in " + limitNs / MS + " ms of virtual time: " + describe());
    }
    return simulation.nowNs() - beganNs;
  }

  private void surviving(Runnable step) {
    try {
      step.run();
    } catch (CrashingKv.Crash crash) {
      deaths++;
      kv.dieAt = 0;
      for (int i = 0; i < managerCount; i++) {
        killManager(i);
      }
      simulation.after(
          random.below(3 * S),
          () -> {
            for (int i = 0; i < managerCount; i++) {
              if (!isManagerUp(i)) {
                startManager(i);
              }
            }
          });
    }
  }

  String describe() {
    StringBuilder text = new StringBuilder("routing " + routing().version());
    routing()
        .chains()
        .forEach((id, chain) -> {
          text.append("\n  chain ").append(id).append(" v").append(chain.version());
          for (Long targetId : chain.targetIds()) {
            text.append(' ').append(targetId).append(':');
            text.append(StorageNode.stateOf(routing(), targetId));
            text.append(nodeOf(targetId).serves(targetId) ? " serves" : "");
          }
        });
    nodes
        .values()
        .forEach(node ->
            text.append("\n  node ")
                .append(node.id)
                .append(node.isUp() ? " routing " + node.agent().routing().version() : " down")
                .append(node.isUp() ? " " + node.agent().refusal() : ""));
    return text.toString();
  }

  // ---------------------------------------------------------------- what a client does

  Routing routing() {
    return client.routing();
  }

  Chain chain(int chainId) {
    Chain chain = routing().chains().get(chainId);
    assert chain != null : "no chain " + chainId;
    return chain;
  }

  /** A write to each chain; acknowledged when all whom the head's version writes to took it. */
  void write() {
    for (Chain chain : routing().chains().values()) {
      writeTo(chain.id());
    }
  }

  private void writeTo(int chainId) {
    for (StorageNode node : nodes.values()) {
      if (!node.isUp()) {
        continue;
      }
      Chain chain = node.agent().routing().chains().get(chainId);
      if (chain == null || chain.targetIds().isEmpty()) {
        continue;
      }
      long head = chain.targetIds().getFirst();
      if (nodeOf(head) == node && node.serves(head)) {
        pass(chain, node.agent().routing());
      }
    }
  }

  private void pass(Chain chain, Routing routing) {
    int write = ++writes;
    for (Long targetId : chain.targetIds()) {
      TargetState state = StorageNode.stateOf(routing, targetId);
      if (state != TargetState.SERVING && state != TargetState.SYNCING) {
        continue;
      }
      StorageNode node = nodeOf(targetId);
      if (!node.takesWrites(targetId, chain.id(), chain.version())) {
        return;
      }
      node.store(targetId).writes.add(write);
    }
    acknowledged.computeIfAbsent(chain.id(), id -> new ArrayList<>()).add(write);
  }

  /** A member that serves under this very version; null: none does now. */
  StorageNode.@Nullable Store source(Chain chain) {
    for (Long targetId : chain.targetIds().reversed()) {
      StorageNode node = nodeOf(targetId);
      Chain theirs = node.isUp() ? node.agent().routing().chains().get(chain.id()) : null;
      boolean same = theirs != null && theirs.version() == chain.version();
      if (same && node.serves(targetId)) {
        return node.store(targetId);
      }
    }
    return null;
  }

  /** Nobody answers reads without every acknowledged write, and one manager decides at most. */
  void check() {
    if (primaries() > 1) {
      throw new AssertionError("two managers decide at a time");
    }
    if (lossAccepted) {
      return;
    }
    for (StorageNode node : nodes.values()) {
      for (StorageNode.Store store : node.stores.values()) {
        if (!node.serves(store.targetId)) {
          continue;
        }
        Chain chain = StorageNode.chainOf(node.agent().routing(), store.targetId);
        assert chain != null : "who serves is in a chain";
        List<Integer> acked = acknowledged.getOrDefault(chain.id(), List.of());
        if (!store.writes.containsAll(acked)) {
          throw new AssertionError(
              "target %d serves chain %d v%d without acknowledged writes: %s"
                  .formatted(store.targetId, chain.id(), chain.version(), describe()));
        }
      }
    }
  }

  /** Every chain has its replicas, all of which serve. */
  boolean allServe(int chains, int replicas) {
    if (routing().chains().size() != chains) {
      return false;
    }
    for (Chain chain : routing().chains().values()) {
      if (chain.targetIds().size() != replicas) {
        return false;
      }
      for (Long targetId : chain.targetIds()) {
        if (!nodeOf(targetId).serves(targetId)) {
          return false;
        }
      }
    }
    return true;
  }

  List<TargetState> statesOf(int nodeId) {
    List<TargetState> states = new ArrayList<>();
    for (Chain chain : routing().chains().values()) {
      for (Long targetId : chain.targetIds()) {
        Target target = routing().targets().get(targetId);
        if (target != null && target.nodeId() == nodeId) {
          states.add(target.state());
        }
      }
    }
    return states;
  }

  // ---------------------------------------------------------------- operators

  /** What came of a command. */
  record Told(long result, AdminAnswer answer) {
    boolean isRefused() {
      return result == Status.REFUSED.code();
    }
  }

  /** Asks the primary; waits for one to be there. */
  Told admin(AdminCommand command, Map<String, String> arguments) {
    ExpandableArrayBuffer bytes = new ExpandableArrayBuffer();
    int length = ClusterCodec.encode(new AdminRequest(command, 48 << 10, arguments), bytes);
    for (int attempt = 0; attempt < 200; attempt++) {
      Asking call = new Asking(reactors.getFirst());
      call.request.putBytes(0, bytes, 0, length);
      call.requestLength = length;
      call.deadlineNs = simulation.nowNs() + S;
      int manager = MANAGER + attempt % managerCount;
      network.at(CLIENT).connect(manager, Services.MGMTD).send(call);
      runUntil(() -> call.answered || deathsSince(call));
      if (call.answered && call.replyLength > 0) {
        return new Told(call.result, ClusterCodec.adminAnswer(call.reply, call.replyLength));
      }
      run(200 * MS);
    }
    throw new AssertionError("no manager answers " + command);
  }

  private boolean deathsSince(Asking call) {
    return deaths != call.deathsBefore;
  }

  private final class Asking extends Call {
    final int deathsBefore = deaths;
    boolean answered;

    Asking(SimReactor home) {
      super(home, 48 << 10, 48 << 10);
    }

    @Override
    protected void onReply() {
      answered = true;
    }
  }

  @Override
  public void close() {
    client.onClose();
    nodes.values().forEach(StorageNode::close);
    for (int i = 0; i < managerCount; i++) {
      killManager(i);
    }
    reactors.forEach(SimReactor::close);
    kv.close();
  }
}
