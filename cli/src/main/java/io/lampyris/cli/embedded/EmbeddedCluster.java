package io.lampyris.cli.embedded;

import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.chunkengine.options.TargetOptions;
import io.lampyris.chunkengine.options.TargetSpec;
import io.lampyris.chunkengine.service.StorageService;
import io.lampyris.chunkengine.store.TargetStore;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.config.NvmeSettings;
import io.lampyris.cli.instance.Format;
import io.lampyris.cli.instance.InstanceDirectory;
import io.lampyris.cli.instance.Preflight;
import io.lampyris.client.BlockingFileSystem;
import io.lampyris.client.ClientCounters;
import io.lampyris.client.ClientIdentity;
import io.lampyris.client.ClientOptions;
import io.lampyris.client.DataPathOptions;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.RouteSource;
import io.lampyris.fuse.FuseMount;
import io.lampyris.fuse.MountException;
import io.lampyris.meta.kv.RocksDbKv;
import io.lampyris.meta.ops.LayoutPolicy;
import io.lampyris.meta.service.MetaService;
import io.lampyris.mgmtd.SingleNode;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.IdlePolicy;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.net.LocalNetwork;
import java.io.IOException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.stream.LongStream;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Every role of a cluster in this JVM, between start and stop. */
public final class EmbeddedCluster implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(EmbeddedCluster.class);
  private static final int NODE_ID = 1;
  private static final int MOUNT_NAME_LENGTH = 8;

  private final Preflight.Plan plan;
  private final Namespaces devices;
  private final InstanceDirectory dir;
  private final Parts parts = new Parts();
  private final Counters counters = new Counters();
  private final ClientCounters clientCounters = new ClientCounters();
  private final ClientSide client =
      new ClientSide(counters, clientCounters, ClientIdentity.random());
  private final LocalNetwork network = new LocalNetwork();
  private final RouteSource routes;
  private final ClusterStatus status;
  private @Nullable FuseMount mount;

  private EmbeddedCluster(Preflight.Plan plan, Namespaces devices) {
    this.plan = plan;
    this.devices = devices;
    this.dir = plan.dir();
    // mgmtd's part: with one node the routing never changes.
    Routing fixed = SingleNode.routing(NODE_ID, targetIds(plan.format()));
    this.routes = RouteSource.of(() -> fixed);
    this.status = new ClusterStatus(plan, counters, clientCounters);
  }

  /**
   * Reaches for the devices of all targets; changes nothing.
   *
   * @throws InputException when one cannot be reached, or cannot become a target
   */
  static Namespaces devices(Preflight.Plan plan) throws InputException {
    NvmeSettings nvme = plan.configuration().storage().nvme();
    Namespaces devices = Namespaces.open(nvme);
    boolean whole = false;
    try {
      for (long id : targetIds(plan.format())) {
        long newBytes = plan.firstUse() ? plan.format().targetSizeBytes() : 0;
        devices.place(plan.dir().target(id), nvme.namespaceOf((int) id - 1), newBytes);
      }
      whole = true;
      return devices;
    } catch (StoreException e) {
      throw InputException.because(e);
    } finally {
      if (!whole) {
        devices.close();
      }
    }
  }

  /** Starts everything and returns when the mount answers. */
  static EmbeddedCluster start(Preflight.Plan plan, Namespaces devices)
      throws IOException, InputException, FailedException {
    EmbeddedCluster cluster = new EmbeddedCluster(plan, devices);
    boolean started = false;
    try {
      cluster.startParts();
      started = true;
      return cluster;
    } catch (StoreException e) {
      throw translated(e);
    } catch (MountException e) {
      throw translated(e);
    } catch (KvException e) {
      throw FailedException.because(e);
    } catch (FileSystemException e) {
      throw FailedException.of(
          "cannot finish what the last run left undone",
          "errno " + e.errno() + ", " + e.getMessage(),
          "success",
          "see " + plan.dir().log());
    } finally {
      if (!started) {
        cluster.close();
      }
    }
  }

  private void startParts()
      throws IOException, StoreException, MountException, FileSystemException, KvException {
    List<TargetStore> stores = openTargets();
    Kv kv = RocksDbKv.open(dir.meta());
    parts.onStop("metadata store", kv);
    startMeta(kv);
    Reactor data = startData(stores);
    BlockingFileSystem files =
        client.files(parts, network::connect, routes, NODE_ID, ClientOptions.DEFAULT);
    files.janitor().settleAll();
    files.start();
    mount = client.mount(parts, files, plan.mount(), mountName(), dir.root());
    status.observe(data, stores, mount);
  }

  private List<TargetStore> openTargets() throws StoreException {
    List<TargetStore> stores = new ArrayList<>();
    for (long id : targetIds(plan.format())) {
      TargetOptions options =
          plan.configuration().storage().options().withHost(devices.host(dir.target(id)));
      if (plan.firstUse()) {
        TargetSpec spec = new TargetSpec(id, chainOf(id), plan.format().targetSizeBytes());
        TargetStore.format(dir.target(id), spec, options);
      }
      stores.add(parts.add("target " + id, TargetStore.open(dir.target(id), options)));
    }
    return stores;
  }

  private void startMeta(Kv kv) {
    int chains = plan.format().targetCount();
    LayoutPolicy layouts =
        new LayoutPolicy(
            plan.configuration().chunkSizeBytes(),
            chains,
            SingleNode.CHAIN_TABLE_ID,
            SingleNode.CHAIN_TABLE_VERSION,
            chains);
    Made<MetaService> meta = new Made<>();
    Reactor reactor =
        builder("meta")
            .agent(r -> meta.set(new MetaService(r, kv, layouts, EmbeddedCluster::wallClockNs)))
            .build();
    network.serve(NODE_ID, Services.META, reactor, meta.get());
    start(reactor);
  }

  private Reactor startData(List<TargetStore> stores) throws StoreException {
    Made<StorageService> storage = new Made<>();
    List<StorageService.Hosted> hosted =
        stores.stream()
            .map(store -> new StorageService.Hosted(store, SingleNode.CHAIN_VERSION))
            .toList();
    Made<StoreException> failure = new Made<>();
    Reactor reactor;
    try {
      reactor =
          builder("data-0")
              .memory(devices.memory())
              .agent(r -> storage.set(storage(r, hosted, failure)))
              .agent(r -> client.dataPath(r, network::connect, routes, DataPathOptions.EMBEDDED))
              .agent(client::rings)
              .agent(client::requests)
              .build();
    } catch (IllegalStateException e) {
      if (failure.isSet()) {
        throw failure.get();
      }
      throw e;
    }
    network.serve(NODE_ID, Services.STORAGE, reactor, storage.get());
    start(reactor);
    return reactor;
  }

  private StorageService storage(
      Reactor reactor, List<StorageService.Hosted> hosted, Made<StoreException> failure) {
    try {
      return new StorageService(
          reactor, (path, direct) -> devices.device(reactor, path, direct), hosted);
    } catch (StoreException e) {
      failure.set(e);
      throw new IllegalStateException(e);
    }
  }

  private Reactor.Builder builder(String name) {
    IdlePolicy idle =
        switch (plan.configuration().idle()) {
          case BLOCK -> IdlePolicy.BLOCK;
          case BACKOFF -> IdlePolicy.BACKOFF;
          case SPIN -> IdlePolicy.SPIN;
        };
    return Reactor.builder(name).idle(idle).counters(counters).faultHandler(f -> fault(name, f));
  }

  private void start(Reactor reactor) {
    parts.onStop("reactor " + reactor.name(), reactor);
    reactor.start();
  }

  /** Half a reactor is worse than none: what is durable is safe, the next start takes it up. */
  private static void fault(String name, Throwable fault) {
    try {
      LOG.error("reactor {} failed; the process ends", name, fault);
      fault.printStackTrace();
    } finally {
      Runtime.getRuntime().halt(Instance.EXIT_FAULT);
    }
  }

  private String mountName() {
    return plan.format().id().toString().substring(0, MOUNT_NAME_LENGTH);
  }

  private static List<Long> targetIds(Format format) {
    return LongStream.rangeClosed(1, format.targetCount()).boxed().toList();
  }

  /** {@link SingleNode} numbers chains like this, and our targets are 1, 2, 3 … */
  private static int chainOf(long targetId) {
    return (int) targetId;
  }

  private static long wallClockNs() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  private static InputException translated(StoreException e) throws FailedException {
    return switch (e.reason()) {
      case INVALID_ARGUMENT,
          EXISTS,
          UNFINISHED,
          CORRUPT_SUPERBLOCK,
          OTHER_FORMAT_VERSION,
          SIZE_MISMATCH ->
          InputException.because(e);
      case LOG_CORRUPT, NO_SPACE, IN_USE, IO -> throw FailedException.because(e);
    };
  }

  private static InputException translated(MountException e) throws FailedException {
    return switch (e.reason()) {
      case POINT_MISSING, POINT_NOT_DIRECTORY, POINT_NOT_EMPTY, POINT_BUSY ->
          InputException.because(e);
      case LIBRARY_MISSING, DEVICE_MISSING, REFUSED, NOT_ANSWERING ->
          throw FailedException.because(e);
    };
  }

  /** Whether the mount is still there. */
  boolean isServing() {
    FuseMount mounted = mount;
    return mounted != null && mounted.isServing();
  }

  /** What {@code lampyris status} shows. */
  Map<String, Object> status() {
    return status.now();
  }

  /** What {@code lampyris usrbio top} looks at. */
  Map<String, Object> ringStatus() {
    return client.ringStatus();
  }

  @Override
  public void close() {
    parts.close();
  }

  /** What a reactor's builder makes, for those who need it outside. */
  private static final class Made<T> {
    private @Nullable T value;

    T set(T made) {
      value = made;
      return made;
    }

    boolean isSet() {
      return value != null;
    }

    T get() {
      T made = value;
      assert made != null : "the builder makes its agents";
      return made;
    }
  }
}
