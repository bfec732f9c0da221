package io.lampyris.cli.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Probe;
import io.lampyris.reactor.sim.Simulation;
import io.lampyris.reactor.sim.net.NetworkFaults;
import io.lampyris.reactor.sim.net.SimFabric;
import java.util.List;

/**
 * What befalls a cluster while its safety is tried: chosen by the seed, so that some runs have
 * little of everything and others much of one thing. Owner: the simulation's thread.
 */
final class Troubles {
  private static final Probe POWER = Probe.of("sim: power of a machine cut");
  private static final Probe POINT = Probe.of("sim: power cut at a step of the disk's work");
  private static final Probe KILL = Probe.of("sim: process killed");
  private static final Probe ALL_DOWN = Probe.of("sim: all storage machines down at once");
  private static final Probe PARTITION = Probe.of("sim: machine cut off");
  private static final Probe ONE_WAY = Probe.of("sim: machine cut off one way");
  private static final Probe SLOW = Probe.of("sim: slow link");

  private static final long MS = 1_000_000;

  private final ClusterRun run;
  private final Simulation simulation;
  private final Prng prng;
  private final List<StorageMachine> machines;
  private final List<Integer> everybody;
  private final long crashEveryNs;
  private final long partitionEveryNs;
  private final int cutAtPointOneIn;
  private boolean over;
  private long crashes;
  private long partitions;

  Troubles(ClusterRun run, List<StorageMachine> machines, List<Integer> everybody) {
    this.run = run;
    this.simulation = run.simulation();
    this.prng = run.prng().split();
    this.machines = machines;
    this.everybody = everybody;
    crashEveryNs = prng.oneIn(5) ? 0 : prng.between(300, 6_000) * MS;
    partitionEveryNs = prng.oneIn(4) ? 0 : prng.between(300, 5_000) * MS;
    cutAtPointOneIn = prng.between(0, 4);
  }

  void begin() {
    NetworkFaults faults = run.fabric().faults();
    faults.loseOneIn = prng.coin() ? 0 : prng.between(10, 400);
    faults.resetOneIn = prng.coin() ? 0 : prng.between(20, 800);
    faults.flipRequestOneIn = prng.coin() ? 0 : prng.between(20, 400);
    faults.latencyMaxNs = prng.coin() ? 120_000 : prng.between(1, 20) * MS;
    for (StorageMachine machine : machines) {
      machine.diskFaults.latencyMaxNs = prng.coin() ? 200_000 : prng.between(1, 30) * MS;
    }
    if (crashEveryNs > 0) {
      simulation.after(prng.below(crashEveryNs), this::crash);
    }
    if (partitionEveryNs > 0) {
      simulation.after(prng.below(partitionEveryNs), this::partition);
    }
  }

  /** From now on things get better only. */
  void end() {
    over = true;
    run.fabric().unblockAll();
    NetworkFaults faults = run.fabric().faults();
    faults.none();
    faults.latencyMaxNs = 120_000;
    for (StorageMachine machine : machines) {
      machine.diskFaults.latencyMaxNs = 200_000;
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
    if (over) {
      return;
    }
    simulation.after(prng.below(2 * crashEveryNs), this::crash);
    int victims = prng.oneIn(6) ? machines.size() : prng.oneIn(4) ? 2 : 1;
    for (int i = 0; i < victims; i++) {
      StorageMachine machine =
          victims == machines.size() ? machines.get(i) : machines.get(prng.below(machines.size()));
      if (machine.isUp()) {
        boolean kill = prng.coin();
        (kill ? KILL : POWER).reached();
        end(machine, kill);
      }
    }
    if (machines.stream().noneMatch(StorageMachine::isUp)) {
      ALL_DOWN.reached();
    }
  }

  /** A machine's power failed in the middle of its work. */
  void onPowerCut() {
    for (StorageMachine machine : machines) {
      if (machine.isCut()) {
        POINT.reached();
        end(machine, prng.oneIn(3));
      }
    }
  }

  private void end(StorageMachine machine, boolean kill) {
    crashes++;
    simulation.trace(machine.nodeId);
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

  private void restart(StorageMachine machine) {
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

  // ---------------------------------------------------------------- the network

  private void partition() {
    if (over) {
      return;
    }
    partitions++;
    SimFabric fabric = run.fabric();
    int victim = everybody.get(prng.below(everybody.size()));
    boolean half = prng.coin();
    int kind = prng.below(4);
    (kind == 0 ? SLOW : kind == 1 ? ONE_WAY : PARTITION).reached();
    boolean outward = prng.coin();
    for (int other : everybody) {
      if (other == victim || (half && prng.coin())) {
        continue;
      }
      if (kind == 0) {
        fabric.slow(victim, other, prng.between(10, 300));
      } else {
        if (kind != 1 || outward) {
          fabric.block(victim, other);
        }
        if (kind != 1 || !outward) {
          fabric.block(other, victim);
        }
      }
    }
    long healsNs = prng.coin() ? prng.between(10, 800) * MS : prng.between(800, 8_000) * MS;
    simulation.after(
        healsNs,
        () -> {
          if (!over) {
            fabric.unblockAll();
          }
        });
    simulation.after(prng.below(2 * partitionEveryNs), this::partition);
  }
}
