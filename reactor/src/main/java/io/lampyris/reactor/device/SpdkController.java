package io.lampyris.reactor.device;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.spdk.NvmeController;
import io.lampyris.bindings.spdk.NvmeNamespace;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.bindings.spdk.SpdkException;
import io.lampyris.reactor.BufferMemory;
import io.lampyris.reactor.Threads;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.Condition;
import java.util.concurrent.locks.ReentrantLock;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * An NVMe controller that several reactors share, each through {@link SpdkNvmeDevice}s of its own.
 * A thread of this polls the admin queue and resets the controller when a device asks for that:
 *
 * <pre>
 *   RUNNING ─► QUIESCING ─(every device stands back)─► reset ─► RUNNING, next generation
 *                                                        └────► FAILED, for ever
 * </pre>
 *
 * Devices see the phase in their turns, connect again and send once more what was aborted. Until
 * the reset is done the controller may write into memory: nobody is answered before.
 */
public final class SpdkController implements AutoCloseable {
  /**
   * How long things may take.
   *
   * @param requestNs until a request is aborted, and again until the controller is reset
   * @param resetNs until a controller that does not come back has failed
   */
  public record Patience(long requestNs, long resetNs) {
    /** As the kernel's driver has it. */
    public static final Patience DEFAULT =
        new Patience(TimeUnit.SECONDS.toNanos(30), TimeUnit.SECONDS.toNanos(20));
  }

  enum Phase {
    RUNNING,
    QUIESCING,
    FAILED
  }

  private static final Logger LOGGER = LoggerFactory.getLogger(SpdkController.class);
  private static final long ADMIN_POLL_NS = TimeUnit.MILLISECONDS.toNanos(20);
  private static final long RESET_AGAIN_NS = TimeUnit.SECONDS.toNanos(1);
  private static final long QUIESCE_WAIT_NS = TimeUnit.SECONDS.toNanos(10);

  /** So many resets without a request done in between, and it has failed. */
  private static final int FRUITLESS_MAX = 3;

  private static final long ALIGNMENT_BYTES = 2 << 20;
  private static final Path PCI_DEVICES = Path.of("/sys/bus/pci/devices");
  private static final Pattern PCI_ADDRESS = Pattern.compile("traddr:([0-9a-fA-F:.]+)");

  private final SpdkEnvironment environment;
  private final NvmeController controller;
  private final Patience patience;
  private final Thread thread;

  private final ReentrantLock lock = new ReentrantLock();
  private final Condition changed = lock.newCondition();
  private final List<SpdkNvmeDevice> devices = new ArrayList<>();
  private final Set<SpdkNvmeDevice> stopped = new HashSet<>();
  private final List<SpdkBlockIo> blocking = new ArrayList<>();
  private String wanted = "";
  private boolean closing;
  private int fruitless;

  private volatile Phase phase = Phase.RUNNING;

  /** How often the controller was reset: queues of an earlier generation have to be reconnected. */
  private volatile long generation;

  private SpdkController(
      SpdkEnvironment environment, NvmeController controller, Patience patience) {
    this.environment = environment;
    this.controller = controller;
    this.patience = patience;
    thread = Thread.ofPlatform().name("nvme-admin").daemon().unstarted(this::run);
  }

  /**
   * Connects.
   *
   * @param transportId as {@link NvmeController#connect} takes it
   * @throws SpdkException with what stands in the way and its remedy
   */
  public static SpdkController connect(
      SpdkEnvironment environment, String transportId, Patience patience) throws SpdkException {
    try {
      NvmeController connected = NvmeController.connect(environment, transportId);
      SpdkController controller = new SpdkController(environment, connected, patience);
      controller.thread.start();
      return controller;
    } catch (SpdkException e) {
      throw new SpdkException(e.getMessage() + explain(transportId));
    }
  }

  /** What the kernel knows of a PCIe address that could not be attached. */
  private static String explain(String transportId) {
    Matcher address = PCI_ADDRESS.matcher(transportId);
    if (!transportId.toLowerCase(java.util.Locale.ROOT).contains("trtype:pcie")
        || !address.find()) {
      return ", limit=a listening target; remedy: check its address and that it runs; SPDK's own words are on the error output";
    }
    Path device = PCI_DEVICES.resolve(address.group(1));
    if (!Files.exists(device)) {
      return ", limit=a PCIe device of this machine; remedy: take an address from lspci -D -d ::0108";
    }
    String driver = driverOf(device);
    if (driver.equals("nvme")) {
      return ": the kernel's driver nvme holds it; remedy, if nothing on it is needed: echo vfio-pci > %1$s/driver_override; echo %2$s > %1$s/driver/unbind; echo %2$s > /sys/bus/pci/drivers_probe"
          .formatted(device, address.group(1));
    }
    return ": driver %s holds it, limit=vfio-pci or uio_pci_generic; remedy: lampyris check host --device %s"
        .formatted(driver, address.group(1));
  }

  private static String driverOf(Path device) {
    try {
      return String.valueOf(device.resolve("driver").toRealPath().getFileName());
    } catch (IOException none) {
      return "none";
    }
  }

  public List<NvmeNamespace> namespaces() {
    return controller.namespaces();
  }

  /** A namespace by its number, of which a device can be made. */
  NvmeNamespace namespace(int id) throws SpdkException {
    for (NvmeNamespace each : controller.namespaces()) {
      if (each.id() == id) {
        if (each.metadataBytes() != 0 || each.sectorBytes() < 512 || each.sectorBytes() > 4096) {
          throw new SpdkException(
              "the namespace has a format that is not supported; observed=%s, limit=512 to 4096 bytes a sector without metadata; remedy: nvme format with such a format"
                  .formatted(each));
        }
        return each;
      }
    }
    throw new SpdkException(
        "no such namespace; observed=%d on %s, limit=%s"
            .formatted(
                id, controller, controller.namespaces().stream().map(NvmeNamespace::id).toList()));
  }

  /** Memory for the buffers of reactors whose devices are this environment's. */
  public static BufferMemory memory(SpdkEnvironment environment) {
    return new BufferMemory() {
      @Override
      public NativeMemory.HugeAllocation allocate(long sizeBytes) {
        try {
          return new NativeMemory.HugeAllocation(
              environment.allocate(sizeBytes, ALIGNMENT_BYTES),
              environment.options().hugePages()
                  ? NativeMemory.Backing.HUGETLB
                  : NativeMemory.Backing.BASE_PAGES);
        } catch (SpdkException e) {
          throw new IllegalStateException(e.getMessage(), e);
        }
      }

      @Override
      public void free(MemorySegment memory) {
        environment.free(memory);
      }
    };
  }

  /**
   * What the beginning of a namespace says that it holds; empty for zeros. Blocks.
   *
   * @throws SpdkException when it cannot be read
   */
  public Optional<String> contentOf(int namespaceId) throws SpdkException {
    try (SpdkBlockIo io = blockIo(namespaceId)) {
      byte[] head = new byte[(int) Math.min(Signatures.HEAD_BYTES, io.namespace().sizeBytes())];
      io.read(0, MemorySegment.ofArray(head));
      return Signatures.of(head);
    }
  }

  /**
   * For reads and writes that block; closed before this is.
   *
   * @throws SpdkException when there is no such namespace, or its format is not supported
   */
  public SpdkBlockIo blockIo(int namespaceId) throws SpdkException {
    SpdkBlockIo made = new SpdkBlockIo(environment, this, namespace(namespaceId));
    exclusively(() -> blocking.add(made));
    return made;
  }

  // ---- what blocking I/O asks ----

  /** Something that a reset must not come between. */
  @FunctionalInterface
  interface Step {
    void run() throws SpdkException;
  }

  void whileRunning(Step step) throws SpdkException {
    lock.lock();
    try {
      long deadlineNs = System.nanoTime() + patience.resetNs;
      while (phase != Phase.RUNNING) {
        long leftNs = deadlineNs - System.nanoTime();
        if (phase == Phase.FAILED || leftNs <= 0) {
          throw new SpdkException(
              "the controller has failed; observed=%s, limit=one that answers; remedy: see the log, check the device"
                  .formatted(controller));
        }
        long ignored = changed.awaitNanos(leftNs);
      }
      step.run();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new SpdkException("interrupted while %s is reset".formatted(controller));
    } finally {
      lock.unlock();
    }
  }

  void remove(SpdkBlockIo io) {
    exclusively(() -> blocking.remove(io));
  }

  void exclusively(Runnable action) {
    lock.lock();
    try {
      action.run();
    } finally {
      lock.unlock();
    }
  }

  // ---- what devices ask ----

  Phase phase() {
    return phase;
  }

  long generation() {
    return generation;
  }

  Patience patience() {
    return patience;
  }

  NvmeController nvme() {
    return controller;
  }

  void add(SpdkNvmeDevice device) {
    lock.lock();
    try {
      devices.add(device);
    } finally {
      lock.unlock();
    }
  }

  void remove(SpdkNvmeDevice device) {
    lock.lock();
    try {
      devices.remove(device);
      stopped.remove(device);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /** A device uses its queue no more, until the phase changes. */
  void stopped(SpdkNvmeDevice device) {
    lock.lock();
    try {
      stopped.add(device);
      changed.signalAll();
    } finally {
      lock.unlock();
    }
  }

  /**
   * A device has lost its queue, or waits in vain.
   *
   * @param seen the generation that it has lost; one that was reset since is not reset again
   */
  void wantReset(String why, long seen) {
    lock.lock();
    try {
      if (wanted.isEmpty() && seen == generation && phase == Phase.RUNNING) {
        wanted = why;
        changed.signalAll();
      }
    } finally {
      lock.unlock();
    }
  }

  /** A request was done since the last reset. */
  void works() {
    lock.lock();
    try {
      fruitless = 0;
    } finally {
      lock.unlock();
    }
  }

  /** Resets the controller, as an operator may want it. Any thread. */
  public void reset() {
    wantReset("on request", generation);
  }

  /** How often it was reset. */
  public long resets() {
    return generation;
  }

  // ---- the admin thread ----

  private void run() {
    NvmeController.adoptThread();
    lock.lock();
    try {
      while (!closing) {
        if (!wanted.isEmpty()) {
          resetNow();
        } else if (phase == Phase.RUNNING && controller.pollAdmin() < 0) {
          wanted = "its admin queue is lost";
        }
        if (wanted.isEmpty() && !closing) {
          long left = changed.awaitNanos(ADMIN_POLL_NS);
          assert left <= ADMIN_POLL_NS : "time goes on";
        }
      }
    } catch (InterruptedException closed) {
      // Nobody else interrupts it.
    } finally {
      lock.unlock();
    }
  }

  private void resetNow() throws InterruptedException {
    if (++fruitless > FRUITLESS_MAX) {
      fail("%s, and resets do not help".formatted(wanted));
      return;
    }
    LOGGER.warn("{} is reset: {}", controller, wanted);
    phase = Phase.QUIESCING;
    List.copyOf(devices).forEach(SpdkNvmeDevice::wake);
    long deadlineNs = System.nanoTime() + QUIESCE_WAIT_NS;
    while (!stopped.containsAll(devices) && !closing) {
      long leftNs = deadlineNs - System.nanoTime();
      if (leftNs <= 0) {
        fail("its devices do not stop");
        return;
      }
      long ignored = changed.awaitNanos(leftNs);
    }
    long giveUpNs = System.nanoTime() + patience.resetNs;
    boolean works = resetOnce(giveUpNs);
    while (!works && !closing && System.nanoTime() < giveUpNs) {
      long ignored = changed.awaitNanos(RESET_AGAIN_NS);
      works = resetOnce(giveUpNs);
    }
    if (works) {
      long next = generation + 1;
      generation = next;
      stopped.clear();
      wanted = "";
      phase = Phase.RUNNING;
      changed.signalAll();
      LOGGER.warn("{} works again", controller);
      List.copyOf(devices).forEach(SpdkNvmeDevice::wake);
    } else {
      fail("it does not come back");
    }
  }

  /** While every reactor stands back, their queues are this thread's. */
  private boolean resetOnce(long giveUpNs) {
    if (controller.disconnect(giveUpNs) != 0) {
      return false;
    }
    devices.forEach(SpdkNvmeDevice::disconnect);
    blocking.forEach(SpdkBlockIo::disconnect);
    return controller.reconnect(giveUpNs) == 0;
  }

  private void fail(String why) {
    LOGGER.error("{} has failed: {}", controller, why);
    wanted = "";
    phase = Phase.FAILED;
    changed.signalAll();
    List.copyOf(devices).forEach(SpdkNvmeDevice::wake);
  }

  /** A device cannot connect again. */
  void failed(String why) {
    lock.lock();
    try {
      if (phase != Phase.FAILED) {
        fail(why);
      }
    } finally {
      lock.unlock();
    }
  }

  @Override
  public String toString() {
    return controller.toString();
  }

  /** Detaches; all devices are closed. */
  @Override
  public void close() {
    lock.lock();
    try {
      assert devices.isEmpty() && blocking.isEmpty()
          : "closed with %d devices".formatted(devices.size() + blocking.size());
      closing = true;
      changed.signalAll();
    } finally {
      lock.unlock();
    }
    Threads.awaitEnd(thread);
    controller.detach();
  }
}
