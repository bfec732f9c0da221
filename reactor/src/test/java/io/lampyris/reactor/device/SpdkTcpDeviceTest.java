package io.lampyris.reactor.device;

/** The same over NVMe/TCP on loopback. */
class SpdkTcpDeviceTest extends SpdkNvmeDeviceTest {
  @Override
  String transportId() {
    return target.overTcp();
  }
}
