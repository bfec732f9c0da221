package io.lampyris.reactor.net.tcp;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.net.InetAddress;
import java.net.NetworkInterface;

/** The same over IPv6, where this machine has it. */
class TcpInet6NetworkTest extends TcpNetworkTest {
  private static final byte[] LOOPBACK = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};

  @Override
  InetAddress address() throws Exception {
    InetAddress loopback = InetAddress.getByAddress(LOOPBACK);
    assumeTrue(NetworkInterface.getByInetAddress(loopback) != null, "no IPv6 here");
    return loopback;
  }
}
