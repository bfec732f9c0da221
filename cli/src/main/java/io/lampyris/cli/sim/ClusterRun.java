package io.lampyris.cli.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.sim.ChunkCells;
import io.lampyris.chunkengine.sim.ChunkCellsModel;
import io.lampyris.chunkengine.sim.ChunkOperation;
import io.lampyris.protocol.Routing;
import io.lampyris.reactor.BufferPool.SizeClass;
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
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Supplier;

/**
 * One cluster under one seed: first its safety under faults, then that it heals. Owner: the thread
 * that runs it.
 */
public final class ClusterRun {
  private static final long CONFIGURATIONS_MAX = 2_000_000;
  private static final long DAY_NS = 86_400_000_000_000L;
  private static final int DRIFT_PPM_MAX = 200;
  private static final int FIRST_CLIENT_MACHINE = 100;
  private static final int[] CELLS = {4096, 1000, 8192, 520};

  private static final List<SizeClass> BUFFERS = List.of(new SizeClass(4 << 10, 16));

  private final long seed;
  private final SimOptions options;
  private final Prng prng;
  private final Simulation simulation;
  private final SimFabric fabric;
  private final List<SimChunk> chunks = new ArrayList<>();
  private final List<StorageMachine> machines = new ArrayList<>();
  private final List<SimClient> clients = new ArrayList<>();
  private boolean loading = true;
  private int values;
  private long operations;
  private long undecided;

  private ClusterRun(long seed, SimOptions options) {
    this.seed = seed;
    this.options = options;
    prng = new Prng(seed);
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

  /** A chunk that a worker may update. */
  SimChunk chunkOf(int worker, Prng by) {
    int workers = options.clients() * options.workers();
    if (options.hard() || chunks.size() < workers) {
      return anyChunk(by);
    }
    int own = (chunks.size() - worker + workers - 1) / workers;
    return chunks.get(worker + by.below(own) * workers);
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
    for (int node = 1; node <= options.nodes(); node++) {
      StorageMachine machine = new StorageMachine(this, node, node, clock(), work);
      machines.add(machine);
      machine.format();
      machine.boot(0);
    }
    for (int i = 0; i < options.chunks(); i++) {
      // An inode each: a removal takes what follows in its inode.
      int chain = 1 + i % options.nodes();
      chunks.add(new SimChunk(1 + i, i % 4, chain, CELLS[prng.below(CELLS.length)]));
    }
    Routing routing = routing();
    for (int i = 0; i < options.clients(); i++) {
      int machine = FIRST_CLIENT_MACHINE + i;
      SimReactor reactor = new SimReactor(simulation, "client-" + i, BUFFERS, clock());
      SimNetwork network = new SimNetwork(fabric, machine, reactor);
      clients.add(
          new SimClient(
              this, reactor, network, () -> routing, version -> {}, 1 + i, options.workers()));
    }
  }

  private SimClock clock() {
    return new SimClock(prng.below(DAY_NS), prng.between(-DRIFT_PPM_MAX, DRIFT_PPM_MAX + 1));
  }

  private Routing routing() {
    Map<Integer, Routing.Chain> chains = new HashMap<>();
    Map<Long, Routing.Target> targets = new HashMap<>();
    for (StorageMachine machine : machines) {
      long target = machine.nodeId;
      chains.put(machine.chainId, new Routing.Chain(machine.chainId, 1, List.of(target)));
      targets.put(target, new Routing.Target(target, machine.nodeId, Routing.TargetState.SERVING));
    }
    return new Routing(1, Map.of(), chains, targets);
  }

  private Troubles troubles() {
    List<Integer> everybody = new ArrayList<>();
    machines.forEach(machine -> everybody.add(machine.nodeId));
    clients.forEach(client -> everybody.add(client.network().machine()));
    Troubles troubles = new Troubles(this, machines, everybody);
    simulation.onPowerCut(troubles::onPowerCut);
    return troubles;
  }

  private void safety(Troubles troubles) {
    clients.forEach(SimClient::start);
    troubles.begin();
    simulation.runFor(options.safetyNs());
  }

  /** Without faults everything that was asked is answered, and reads see what there is. */
  private void liveness(Troubles troubles) {
    troubles.end();
    long untilNs = nowNs() + options.livenessNs();
    long loadUntilNs = nowNs() + options.safetyNs() / 4;
    simulation.runUntil(() -> nowNs() >= loadUntilNs);
    loading = false;
    simulation.runUntil(() -> isQuiet() || nowNs() >= untilNs);
    expect(
        isQuiet(),
        () -> "not answered %d s after the last fault: ".formatted(seconds()) + unanswered());
  }

  private String unanswered() {
    StringBuilder text = new StringBuilder();
    clients.forEach(client -> client.describe(text));
    return text.toString();
  }

  private long seconds() {
    return options.livenessNs() / 1_000_000_000L;
  }

  private boolean isQuiet() {
    return clients.stream().allMatch(SimClient::isIdle);
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
      for (SimClient client : clients) {
        client.network().close();
        client.reactor().close();
      }
      Host.posix().deleteTree(work);
    } catch (StoreException e) {
      throw new IOException("seed=" + seed, e);
    }
  }
}
