package io.lampyris.chunkengine.sim;

import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.Simulation;
import java.util.ArrayDeque;
import java.util.function.BooleanSupplier;

/** Does its jobs on the simulation's thread, some time after they were given to it. */
public final class SimKeeper implements Keeper {
  private static final long DELAY_MAX_NS = 2_000_000;

  private final Simulation simulation;
  private final Prng prng;
  private final SimPower power;
  private final BooleanSupplier stopped;
  private final ArrayDeque<Runnable> jobs = new ArrayDeque<>();

  /** Of a process that is never stopped. */
  public SimKeeper(Simulation simulation, Prng prng, SimPower power) {
    this(simulation, prng, power, () -> false);
  }

  /**
   * @param stopped whether its process does nothing for now
   */
  public SimKeeper(Simulation simulation, Prng prng, SimPower power, BooleanSupplier stopped) {
    this.stopped = stopped;
    this.simulation = simulation;
    this.prng = prng;
    this.power = power;
  }

  @Override
  public void submit(Runnable job) {
    jobs.add(job);
    simulation.after(prng.below(DELAY_MAX_NS), this::runNext);
  }

  private void runNext() {
    if (stopped.getAsBoolean() && !power.isOff()) {
      simulation.after(DELAY_MAX_NS, this::runNext);
      return;
    }
    Runnable job = power.isOff() ? null : jobs.poll();
    if (job != null) {
      job.run();
    }
  }

  @Override
  public void close() {
    while (!jobs.isEmpty() && !power.isOff()) {
      jobs.remove().run();
    }
  }
}
