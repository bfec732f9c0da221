package io.lampyris.cli.cluster;

import io.lampyris.bindings.verbs.VerbsUnavailableException;
import io.lampyris.chunkengine.chain.ChainOptions;
import io.lampyris.chunkengine.chain.ChainService;
import io.lampyris.chunkengine.format.StoreException;
import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.cli.cluster.ClusterFile.Endpoint;
import io.lampyris.cli.embedded.Namespaces;
import io.lampyris.cli.embedded.Parts;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.cluster.NodeAgent;
import io.lampyris.reactor.cluster.NodeOptions;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import io.lampyris.reactor.net.verbs.VerbsNetwork;
import java.io.IOException;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A storage node that serves its chains over TCP and RDMA, between start and stop. */
public final class StorageProcess implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(StorageProcess.class);

  /** A manager decides at once; without one, the lease runs out by itself. */
  private static final long LEAVE_MAX_NS = TimeUnit.SECONDS.toNanos(2);

  private static final long LOOK_EVERY_NS = TimeUnit.MILLISECONDS.toNanos(5);
  private static final long ANSWER_MAX_S = 5;

  private final StorageSection self;
  private final Counters counters = new Counters();
  private final Parts parts = new Parts();
  private @Nullable Running running;

  /** What there is once everything was made. */
  private record Running(
      Reactor reactor, StorageHost host, StorageStatus status, int port, Endpoint address) {}

  private StorageProcess(StorageSection self) {
    this.self = self;
  }

  /**
   * Starts a node; formats its targets on first use; returns when it can be reached.
   *
   * @param onFault is told when its reactor failed
   */
  public static StorageProcess start(
      ClusterFile file, StorageSection self, Consumer<Throwable> onFault)
      throws InputException, FailedException {
    StorageProcess process = new StorageProcess(self);
    boolean started = false;
    try {
      process.startParts(file, onFault);
      started = true;
      return process;
    } catch (StartException e) {
      if (e.getCause() instanceof VerbsUnavailableException unavailable) {
        throw InputException.because(unavailable);
      }
      throw FailedException.because(e);
    } finally {
      if (!started) {
        process.parts.close();
      }
    }
  }

  /** What goes wrong inside a reactor's builder. */
  private static final class StartException extends RuntimeException {
    private static final long serialVersionUID = 1;

    StartException(Exception cause) {
      super(cause.getMessage(), cause);
    }
  }

  private void startParts(ClusterFile file, Consumer<Throwable> onFault)
      throws InputException, FailedException {
    file.rdma().require();
    Namespaces devices = parts.add("devices", Namespaces.open(self.settings().nvme()));
    long incarnation = NodeState.nextIncarnation(self.dir(), self.nodeId());
    StorageTargets targets = StorageTargets.open(self, devices, parts);
    Addresses addresses = parts.add("addresses", new Addresses(file.named()));
    StorageHost host = new StorageHost(targets, addresses);
    Made made = new Made(file, incarnation, devices, targets, addresses, host);
    Reactor reactor =
        Reactor.builder("storage")
            .counters(counters)
            .memory(devices.memory())
            .faultHandler(fault -> {
              LOG.error("the reactor of storage node {} failed", self.nodeId(), fault);
              onFault.accept(fault);
            })
            .agent(made::chains)
            .agent(made::agent)
            .agent(on -> host)
            .build();
    parts.onStop("reactor", reactor);
    parts.add("network", made.network());
    VerbsNetwork rdma = made.rdma;
    if (rdma != null) {
      parts.add("rdma", rdma);
    }
    StorageStatus status = new StorageStatus(self, targets, host, counters);
    running = new Running(reactor, host, status, made.port, made.address());
    reactor.start();
    LOG.info(
        "storage node {} listens at port {}, is reached at {}, has {} targets",
        self.nodeId(),
        made.port,
        made.address(),
        targets.stores().size());
  }

  /** The agents of the reactor, in the order in which they need each other. */
  private final class Made {
    private final ClusterFile file;
    private final long incarnation;
    private final Namespaces devices;
    private final StorageTargets targets;
    private final Addresses addresses;
    private final StorageHost host;
    private @Nullable TcpNetwork network;
    private @Nullable VerbsNetwork rdma;
    private @Nullable ChainService chains;
    private int port;

    Made(
        ClusterFile file,
        long incarnation,
        Namespaces devices,
        StorageTargets targets,
        Addresses addresses,
        StorageHost host) {
      this.file = file;
      this.incarnation = incarnation;
      this.devices = devices;
      this.targets = targets;
      this.addresses = addresses;
      this.host = host;
    }

    TcpNetwork network() {
      TcpNetwork present = network;
      assert present != null : "the chains are made first";
      return present;
    }

    ChainService chains(Reactor on) {
      TcpOptions options = TcpOptions.withSecret(file.secret().bytes());
      TcpNetwork tcp = new TcpNetwork(on, "tcp", options, addresses, counters);
      tcp.onRefusal(new Refusals());
      network = tcp;
      try {
        VerbsNetwork verbs = file.rdma().over(tcp, on, addresses, counters);
        rdma = verbs;
        Network either = verbs == null ? tcp : verbs;
        addresses.onMove(verbs == null ? tcp::onAddress : verbs::onAddress);
        ChainService service =
            new ChainService(
                on,
                (path, direct) -> devices.device(on, path, direct),
                targets.stores(),
                either,
                host,
                ChainOptions.defaults(incarnation));
        either.serve(self.nodeId(), Services.STORAGE, on, service);
        port = tcp.listen(self.listen().resolved());
        chains = service;
        return service;
      } catch (StoreException | IOException | VerbsUnavailableException e) {
        throw new StartException(e);
      }
    }

    Endpoint address() {
      Endpoint named = self.address();
      return named.port() == 0 ? named.withPort(port) : named;
    }

    NodeAgent agent(Reactor on) {
      ChainService service = chains;
      assert service != null : "the chains are made first";
      NodeOptions options =
          new NodeOptions(
              self.nodeId(),
              incarnation,
              address().toString(),
              self.domain(),
              file.managerIds(),
              self.terms());
      NodeAgent made = new NodeAgent(on, network(), options, host);
      host.with(service, made);
      return made;
    }
  }

  private Running running() {
    Running now = running;
    assert now != null : "it was started";
    return now;
  }

  public int port() {
    return running().port;
  }

  /** Whether the manager has taken the node out of the cluster: the process is to end. */
  public boolean hasLeft() {
    return running().host.hasLeft();
  }

  /** How the node is, for its control channel. */
  public Map<String, Object> status() {
    Running now = running();
    try {
      return onReactor(now.reactor, now.status::now);
    } catch (TimeoutException e) {
      return now.status.stuck();
    }
  }

  private static <T> T onReactor(Reactor reactor, Supplier<T> question) throws TimeoutException {
    CompletableFuture<T> answer = new CompletableFuture<>();
    reactor.offer(nowNs -> answer.complete(question.get()));
    try {
      return answer.get(ANSWER_MAX_S, TimeUnit.SECONDS);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new TimeoutException();
    } catch (ExecutionException e) {
      throw new AssertionError("nothing fails it", e);
    }
  }

  /** Leaves the chains, as far as the manager lets go of the node in time; then ends. */
  @Override
  public void close() {
    Running now = running;
    if (now != null) {
      leave(now);
    }
    parts.close();
  }

  private void leave(Running now) {
    now.reactor.offer(nowNs -> now.host.stop());
    long untilNs = System.nanoTime() + LEAVE_MAX_NS;
    try {
      while (!onReactor(now.reactor, now.host::isStopped)) {
        if (System.nanoTime() - untilNs > 0) {
          LOG.warn("the manager has not dropped the node's targets in time; stopping all the same");
          return;
        }
        LockSupport.parkNanos(LOOK_EVERY_NS);
      }
    } catch (TimeoutException e) {
      LOG.error("the reactor does not answer; stopping all the same");
    }
  }
}
