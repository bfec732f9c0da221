package io.lampyris.cli.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.sim.ChunkCells;
import io.lampyris.chunkengine.sim.ChunkCellsModel;
import io.lampyris.chunkengine.sim.ChunkOperation;
import io.lampyris.mgmtd.service.MgmtdOptions;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Routing.TargetState;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.protocol.lease.LeaseTerms;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.kv.MemoryKv;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import io.lampyris.reactor.sim.history.LinearizabilityChecker;
import io.lampyris.reactor.sim.history.Verdict;
import io.lampyris.reactor.sim.net.NetworkFaults;
import io.lampyris.reactor.sim.net.SimFabric;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * One cluster under one seed: first its safety under faults, then that it heals. Owner: the thread
 * that runs it.
 */
public final class ClusterRun {
  private static final long CONFIGURATIONS_MAX = 2_000_000;
  private static final long DAY_NS = 86_400_000_000_000L;
  private static final int FIRST_CLIENT = 100;
  private static final int FIRST_MANAGER = 1001;
  private static final long MS = 1_000_000;
  private static final long SETUP_NS = 60_000 * MS;
  private static final int[] CELLS = {4096, 1000, 8192, 520};

  private static final List<SizeClass> BUFFERS = List.of(new SizeClass(4 << 10, 16));

  private final long seed;
  private final SimOptions options;
  private final Prng prng;
  private final Simulation simulation;
  private final SimFabric fabric;
  private final List<SimChunk> chunks = new ArrayList<>();

  /** What bytes rot by. */
  private final Prng rot;

  private final Shape shape;
  private final MemoryKv store = new MemoryKv();
  private final List<ManagerMachine> managers = new ArrayList<>();

  /** Who answered though it had been dropped: a lease was not kept. */
  private @Nullable String overstayed;

  private final List<StorageMachine> machines = new ArrayList<>();
  private final List<SimClient> clients = new ArrayList<>();
  private @Nullable Operator operator;
  private boolean loading = true;
  private int values;
  private long operations;
  private long undecided;

  private ClusterRun(long seed, SimOptions options) {
    this.seed = seed;
    this.options = options;
    prng = new Prng(seed);
    rot = aside(17);
    shape = Shape.of(prng.split(), rot, options);
    simulation = new Simulation(prng.split());
    fabric = new SimFabric(simulation, new NetworkFaults());
  }

  /**
   * Runs one seed.
   *
   * @param work a directory, best in memory; what the run makes there it deletes
   */
  public static SimResult run(long seed, SimOptions options, Path work) throws IOException {
    Path own = Files.createTempDirectory(work, "seed-");
    ClusterRun run = new ClusterRun(seed, options);
    String failure = "";
    long crashes = 0;
    long partitions = 0;
    try {
      run.build(own);
      Troubles troubles = run.troubles();
      try {
        run.safety(troubles);
        run.liveness(troubles);
        run.replicas().compare();
        run.checkHistories();
      } finally {
        crashes = troubles.crashes();
        partitions = troubles.partitions();
      }
    } catch (AssertionError | RuntimeException e) {
      failure = describe(e);
    } catch (StoreException e) {
      failure = "the simulation cannot be set up: " + e.getMessage();
    } finally {
      run.discard(own);
    }
    return new SimResult(
        seed,
        failure,
        run.simulation.nowNs(),
        run.operations,
        crashes,
        partitions,
        run.undecided,
        run.simulation.traceHash());
  }

  private static String describe(Throwable e) {
    if (e instanceof FailedRunException) {
      return String.valueOf(e.getMessage());
    }
    StringBuilder text = new StringBuilder(String.valueOf(e));
    StackTraceElement[] stack = e.getStackTrace();
    for (int i = 0; i < Math.min(12, stack.length); i++) {
      text.append("\n    at ").append(stack[i]);
    }
    return text.toString();
  }

  // ---------------------------------------------------------------- what the parts ask

  Simulation simulation() {
    return simulation;
  }

  SimFabric fabric() {
    return fabric;
  }

  Prng prng() {
    return prng;
  }

  SimOptions options() {
    return options;
  }

  List<SimChunk> chunks() {
    return chunks;
  }

  SimChunk anyChunk(Prng by) {
    return chunks.get(by.below(chunks.size()));
  }

  List<Integer> managerIds() {
    List<Integer> ids = new ArrayList<>();
    for (int i = 0; i < shape.managers(); i++) {
      ids.add(FIRST_MANAGER + i);
    }
    return ids;
  }

  Shape shape() {
    return shape;
  }

  Prng rot() {
    return rot;
  }

  /** One more source of chance, which draws nothing from the others. */
  Prng aside(int which) {
    return new Prng(seed * 31 + which);
  }

  LeaseTerms terms() {
    return shape.terms();
  }

  boolean isLoading() {
    return loading;
  }

  long nowNs() {
    return simulation.nowNs();
  }

  /** Nobody else writes it. */
  int newValue() {
    return ++values;
  }

  void onOperation(long result) {
    operations++;
    simulation.trace(result);
  }

  void expect(boolean so, Supplier<String> otherwise) {
    if (!so) {
      throw new FailedRunException(otherwise.get());
    }
  }

  // ---------------------------------------------------------------- the phases

  private void build(Path work) throws StoreException {
    for (int id : managerIds()) {
      MgmtdOptions manager =
          shape.managers() == 1 ? MgmtdOptions.alone(id) : MgmtdOptions.oneOfMany(id);
      ManagerMachine machine =
          new ManagerMachine(this, id, clock(), store, manager.settings(shape.settings()));
      managers.add(machine);
      machine.boot(0);
    }
    for (int node = 1; node <= shape.nodes(); node++) {
      StorageMachine machine =
          new StorageMachine(this, node, shape.targetsPerNode(), clock(), work);
      machines.add(machine);
      machine.format();
      machine.boot(0);
    }
    Operator made = new Operator(this, clock());
    operator = made;
    makeChains(made);
    for (int i = 0; i < options.chunks(); i++) {
      // An inode each: a removal takes what follows in its inode.
      List<Integer> chains = made.routing().chains().keySet().stream().sorted().toList();
      int chain = chains.get(i % chains.size());
      chunks.add(new SimChunk(1 + i, i % 4, chain, CELLS[prng.below(CELLS.length)]));
    }
    for (int i = 0; i < options.clients(); i++) {
      SimReactor reactor = new SimReactor(simulation, "client-" + i, BUFFERS, clock());
      SimNetwork network = new SimNetwork(fabric, FIRST_CLIENT + i, reactor);
      clients.add(new SimClient(this, reactor, network, 1 + i, shape.pollNs(), i == 0));
    }
  }

  private void makeChains(Operator by) {
    int targets = shape.nodes() * shape.targetsPerNode();
    await("targets are known", () -> by.routing().targets().size() == targets);
    by.command(
        AdminCommand.CHAIN_CREATE,
        Map.of(
            "replicas", String.valueOf(shape.replicas()),
            "targets-per-disk", String.valueOf(shape.chainsPerNode()),
            "seed", String.valueOf(prng.below(1000))));
    await("chains serve", () -> !by.routing().chains().isEmpty() && missing().isEmpty());
  }

  private void await(String what, BooleanSupplier done) {
    long untilNs = nowNs() + SETUP_NS;
    simulation.runUntil(() -> done.getAsBoolean() || nowNs() > untilNs);
    expect(done.getAsBoolean(), () -> what + ": did not happen: " + describe());
  }

  private SimClock clock() {
    return new SimClock(prng.below(DAY_NS), prng.between(-shape.driftPpm(), shape.driftPpm() + 1));
  }

  Operator operator() {
    Operator now = operator;
    assert now != null : "the cluster is built";
    return now;
  }

  private Replicas replicas() {
    return new Replicas(this, machines, operator().routing(), shape.replicas());
  }

  private List<String> missing() {
    return replicas().missing();
  }

  private Troubles troubles() {
    List<Integer> clientMachines = new ArrayList<>();
    clients.forEach(client -> clientMachines.add(client.network().machine()));
    Troubles troubles = new Troubles(this, machines, managers, clientMachines);
    simulation.onPowerCut(troubles::onPowerCut);
    return troubles;
  }

  private void safety(Troubles troubles) {
    clients.forEach(SimClient::start);
    troubles.begin();
    simulation.runFor(options.safetyNs());
    expect(overstayed == null, () -> String.valueOf(overstayed));
  }

  /** Without faults everything that was asked is answered, and all chains are whole again. */
  private void liveness(Troubles troubles) {
    troubles.end();
    long untilNs = nowNs() + options.livenessNs();
    troubles.undoCommands();
    simulation.runFor(options.safetyNs() / 8);
    loading = false;
    if (shape.rots()) {
      // The scrubber comes by everything once.
      simulation.runFor(2 * StorageMachine.SCRUB_NS);
    }
    // What is costly is looked at now and then.
    while (!(isQuiet() && missing().isEmpty()) && nowNs() < untilNs) {
      simulation.runFor(100 * MS);
    }
    expect(
        isQuiet() && missing().isEmpty(),
        () ->
            "not well %d s after the last fault: ".formatted(options.livenessNs() / 1_000_000_000L)
                + missing()
                + describe());
  }

  private String describe() {
    StringBuilder text = new StringBuilder();
    clients.forEach(client -> client.describe(text));
    for (StorageMachine machine : machines) {
      text.append("\n    ").append(machine.describe());
    }
    for (ManagerMachine machine : managers) {
      text.append("\n    manager ").append(machine.nodeId);
      text.append(machine.isPrimary() ? " is primary" : machine.isUp() ? " waits" : " is down");
    }
    Routing routing = operator().routing();
    text.append("\n    routing ").append(routing.version());
    routing
        .chains()
        .forEach((id, chain) -> {
          text.append("\n    chain ").append(id).append(" v").append(chain.version());
          for (Long target : chain.targetIds()) {
            Routing.Target is = routing.targets().get(target);
            text.append(' ').append(target).append(' ');
            text.append(is == null ? TargetState.OFFLINE : is.state());
          }
        });
    return text.toString();
  }

  private boolean isQuiet() {
    return clients.stream().allMatch(SimClient::isIdle)
        && machines.stream().allMatch(machine -> machine.inFlight() == 0);
  }

  /** A member is about to answer as one that serves. */
  void answersAsServing(long targetId) {
    for (ManagerMachine manager : managers) {
      if (overstayed == null && manager.hasDropped(targetId)) {
        overstayed =
            "target %d serves at %d ms, when manager %d has dropped it"
                .formatted(targetId, nowNs() / MS, manager.nodeId);
      }
    }
  }

  private void checkHistories() {
    LinearizabilityChecker<ChunkCells, ChunkOperation> checker =
        new LinearizabilityChecker<>(new ChunkCellsModel(), CONFIGURATIONS_MAX);
    for (SimChunk chunk : chunks) {
      Verdict verdict = checker.check(chunk.history);
      switch (verdict.kind()) {
        case LINEARIZABLE -> simulation.trace(verdict.configurations());
        case UNDECIDED -> undecided++;
        case VIOLATION ->
            throw new FailedRunException(
                "the history of %s is not linearizable: %s".formatted(chunk, verdict.why()));
      }
    }
  }

  private void discard(Path work) throws IOException {
    try {
      for (StorageMachine machine : machines) {
        machine.discard();
      }
      for (ManagerMachine machine : managers) {
        machine.discard();
      }
      clients.forEach(SimClient::close);
      if (operator != null) {
        operator.close();
      }
      store.close();
      Host.posix().deleteTree(work);
    } catch (StoreException e) {
      throw new IOException("seed=" + seed, e);
    }
  }
}
