package io.lampyris.reactor.device;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Reactor;
import java.util.List;

/** A namespace of a controller on a reactor of its own. */
final class SpdkRig extends ReactorRig {
  /** Little, so that large transfers go in pieces and many wait for a buffer. */
  private static final List<SizeClass> CLASSES =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 16), new SizeClass(1 << 20, 4));

  final SpdkController controller;
  final SpdkNvmeDevice device;

  SpdkRig(
      SpdkEnvironment environment,
      String transportId,
      int namespace,
      SpdkController.Patience patience)
      throws Exception {
    super(
        Reactor.builder("test")
            .memory(SpdkController.memory(environment))
            .bufferClasses(CLASSES)
            .start());
    SpdkController connected = null;
    boolean whole = false;
    try {
      connected = SpdkController.connect(environment, transportId, patience);
      device = SpdkNvmeDevice.open(reactor, connected, namespace, true);
      whole = true;
    } finally {
      if (!whole) {
        reactor.close();
        if (connected != null) {
          connected.close();
        }
      }
    }
    controller = connected;
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public void close() {
    reactor.close();
    device.close();
    controller.close();
  }
}
