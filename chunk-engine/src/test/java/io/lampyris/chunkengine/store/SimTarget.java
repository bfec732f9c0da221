package io.lampyris.chunkengine.store;

import ch.qos.logback.classic.Level;
import ch.qos.logback.classic.Logger;
import io.lampyris.bindings.NativeMemory;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.host.Host;
import io.lampyris.chunkengine.host.Keeper;
import io.lampyris.chunkengine.options.LogOptions;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.chunkengine.sim.SimHost;
import io.lampyris.reactor.Agent;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.sim.Prng;
import io.lampyris.reactor.sim.SimDevice;
import io.lampyris.reactor.sim.SimDisk;
import io.lampyris.reactor.sim.SimFaults;
import io.lampyris.reactor.sim.SimPower;
import io.lampyris.reactor.sim.SimReactor;
import io.lampyris.reactor.sim.Simulation;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import org.jspecify.annotations.Nullable;
import org.slf4j.LoggerFactory;

/**
 * A target in a simulated world, through as many lives as it takes: boot, work, then shut down or
 * crash, which leaves what a power cut could for the next boot.
 */
final class SimTarget implements ModelTarget, AutoCloseable {
  private static final TargetSpec SPEC = new TargetSpec(1, 7, (1 << 20) + 5 * (64L << 20));
  static final int ALIGNMENT = 512;

  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 16), new SizeClass(1 << 20, 6));

  static {
    // Every cut ends in complaints of the engine about its world, thousands of them.
    ((Logger) LoggerFactory.getLogger("io.lampyris")).setLevel(Level.OFF);
    ((Logger) LoggerFactory.getLogger("net.openhft")).setLevel(Level.ERROR);
  }

  /** Broken on purpose: what the engine gets instead of its data device or its log's. */
  UnaryOperator<Device> dataWrapper = device -> device;

  UnaryOperator<Device> logWrapper = device -> device;

  /** What {@link #format} makes. */
  TargetSpec spec = SPEC;

  /** Runs when a target was opened. */
  Consumer<TargetStore> afterOpen = opened -> {};

  /** What a client of this target makes its checksums with. */
  Crc32c crc = new Crc32c();

  /** Changes the options of the next boots. */
  UnaryOperator<TargetOptions> options = o -> o;

  /** How the data device of the next life misbehaves, and of this one. */
  SimFaults faults = new SimFaults();

  private final Path work;
  private final Prng prng;
  private int lives;
  private Path root;

  private SimPower power = SimPower.steady();
  private @Nullable SimHost host;
  private @Nullable Simulation simulation;
  private @Nullable SimReactor reactor;

  /** All of this life: a log that is rewritten has two devices for a while. */
  private final List<SimDevice> devices = new ArrayList<>();

  private final List<MemorySegment> memories = new ArrayList<>();
  private @Nullable TargetStore store;

  /**
   * @param work an empty directory, best in memory
   */
  SimTarget(Path work, Prng prng) {
    this.work = work;
    this.prng = prng;
    root = work.resolve("life-0");
  }

  /** Where simulated targets live: in memory where there is room, else where it says. */
  static Path workDirectory(Path otherwise) throws java.io.IOException {
    Path memory = Path.of("/dev/shm");
    boolean roomy =
        Files.isWritable(memory) && Files.getFileStore(memory).getUsableSpace() > 1L << 30;
    return Files.createTempDirectory(roomy ? memory : otherwise, "lampyris-sim-");
  }

  /** Takes a copy of another target at rest. */
  void copyOf(SimTarget other) throws java.io.IOException, InterruptedException {
    // cp keeps holes; a device is mostly holes.
    Process cp =
        new ProcessBuilder("cp", "-a", "--sparse=always", other.root.toString(), root.toString())
            .start();
    if (cp.waitFor() != 0) {
      throw new java.io.IOException("cannot copy " + other.root);
    }
  }

  Path directory() {
    return root.resolve("target");
  }

  Path root() {
    return root;
  }

  private TargetOptions optionsOn(SimHost on) {
    return options.apply(
        TargetOptions.defaults()
            .withHost(on)
            .withKeepers(name -> new SimKeeper())
            .withLog(LogOptions.DEFAULTS.withSizes(3 << 20, 64 << 10).withPayloadSlots(2)));
  }

  /** Makes the target; a power cut is thrown and wants a {@link #crash}. */
  void format(SimPower with) throws StoreException {
    begin(with);
    TargetStore.format(directory(), spec, optionsOn(host()));
    endLife();
  }

  private void begin(SimPower with) throws StoreException {
    assert reactor == null : "one life at a time";
    power = with;
    SimHost stayed = host;
    if (stayed == null) {
      Host.posix().createDirectories(root);
      host = new SimHost(root, prng, power);
    } else {
      stayed.restart(power);
    }
  }

  /** Opens the target; a power cut is thrown and wants a {@link #crash}. */
  void boot(SimPower with) throws StoreException {
    begin(with);
    TargetStore opened = TargetStore.open(directory(), optionsOn(host()));
    store = opened;
    afterOpen.accept(opened);
    Simulation world = new Simulation(prng);
    SimReactor on = new SimReactor(world, "sim", BUFFERS);
    simulation = world;
    reactor = on;
    opened.attach(on, (path, direct) -> openDevice(on, path, direct));
    on.add(new Driver(opened));
  }

  /** Does its jobs on the simulation's thread, some time after they were given to it. */
  private final class SimKeeper implements Keeper {
    private static final long DELAY_MAX_NS = 2_000_000;

    private final ArrayDeque<Runnable> jobs = new ArrayDeque<>();

    @Override
    public void submit(Runnable job) {
      jobs.add(job);
      Simulation world = simulation;
      if (world == null) {
        runNext();
      } else {
        world.after(prng.below(DELAY_MAX_NS), this::runNext);
      }
    }

    private void runNext() {
      Runnable job = power.isOff() ? null : jobs.poll();
      if (job != null) {
        job.run();
      }
    }

    @Override
    public void close() {
      while (!jobs.isEmpty() && !power.isOff()) {
        runNext();
      }
    }
  }

  private Device openDevice(SimReactor on, Path path, boolean direct) {
    if (direct) {
      SimDevice data = new SimDevice(on, "data", host().disk(path), ALIGNMENT, power, faults);
      devices.add(data);
      return dataWrapper.apply(data);
    }
    SimDevice log = new SimDevice(on, "log", host().log(path), 1, power, new SimFaults());
    devices.add(log);
    return logWrapper.apply(log);
  }

  /** The store's part of a reactor. */
  record Driver(TargetStore store) implements Agent {
    @Override
    public String roleName() {
      return "store";
    }

    @Override
    public int doWork(long nowNs) {
      return store.doWork();
    }

    @Override
    public boolean mayBlock(long nowNs) {
      return !store.hasWork();
    }
  }

  SimHost host() {
    SimHost present = host;
    assert present != null : "alive";
    return present;
  }

  @Override
  public Crc32c crc() {
    return crc;
  }

  @Override
  public TargetStore store() {
    TargetStore present = store;
    assert present != null : "booted";
    return present;
  }

  SimPower power() {
    return power;
  }

  SimDisk disk() {
    return host().disk(directory().resolve(TargetFiles.DEVICE));
  }

  /** Runs something on the reactor, soon. */
  void onReactor(Runnable work) {
    SimReactor on = reactor;
    assert on != null : "booted";
    on.offer(nowNs -> work.run());
  }

  @Override
  public void runUntil(BooleanSupplier done) {
    Simulation world = simulation;
    assert world != null : "booted";
    world.runUntil(done);
  }

  @Override
  public void runFor(long durationNs) {
    Simulation world = simulation;
    assert world != null : "booted";
    world.runFor(durationNs);
  }

  /** Closes properly; a power cut is thrown and wants a {@link #crash}. */
  void shutdown() {
    TargetStore closing = store();
    closing.stop();
    // As a reactor does when it closes: answers first, then what was answered before it was done.
    runUntil(() -> closing.inFlight() == 0 && devices.stream().allMatch(d -> d.inFlight() == 0));
    closing.close();
    store = null;
    endLife();
  }

  /** The process ends without a word; the machine goes on, with what it has cached. */
  void kill() {
    power.cut();
    devices.forEach(SimDevice::powerCut);
    endProcess();
  }

  /** The power fails, or has failed: what is left is what the next boot finds. */
  void crash() throws StoreException {
    power.cut();
    devices.forEach(SimDevice::powerCut);
    Path old = root;
    root = work.resolve("life-" + ++lives);
    host().powerCut(root);
    endLife();
    Host.posix().deleteTree(old);
  }

  private void endLife() {
    endProcess();
    host().close();
    host = null;
  }

  private void endProcess() {
    if (store != null) {
      store.close();
      store = null;
    }
    if (reactor != null) {
      reactor.close();
      reactor = null;
    }
    simulation = null;
    devices.clear();
  }

  /** A cut may still move some of the transfers under way. */
  @Override
  public MemorySegment allocate(int sizeBytes) {
    MemorySegment memory = NativeMemory.allocateAligned(sizeBytes);
    memories.add(memory);
    return memory;
  }

  @Override
  public void close() throws StoreException {
    if (host != null) {
      crash();
    }
    memories.forEach(NativeMemory::unmap);
    Host.posix().deleteTree(work);
  }
}
