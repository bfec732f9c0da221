package io.lampyris.chunkengine.store;

import io.lampyris.bindings.NativeMemory;
import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.chunkengine.format.Crc32c;
import io.lampyris.chunkengine.format.Geometry;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.format.Superblock;
import io.lampyris.chunkengine.host.NamespaceHost;
import io.lampyris.chunkengine.host.NamespaceName;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.recovery.TargetFiles;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.device.Device;
import io.lampyris.reactor.device.SpdkController;
import io.lampyris.reactor.device.SpdkNvmeDevice;
import io.lampyris.reactor.device.UringDevice;
import java.io.IOException;
import java.lang.foreign.MemorySegment;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.jspecify.annotations.Nullable;

/** A target on an NVMe namespace, with a reactor that runs on the test's thread. */
final class NvmeTarget implements ModelTarget, AutoCloseable {
  static final long SIZE_BYTES = Geometry.FIRST_EXTENT_OFFSET + 5 * (64L << 20);

  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 16), new SizeClass(1 << 20, 6));

  private final Path dir;
  private final SpdkEnvironment environment;
  private final NamespaceName name;
  private final SpdkController.Patience patience;
  private final Crc32c crc = new Crc32c();
  private final List<MemorySegment> memories = new ArrayList<>();
  private @Nullable Life life;

  private record Life(
      SpdkController controller, NamespaceHost host, TargetStore store, Reactor reactor) {}

  NvmeTarget(
      Path dir, SpdkEnvironment environment, NamespaceName name, SpdkController.Patience patience) {
    this.dir = dir;
    this.environment = environment;
    this.name = name;
    this.patience = patience;
  }

  Path directory() {
    return dir;
  }

  void format() throws IOException, StoreException {
    try (SpdkController controller = connect();
        NamespaceHost host = new NamespaceHost(name, controller)) {
      TargetStore.format(dir, new TargetSpec(1, 1, SIZE_BYTES), options(host));
    }
  }

  /** While it is shut down. */
  void damageFirstSuperblock() throws IOException, StoreException {
    try (SpdkController controller = connect();
        NamespaceHost host = new NamespaceHost(name, controller)) {
      byte[] sector = new byte[Superblock.SIZE_BYTES];
      Arrays.fill(sector, (byte) 0x5A);
      Path device = dir.resolve(TargetFiles.DEVICE);
      host.write(device, Superblock.OFFSET_A, MemorySegment.ofArray(sector));
      host.syncFile(device);
    }
  }

  private SpdkController connect() throws IOException {
    return SpdkController.connect(environment, name.transportId(), patience);
  }

  static TargetOptions options(NamespaceHost host) {
    return TargetOptions.defaults().withHost(host).withLog(3 << 20, 64 << 10);
  }

  void boot() throws IOException, StoreException {
    assert life == null : "one life at a time";
    SpdkController controller = connect();
    NamespaceHost host = new NamespaceHost(name, controller);
    TargetStore store = TargetStore.open(dir, options(host));
    Reactor reactor =
        Reactor.builder("model")
            .memory(SpdkController.memory(environment))
            .bufferClasses(BUFFERS)
            .agent(on -> new SimTarget.Driver(store))
            .build();
    store.attach(reactor, (path, direct) -> open(reactor, host, path, direct));
    reactor.runUntil(() -> true);
    life = new Life(controller, host, store, reactor);
  }

  private static Device open(Reactor reactor, NamespaceHost host, Path path, boolean direct)
      throws IOException {
    return direct
        ? SpdkNvmeDevice.open(reactor, host.controller(), host.name().namespace(), true)
        : UringDevice.open(reactor, path, false);
  }

  /** As a process ends that is told to, or whose device is gone. */
  void shutdown() {
    Life last = alive();
    last.store.stop();
    runUntil(() -> last.store.inFlight() == 0);
    last.reactor.close();
    last.store.close();
    last.host.close();
    last.controller.close();
    life = null;
  }

  private Life alive() {
    Life present = life;
    assert present != null : "booted";
    return present;
  }

  SpdkController controller() {
    return alive().controller;
  }

  @Override
  public TargetStore store() {
    return alive().store;
  }

  @Override
  public Crc32c crc() {
    return crc;
  }

  @Override
  public void runUntil(BooleanSupplier done) {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(120);
    alive()
        .reactor
        .runUntil(() -> {
          assert System.nanoTime() < untilNs : "it goes on";
          return done.getAsBoolean();
        });
  }

  @Override
  public void runFor(long durationNs) {
    long untilNs = System.nanoTime() + durationNs;
    alive().reactor.runUntil(() -> System.nanoTime() >= untilNs);
  }

  @Override
  public MemorySegment allocate(int sizeBytes) {
    MemorySegment memory = NativeMemory.allocateAligned(sizeBytes);
    memories.add(memory);
    return memory;
  }

  @Override
  public void close() {
    if (life != null) {
      shutdown();
    }
    memories.forEach(NativeMemory::unmap);
  }
}
