package io.lampyris.reactor.net.tcp;

import io.lampyris.reactor.Counters;
import io.lampyris.reactor.net.Network;
import io.lampyris.reactor.net.NetworkConformance;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;

class TcpNetworkTest extends NetworkConformance {
  static final byte[] SECRET = "a secret of tests".getBytes(StandardCharsets.UTF_8);

  @SuppressWarnings("NullAway.Init") // in open
  private TcpNetwork serving;

  @SuppressWarnings("NullAway.Init")
  private TcpNetwork calling;

  @Override
  protected Network serving() {
    return serving;
  }

  @Override
  protected Network calling() {
    return calling;
  }

  /** Where the server listens; port 0. */
  InetAddress address() throws Exception {
    return InetAddress.getLoopbackAddress();
  }

  TcpOptions options() {
    return TcpOptions.withSecret(SECRET).connectionsMax(32);
  }

  /** For tests of one way to send. */
  void prepare(TcpNetwork network) {}

  @Override
  protected void open() throws Exception {
    TcpOptions options = options();
    serving = new TcpNetwork(server, "serving", options, node -> null, new Counters());
    prepare(serving);
    int port = serving.listen(new InetSocketAddress(address(), 0));
    InetSocketAddress to = new InetSocketAddress(address(), port);
    calling =
        new TcpNetwork(home, "calling", options, node -> node == NODE ? to : null, new Counters());
    prepare(calling);
  }

  @Override
  protected void shut() {
    calling.close();
    serving.close();
  }
}
