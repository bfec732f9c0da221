package io.lampyris.reactor.device;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.reactor.testkit.SpdkPcie;
import java.io.IOException;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.params.ParameterizedClass;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * The same over PCI Express, in the virtual rig: a namespace of 4096 and one of 512 bytes a sector.
 */
@ParameterizedClass
@ValueSource(ints = {1, 2})
class SpdkPcieDeviceTest extends DeviceConformance {
  @SuppressWarnings("NullAway.Init")
  private static SpdkEnvironment environment;

  private final int namespace;

  SpdkPcieDeviceTest(int namespace) {
    this.namespace = namespace;
  }

  @BeforeAll
  static void start() throws IOException {
    environment = SpdkPcie.environment();
  }

  @Override
  long sizeBytes() {
    return 64L << 20;
  }

  @Override
  Rig open(long sizeBytes) throws Exception {
    SpdkRig rig =
        new SpdkRig(environment, SpdkPcie.transportId(0), namespace, SpdkNvmeDeviceTest.PATIENCE);
    SpdkNvmeDeviceTest.zero(rig, sizeBytes);
    return rig;
  }
}
