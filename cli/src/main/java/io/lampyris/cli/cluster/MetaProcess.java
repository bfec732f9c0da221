package io.lampyris.cli.cluster;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.embedded.Parts;
import io.lampyris.meta.kv.RocksDbKv;
import io.lampyris.meta.ops.LayoutPolicy;
import io.lampyris.meta.service.MetaService;
import io.lampyris.protocol.Routing;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.cluster.RoutingClient;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.IOException;
import java.time.Instant;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A metadata service over TCP from a store of its own, between start and stop. */
public final class MetaProcess implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(MetaProcess.class);
  private static final long POLL_NS = TimeUnit.SECONDS.toNanos(1);

  private final MetaSection self;
  private final Parts parts = new Parts();
  private final Counters counters = new Counters();
  private final LayoutPolicy layouts;
  private @Nullable TcpNetwork network;
  private int port;

  private MetaProcess(MetaSection self) {
    this.self = self;
    layouts = LayoutPolicy.ofTable(self.chunkSizeBytes(), self.stripeMax(), self.chainTable());
  }

  /**
   * Starts a service; returns when it can be reached. Files can be made once its chain table is
   * known.
   *
   * @param onFault is told when its reactor failed
   */
  public static MetaProcess start(ClusterFile file, MetaSection self, Consumer<Throwable> onFault)
      throws FailedException {
    MetaProcess process = new MetaProcess(self);
    boolean started = false;
    try {
      process.startParts(file, onFault);
      started = true;
      return process;
    } catch (KvException | IOException e) {
      throw FailedException.because(e);
    } finally {
      if (!started) {
        process.close();
      }
    }
  }

  private void startParts(ClusterFile file, Consumer<Throwable> onFault)
      throws KvException, IOException {
    Kv kv = RocksDbKv.open(self.dir().resolve("state"));
    parts.onStop("metadata store", kv);
    Addresses addresses = parts.add("addresses", new Addresses(file.managers()));
    Reactor reactor =
        Reactor.builder("meta")
            .counters(counters)
            .faultHandler(fault -> {
              LOG.error("the reactor of metadata service {} failed", self.nodeId(), fault);
              onFault.accept(fault);
            })
            .agent(on -> service(on, kv, file, addresses))
            .agent(on -> routing(on, file))
            .build();
    parts.onStop("reactor", reactor);
    TcpNetwork tcp = parts.add("network", network());
    reactor.start();
    port = tcp.listen(self.listen().resolved());
    LOG.info("metadata service {} listens at {}, port {}", self.nodeId(), self.listen(), port);
  }

  private TcpNetwork network() {
    TcpNetwork present = network;
    assert present != null : "the service is made first";
    return present;
  }

  private MetaService service(Reactor on, Kv kv, ClusterFile file, Addresses addresses) {
    TcpOptions options = TcpOptions.withSecret(file.secret().bytes());
    TcpNetwork tcp = new TcpNetwork(on, "tcp", options, addresses, counters);
    tcp.onRefusal(new Refusals());
    network = tcp;
    MetaService service = new MetaService(on, kv, layouts, MetaProcess::wallClockNs);
    tcp.serve(self.nodeId(), Services.META, on, service);
    return service;
  }

  private RoutingClient routing(Reactor on, ClusterFile file) {
    RoutingClient.Options options =
        new RoutingClient.Options(
            file.managerIds(), POLL_NS, POLL_NS, 0, 0, "meta " + self.nodeId(), self.nodeId());
    return new RoutingClient(on, network(), options, this::onRouting);
  }

  private void onRouting(Routing routing) {
    Routing.ChainTable table = routing.chainTables().get(self.chainTable());
    if (table != null && layouts.onTable(table)) {
      LOG.info("new files lie on table {} of {} chains", table.id(), table.chainIds().size());
    }
  }

  private static long wallClockNs() {
    Instant now = Instant.now();
    return now.getEpochSecond() * 1_000_000_000L + now.getNano();
  }

  public int port() {
    return port;
  }

  /** How the process is, for its control channel. */
  public Map<String, Object> status() {
    return RoleStatus.of("meta", counters);
  }

  @Override
  public void close() {
    parts.close();
  }
}
