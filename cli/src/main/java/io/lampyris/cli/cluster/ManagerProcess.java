package io.lampyris.cli.cluster;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.meta.kv.RocksDbKv;
import io.lampyris.mgmtd.config.ConfigLayer;
import io.lampyris.mgmtd.config.Merged;
import io.lampyris.mgmtd.config.MgmtdKeys;
import io.lampyris.mgmtd.service.MgmtdOptions;
import io.lampyris.mgmtd.service.MgmtdService;
import io.lampyris.protocol.Services;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.kv.Kv;
import io.lampyris.reactor.kv.KvException;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** A manager that serves over TCP from a store of its own, between start and stop. */
public final class ManagerProcess implements AutoCloseable {
  private static final Logger LOG = LoggerFactory.getLogger(ManagerProcess.class);

  /** For routing that fits into no message; the largest bounds how large routing may be. */
  private static final List<SizeClass> BUFFERS =
      List.of(new SizeClass(64 << 10, 64), new SizeClass(1 << 20, 16), new SizeClass(16 << 20, 4));

  private final Kv kv;
  private final Reactor reactor;
  private final TcpNetwork network;
  private final Counters counters;
  private final int port;

  private ManagerProcess(Kv kv, Reactor reactor, TcpNetwork network, Counters counters, int port) {
    this.counters = counters;
    this.kv = kv;
    this.reactor = reactor;
    this.network = network;
    this.port = port;
  }

  /**
   * Starts a manager; returns when it can be reached.
   *
   * @param onFault is told when its reactor failed
   */
  public static ManagerProcess start(
      ClusterFile file, ClusterFile.Manager self, Consumer<Throwable> onFault)
      throws InputException, FailedException {
    check(self);
    Kv kv;
    try {
      kv = RocksDbKv.open(self.dir().resolve("state"));
    } catch (KvException e) {
      throw FailedException.because(e);
    }
    MgmtdOptions options = MgmtdOptions.alone(self.nodeId()).settings(self.settings());
    MgmtdService[] service = new MgmtdService[1];
    Counters counters = new Counters();
    Reactor reactor =
        Reactor.builder("mgmtd")
            .counters(counters)
            .bufferClasses(BUFFERS)
            .faultHandler(fault -> {
              LOG.error("the manager's reactor failed", fault);
              onFault.accept(fault);
            })
            .agent(on -> service[0] = new MgmtdService(on, kv, options))
            .build();
    TcpOptions tcp = TcpOptions.withSecret(file.secret().bytes());
    TcpNetwork network = new TcpNetwork(reactor, "tcp", tcp, node -> null, counters);
    network.onRefusal(new Refusals());
    network.serve(self.nodeId(), Services.MGMTD, reactor, service[0]);
    reactor.start();
    try {
      int port = network.listen(self.listen().resolved());
      LOG.info("manager {} listens at {}, port {}", self.nodeId(), self.listen(), port);
      return new ManagerProcess(kv, reactor, network, counters, port);
    } catch (IOException e) {
      new ManagerProcess(kv, reactor, network, counters, 0).close();
      throw FailedException.because(e);
    }
  }

  private static void check(ClusterFile.Manager self) throws InputException {
    ConfigLayer layer = new ConfigLayer("mgmtd.settings", 0, self.settings());
    if (MgmtdKeys.registry().merge(List.of(layer)) instanceof Merged.Invalid invalid) {
      throw InputException.of(
          "settings of the manager are not valid",
          invalid.faults(),
          "what config get shows as admitted",
          "correct [mgmtd.settings]");
    }
  }

  public int port() {
    return port;
  }

  /** How the process is, for its control channel; how the cluster is says the primary. */
  public Map<String, Object> status() {
    return RoleStatus.of("mgmtd", counters);
  }

  @Override
  public void close() {
    network.close();
    reactor.close();
    kv.close();
  }
}
