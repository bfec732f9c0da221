package io.lampyris.reactor.device;

import static org.junit.jupiter.api.Assertions.assertTrue;

import io.lampyris.reactor.Reactor;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;

/** A device on a real reactor. */
abstract class ReactorRig implements DeviceConformance.Rig {
  final Reactor reactor;

  ReactorRig(Reactor reactor) {
    this.reactor = reactor;
  }

  @Override
  public final void run(Runnable work) {
    reactor.offer(nowNs -> work.run());
  }

  @Override
  public final void await(BooleanSupplier done) {
    long untilNs = System.nanoTime() + TimeUnit.SECONDS.toNanos(60);
    while (!done.getAsBoolean()) {
      assertTrue(System.nanoTime() < untilNs, "it goes on");
      LockSupport.parkNanos(100_000);
    }
  }
}
