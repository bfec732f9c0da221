package io.lampyris.cli.cluster;

import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.embedded.ClientSide;
import io.lampyris.cli.embedded.Parts;
import io.lampyris.client.BlockingFileSystem;
import io.lampyris.client.ClientCounters;
import io.lampyris.client.ClientIdentity;
import io.lampyris.client.ClientOptions;
import io.lampyris.client.DataPathOptions;
import io.lampyris.client.FileSystemException;
import io.lampyris.client.ReactorDataPath;
import io.lampyris.client.RouteSource;
import io.lampyris.fuse.FuseMount;
import io.lampyris.fuse.MountException;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.cluster.AdminClient;
import io.lampyris.reactor.cluster.AdminException;
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.tcp.CloseReason;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import io.lampyris.reactor.net.verbs.VerbsNetwork;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A mount of a cluster's files, between start and stop. */
public final class ClientProcess implements AutoCloseable {
  /** A manager that ends at the wrong moment looks like a refusal, but not so often. */
  private static final int REFUSALS_MAX = 3;

  private static final Logger LOG = LoggerFactory.getLogger(ClientProcess.class);
  private static final long POLL_NS = TimeUnit.SECONDS.toNanos(1);
  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(2);

  /** For managers and metadata to start beside this process. */
  private static final long ROUTING_MAX_NS = TimeUnit.SECONDS.toNanos(60);

  private static final long LOOK_EVERY_NS = TimeUnit.MILLISECONDS.toNanos(10);

  private final ClientSection self;
  private final Path mountPoint;
  private final Parts parts = new Parts();
  private final Counters counters = new Counters();
  private final ClientCounters clientCounters = new ClientCounters();
  private final ClientIdentity identity = ClientIdentity.random();
  private final ClientSide client = new ClientSide(counters, clientCounters, identity);
  private @Nullable TcpNetwork network;
  private @Nullable VerbsNetwork rdma;
  private @Nullable RoutingClient routing;
  private @Nullable FuseMount mount;

  private ClientProcess(ClientSection self, Path mountPoint) {
    this.self = self;
    this.mountPoint = mountPoint;
  }

  /**
   * Mounts; returns when the mount answers.
   *
   * @param onFault is told when its reactor failed
   */
  public static ClientProcess start(
      ClusterFile file, ClientSection self, Path mountPoint, Consumer<Throwable> onFault)
      throws InputException, FailedException {
    ClientProcess process = new ClientProcess(self, mountPoint);
    boolean started = false;
    try {
      process.startParts(file, onFault);
      started = true;
      return process;
    } catch (NoRdmaException e) {
      throw InputException.because(e);
    } catch (MountException e) {
      throw translated(e);
    } catch (FileSystemException e) {
      throw FailedException.of(
          "the cluster's files cannot be used",
          "errno " + e.errno() + ", " + e.getMessage(),
          "an answer of the metadata service",
          "see that lampyris meta runs, and where cluster.meta says");
    } catch (IOException e) {
      throw FailedException.because(e);
    } finally {
      if (!started) {
        process.close();
      }
    }
  }

  private void startParts(ClusterFile file, Consumer<Throwable> onFault)
      throws InputException, FailedException, IOException, MountException, FileSystemException {
    if (file.metas().isEmpty()) {
      throw InputException.of(
          "the configuration names no metadata service",
          "cluster.meta is missing or empty",
          "[\"ID@HOST:PORT\"]",
          "name it");
    }
    file.rdma().require();
    Files.createDirectories(self.dir());
    Addresses addresses = parts.add("addresses", new Addresses(file.named()));
    Reactor reactor =
        Reactor.builder("client")
            .counters(counters)
            .faultHandler(fault -> {
              LOG.error("the client's reactor failed", fault);
              onFault.accept(fault);
            })
            .agent(on -> routing(on, file, addresses))
            .agent(this::dataPath)
            .agent(client::rings)
            .agent(client::requests)
            .build();
    parts.onStop("reactor", reactor);
    parts.add("network", network());
    VerbsNetwork verbs = rdma;
    if (verbs != null) {
      parts.add("rdma", verbs);
    }
    reactor.start();
    awaitRouting(file.managers().values());
    int meta = file.metas().keySet().iterator().next();
    BlockingFileSystem files =
        client.files(
            parts,
            network()::connect,
            routes(),
            meta,
            ClientOptions.DEFAULT.withRetryNs(self.timeoutNs()));
    AdminClient admin = new AdminClient(network(), file.managerIds(), System::nanoTime, TIMEOUT_NS);
    files.janitor().shareWith(() -> living(admin));
    files.start();
    mount = client.mount(parts, files, mountPoint, self.name(), self.dir());
  }

  private RoutingClient routing(Reactor on, ClusterFile file, Addresses addresses) {
    TcpOptions options = TcpOptions.withSecret(file.secret().bytes());
    TcpNetwork tcp = new TcpNetwork(on, "tcp", options, addresses, counters);
    tcp.onRefusal(new Refusals());
    network = tcp;
    VerbsNetwork verbs = rdma(on, tcp, file, addresses);
    rdma = verbs;
    addresses.onMove(verbs == null ? tcp::onAddress : verbs::onAddress);
    RoutingClient.Options asks =
        new RoutingClient.Options(
            file.managerIds(),
            POLL_NS,
            TIMEOUT_NS,
            identity.high(),
            identity.low(),
            "mount %s, pid %d".formatted(mountPoint, ProcessHandle.current().pid()),
            identity.low());
    RoutingClient made = new RoutingClient(on, tcp, asks, addresses::onRouting);
    routing = made;
    return made;
  }

  private @Nullable VerbsNetwork rdma(
      Reactor on, TcpNetwork tcp, ClusterFile file, Addresses addresses) {
    try {
      return file.rdma().over(tcp, on, addresses, counters);
    } catch (VerbsUnavailableException e) {
      throw new NoRdmaException(e);
    }
  }

  /** The device that the configuration names cannot be used; inside a reactor's builder. */
  private static final class NoRdmaException extends RuntimeException {
    private static final long serialVersionUID = 1;

    NoRdmaException(VerbsUnavailableException cause) {
      super(cause.getMessage(), cause);
    }
  }

  private ReactorDataPath dataPath(Reactor on) {
    DataPathOptions options =
        DataPathOptions.REMOTE.withLocalNodeId(self.localNodeId()).withRetryNs(self.timeoutNs());
    VerbsNetwork verbs = rdma;
    Network either = verbs == null ? network() : verbs;
    return client.dataPath(on, either::connect, routes(), options);
  }

  private TcpNetwork network() {
    TcpNetwork made = network;
    assert made != null : "routing is made first";
    return made;
  }

  private RouteSource routes() {
    RoutingClient made = routing;
    assert made != null : "routing is made first";
    return RouteSource.of(made::routing, made::refresh);
  }

  private void awaitRouting(Collection<ClusterFile.Endpoint> managers) throws FailedException {
    long untilNs = System.nanoTime() + ROUTING_MAX_NS;
    while (routes().routing().version() == 0) {
      if (network().closes(CloseReason.SECRET_REFUSED) >= REFUSALS_MAX) {
        throw ClusterLink.secretRefused(managers);
      }
      if (System.nanoTime() - untilNs > 0 || Thread.currentThread().isInterrupted()) {
        throw FailedException.of(
            "no manager tells where files are",
            "no answer",
            "within %d s".formatted(TimeUnit.NANOSECONDS.toSeconds(ROUTING_MAX_NS)),
            "see that lampyris mgmtd runs");
      }
      LockSupport.parkNanos(LOOK_EVERY_NS);
    }
  }

  /** The manager lists clients by their ids. */
  private static Set<String> living(AdminClient admin) {
    try {
      Set<String> ids = new HashSet<>();
      admin.ask(AdminCommand.CLIENT_LIST, Map.of()).rows().forEach(row -> ids.add(row.getFirst()));
      return ids;
    } catch (AdminException e) {
      return Set.of();
    }
  }

  private static InputException translated(MountException e) throws FailedException {
    return switch (e.reason()) {
      case POINT_MISSING, POINT_NOT_DIRECTORY, POINT_NOT_EMPTY, POINT_BUSY ->
          InputException.because(e);
      case LIBRARY_MISSING, DEVICE_MISSING, REFUSED, NOT_ANSWERING ->
          throw FailedException.because(e);
    };
  }

  /** Null while the mount is there. */
  public @Nullable FailedException loss() {
    FuseMount mounted = mount;
    if (mounted != null && mounted.isServing()) {
      return null;
    }
    return FailedException.of(
        "the mount is gone", "somebody unmounted " + mountPoint, "SIGTERM", "start it again");
  }

  /** How it is, for its control channel. */
  public Map<String, Object> status() {
    Map<String, Object> status = RoleStatus.of("mount", counters);
    status.put("mount", mountPoint.toString());
    Routing known = routes().routing();
    status.put("routing_version", known.version());
    if (loss() != null) {
      status.put("health", "HEALTH_ERR");
      status.put(
          "reasons",
          List.of("MOUNT_LOST: somebody unmounted %s; start it again".formatted(mountPoint)));
    }
    Map<String, Object> all = new TreeMap<>(counters.snapshot());
    all.putAll(ClientSide.figures(clientCounters.snapshot()));
    status.put("counters", all);
    return status;
  }

  /** How its rings are, for its control channel. */
  public Map<String, Object> ringStatus() {
    return client.ringStatus();
  }

  @Override
  public void close() {
    parts.close();
  }
}
