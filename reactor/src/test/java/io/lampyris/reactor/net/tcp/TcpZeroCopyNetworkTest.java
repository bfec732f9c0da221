package io.lampyris.reactor.net.tcp;

/** The same with all payloads that are not packed lent to the kernel. */
class TcpZeroCopyNetworkTest extends TcpNetworkTest {
  @Override
  TcpOptions options() {
    return super.options().zeroCopyMinBytes(1);
  }

  @Override
  void prepare(TcpNetwork network) {
    network.lendsAlways = true;
  }
}
