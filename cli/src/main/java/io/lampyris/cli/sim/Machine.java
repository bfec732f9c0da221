package io.lampyris.cli.sim;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * A machine with one process, through as many lives as it takes. Owner: the simulation's thread.
 */
abstract class Machine {
  final int nodeId;
  final SimClock clock;
  final ClusterRun run;
  SimPower power = SimPower.steady();
  int lives;
  private @Nullable SimReactor reactor;
  private @Nullable SimNetwork network;

  Machine(ClusterRun run, int nodeId, SimClock clock) {
    this.run = run;
    this.nodeId = nodeId;
    this.clock = clock;
    run.fabric().place(nodeId, nodeId);
  }

  final boolean isUp() {
    return reactor != null;
  }

  /** Whether its power is gone and nobody has seen to it yet. */
  final boolean isCut() {
    return isUp() && power.isOff();
  }

  final boolean isStopped() {
    SimReactor now = reactor;
    return now != null && now.isStopped();
  }

  /** The process is stopped, or goes on. */
  final void stop(boolean wanted) {
    SimReactor now = reactor;
    if (now != null && wanted) {
      now.stop();
    } else if (now != null) {
      now.resume();
    }
  }

  /**
   * The process starts.
   *
   * @param cutAfter how many steps its power lasts; 0 for ever
   * @return false when the power failed on the way
   */
  final boolean boot(long cutAfter) throws StoreException {
    assert !isUp() : "one life at a time";
    lives++;
    power = cutAfter == 0 ? SimPower.steady() : SimPower.cutAt(cutAfter);
    SimReactor runs = new SimReactor(run.simulation(), name(), buffers(), clock);
    reactor = runs;
    network = new SimNetwork(run.fabric(), nodeId, runs);
    try {
      start(runs, network);
      return true;
    } catch (PowerCut cut) {
      end(false);
      return false;
    }
  }

  /**
   * The process ends without a word.
   *
   * @param kill only the process: the machine and what it cached stay
   */
  final void end(boolean kill) throws StoreException {
    power.cut();
    onEnd(kill);
    SimNetwork was = network;
    if (was != null && kill) {
      was.close();
    } else if (was != null) {
      was.powerCut();
    }
    network = null;
    closeProcess();
    if (reactor != null) {
      reactor.close();
      reactor = null;
    }
    afterEnd(kill);
  }

  /** The simulation is over. */
  void discard() throws StoreException {
    if (isUp()) {
      end(true);
    }
  }

  abstract String name();

  abstract List<SizeClass> buffers();

  /** Everything that the process does to begin; its power may fail in it. */
  abstract void start(SimReactor on, SimNetwork joined) throws StoreException;

  /** Its power is gone; its memory is still there. */
  void onEnd(boolean kill) {}

  /** Its network is gone too. */
  void closeProcess() {}

  void afterEnd(boolean kill) throws StoreException {}
}
