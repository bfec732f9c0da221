package io.lampyris.cli.cluster;

import io.lampyris.cli.base.FailedException;
import io.lampyris.cli.base.InputException;
import io.lampyris.protocol.Status;
import io.lampyris.protocol.cluster.AdminAnswer;
import io.lampyris.protocol.cluster.AdminCommand;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Counters;
import io.lampyris.reactor.Reactor;
import io.lampyris.reactor.cluster.AdminClient;
import io.lampyris.reactor.cluster.AdminException;
import io.lampyris.reactor.net.tcp.CloseReason;
import io.lampyris.reactor.net.tcp.TcpNetwork;
import io.lampyris.reactor.net.tcp.TcpOptions;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;

/** A way to the managers of a cluster, for as long as a command runs. */
public final class ClusterLink implements AutoCloseable {
  private static final long TIMEOUT_NS = TimeUnit.SECONDS.toNanos(5);
  private static final int CONNECTIONS_MAX = 8;

  private final Reactor reactor;
  private final TcpNetwork network;
  private final AdminClient client;
  private final Collection<ClusterFile.Endpoint> managers;

  private ClusterLink(
      Reactor reactor,
      TcpNetwork network,
      AdminClient client,
      Collection<ClusterFile.Endpoint> managers) {
    this.managers = managers;
    this.reactor = reactor;
    this.network = network;
    this.client = client;
  }

  public static ClusterLink open(ClusterFile file) {
    Reactor reactor =
        Reactor.builder("cli").bufferClasses(List.of(new SizeClass(64 << 10, 4))).start();
    TcpOptions options =
        TcpOptions.withSecret(file.secret().bytes()).connectionsMax(CONNECTIONS_MAX);
    TcpNetwork network =
        new TcpNetwork(
            reactor,
            "tcp",
            options,
            node -> {
              ClusterFile.Endpoint at = file.managers().get(node);
              return at == null ? null : at.resolved();
            },
            new Counters());
    AdminClient client = new AdminClient(network, file.managerIds(), System::nanoTime, TIMEOUT_NS);
    return new ClusterLink(reactor, network, client, file.managers().values());
  }

  /** Asks the primary. */
  public AdminAnswer ask(AdminCommand command, Map<String, String> arguments)
      throws InputException, FailedException {
    try {
      return client.ask(command, arguments);
    } catch (AdminException e) {
      boolean refused = e.status() == Status.REFUSED || e.status() == Status.INVALID_ARGUMENT;
      if (refused) {
        throw InputException.because(e);
      }
      throw network.closes(CloseReason.SECRET_REFUSED) > 0
          ? secretRefused(managers)
          : FailedException.because(e);
    }
  }

  static FailedException secretRefused(Collection<ClusterFile.Endpoint> managers) {
    return FailedException.of(
        "the cluster secret was refused",
        "a manager of %s ended the connection upon our proof".formatted(managers),
        "the secret of that manager",
        "name the same file, or a copy of it, in cluster.secret_file");
  }

  @Override
  public void close() {
    network.close();
    reactor.close();
  }
}
