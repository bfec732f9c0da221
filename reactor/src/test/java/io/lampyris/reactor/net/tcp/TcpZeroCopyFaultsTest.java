package io.lampyris.reactor.net.tcp;

/** The same with all payloads that are not packed lent to the kernel. */
class TcpZeroCopyFaultsTest extends TcpFaultsTest {
  @Override
  TcpOptions options() {
    return super.options().zeroCopyMinBytes(1);
  }

  @Override
  void prepare(TcpNetwork made) {
    made.lendsAlways = true;
  }
}
