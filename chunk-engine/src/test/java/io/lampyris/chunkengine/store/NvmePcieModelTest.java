package io.lampyris.chunkengine.store;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.reactor.testkit.SpdkPcie;
import org.junit.jupiter.api.Test;

/** {@link NvmeModel} over PCI Express, in the virtual rig, with two controllers: one is lost. */
final class NvmePcieModelTest extends NvmeModel {
  @Test
  void nothingAcknowledgedIsLostOverPcie() throws Exception {
    SpdkEnvironment environment = SpdkPcie.environment();
    try (NvmeTarget target =
        new NvmeTarget(tmp.resolve("kept"), environment, name(SpdkPcie.transportId(0)), PATIENCE)) {
      begin(target);
      checks(target, environment, name(SpdkPcie.transportId(0)));
    }
    try (NvmeTarget target =
        new NvmeTarget(tmp.resolve("lost"), environment, name(SpdkPcie.transportId(1)), PATIENCE)) {
      SimWorkload client = begin(target);
      lose(target, client, () -> SpdkPcie.host("unplug", "nv1"));
    }
  }
}
