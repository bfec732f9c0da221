package io.lampyris.cli.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Probe;
import io.lampyris.reactor.sim.Simulation;
import io.lampyris.reactor.sim.net.NetworkFaults;
import io.lampyris.reactor.sim.net.SimFabric;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/**
 * What befalls a cluster while its safety is tried: chosen by the seed, so that some runs have
 * little of everything and others much of one thing. Owner: the simulation's thread.
 */
final class Troubles {
  private static final Probe POWER = Probe.of("sim: power of a machine cut");
  private static final Probe POINT = Probe.of("sim: power cut at a step of a disk or a store");
  private static final Probe KILL = Probe.of("sim: process killed");
  private static final Probe MANAGER = Probe.of("sim: primary manager ended");
  private static final Probe ALL_DOWN = Probe.of("sim: all storage machines down at once");
  private static final Probe STOPPED = Probe.of("sim: process stopped for a while");
  private static final Probe PARTITION = Probe.of("sim: machine cut off");
  private static final Probe ONE_WAY = Probe.of("sim: machine cut off one way");
  private static final Probe ZOMBIE = Probe.of("sim: machine cut off from managers and members");
  private static final Probe SLOW = Probe.of("sim: slow link");
  private static final Probe SLOW_DISK = Probe.of("sim: slow disk");
  private static final Probe COMMANDED = Probe.of("sim: operators give a command");
  private static final Probe CLOCK = Probe.of("sim: wall clock set");

  private static final long MS = 1_000_000;
  private static final long HOUR_NS = 3_600_000 * MS;
  private static final long DISK_NS = 200_000;

  private final ClusterRun run;
  private final Simulation simulation;
  private final Prng prng;
  private final List<StorageMachine> storages;
  private final List<ManagerMachine> managers;
  private final List<Machine> machines = new ArrayList<>();

  /** Storage machines that fail. Where bytes rot that is one: the others have the good copies. */
  private final List<StorageMachine> failing;

  private final List<Integer> everybody = new ArrayList<>();
  private final List<Integer> partitioned = new ArrayList<>();
  private final long crashEveryNs;
  private final long partitionEveryNs;
  private final long pauseEveryNs;
  private final int cutAtPointOneIn;
  private final Prng commanded;
  private final long commandEveryNs;
  private boolean over;
  private long crashes;
  private long partitions;

  Troubles(
      ClusterRun run,
      List<StorageMachine> storages,
      List<ManagerMachine> managers,
      List<Integer> clientMachines) {
    this.run = run;
    this.simulation = run.simulation();
    this.prng = run.prng().split();
    this.storages = storages;
    this.managers = managers;
    boolean rots = run.shape().rots();
    failing = rots ? List.of(storages.get(run.rot().below(storages.size()))) : storages;
    machines.addAll(storages);
    machines.addAll(managers);
    machines.forEach(machine -> everybody.add(machine.nodeId));
    everybody.addAll(clientMachines);
    if (rots) {
      failing.forEach(machine -> partitioned.add(machine.nodeId));
      partitioned.addAll(clientMachines);
    } else {
      partitioned.addAll(everybody);
    }
    crashEveryNs = prng.oneIn(5) ? 0 : prng.between(300, 6_000) * MS;
    partitionEveryNs = prng.oneIn(4) ? 0 : prng.between(300, 5_000) * MS;
    pauseEveryNs = prng.oneIn(3) ? 0 : prng.between(500, 6_000) * MS;
    cutAtPointOneIn = prng.between(0, 4);
    commanded = run.aside(18);
    // Who takes a good copy away while the other rots may take the last one.
    boolean commands = commanded.oneIn(3) && !rots;
    commandEveryNs = commands ? commanded.between(500, 6_000) * MS : 0;
  }

  void begin() {
    NetworkFaults faults = run.fabric().faults();
    faults.loseOneIn = prng.coin() ? 0 : prng.between(10, 400);
    faults.resetOneIn = prng.coin() ? 0 : prng.between(20, 800);
    faults.flipRequestOneIn = prng.coin() ? 0 : prng.between(20, 400);
    faults.latencyMaxNs = prng.coin() ? 120_000 : prng.between(1, 20) * MS;
    for (StorageMachine machine : storages) {
      machine.diskFaults.latencyMaxNs = prng.coin() ? DISK_NS : prng.between(1, 30) * MS;
    }
    every(crashEveryNs, this::crash);
    every(partitionEveryNs, this::partition);
    every(pauseEveryNs, this::pause);
    every(prng.between(300, 5_000) * MS, this::setClock);
    every(prng.between(1_000, 8_000) * MS, this::slowDisk);
    if (run.shape().rots()) {
      rot();
    }
    if (commandEveryNs > 0) {
      command();
    }
  }

  /** At random times, this far apart in the mean; never when it is 0. */
  private void every(long meanNs, Runnable trouble) {
    if (meanNs > 0) {
      simulation.after(
          prng.below(2 * meanNs),
          () -> {
            if (!over) {
              trouble.run();
              every(meanNs, trouble);
            }
          });
    }
  }

  /** From now on things get better only. */
  void end() {
    over = true;
    run.fabric().unblockAll();
    NetworkFaults faults = run.fabric().faults();
    faults.none();
    faults.latencyMaxNs = 120_000;
    for (StorageMachine machine : storages) {
      machine.diskFaults.latencyMaxNs = DISK_NS;
      machine.diskFaults.misdirectOneIn = 0;
    }
    for (Machine machine : machines) {
      machine.stop(false);
      machine.power.hold();
      if (!machine.isUp()) {
        restart(machine);
      }
    }
  }

  long crashes() {
    return crashes;
  }

  long partitions() {
    return partitions;
  }

  // ---------------------------------------------------------------- processes

  private void crash() {
    if (prng.oneIn(5)) {
      end(any(managers));
    }
    int victims = prng.oneIn(8) ? failing.size() : prng.oneIn(4) ? 2 : 1;
    for (int i = 0; i < victims; i++) {
      end(victims == failing.size() ? failing.get(i) : any(failing));
    }
    if (storages.stream().noneMatch(Machine::isUp)) {
      ALL_DOWN.reached();
    }
  }

  private <M> M any(List<M> of) {
    return any(of, prng);
  }

  private static <M> M any(List<M> of, Prng by) {
    return of.get(by.below(of.size()));
  }

  private void end(Machine machine) {
    if (machine.isUp()) {
      boolean kill = prng.coin();
      (kill ? KILL : POWER).reached();
      end(machine, kill);
    }
  }

  /** A machine's power failed in the middle of its work. */
  void onPowerCut() {
    for (Machine machine : machines) {
      if (machine.isCut()) {
        POINT.reached();
        end(machine, prng.oneIn(3));
      }
    }
  }

  private void end(Machine machine, boolean kill) {
    crashes++;
    simulation.trace(machine.nodeId);
    if (machine instanceof ManagerMachine manager && manager.isPrimary()) {
      MANAGER.reached();
    }
    try {
      machine.end(kill);
    } catch (StoreException e) {
      throw new FailedRunException("a machine cannot end: " + e.getMessage());
    }
    simulation.after(downNs(), () -> restart(machine));
  }

  private long downNs() {
    return prng.coin() ? prng.between(1, 100) * MS : prng.between(100, 5_000) * MS;
  }

  private void restart(Machine machine) {
    if (machine.isUp()) {
      return;
    }
    long cutAfter = !over && prng.oneIn(cutAtPointOneIn) ? 1 + prng.below(1_500) : 0;
    try {
      if (!machine.boot(cutAfter)) {
        POINT.reached();
        crashes++;
        simulation.after(downNs(), () -> restart(machine));
      }
    } catch (StoreException e) {
      throw new FailedRunException(
          "node %d does not start: %s".formatted(machine.nodeId, e.getMessage()));
    }
  }

  /** A process does nothing for a while, and does not know it. */
  private void pause() {
    Machine machine = any(machines);
    boolean spared = machine instanceof StorageMachine storage && !failing.contains(storage);
    if (spared || !machine.isUp() || machine.isStopped()) {
      return;
    }
    STOPPED.reached();
    int life = machine.lives;
    machine.stop(true);
    simulation.after(
        prng.coin() ? prng.between(10, 800) * MS : prng.between(800, 5_000) * MS,
        () -> {
          if (machine.lives == life) {
            machine.stop(false);
          }
        });
  }

  private void setClock() {
    CLOCK.reached();
    long byNs = prng.coin() ? prng.below(20_000) * MS : prng.below(10 * HOUR_NS);
    any(machines).clock.jumpWall(prng.oneIn(3) ? byNs : -byNs);
  }

  private void slowDisk() {
    SLOW_DISK.reached();
    StorageMachine machine = any(storages);
    long usual = machine.diskFaults.latencyMaxNs;
    machine.diskFaults.latencyMaxNs = prng.between(50, 400) * MS;
    simulation.after(
        prng.between(50, 1_500) * MS,
        () -> {
          if (!over) {
            machine.diskFaults.latencyMaxNs = usual;
          }
        });
  }

  private void rot() {
    simulation.after(
        run.rot().between(50, 1_500) * MS,
        () -> {
          if (!over) {
            boolean astray = run.rot().oneIn(3);
            failing.forEach(machine -> {
              if (astray) {
                machine.mislead(run.rot());
              } else {
                machine.rot(run.rot());
              }
            });
            rot();
          }
        });
  }

  // ---------------------------------------------------------------- operators

  private void command() {
    simulation.after(
        commanded.below(2 * commandEveryNs),
        () -> {
          if (!over) {
            commandAny();
            command();
          }
        });
  }

  private void commandAny() {
    COMMANDED.reached();
    String node = String.valueOf(any(storages, commanded).nodeId);
    int manager = any(managers, commanded).nodeId;
    Map<String, String> disk = Map.of("node", node, "disk", "0");
    Operator operator = run.operator();
    if (commanded.oneIn(4)) {
      // Alone, so that a spare beside it may take its place.
      operator.ask(manager, AdminCommand.TARGET_RETIRE, Map.of("target", anyTarget(operator)));
      return;
    }
    switch (commanded.below(6)) {
      case 0 -> operator.ask(manager, AdminCommand.NODE_DRAIN, Map.of("node", node));
      case 1 -> operator.ask(manager, AdminCommand.NODE_UNDRAIN, Map.of("node", node));
      case 2 -> operator.ask(manager, AdminCommand.TARGET_RETIRE, disk);
      case 3 -> operator.ask(manager, AdminCommand.TARGET_UNRETIRE, disk);
      case 4 -> operator.ask(manager, AdminCommand.CHAIN_REBALANCE, Map.of("seed", node));
      default -> reorder(operator, manager);
    }
  }

  private String anyTarget(Operator operator) {
    List<Long> ids = List.copyOf(new TreeMap<>(operator.routing().targets()).keySet());
    return String.valueOf(ids.get(commanded.below(ids.size())));
  }

  /** The members that serve, the last one first. */
  private void reorder(Operator operator, int manager) {
    Routing routing = operator.routing();
    List<Routing.Chain> chains = List.copyOf(new TreeMap<>(routing.chains()).values());
    Routing.Chain chain = chains.get(commanded.below(chains.size()));
    String targets =
        chain.targetIds().reversed().stream()
            .filter(id -> StorageMachine.serves(routing, id))
            .map(String::valueOf)
            .collect(Collectors.joining(","));
    operator.ask(
        manager,
        AdminCommand.CHAIN_REORDER,
        Map.of("chain", String.valueOf(chain.id()), "targets", targets));
  }

  /** All nodes and disks may be used again. */
  void undoCommands() {
    if (commandEveryNs > 0) {
      for (StorageMachine machine : storages) {
        String node = String.valueOf(machine.nodeId);
        run.operator().command(AdminCommand.NODE_UNDRAIN, Map.of("node", node));
        run.operator().command(AdminCommand.TARGET_UNRETIRE, Map.of("node", node, "disk", "0"));
      }
    }
  }

  // ---------------------------------------------------------------- the network

  private void partition() {
    partitions++;
    int kind = prng.below(6);
    switch (kind) {
      case 0 -> slowLinks();
      case 1 -> cutOff(ONE_WAY, any(partitioned), prng.coin(), !prng.coin());
      case 2, 3 -> zombie();
      default -> cutOff(PARTITION, any(partitioned), true, true);
    }
    boolean blip = prng.coin() && kind != 2;
    long healsNs = blip ? prng.between(10, 800) * MS : prng.between(800, 8_000) * MS;
    simulation.after(
        healsNs,
        () -> {
          if (!over) {
            run.fabric().unblockAll();
          }
        });
  }

  private void slowLinks() {
    SLOW.reached();
    int victim = any(partitioned);
    for (int other : everybody) {
      if (other != victim && prng.coin()) {
        run.fabric().slow(victim, other, prng.between(10, 300));
      }
    }
  }

  /** From everybody, or from some. */
  private void cutOff(Probe probe, int victim, boolean outward, boolean inward) {
    probe.reached();
    boolean half = prng.coin();
    for (int other : everybody) {
      if (other != victim && !(half && prng.coin())) {
        block(victim, other, outward, inward);
      }
    }
  }

  private void block(int victim, int other, boolean outward, boolean inward) {
    SimFabric fabric = run.fabric();
    if (outward) {
      fabric.block(victim, other);
    }
    if (inward || !outward) {
      fabric.block(other, victim);
    }
  }

  /** Clients still reach it, and it does not know what its chain does meanwhile. */
  private void zombie() {
    ZOMBIE.reached();
    StorageMachine machine = any(failing);
    int victim = machine.nodeId;
    if (!prng.oneIn(4)) {
      // Nor does it reach who tells it the time.
      long byNs = prng.below(20_000) * MS;
      simulation.after(prng.below(200) * MS, () -> machine.clock.jumpWall(-byNs));
    }
    boolean members = prng.coin();
    managers.forEach(manager -> block(victim, manager.nodeId, true, true));
    if (members) {
      for (StorageMachine other : storages) {
        if (other.nodeId != victim) {
          block(victim, other.nodeId, true, true);
        }
      }
    }
  }
}
