package io.lampyris.cli.sim;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.lampyris.chunkengine.chain.ChainOptions;
import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.chain.ChainTarget;
import io.lampyris.chunkengine.chain.ServingRight;
import io.lampyris.chunkengine.format.ChunkState;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.options.IntegrityOptions;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.sim.SimHost;
import io.lampyris.chunkengine.sim.SimKeeper;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.protocol.LocalState;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.protocol.cluster.TargetReport;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.cluster.NodeHost;
import io.lampyris.reactor.cluster.NodeOptions;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.Probe;
import io.lampyris.reactor.sim.SimClock;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.net.SimNetwork;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/** A machine with a disk and a storage process. Owner: the simulation's thread. */
final class StorageMachine extends Machine implements NodeHost {
  private static final long TARGET_BYTES = (1 << 20) + 5 * (64L << 20);

  /** Where bytes rot, the scrubber looks for them this often. */
  static final long SCRUB_NS = 4_000_000_000L;

  private static final long SCRUB_BYTES_PER_SECOND = 64 << 20;
  private static final int ALIGNMENT = 512;
  private static final int LOG_RESERVE_BYTES = 3 << 20;
  private static final int LOG_MAP_BYTES = 64 << 10;
  private static final int TARGETS_MAX = 10;

  private static final Probe ROTTEN = Probe.of("sim: a bit of a chunk rots");
  private static final Probe ASTRAY = Probe.of("sim: a write of a chunk goes astray");

  /** How long the machine waits at most for a write that may go astray. */
  private static final long ASTRAY_NS = 50_000_000;

  /** Near enough to hit other chunks. */
  private static final long ASTRAY_BYTES = 1 << 20;

  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 64), new SizeClass(1 << 20, 6));

  static {
    // Every end of a process makes the engine complain about its world.
    ((Logger) LoggerFactory.getLogger("io.lampyris")).setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("net.openhft")).setLevel(Level.ERROR);
  }

  final SimFaults diskFaults = new SimFaults();

  private final Prng prng;
  private final Path work;
  private final List<Long> targetIds = new ArrayList<>();
  private Path root;
  private int disks;
  private @Nullable SimHost host;
  private @Nullable ChainService service;
  private @Nullable NodeAgent agent;
  private final List<TargetStore> stores = new ArrayList<>();
  private final List<SimDevice> devices = new ArrayList<>();

  StorageMachine(ClusterRun run, int nodeId, int targets, SimClock clock, Path work) {
    super(run, nodeId, clock);
    this.prng = run.prng().split();
    this.work = work;
    this.root = work.resolve("node-%d-disk-0".formatted(nodeId));
    for (int i = 0; i < targets; i++) {
      targetIds.add((long) nodeId * TARGETS_MAX + i);
    }
  }

  @Override
  String name() {
    return "storage-" + nodeId;
  }

  @Override
  List<SizeClass> buffers() {
    return BUFFERS;
  }

  /** The targets of the process that runs; none when there is none. */
  List<ChainTarget> hosted() {
    ChainService now = service;
    return now == null ? List.of() : now.targets();
  }

  /** Updates and what else its process has not finished. */
  int inFlight() {
    ChainService now = service;
    return now == null ? 0 : now.inFlight();
  }

  /** Why the manager refuses it, and what routing it knows. */
  String describe() {
    NodeAgent now = agent;
    StringBuilder text = new StringBuilder("node " + nodeId);
    if (now == null) {
      return text.append(" is down").toString();
    }
    text.append(" routing ").append(now.routing().version()).append(' ').append(now.refusal());
    text.append(" in flight ").append(inFlight());
    for (ChainTarget target : hosted()) {
      text.append(
          "; target %d v%d %s pending %d"
              .formatted(
                  target.targetId(),
                  target.chainVersion(),
                  target.localState(),
                  target.store().pendingCount()));
    }
    return text.toString();
  }

  // ---------------------------------------------------------------- its lives

  private Path directory(long targetId) {
    return root.resolve("target-" + targetId);
  }

  private TargetOptions options(SimHost on) {
    IntegrityOptions integrity = IntegrityOptions.defaults();
    return TargetOptions.defaults()
        .withIntegrity(
            run.shape().rots() ? integrity.withScrub(SCRUB_NS, SCRUB_BYTES_PER_SECOND) : integrity)
        .withHost(on)
        .withKeepers(name -> new SimKeeper(run.simulation(), prng, power, this::isStopped))
        .withLog(
            LogOptions.DEFAULTS
                .withSizes(LOG_RESERVE_BYTES, LOG_MAP_BYTES)
                .withRewriteBytes(run.options().logRewriteBytes())
                .withPayloadSlots(2));
  }

  void format() throws StoreException {
    Host.posix().createDirectories(root);
    try (SimHost made = new SimHost(root, prng, power)) {
      for (long targetId : targetIds) {
        TargetSpec spec = new TargetSpec(targetId, 1, TARGET_BYTES);
        TargetStore.format(directory(targetId), spec, options(made));
      }
    }
  }

  @Override
  void start(SimReactor on, SimNetwork joined) throws StoreException {
    SimHost disk = host;
    if (disk == null) {
      disk = new SimHost(root, prng, power);
      host = disk;
    } else {
      disk.restart(power);
    }
    SimHost from = disk;
    for (long targetId : targetIds) {
      stores.add(TargetStore.open(directory(targetId), options(from)));
    }
    NodeOptions self =
        new NodeOptions(
            nodeId, lives, "node-%d:1".formatted(nodeId), "", run.managerIds(), run.terms());
    NodeAgent made = new NodeAgent(on, joined, self, this);
    Defect defect = run.options().defect();
    ChainService chains =
        new ChainService(
            on,
            (path, direct) -> device(from, on, path, direct),
            stores,
            joined,
            watched(defect.around(made, clock, run.simulation())),
            ChainOptions.defaults(lives).withCopyPartBytes(SimChunk.SIZE_BYTES / 4));
    agent = made;
    service = chains;
    on.add(chains);
    on.add(made);
    joined.serve(nodeId, Services.STORAGE, on, defect.around(chains, prng));
  }

  private Device device(SimHost on, SimReactor runs, Path path, boolean direct) {
    SimDevice made =
        direct
            ? new SimDevice(runs, "data", on.disk(path), ALIGNMENT, power, diskFaults)
            : new SimDevice(runs, "log", on.log(path), 1, power, new SimFaults());
    devices.add(made);
    return run.options().defect().around(made);
  }

  @Override
  void onEnd(boolean kill) {
    hosted().forEach(target -> ChainProbes.count(target.counters()));
    devices.forEach(SimDevice::powerCut);
    devices.clear();
    SimHost was = host;
    if (!kill && was != null) {
      was.powerCut(nextRoot());
    }
  }

  private Path nextRoot() {
    return work.resolve("node-%d-disk-%d".formatted(nodeId, disks + 1));
  }

  @Override
  void closeProcess() {
    stores.forEach(TargetStore::close);
    stores.clear();
    service = null;
    agent = null;
  }

  @Override
  void afterEnd(boolean kill) throws StoreException {
    SimHost was = host;
    if (!kill && was != null) {
      Path old = root;
      root = nextRoot();
      disks++;
      was.close();
      host = null;
      Host.posix().deleteTree(old);
    }
  }

  @Override
  void discard() throws StoreException {
    super.discard();
    if (host != null) {
      host.close();
      host = null;
    }
  }

  /** A bit of a chunk flips of which another member that serves has the bytes too. */
  void rot(Prng by) {
    NodeAgent now = agent;
    SimHost disk = host;
    if (now == null || disk == null || hosted().isEmpty()) {
      return;
    }
    ChainTarget target = hosted().get(by.below(hosted().size()));
    TargetStore store = target.store();
    ChunkState chunk = new ChunkState();
    boolean found = store.slots() > 0 && store.at(by.below(store.slots()), chunk);
    if (isShared(now.routing(), target)
        && found
        && chunk.lengthBytes > 0
        && chunk.blockOffset >= 0) {
      ROTTEN.reached();
      disk.disk(store.deviceFile())
          .flipBit(chunk.blockOffset + by.below(chunk.lengthBytes), by.below(Byte.SIZE));
    }
  }

  /** The next write of a chunk goes elsewhere, if all chunks are elsewhere too. */
  void mislead(Prng by) {
    NodeAgent now = agent;
    boolean may =
        now != null && hosted().stream().allMatch(target -> isShared(now.routing(), target));
    if (!may) {
      return;
    }
    diskFaults.sparedFrom = 0;
    diskFaults.sparedTo = Geometry.FIRST_EXTENT_OFFSET;
    diskFaults.misdirectWithinBytes = ASTRAY_BYTES;
    diskFaults.misdirectOneIn = by.between(1, 4);
    diskFaults.witness =
        (meantFor, wentTo, bytes) -> {
          diskFaults.misdirectOneIn = 0;
          ASTRAY.reached();
        };
    run.simulation().after(ASTRAY_NS, () -> diskFaults.misdirectOneIn = 0);
  }

  private static boolean isShared(Routing routing, ChainTarget target) {
    Routing.Chain chain = routing.chains().get(target.chainId());
    return target.localState() == LocalState.UP_TO_DATE
        && chain != null
        && chain.targetIds().stream().filter(id -> serves(routing, id)).count() > 1;
  }

  static boolean serves(Routing routing, long targetId) {
    Routing.Target target = routing.targets().get(targetId);
    return target != null && target.state() == Routing.TargetState.SERVING;
  }

  /** Who answers as one that serves has not been dropped by then. */
  private ServingRight watched(ServingRight right) {
    return (nowNs, targetId) -> {
      boolean may = right.mayServe(nowNs, targetId);
      for (ChainTarget target : hosted()) {
        if (may && target.targetId() == targetId && target.isServing()) {
          run.answersAsServing(targetId);
        }
      }
      return may;
    };
  }

  // ---------------------------------------------------------------- what its agent asks

  @Override
  public List<TargetReport> targets() {
    List<TargetReport> reports = new ArrayList<>();
    for (ChainTarget target : hosted()) {
      TargetStore store = target.store();
      reports.add(
          new TargetReport(
              target.targetId(),
              store.storeId(),
              0,
              target.localState(),
              store.isWhole(),
              target.chainVersion(),
              store.capacityBytes(),
              store.capacityBytes() - store.freeBytes()));
    }
    return reports;
  }

  @Override
  public void onRouting(Routing routing) {
    ChainService now = service;
    if (now != null) {
      now.onRouting(routing);
    }
  }

  @Override
  public void onWhole(long targetId, long storeId) {
    for (ChainTarget target : hosted()) {
      if (target.targetId() == targetId && target.store().storeId() == storeId) {
        target.store().markWhole();
      }
    }
  }

  @Override
  public void onStop(long targetId) {
    ChainService now = service;
    NodeAgent beats = agent;
    if (now != null && beats != null) {
      now.stop(targetId);
      beats.report();
    }
  }
}
