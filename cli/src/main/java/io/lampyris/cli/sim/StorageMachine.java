package io.lampyris.cli.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.service.StorageService;
import io.lampyris.chunkengine.sim.SimHost;
import io.lampyris.chunkengine.sim.SimKeeper;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.net.Service;
import io.lampyris.reactor.sim.PowerCut;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import io.lampyris.reactor.sim.net.SimFabric;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * A machine with a disk and a storage process, through as many lives as it takes. Owner: the
 * simulation's thread.
 */
final class StorageMachine {
  private static final long TARGET_BYTES = (1 << 20) + 5 * (64L << 20);
  private static final int ALIGNMENT = 512;
  private static final int LOG_RESERVE_BYTES = 3 << 20;
  private static final int LOG_MAP_BYTES = 64 << 10;

  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 64), new SizeClass(1 << 20, 6));

  static {
    // Every end of a process makes the engine complain about its world.
    ((Logger) LoggerFactory.getLogger("io.lampyris")).setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("net.openhft")).setLevel(Level.ERROR);
  }

  final int nodeId;
  final int chainId;
  final SimFaults diskFaults = new SimFaults();

  private final ClusterRun run;
  private final Simulation simulation;
  private final SimFabric fabric;
  private final SimClock clock;
  private final Prng prng;
  private final Path work;
  private Path root;
  private int lives;
  private SimPower power = SimPower.steady();
  private @Nullable SimHost host;
  private @Nullable SimReactor reactor;
  private @Nullable SimNetwork network;
  private @Nullable TargetStore store;
  private final List<SimDevice> devices = new ArrayList<>();

  StorageMachine(ClusterRun run, int nodeId, int chainId, SimClock clock, Path work) {
    this.run = run;
    this.simulation = run.simulation();
    this.fabric = run.fabric();
    this.nodeId = nodeId;
    this.chainId = chainId;
    this.clock = clock;
    this.prng = run.prng().split();
    this.work = work;
    this.root = work.resolve("node-%d-life-0".formatted(nodeId));
    fabric.place(nodeId, nodeId);
  }

  boolean isUp() {
    return store != null;
  }

  /** Whether its power is gone and nobody has seen to it yet. */
  boolean isCut() {
    return isUp() && power.isOff();
  }

  SimClock clock() {
    return clock;
  }

  private Path directory() {
    return root.resolve("target");
  }

  private TargetOptions options(SimHost on) {
    return TargetOptions.defaults()
        .withHost(on)
        .withKeepers(name -> new SimKeeper(simulation, prng, power))
        .withLog(
            LogOptions.DEFAULTS
                .withSizes(LOG_RESERVE_BYTES, LOG_MAP_BYTES)
                .withRewriteBytes(run.options().logRewriteBytes())
                .withPayloadSlots(2));
  }

  void format() throws StoreException {
    Host.posix().createDirectories(root);
    try (SimHost made = new SimHost(root, prng, power)) {
      TargetSpec spec = new TargetSpec(nodeId, chainId, TARGET_BYTES);
      TargetStore.format(directory(), spec, options(made));
    }
  }

  /**
   * The process starts.
   *
   * @param cutAfter how many steps its power lasts; 0 for ever
   * @return false when the power failed on the way
   */
  boolean boot(long cutAfter) throws StoreException {
    assert !isUp() : "one life at a time";
    power = cutAfter == 0 ? SimPower.steady() : SimPower.cutAt(cutAfter);
    SimHost on = host;
    if (on == null) {
      on = new SimHost(root, prng, power);
      host = on;
    } else {
      on.restart(power);
    }
    try {
      start(on);
      return true;
    } catch (PowerCut cut) {
      end(false);
      return false;
    }
  }

  private void start(SimHost on) throws StoreException {
    TargetStore opened = TargetStore.open(directory(), options(on));
    store = opened;
    SimReactor runs = new SimReactor(simulation, "storage-" + nodeId, BUFFERS, clock);
    reactor = runs;
    SimNetwork joined = new SimNetwork(fabric, nodeId, runs);
    network = joined;
    StorageService service =
        new StorageService(
            runs,
            (path, direct) -> device(on, runs, path, direct),
            List.of(new StorageService.Hosted(opened, 1)));
    runs.add(service);
    Service served = run.options().defect().around(service, prng);
    joined.serve(nodeId, Services.STORAGE, runs, served);
  }

  private Device device(SimHost on, SimReactor runs, Path path, boolean direct) {
    SimDevice made =
        direct
            ? new SimDevice(runs, "data", on.disk(path), ALIGNMENT, power, diskFaults)
            : new SimDevice(runs, "log", on.log(path), 1, power, new SimFaults());
    devices.add(made);
    return run.options().defect().around(made);
  }

  /**
   * The process ends without a word.
   *
   * @param kill only the process: the machine and what it cached stay
   */
  void end(boolean kill) throws StoreException {
    power.cut();
    devices.forEach(SimDevice::powerCut);
    devices.clear();
    SimHost was = host;
    assert was != null : "it lived";
    Path old = root;
    if (!kill) {
      root = work.resolve("node-%d-life-%d".formatted(nodeId, ++lives));
      was.powerCut(root);
    }
    if (network != null) {
      if (kill) {
        network.close();
      } else {
        network.powerCut();
      }
      network = null;
    }
    if (store != null) {
      store.close();
      store = null;
    }
    if (reactor != null) {
      reactor.close();
      reactor = null;
    }
    if (!kill) {
      was.close();
      host = null;
      Host.posix().deleteTree(old);
    }
  }

  /** The simulation is over. */
  void discard() throws StoreException {
    if (isUp()) {
      end(true);
    }
    if (host != null) {
      host.close();
      host = null;
    }
  }
}
