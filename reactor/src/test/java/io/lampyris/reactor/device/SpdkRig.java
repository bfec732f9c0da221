package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.bindings.spdk.SpdkEnvironment;
import io.lampyris.reactor.BufferPool.SizeClass;
import io.lampyris.reactor.Reactor;
import java.io.IOException;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A namespace of a controller on a reactor of its own. */
final class SpdkRig implements DeviceConformance.Rig {
  /** Little, so that large transfers go in pieces and many wait for a buffer. */
  private static final List<SizeClass> CLASSES =
      List.of(new SizeClass(4 << 10, 64), new SizeClass(64 << 10, 16), new SizeClass(1 << 20, 4));

  final SpdkController controller;
  final Reactor reactor;
  final SpdkNvmeDevice device;

  SpdkRig(
      SpdkEnvironment environment,
      String transportId,
      int namespace,
      SpdkController.Patience patience)
      throws Exception {
    controller = SpdkController.connect(environment, transportId, patience);
    reactor =
        Reactor.builder("test")
            .memory(SpdkController.memory(environment))
            .bufferClasses(CLASSES)
            .start();
    try {
      device = SpdkNvmeDevice.open(reactor, controller, namespace, true);
    } catch (IOException e) {
      reactor.close();
      controller.close();
      throw e;
    }
  }

  @Override
  public Device device() {
    return device;
  }

  @Override
  public void run(Runnable work) {
    reactor.offer(nowNs -> work.run());
  }

  @Override
  public void await(BooleanSupplier done) {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!done.getAsBoolean()) {
      assertTrue(System.nanoTime() < untilNs, "it goes on");
      LockSupport.parkNanos(100_000);
    }
  }

  @Override
  public void close() {
    reactor.close();
    device.close();
    controller.close();
  }
}
